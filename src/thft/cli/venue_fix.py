"""`thft venue fix-lp|ctrader|lmax|fxcm|binance-fix`: simulated liquidity providers on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path

from cyclopts import App, Parameter

from thft.base.errors import LocalError
from thft.cli import venue_certify
from thft.cli.fix_options import ServerTls
from thft.gateway.dialects import load
from thft.sim.fix import keys
from thft.sim.fix.faults import load_faults
from thft.sim.fix.profile import Profile, profile
from thft.sim.fix_lp import FixVenue


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LpOptions:
    """What every simulated liquidity provider can be told."""

    port: int = 0
    """First port, 0 for any; a venue of several links takes those that follow."""
    faults: Path | None = None
    """TOML file of what goes wrong, and when."""
    seed: int = 1
    """Seed of prices and of all chance."""
    cert: Path | None = None
    """PEM file of a certificate: the ports speak TLS."""
    key: Path | None = None
    """PEM file of its key, if that is another file."""
    dialect: str = ""
    """A record of your own, by path, that the venue follows instead of its kind's."""


DEFAULT = LpOptions()


def fix_lp(options: LpOptions = DEFAULT) -> int:
    """Serves plain FIX 4.4: log on as THFT, user thft, password simulated; prints its port."""
    return _serve("fix-lp", options)


def ctrader(options: LpOptions = DEFAULT) -> int:
    """Serves cTrader's quote and trade sessions; prints their ports.

    Log on as demo.thft.1000001 (hedged) or demo.thft.1000002, user 1000001 or 1000002, password
    simulated.
    """
    return _serve("ctrader", options)


def lmax(options: LpOptions = DEFAULT) -> int:
    """Serves LMAX: log on as thft_lmax, password simulated; prints its ports."""
    return _serve("lmax", options)


def fxcm(options: LpOptions = DEFAULT) -> int:
    """Serves FXCM: log on as D1000001_client1 to U100D1, user D1000001, password simulated."""
    return _serve("fxcm", options)


def binance_fix(options: LpOptions = DEFAULT, client_key: Path | None = None) -> int:
    """Serves Binance FIX: log on under any 49, user simulated-key, signed by the client's key.

    Parameters
    ----------
    client_key
        PEM file of the Ed25519 key that signs, or of its public half; a key is made where there
        is no such file.
    """
    made = profile("binance-fix")
    if client_key is not None:
        made.logins[0].key = keys.client_key(client_key)
    return _serve("binance-fix", options, made)


def add_to(app: App) -> None:
    """Adds the commands to `thft venue`."""
    for command in (fix_lp, ctrader, lmax, fxcm, binance_fix):
        app.command(command)
    app.command(venue_certify.command, name="certify")


def _serve(name: str, options: LpOptions, made: Profile | None = None) -> int:
    if options.key is not None and options.cert is None:
        raise LocalError("--key without --cert", "give both, or --cert with both in one file")
    tls = ServerTls(certificate=options.cert, key=options.key).context()
    faults = load_faults(options.faults) if options.faults is not None else ()

    made = made or profile(name)
    if options.dialect:
        made = made.with_record(load(options.dialect))

    async def main() -> None:
        venue = FixVenue(made, options.seed, faults)
        print(json.dumps({name: await venue.listen(options.port, tls)}), flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        playing = asyncio.ensure_future(venue.run_model(options.seed))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait([playing, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await venue.stop("the venue is stopped")
        if playing.done():
            playing.result()
        playing.cancel()

    asyncio.run(main())
    return 0

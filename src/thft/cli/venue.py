"""`thft venue NAME`: simulated venues on loopback, alone or as the demo's market."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path

from cyclopts import App, Parameter

from thft.base.errors import LocalError
from thft.cli import venue_fix, venue_metatrader
from thft.sim.demo_market import DemoMarket, FileMarket
from thft.sim.quote_file import DAY_NS, merged
from thft.sim.ws.binance import BinanceVenue
from thft.sim.ws.bitfinex import BitfinexVenue
from thft.sim.ws.bybit import BybitVenue
from thft.sim.ws.coinbase import CoinbaseVenue
from thft.sim.ws.faults import load_faults, run_faults
from thft.sim.ws.kraken import KrakenVenue
from thft.sim.ws.market import run_market
from thft.sim.ws.okx import OkxVenue
from thft.sim.ws.server import VenueServer

app = App(name="venue", help="Run a simulated venue on 127.0.0.1.")
GRACE_S = 1.0
venue_fix.add_to(app)
venue_metatrader.add_to(app)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FeedOptions:
    """What every simulated WebSocket venue can be told."""

    port: int = 0
    """Its port, 0 for any."""
    faults: Path | None = None
    """TOML file of what goes wrong, and when."""
    seed: int = 1
    """Seed of the market: whatever is subscribed, moves."""


DEFAULT = FeedOptions()


@app.command
def binance(options: FeedOptions = DEFAULT, *, rest_port: int = 0) -> int:
    """Serves quotes, depth and trades, and depth snapshots by HTTP; prints both ports."""
    return _serve(BinanceVenue(), options, rest_port)


@app.command
def kraken(options: FeedOptions = DEFAULT) -> int:
    """Serves v2 depth-10 books and trades; prints its port."""
    return _serve(KrakenVenue(), options)


@app.command
def bybit(options: FeedOptions = DEFAULT) -> int:
    """Serves v5 quotes, books and trades; prints its port."""
    return _serve(BybitVenue(), options)


@app.command
def coinbase(options: FeedOptions = DEFAULT) -> int:
    """Serves Advanced Trade books and trades; prints its port."""
    return _serve(CoinbaseVenue(), options)


@app.command
def okx(options: FeedOptions = DEFAULT) -> int:
    """Serves v5 quotes, books and trades; prints its port."""
    return _serve(OkxVenue(), options)


@app.command
def bitfinex(options: FeedOptions = DEFAULT) -> int:
    """Serves v2 books and trades; prints its port."""
    return _serve(BitfinexVenue(), options)


def _serve(venue: VenueServer, options: FeedOptions, rest_port: int = 0) -> int:
    faults = load_faults(options.faults) if options.faults is not None else ()

    async def main() -> None:
        ports = {venue.name: await venue.listen(options.port)}
        if venue.has_rest:
            ports[f"{venue.name}_rest"] = await venue.listen_rest(rest_port)
        print(json.dumps(ports), flush=True)
        market = asyncio.ensure_future(run_market(venue, options.seed))
        trouble = asyncio.ensure_future(run_faults(venue, faults))
        stopped = asyncio.ensure_future(_stopped())
        await asyncio.wait([market, stopped], return_when=asyncio.FIRST_COMPLETED)
        if market.done():
            market.result()
        for task in (market, trouble):
            task.cancel()
        await venue.close()

    asyncio.run(main())
    return 0


@app.command
def demo(
    *,
    seed: int = 1,
    quotes_fast: Path | None = None,
    quotes_slow: Path | None = None,
    speed: str = "1",
    since: str = "00:00",
    until: str = "24:00",
) -> int:
    """Serves a fast venue (Binance) and a slow one (cTrader by FIX, Kraken for quote files).

    Parameters
    ----------
    seed
        Seed of the market model.
    quotes_fast
        CSV of the fast venue instead of the model.
    quotes_slow
        CSV of the slow venue instead of the model.
    speed
        Market seconds per second, or "max" for lock-step.
    since
        First UTC time of day of the files, HH:MM.
    until
        Last UTC time of day of the files, HH:MM.
    """
    check_playback(quotes_fast, quotes_slow, speed)
    asyncio.run(
        _demo(seed, quotes_fast, quotes_slow, speed, time_of_day(since), time_of_day(until))
    )
    return 0


def check_playback(fast: Path | None, slow: Path | None, speed: str) -> None:
    """Raises LocalError when these options do not fit together."""
    if (fast is None) != (slow is None):
        raise LocalError("--quotes-fast and --quotes-slow belong together", "give both or none")
    try:
        good = float(speed) > 0
    except ValueError:
        good = speed == "max" and fast is not None
    if not good:
        remedy = 'give market seconds per second, or "max" with quote files'
        raise LocalError(f"--speed {speed!r} is no pace", remedy)


def time_of_day(text: str) -> int:
    """Returns HH:MM as ns since midnight; raises LocalError when it is none."""
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60 and int(hours) <= 24):
        raise LocalError(f"{text!r} is no time of day", "write HH:MM, 00:00 to 24:00")
    return min((int(hours) * 60 + int(minutes)) * 60_000_000_000, DAY_NS)


async def _demo(
    seed: int, fast: Path | None, slow: Path | None, speed: str, since_ns: int, until_ns: int
) -> None:
    files = FileMarket() if fast is not None else None
    model = DemoMarket() if files is None else None
    market = files or model
    assert market is not None
    print(json.dumps(await market.listen()), flush=True)
    await market.subscribed()
    if files is not None and fast is not None and slow is not None:
        rows = merged(fast, slow, since_ns, until_ns)
        play = files.run_locked(rows) if speed == "max" else files.run_paced(rows, float(speed))
    else:
        assert model is not None
        play = model.run_model(seed, float(speed))
    playing, stopping = asyncio.ensure_future(play), asyncio.ensure_future(_stopped())
    await asyncio.wait([playing, stopping], return_when=asyncio.FIRST_COMPLETED)
    if playing.done():
        playing.result()
        await asyncio.sleep(GRACE_S)
        print(json.dumps({"sent": files.sent if files is not None else {}}), flush=True)
        await stopping
    playing.cancel()
    await market.close()


async def _stopped() -> None:
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    await event.wait()

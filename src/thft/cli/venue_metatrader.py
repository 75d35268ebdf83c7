"""`thft venue mt5|mt4 --connect HOST:PORT`: a simulated terminal that dials the bridge."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from thft.base.errors import LocalError
from thft.base.prng import Prng
from thft.gateway.fix.credential import client_context, resolve
from thft.gateway.metatrader.protocol.keys import key_of
from thft.model.fixed import PRICE_ONE, SIZE_ONE, parse_size
from thft.sim.metatrader.expert import Expert, Login
from thft.sim.metatrader.faults import Fault, Faults, load_faults
from thft.sim.metatrader.terminal import Terminal

POINT = PRICE_ONE // 100_000
START = {"EURUSD": 117_000, "GBPUSD": 133_000}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TerminalOptions:
    """What a simulated terminal can be told."""

    connect: Annotated[str, Parameter(help="HOST:PORT of the engine's bridge.")]
    key: str
    """Reference to the key, as in the configuration: env:NAME or file:PATH."""
    key_id: str = "k1"
    account: str = "51001234"
    server: str = "Broker-Demo"
    hedging: bool = False
    """Positions are kept apart (MetaTrader 4 always does)."""
    offset_h: float = 3.0
    """How far the server's clock is ahead of UTC, hours."""
    ticks_per_s: float = 20.0
    burst: int = 1
    """So many ticks come at once."""
    tls: bool = False
    ca: str = ""
    """PEM file of a certificate to trust instead of the system's."""
    faults: Path | None = None
    """TOML file of what goes wrong, and when."""
    seed: int = 1


def add_to(app: App) -> None:
    """Adds the commands to `thft venue`."""
    app.command(mt5)
    app.command(mt4)


def mt5(options: TerminalOptions) -> int:
    """Runs a MetaTrader 5 terminal with its EA; it prints what the engine says to it."""
    return _run("5", options)


def mt4(options: TerminalOptions) -> int:
    """Runs a MetaTrader 4 terminal: no TLS, newest ticks alone, hedging."""
    if options.tls:
        raise LocalError("MetaTrader 4 has no TLS", "leave --tls out and dial a loopback port")
    return _run("4", options)


def _run(platform: str, options: TerminalOptions) -> int:
    host, _, port = options.connect.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 65_536):
        raise LocalError(f"--connect {options.connect!r} is no HOST:PORT", "write 127.0.0.1:7788")
    faults = Faults(load_faults(options.faults) if options.faults else ())
    terminal = Terminal(
        platform=platform,
        hedging=options.hedging,
        offset_ms=int(options.offset_h * 3_600_000),
        faults=faults,
    )
    login = Login(
        account=options.account,
        server=options.server,
        key_id=options.key_id,
        key=key_of(resolve(options.key)),
    )
    tls: ssl.SSLContext | None = client_context(options.ca, "", "") if options.tls else None
    asyncio.run(_played(terminal, Expert(terminal, host, int(port), login, tls), options))
    return 0


async def _played(terminal: Terminal, expert: Expert, options: TerminalOptions) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    tasks = [
        asyncio.ensure_future(expert.run()),
        asyncio.ensure_future(_market(terminal, options)),
        asyncio.ensure_future(_faults(terminal, expert)),
        asyncio.ensure_future(_said(expert)),
    ]
    print(json.dumps({f"mt{terminal.platform}": options.connect}), flush=True)
    await stop.wait()
    expert.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    ticks = {name: play.count for name, play in terminal.plays.items()}
    print(json.dumps({"ticks": ticks, "deals": len(terminal.deals)}), flush=True)


async def _market(terminal: Terminal, options: TerminalOptions) -> None:
    """A walk of each symbol, in bursts."""
    prng, mids = Prng(options.seed), dict(START)
    while True:
        for name in mids:
            for _ in range(options.burst):
                mids[name] += prng.between(-2, 2)
                terminal.tick(name, (mids[name] - 2) * POINT, (mids[name] + 2) * POINT)
        await asyncio.sleep(len(mids) * options.burst / options.ticks_per_s)


async def _said(expert: Expert) -> None:
    """Prints what the engine refuses, once each time."""
    told = 0
    while True:
        for text in expert.said[told:]:
            print(json.dumps({"said": text}), flush=True)
        told = len(expert.said)
        await asyncio.sleep(0.2)


async def _faults(terminal: Terminal, expert: Expert) -> None:
    """Lets the faults of a time happen when it has come."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for fault in terminal.faults.timed:
        await asyncio.sleep(max(began + fault.at_s - loop.time(), 0.0))
        _happen(fault, terminal, expert)


def _happen(fault: Fault, terminal: Terminal, expert: Expert) -> None:
    later = asyncio.get_running_loop().call_later
    match fault.do:
        case "cut":
            expert.cut()
        case "deaf":
            expert.deaf = True
            later(fault.for_s, expert.cut)
        case "garble":
            expert.raw(b"5|00000000|wrong\n")
        case "replay":
            expert.raw(expert.sent[-1] if expert.sent else b"")
        case "offline":
            terminal.connected = False
            later(fault.for_s, lambda: setattr(terminal, "connected", True))
        case "no_algo":
            terminal.allowed = False
            later(fault.for_s, lambda: setattr(terminal, "allowed", True))
        case _:
            size = parse_size(fault.lots.lstrip("-"))
            side = "sell" if fault.lots.startswith("-") else "buy"
            assert 0 < size <= 100 * SIZE_ONE
            terminal.manual(fault.symbol or "EURUSD", side, size)

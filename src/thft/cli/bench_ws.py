"""`thft bench ws`: market data by WebSocket, decoded and journaled, beside a loop and cryptofeed.

The simulated venue is a process of its own that sends ready frames at once over loopback, as many
as a seeded walk of four symbols makes. Taken by turns are the whole core with its journal, a
listener that only decodes the same messages, and cryptofeed. What counts is the CPU time of all
threads a tick; every message must have arrived, without a fault.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import uvloop

from thft.base.errors import LocalError
from thft.cli import bench_ws_cryptofeed, bench_ws_floor
from thft.cli.bench_figure import ROUNDS, Figure, ratio_at_least, ratio_at_most
from thft.cli.bench_ws_forms import BASES, CRYPTOFEED, PLAIN, SYMBOLS
from thft.cli.bench_ws_venue import Frames
from thft.core.config import load
from thft.core.runner import Core

TICKS = dict.fromkeys(SYMBOLS, 200_000) | {"kraken": 130_000, "bitfinex": 70_000}
"""So many ticks that the segments they fill are made again meanwhile, which is part of the figure;
less where one is more, and longer in the making."""
SLOW_TICKS = 10_000
"""Of cryptofeed, which does nothing once."""
GOAL, CRYPTOFEED_GOAL = 1.5, 5.0
LOOK_S = 0.002
REST_S = 0.1
PATIENCE_S = 30.0
MESSAGES = {
    "binance": "bookTicker",
    "bybit": "orderbook.1",
    "coinbase": "level2",
    "kraken": "book",
    "okx": "bbo-tbt",
    "bitfinex": "book",
}
"""What the dialects subscribe to by default."""

_CONFIG = """mode = "paper"
seed = 1
data_dir = "{data}"
"""
_INSTRUMENT = """
[[instruments]]
symbol = "{symbol}"
digits = 2
pip = "0.01"
"""
_VENUE = """
[[venues]]
name = "venue"
dialect = "{dialect}"
role = "fast"
url = "ws://127.0.0.1:{port}/"
symbols = {{ {symbols} }}
"""


class Taker(NamedTuple):
    """Who takes so many ticks in a form; `run` returns the CPU µs of one."""

    run: Callable[[Venue], Awaitable[float]]
    ticks: int
    form: str = PLAIN


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields for each venue µs a tick, ticks a second of one core, and cryptofeed's µs."""
    python = bench_ws_cryptofeed.environment()
    for name, ticks in TICKS.items():
        takers = {"own": Taker(_core(directory), ticks), "floor": Taker(_bare, ticks)}
        if python is not None:
            takers["peer"] = Taker(_cryptofeed(python), SLOW_TICKS, CRYPTOFEED)
        yield from compared(name, measured(name, takers, directory))


def compared(name: str, taken: dict[str, list[float]]) -> Iterator[Figure]:
    """Yields the figures of one venue; those of cryptofeed when it has been measured."""
    spent = {taker: statistics.median(values) for taker, values in taken.items()}
    own, floor = spent["own"], spent["floor"]
    figure = f"{name} {MESSAGES[name]}, decoded and journaled"
    yield ratio_at_most("ws", figure, own, "cpu-us/tick", floor, GOAL)
    yield Figure("ws", figure, 1e6 / own, "ticks/cpu-s", 1e6 / floor, "", None)
    if "peer" in spent:
        figure = f"{name}, cryptofeed beside ours: {bench_ws_cryptofeed.PEERS[name].words}"
        yield ratio_at_least("ws", figure, spent["peer"], "cpu-us/tick", own, CRYPTOFEED_GOAL)


def measured(
    name: str, takers: dict[str, Taker], directory: Path | None = None
) -> dict[str, list[float]]:
    """Returns of each taker the CPU µs a tick, a round each in turn."""
    taken: dict[str, list[float]] = {taker: [] for taker in takers}
    with TemporaryDirectory(dir=directory) as folder:
        files = {form: Path(folder) / form for form in {taker.form for taker in takers.values()}}
        for taker in takers.values():
            if not files[taker.form].exists():
                _program("make", name, taker.form, str(taker.ticks), str(files[taker.form]))
        for _ in range(ROUNDS):
            for who, taker in takers.items():
                taken[who].append(uvloop.run(_round(name, taker, files[taker.form])))
    return taken


def _program(*arguments: str) -> None:
    command = [sys.executable, "-m", "thft.cli.bench_ws_venue", *arguments]
    subprocess.run(command, check=True, timeout=PATIENCE_S * 4)


class Venue:
    """The venue's process as a taker sees it."""

    def __init__(self, name: str, port: int, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.port = port
        self._process = process

    async def line(self) -> str:
        """Returns the venue's next line."""
        assert self._process.stdout is not None
        try:
            text = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)
        except TimeoutError:
            raise LocalError("the venue of the bench says nothing: nobody subscribed") from None
        if not text:
            raise LocalError("the venue of the bench has ended")
        return text.decode().strip()

    async def told(self) -> Frames:
        """Returns what will come, once everything is subscribed."""
        return msgspec.json.decode(await self.line(), type=Frames)

    def let_go(self) -> None:
        """Lets the frames come."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")

    async def flood(self, seen: Callable[[], int], told: Frames, before: int, count: int) -> float:
        """Lets `count` things come behind those `before`, seen too; returns CPU µs a tick."""
        await _reached(seen, before)
        began = time.process_time_ns()
        self.let_go()
        await _reached(seen, before + count)
        return (time.process_time_ns() - began) / told.ticks / 1_000


async def _reached(seen: Callable[[], int], wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (now := seen()) < wanted:
        if time.monotonic() > deadline:
            raise LocalError(f"{wanted - now} messages of {wanted} have not arrived")
        await asyncio.sleep(LOOK_S)
    if now > wanted:
        raise LocalError(f"{now} messages have arrived instead of {wanted}")


async def _round(name: str, taker: Taker, file: Path) -> float:
    async with _listening(name, taker.form, file) as venue:
        return await taker.run(venue)


@asynccontextmanager
async def _listening(name: str, form: str, file: Path) -> AsyncIterator[Venue]:
    command = (sys.executable, "-m", "thft.cli.bench_ws_venue", "serve", name, form, str(file))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    venue = Venue(name, 0, process)
    try:
        venue.port = int(await venue.line())
        yield venue
    finally:
        with suppress(ProcessLookupError):  # it may have ended with the connection
            process.kill()
        await process.wait()


# ---- the core -----------------------------------------------------------------------------------


def _core(directory: Path | None) -> Callable[[Venue], Awaitable[float]]:
    async def taken(venue: Venue) -> float:
        with TemporaryDirectory(dir=directory) as folder:
            return await _core_in(Path(folder), venue)

    return taken


async def _core_in(folder: Path, venue: Venue) -> float:
    (folder / "thft.toml").write_text(_configuration(folder, venue))
    core = Core(load(folder / "thft.toml"), folder)
    running = asyncio.ensure_future(core.run())
    state, lane = core.kernel.state, core.kernel.lane
    try:
        told = await venue.told()
        await _at_rest()
        return await venue.flood(
            lambda: state.counters.quotes + lane.quotes, told, len(BASES), told.events
        )
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        faults = {name: count for one in state.feeds.values() for name, count in one.faults.items()}
        if faults:
            raise LocalError(f"faults while measuring: {faults}")


async def _at_rest() -> None:
    """Returns once the process does next to nothing: its first segments are made."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        before = time.process_time()
        await asyncio.sleep(REST_S)
        if time.process_time() - before < REST_S / 20:
            return
    raise LocalError("the core does not come to rest")


def _configuration(folder: Path, venue: Venue) -> str:
    symbols = SYMBOLS[venue.name]
    carried = ", ".join(f'{base}USD = "{one}"' for base, one in zip(BASES, symbols, strict=True))
    return (
        _CONFIG.format(data=folder)
        + "".join(_INSTRUMENT.format(symbol=f"{base}USD") for base in BASES)
        + _VENUE.format(dialect=venue.name, port=venue.port, symbols=carried)
    )


# ---- the others ---------------------------------------------------------------------------------


async def _bare(venue: Venue) -> float:
    transport, listener = await bench_ws_floor.connected(venue.name, venue.port)
    try:
        told = await venue.told()
        return await venue.flood(lambda: listener.seen, told, told.sent, told.frames)
    finally:
        transport.disconnect(graceful=False)


def _cryptofeed(python: str) -> Callable[[Venue], Awaitable[float]]:
    async def taken(venue: Venue) -> float:
        async with bench_ws_cryptofeed.running(python, venue.name, venue.port) as peer:
            told = await venue.told()
            await peer.begin(len(BASES), told.events)
            venue.let_go()
            return await peer.cpu_ns() / told.ticks / 1_000

    return taken

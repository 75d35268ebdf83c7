"""`thft bench ws`: market data by WebSocket, decoded and journaled, beside a bare loop.

The simulated venue is a process of its own that sends ready frames at once over loopback. Taken by
turns are the whole core with its journal, and a listener that only decodes the same messages. What
counts is the CPU time of all threads a message; every message must have arrived, without a fault.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import uvloop
from msgspec import Struct
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from thft.base.errors import LocalError
from thft.cli.bench_figure import ROUNDS, Figure, ratio_at_most
from thft.cli.bench_ws_venue import SYMBOLS
from thft.core.config import load
from thft.core.runner import Core

COUNT = 100_000
"""So many that what a core does once, like zeroing its first segments, is no part of the figure."""
GOAL = 1.5
LOOK_S = 0.002
PATIENCE_S = 30.0

Taker = Callable[["Venue"], Coroutine[Any, Any, float]]

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


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields for each venue µs a message and messages a second of one core."""
    for name in SYMBOLS:
        taken = measured(name, {"own": _core(directory), "floor": _bare}, COUNT)
        own, floor = statistics.median(taken["own"]), statistics.median(taken["floor"])
        figure = f"{name}, decoded and journaled"
        yield ratio_at_most("ws", figure, own, "cpu-us/tick", floor, GOAL)
        yield Figure("ws", figure, 1e6 / own, "ticks/cpu-s", 1e6 / floor, "", None)


def measured(name: str, takers: dict[str, Taker], count: int) -> dict[str, list[float]]:
    """Returns of each taker the CPU µs a message, a round each in turn."""
    taken: dict[str, list[float]] = {taker: [] for taker in takers}
    for _ in range(ROUNDS):
        for taker, run in takers.items():
            taken[taker].append(uvloop.run(_round(name, run, count)))
    return taken


class Venue:
    """The venue's process as a taker sees it."""

    def __init__(self, name: str, port: int, count: int, process: asyncio.subprocess.Process):
        self.name = name
        self.port = port
        self.count = count
        self.symbols = SYMBOLS[name]
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

    async def flood(self, seen: Callable[[], int]) -> float:
        """Lets the messages come until `seen` has grown by all; returns CPU µs a message."""
        assert self._process.stdin is not None
        await self.line()
        wanted, deadline = seen() + self.count, time.monotonic() + PATIENCE_S
        self._process.stdin.write(b"go\n")
        began = time.process_time_ns()
        while (now := seen()) < wanted:
            if time.monotonic() > deadline:
                raise LocalError(f"{wanted - now} messages of {self.count} have not arrived")
            await asyncio.sleep(LOOK_S)
        return (time.process_time_ns() - began) / self.count / 1_000


async def _round(name: str, run: Taker, count: int) -> float:
    async with _listening(name, count) as venue:
        return await run(venue)


@asynccontextmanager
async def _listening(name: str, count: int) -> Any:
    command = (sys.executable, "-m", "thft.cli.bench_ws_venue", name, str(count))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    venue = Venue(name, 0, count, process)
    try:
        venue.port = int(await venue.line())
        yield venue
    finally:
        with suppress(ProcessLookupError):  # it may have ended with the connection
            process.kill()
        await process.wait()


# ---- the core -----------------------------------------------------------------------------------


def _core(directory: Path | None) -> Taker:
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
        return await venue.flood(lambda: state.counters.quotes + lane.quotes)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        faults = {name: count for one in state.feeds.values() for name, count in one.faults.items()}
        if faults:
            raise LocalError(f"faults while measuring: {faults}")


def _configuration(folder: Path, venue: Venue) -> str:
    names = [symbol.replace("/", "") for symbol in venue.symbols]
    carried = ", ".join(
        f'{name} = "{symbol}"' for name, symbol in zip(names, venue.symbols, strict=True)
    )
    return (
        _CONFIG.format(data=folder)
        + "".join(_INSTRUMENT.format(symbol=name) for name in names)
        + _VENUE.format(dialect=venue.name, port=venue.port, symbols=carried)
    )


# ---- the floor ----------------------------------------------------------------------------------


class Ticker(Struct):
    """A bookTicker; a tick is decoded when its texts are numbers."""

    u: int = 0
    s: str = ""
    b: float = 0.0
    B: float = 0.0
    a: float = 0.0
    A: float = 0.0


class BareLevel(Struct):
    """A level, its numbers as floats."""

    price: float
    qty: float


class BareBook(Struct):
    """One book of a message."""

    symbol: str = ""
    bids: list[BareLevel] = []
    asks: list[BareLevel] = []
    checksum: int = 0
    timestamp: str = ""


class BareMessage(Struct):
    """A message of the book channel, or another one without its fields."""

    channel: str = ""
    type: str = ""
    data: list[BareBook] = []


DECODERS: dict[str, Callable[[memoryview], object]] = {
    "binance": msgspec.json.Decoder(Ticker, strict=False).decode,
    "kraken": msgspec.json.Decoder(BareMessage).decode,
}


class Bare(WSListener):
    """The least that takes the messages: decodes each and counts it."""

    def __init__(self, venue: Venue) -> None:
        self.seen = 0
        self.last: object = None
        self._venue = venue
        self._decode = DECODERS[venue.name]

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Subscribes."""
        if self._venue.name == "binance":
            streams = [f"{symbol.lower()}@bookTicker" for symbol in self._venue.symbols]
            request = {"method": "SUBSCRIBE", "params": streams, "id": 1}
        else:
            params = {"channel": "book", "symbol": list(self._venue.symbols), "depth": 10}
            request = {"method": "subscribe", "params": params}
        transport.send(WSMsgType.TEXT, msgspec.json.encode(request))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Takes one message."""
        self.last = self._decode(frame.get_payload_as_memoryview())
        self.seen += 1


async def _bare(venue: Venue) -> float:
    transport, listener = await ws_connect(
        lambda: Bare(venue), f"ws://127.0.0.1:{venue.port}/", enable_auto_pong=False
    )
    assert isinstance(listener, Bare)
    try:
        return await venue.flood(lambda: listener.seen)
    finally:
        transport.disconnect(graceful=False)

"""A core that trades while its disk stands still; prints what it saw as JSON.

Started as a process of its own by `test_stall`. The disk stalls wholly: a sync does not end and no
new segment is made until this program lets them.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from thft.core.config import load
from thft.core.runner import Core
from thft.model.fixed import ABSENT, PRICE_ONE, SIZE_ONE
from thft.sim.ws.kraken import KrakenVenue
from thft.stream.disk import RealDisk, RealFile

UNSYNCED_MIB = 2
TURNS, BURST = 400, 10
DEADLINE_S = 60.0
STRATEGY = """
from msgspec import Struct
from thft.kernel.strategy import Strategy

class Params(Struct, frozen=True):
    account: str

class Eager(Strategy):
    kind = "eager"
    Params = Params

    def bind(self, world):
        self.instrument = world.instrument("EURUSD").instrument
        return [(world.feed("feed"), self.instrument)]

    def on_quote(self, ctx, book):
        if book.venue_seq == 1 and not ctx.working_orders():
            side = -1 if ctx.position(self.params.account, self.instrument) > 0 else 1
            ctx.submit(self.params.account, self.instrument, side, 1_000 * 10**8)
"""
CONFIG = """
data_dir = "{directory}"
strategy_dir = "{directory}"
[journal]
segment_mib = 1
unsynced_mib = {bound}
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[venues]]
name = "feed"
dialect = "kraken"
url = "ws://127.0.0.1:{port}/v2"
symbols = {{ EURUSD = "EUR/USD" }}
[[accounts]]
name = "paper"
feed = "feed"
latency_ms = [1, 1]
[[strategies]]
name = "eager"
kind = "eager"
[strategies.params]
account = "paper"
"""


class Stall:
    """The moment at which the disk stands still, and the one at which it goes on."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.goes_on.set()

    def sync(self, fd: int) -> int:
        """Stands where the journal's fdatasync stands."""
        self.goes_on.wait(DEADLINE_S)
        os.fdatasync(fd)
        return 0


class StallingDisk(RealDisk):
    """A directory in which a new file waits for the end of a stall."""

    def __init__(self, directory: Path, stall: Stall) -> None:
        super().__init__(directory)
        self.stall = stall
        self.waiting = threading.Event()

    def create(self, name: str, size: int) -> RealFile:
        if not self.stall.goes_on.is_set():
            self.waiting.set()
        self.stall.goes_on.wait(DEADLINE_S)
        return super().create(name, size)


async def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.005)


class Run:
    """The core, its stalling disk, and what is counted."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = core.kernel.state
        self.stall = Stall()
        core.journal.syncer.interpose(self.stall.sync)
        core.journal.supply._disk = StallingDisk(core.directory / "core", self.stall)
        self.quotes = 0

    def turn(self) -> None:
        """Takes quotes as one packet brings them; the strategy acts on the last one."""
        mid = 139_000 + self.quotes % 7
        bid, ask = mid * PRICE_ONE // 100_000, (mid + 2) * PRICE_ONE // 100_000
        size = 1_000_000 * SIZE_ONE
        for number in range(BURST, 0, -1):
            now_ns = self.core.now_ns()
            self.core.quote(1, 1, bid, size, ask, size, ABSENT, number, now_ns)
        self.quotes += BURST
        self.core.turn_end()

    async def turns(self, ended: Callable[[int], bool]) -> dict[str, int]:
        """Takes turns until `ended(turns)`; returns what happened."""
        counters = self.state.counters
        before = counters.orders, counters.denied, counters.fills
        deadline = time.monotonic() + DEADLINE_S
        taken = 0
        while not ended(taken):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{taken} turns, {self.core.journal.unsynced_bytes} unsynced")
            self.turn()
            taken += 1
            await asyncio.sleep(0.001)
        after = counters.orders, counters.denied, counters.fills
        orders, denied, fills = (now - then for now, then in zip(after, before, strict=True))
        return {
            "turns": taken,
            "orders": orders,
            "denied": denied,
            "fills": fills,
            "unsynced": self.core.journal.unsynced_bytes,
            "undurable": self.core.journal.written_seq - self.core.journal.durable_seq,
        }


async def run(directory: Path) -> dict[str, Any]:
    venue = KrakenVenue()
    (directory / "eager.py").write_text(STRATEGY)
    port = await venue.listen()
    text = CONFIG.format(directory=directory, port=port, bound=UNSYNCED_MIB)
    (directory / "core.toml").write_text(text)
    core = Core(load(directory / "core.toml"), directory)
    serving = asyncio.ensure_future(core.run())
    run, state = Run(core), core.kernel.state
    await until(lambda: state.feeds[1].state == "READY", "the feed is READY")
    seen: dict[str, Any] = {}
    seen["before"] = await run.turns(lambda taken: taken == TURNS)
    await until(lambda: core.journal.supply._ready.full(), "segments ready")
    run.stall.goes_on.clear()
    seen["stalled"] = await run.turns(lambda _: state.durability.degraded)
    seen["reason"] = state.durability.reason
    seen["degraded"] = await run.turns(lambda taken: taken == TURNS)
    run.stall.goes_on.set()
    seen["catching up"] = await run.turns(lambda _: not state.durability.degraded)
    seen["after"] = await run.turns(lambda taken: taken == TURNS)
    seen["quotes"], seen["fills"] = run.quotes, state.counters.fills
    os.kill(os.getpid(), signal.SIGTERM)
    await serving
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Path(sys.argv[1])))))

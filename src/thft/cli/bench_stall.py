"""`thft bench stall`: what a disk that stands still for 30 s costs the way from tick to order.

Two engines trade in turn, a turn each, so that whatever disturbs the machine disturbs both. First
both disks work, then one of them ends no sync for 30 s; its figures stand beside those of the other
one in the same half minute.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from thft.base.errors import LocalError
from thft.cli.bench_engine import FEED, INSTRUMENT, POINT, START_NS
from thft.cli.bench_figure import Figure, at_most, percentile, ratio_at_most
from thft.core.config import JournalConfig
from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.fixed import ABSENT, SIZE_ONE
from thft.stream.journal import Journal
from thft.stream.verify import verify

STALL_S, WARM_UP_S = 30.0, 5.0
TURN_NS, QUOTES_A_TURN = 1_000_000, 20
"""A turn a millisecond, each engine every second one: 10,000 quotes and 500 orders a second."""
GOAL = 1.2
ACCOUNT = "paper"
SIZE = 1_000 * SIZE_ONE


class Sides(Struct):
    """The state of the strategy: how many orders it has sent."""

    orders: int = 0


class Eager(Strategy):
    """Sends an order at the last quote of each turn, buying and selling in turn."""

    kind = "eager"
    State = Sides

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FEED, INSTRUMENT)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        if book.venue_seq == 0:
            side = -1 if self.state.orders % 2 else 1
            self.state.orders += 1
            ctx.submit(ACCOUNT, INSTRUMENT, side, SIZE, decision_price=book.bid)


class Trader:
    """An engine with a journal on a real disk that can be told to stand still."""

    def __init__(self, directory: Path) -> None:
        sizes = JournalConfig()
        self.bound = sizes.unsynced_mib << 20
        self.directory = directory
        self.journal = Journal.open(
            directory,
            instance="bench",
            created_ns=START_NS,
            segment_bytes=sizes.segment_mib << 20,
            unsynced_bound=self.bound,
        )
        self.kernel = _kernel(self.journal)
        self.goes_on = threading.Event()
        self.times: list[float] = []
        self.turns = 0

    def turn(self) -> None:
        """Takes the quotes of a packet; notes the us until the order of the last one may leave."""
        kernel, last = self.kernel, QUOTES_A_TURN - 1
        now_ns = START_NS + self.turns * TURN_NS
        kernel.fire_due(now_ns)
        bid = (139_000 + self.turns % 7) * POINT
        size = 1_000_000 * SIZE_ONE
        for number in range(last, -1, -1):
            if not number:
                began = time.perf_counter_ns()
            kernel.quote(FEED, INSTRUMENT, bid, size, bid + POINT, size, ABSENT, number, now_ns)
        self.journal.flush()
        kernel.take_effects()
        self.times.append((time.perf_counter_ns() - began) / 1e3)
        self.turns += 1

    def stall(self) -> None:
        """Ends no sync until `recover`."""

        def wait(fd: int) -> int:
            self.goes_on.wait()
            os.fdatasync(fd)
            return 0

        self.journal.syncer.interpose(wait)

    def recover(self) -> None:
        """Lets the disk go on."""
        self.goes_on.set()

    def take(self) -> list[float]:
        """Returns the times since last asked."""
        times, self.times = self.times, []
        return times

    def close(self) -> None:
        """Ends the log; raises when a turn has no order or the log does not hold them all."""
        orders = self.kernel.state.counters.orders
        self.journal.close()
        if orders != self.turns:
            raise LocalError(f"{orders} orders in {self.turns} turns", "")
        if verify(self.directory).damage is not None:
            raise LocalError("the journal that was stalled is not good", "")


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields tick to order of the stalled engine beside the other one, and what waited at most."""
    with TemporaryDirectory(dir=directory) as folder:
        stalled, floor = Trader(Path(folder) / "stalled"), Trader(Path(folder) / "floor")
        _trade((stalled, floor), WARM_UP_S)
        stalled.take()
        unstalled = floor.take()
        stalled.stall()
        _trade((stalled, floor), STALL_S)
        waiting, beyond = stalled.journal.unsynced_bytes, stalled.journal.durable_seq
        stalled.recover()
        stalled.journal.sync_now()
        recovered = stalled.journal.durable_seq - beyond
        times, least = stalled.take(), floor.take()
        bound = stalled.bound
        for trader in (stalled, floor):
            trader.close()
    if waiting < STALL_S * 1e9 / TURN_NS / 2 * QUOTES_A_TURN * 88 or not recovered:
        raise LocalError("the disk did not stand still", "")
    for share, goal in ((0.5, 0.0), (0.99, 0.0)):
        name = f"tick to order, disk works, p{share * 100:g}"
        value = percentile(unstalled, share)
        yield at_most("stall", name, value, "us", percentile(least, share), goal)
    for share in (0.5, 0.99):
        name = f"tick to order, disk stands still for {STALL_S:.0f} s, p{share * 100:g}"
        value = percentile(times, share)
        yield ratio_at_most("stall", name, value, "us", percentile(least, share), GOAL)
    yield at_most("stall", "waited for the disk", waiting / (1 << 20), "MiB", 0, bound / (1 << 20))


def _trade(traders: tuple[Trader, ...], seconds: float) -> None:
    """Gives each trader a turn after the other at the pace of TURN_NS."""
    due = time.perf_counter_ns()
    for number in range(int(seconds * 1e9) // TURN_NS):
        due += TURN_NS
        wait_ns = due - time.perf_counter_ns()
        if wait_ns > 0:
            time.sleep(wait_ns / 1e9)
        traders[number % len(traders)].turn()


def _kernel(journal: Journal) -> Kernel:
    """Returns a kernel over the journal, defined, READY and with its strategy enabled."""
    kernel = Kernel({Eager.kind: (Eager, "bench")}, 1)
    kernel.attach(journal.buffer, journal.buffer)
    for event in (
        ev.CoreStarted("ab", 1, "paper", "0", "bench", 1, 0, 0, ""),
        ev.InstrumentDefined(INSTRUMENT, "EURUSD", 5, 10 * POINT, POINT, SIZE_ONE, SIZE_ONE, "USD"),
        ev.FeedDefined(FEED, "feed", "binance", "feed", ((INSTRUMENT, "EURUSD"),)),
        ev.FeedState(FEED, "READY", "bench"),
        ev.AccountDefined(ACCOUNT, "paper", "netting", "USD", FEED, 0, 1, 1, 1_000_000_000),
    ):
        kernel.process(event, START_NS)
    kernel.process(snapshot.definition("e", Eager.kind, kernel, b"{}", True), START_NS)
    return kernel

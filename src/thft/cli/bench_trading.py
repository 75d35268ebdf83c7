"""The whole engine on given quotes: paper account, risk gate, trading strategy, journal on.

`thft bench engine` runs it as a process: a `Job` as JSON on stdin, its `Result` on stdout. The
peer's program, `bench/nautilus_peer.py` of a checkout, takes and gives the same.
"""

from __future__ import annotations

import platform
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from thft import __version__, _native
from thft.base.errors import LocalError
from thft.base.prng import Prng
from thft.cli.bench_figure import cpu_ns
from thft.kernel import snapshot
from thft.kernel.engine import Frames, Kernel
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.codec import QUOTE_LAYOUT
from thft.model.fixed import PRICE_ONE, SIZE_ONE
from thft.stream.journal import Journal
from thft.stream.verify import verify

FEED, ACCOUNT, STRATEGY = 1, "paper", "trader"
POINT = PRICE_ONE // 100_000
START_NS = 1_700_000_000_000_000_000
ORDERS_PER_S, OPEN_ORDERS = 1_000, 100
"""Limits that no job reaches: the risk gate works them out for every order."""


class Job(Struct):
    """What an engine is to do."""

    quotes: str
    """File of quotes in the journal's payload layout, 56 bytes each; feed 1, instruments 1, 2 …"""
    instruments: int
    every: int
    """A market order every so many quotes."""
    units: int = 100_000
    """Size of an order."""
    start_ns: int = START_NS
    step_ns: int = 100_000
    """From quote to quote: 10,000 quotes a second of event time."""


class Result(Struct):
    """What the engine saw and did, and what that took."""

    engine: str
    """Name, version and what is on."""
    seen: int
    fills: int
    positions: list[int]
    """Signed units by instrument."""
    paid: int
    """Sum of side times price (1e-9) of all fills."""
    cpu_ns: int
    """Of all threads, from the first quote to the last fill and written byte."""
    submit_to_fill_ns: list[int]
    """Wall time from asking for an order until the strategy hears of its fill, oldest first."""


class TraderParams(Struct, frozen=True):
    """What a job asks of the strategy."""

    instruments: int
    every: int
    size: int


class TraderState(Struct):
    """What the strategy has seen and done."""

    left: int = 0
    """Quotes until the next order."""
    bid: int = 0
    orders: int = 0
    fills: int = 0
    paid: int = 0


class Trader(Strategy):
    """Counts quotes down; at zero it buys when the bid is above its last order's, else it sells."""

    kind = "trader"
    Params = TraderParams
    State = TraderState

    def __init__(self, params: TraderParams) -> None:
        super().__init__(params)
        self.state.left = params.every
        self.submitted_ns = 0
        self.submit_to_fill_ns: list[int] = []

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FEED, number + 1) for number in range(self.params.instruments)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        state = self.state
        state.left -= 1
        if not state.left:
            side = 1 if book.bid > state.bid else -1
            state.bid = book.bid
            state.left = self.params.every
            state.orders += 1
            self.submitted_ns = time.perf_counter_ns()
            ctx.submit(ACCOUNT, book.instrument, side, self.params.size)

    @property
    def seen(self) -> int:
        """Quotes counted."""
        seen: int = self.params.every * (self.state.orders + 1) - self.state.left
        return seen

    def on_fill(self, ctx: Context, fill: ev.Fill) -> None:
        self.submit_to_fill_ns.append(time.perf_counter_ns() - self.submitted_ns)
        self.state.fills += 1
        self.state.paid += fill.side * fill.price


def quote_records(count: int, instruments: int) -> bytes:
    """Returns `count` quotes of seeded random walks: spreads of 1-3 points, sizes of 1-5 M."""
    prng, bids, packed = Prng(1), [139_000] * instruments, bytearray()
    for number in range(count):
        draw = prng.next()
        which = (draw >> 32) % instruments
        bids[which] += draw % 3 - 1
        bid = bids[which] * POINT
        ask = bid + ((draw >> 8) % 3 + 1) * POINT
        size = ((draw >> 16) % 5 + 1) * 1_000_000 * SIZE_ONE
        packed += QUOTE_LAYOUT.pack(bid, size, ask, size, START_NS, number, FEED, 0, which + 1)
    return bytes(packed)


def run(job: Job) -> Result:
    """Runs the engine and checks the journal it wrote, which is removed again."""
    records = Path(job.quotes).read_bytes()
    with TemporaryDirectory(dir=Path(job.quotes).parent) as folder:
        journal = Journal.open(Path(folder), instance="bench", created_ns=START_NS, sync=False)
        kernel = _trading_kernel(journal.buffer, job)

        def work() -> None:
            kernel.lane.run(records, job.start_ns, job.step_ns)
            kernel.fire_due(kernel.now_ns)
            journal.flush()

        spent_ns = cpu_ns(work)
        journal.close()
        verdict = verify(Path(folder))
        if verdict.damage is not None or verdict.last_seq < kernel.lane.seq:
            raise LocalError("the journal that was timed is not good")
    trader = kernel.slots[STRATEGY].strategy
    assert isinstance(trader, Trader)
    return Result(
        f"thft {__version__} on Python {platform.python_version()}, {_native.reason}; journal on "
        "(CRC, hash chain, write; no fdatasync), risk gate on",
        trader.seen,
        trader.state.fills,
        [kernel.position(ACCOUNT, n + 1) // SIZE_ONE for n in range(job.instruments)],
        trader.state.paid,
        spent_ns,
        trader.submit_to_fill_ns,
    )


def _trading_kernel(frames: Frames, job: Job) -> Kernel:
    """Returns a kernel whose paper account fills without latency: what is left is computing."""
    kernel = Kernel({Trader.kind: (Trader, "bench")}, 1)
    kernel.attach(frames, frames)
    symbols = tuple((number + 1, f"SYMBOL{number + 1}") for number in range(job.instruments))
    size = job.units * SIZE_ONE
    for event in (
        ev.CoreStarted("ab", 1, "paper", "0", "bench", 1, 0, 0, ""),
        *(
            ev.InstrumentDefined(number, name, 5, 10 * POINT, POINT, SIZE_ONE, SIZE_ONE, "USD")
            for number, name in symbols
        ),
        ev.FeedDefined(FEED, "feed", "binance", "feed", symbols),
        ev.AccountDefined(ACCOUNT, "paper", "netting", "USD", FEED, 0, 0, 0, 1_000_000_000),
        ev.RiskLimitsSet(size, 1_000_000 * size, ORDERS_PER_S, OPEN_ORDERS),
        ev.FeedState(FEED, "READY", "bench"),
    ):
        kernel.process(event, job.start_ns)
    params = msgspec.json.encode(TraderParams(job.instruments, job.every, size))
    loaded = snapshot.definition(STRATEGY, Trader.kind, kernel, params, True)
    kernel.process(loaded, job.start_ns)
    return kernel


if __name__ == "__main__":
    result = run(msgspec.json.decode(sys.stdin.buffer.read(), type=Job))
    sys.stdout.buffer.write(msgspec.json.encode(result))

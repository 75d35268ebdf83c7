"""An engine of one feed and one counting strategy with quotes to feed it; used by the benches."""

from __future__ import annotations

from msgspec import Struct

from thft.base.errors import LocalError
from thft.kernel import snapshot
from thft.kernel.engine import Frames, Kernel
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.codec import QUOTE_LAYOUT
from thft.model.fixed import PRICE_ONE, SIZE_ONE

FEED, INSTRUMENT = 1, 1
START_NS, STEP_NS = 1_700_000_000_000_000_000, 1_000
CHUNK = 100_000
POINT = PRICE_ONE // 100_000


class LastBid(Struct):
    """The state of the counting strategy."""

    bid: int = 0


class Counting(Strategy):
    """The least a strategy can do: one Python call per quote that reads and keeps something."""

    kind = "counting"
    State = LastBid

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FEED, INSTRUMENT)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        self.state.bid = book.bid


CATALOGUE: dict[str, tuple[type[Strategy], str]] = {Counting.kind: (Counting, "bench")}


def quote_records(count: int) -> bytes:
    """Returns `count` quotes as the lane's `run` takes them; prices move within seven points."""
    bid, size = 139_000 * POINT, 1_000_000 * SIZE_ONE
    return b"".join(
        QUOTE_LAYOUT.pack(
            bid + i % 7 * POINT, size, bid + (i % 7 + 2) * POINT, size, START_NS, i, FEED, 0, 1
        )
        for i in range(count)
    )


def counting_kernel(frames: Frames) -> Kernel:
    """Returns a kernel that packs into `frames`, defined, READY and with its strategy enabled."""
    kernel = Kernel(CATALOGUE, 1)
    kernel.attach(frames, frames)
    for event in (
        ev.CoreStarted("ab", 1, "paper", "0", "bench", 1, 0, 0, ""),
        ev.InstrumentDefined(INSTRUMENT, "EURUSD", 5, 10 * POINT, POINT, SIZE_ONE, SIZE_ONE, "USD"),
        ev.FeedDefined(FEED, "feed", "binance", "feed", ((INSTRUMENT, "EURUSD"),)),
        ev.FeedState(FEED, "READY", "bench"),
    ):
        kernel.process(event, START_NS)
    kernel.process(snapshot.definition("c", "counting", kernel, b"{}", True), START_NS)
    return kernel


def run_quotes(kernel: Kernel, records: bytes, chunks: int) -> None:
    """Feeds `records` again and again, event time going on, and checks that all were taken."""
    book = kernel.book(FEED, INSTRUMENT)
    expected = book.quotes + len(records) // QUOTE_LAYOUT.size * chunks
    for _ in range(chunks):
        kernel.lane.run(records, kernel.lane.now_ns + STEP_NS, STEP_NS)
    kept = kernel.slots["c"].strategy.state.bid
    if (book.quotes, book.bid) != (expected, kept):
        raise LocalError(f"{book.quotes} quotes and bid {kept} instead of {expected}, {book.bid}")

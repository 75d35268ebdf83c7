"""The quote lane in Python: twin and specification of `_dispatch`; called through `dispatch`.

One quote: timers due before it, book, resting paper orders, strategies, one frame. Everything
that is rare (a timer, an order, a failure, a state hash) is handed to the kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, HEADER, HEADER_BYTES, MARKET, FrameBuffer
from thft.kernel.strategy import BudgetExceeded
from thft.model.book import TopBook
from thft.model.codec import QUOTE_LAYOUT

if TYPE_CHECKING:
    from thft.kernel.engine import Kernel
    from thft.kernel.slot import StrategySlot

CORE_API = 1
QUOTE_TYPE = 0x0101
QUOTE_FRAME_BYTES = HEADER_BYTES + QUOTE_LAYOUT.size

_pack, _unpack = QUOTE_LAYOUT.pack, QUOTE_LAYOUT.unpack_from


class QuoteLane:
    """Takes quotes at full speed; `dirty` says that the current input has outcomes to close."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.frames: FrameBuffer | None = None
        self.books: dict[tuple[int, int], TopBook] = {}
        self.now_ns = 0
        self.seq = 0
        """Sequence number of the input last taken."""
        self.next_due_ns = 2**63 - 1
        self.next_hash_seq = 2**63 - 1
        self.quotes = 0
        """Quotes taken since the kernel last added them to the state's counters."""
        self.dirty = False
        self.calls = 0
        """Handler calls begun; the watchdog sees by it whether one call lasts."""
        self.calling: StrategySlot | None = None
        """The strategy whose handler runs now."""

    def attach(self, frames: FrameBuffer | None, next_seq: int) -> None:
        """Packs into `frames` from here on; None counts sequence numbers only (replay)."""
        self.frames = frames
        self.seq = next_seq - 1

    def quote(
        self,
        feed: int,
        instrument: int,
        bid: int,
        bid_size: int,
        ask: int,
        ask_size: int,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        """Processes one quote received at `recv_ts_ns`."""
        if recv_ts_ns < self.now_ns:
            recv_ts_ns = self.now_ns
        if recv_ts_ns >= self.next_due_ns:
            self.kernel.fire_due(recv_ts_ns)
        book = self.books.get((feed, instrument))
        if book is None:
            raise LocalError(
                f"quote for instrument {instrument} at feed {feed}, which does not carry it",
                "define the symbol in the venue's table",
            )
        self.now_ns = recv_ts_ns
        self.seq += 1
        book.update(bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns)
        self.quotes += 1
        if book.resting:
            self.kernel.match_resting(book)
        if book.watchers:
            self.call_watchers(book)
        if self.seq >= self.next_hash_seq:
            self.dirty = True
        if self.dirty:
            self.kernel.close_quote(
                _pack(bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, feed, 0, instrument)
            )
        elif self.frames is not None:
            self.frames.append(
                QUOTE_TYPE,
                1,
                GROUP_END,
                MARKET,
                feed,
                recv_ts_ns,
                _pack(bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, feed, 0, instrument),
            )

    def call_watchers(self, book: TopBook) -> None:
        """Calls every strategy that watches the book; a failure goes to the kernel."""
        for slot, handler, ctx in book.watchers:
            self.calls += 1
            self.calling = slot
            try:
                handler(ctx, book)
                self.calling = None
            except (Exception, BudgetExceeded) as error:  # noqa: BLE001 - user code may raise any
                self.calling = None
                self.kernel.strategy_failed(slot, error)

    def run(self, records: Any, recv_ts_ns: int, step_ns: int) -> int:
        """Takes quotes from `records` (56-byte payload layout), stamped recv, recv + step, …

        Returns how many were taken.
        """
        if len(records) % QUOTE_LAYOUT.size:
            raise LocalError(f"{len(records)} bytes are no whole number of quotes")
        count = 0
        for (
            bid,
            bid_size,
            ask,
            ask_size,
            ts,
            venue_seq,
            feed,
            _,
            instrument,
        ) in QUOTE_LAYOUT.iter_unpack(records):
            self.quote(feed, instrument, bid, bid_size, ask, ask_size, ts, venue_seq, recv_ts_ns)
            recv_ts_ns += step_ns
            count += 1
        return count

    def replay(self, block: bytes, start: int, end: int) -> int:
        """Takes recorded quotes of block[start:end] that are groups of their own.

        Stops before anything else: another event, a due timer, a state hash, a gap. Returns the
        offset where it stopped. A quote that now causes an outcome closes a group as always.
        """
        if start < 0 or end > len(block):
            raise LocalError(f"[{start}:{end}] is outside a block of {len(block)} bytes")
        while start + QUOTE_FRAME_BYTES <= end:
            _, length, seq, ts_ns, kind, _, flags, _, _ = HEADER.unpack_from(block, start)
            if (
                kind != QUOTE_TYPE
                or flags != GROUP_END
                or length != QUOTE_FRAME_BYTES
                or ts_ns >= self.next_due_ns
                or seq >= self.next_hash_seq
                or seq != self.seq + 1
            ):
                break
            bid, bid_size, ask, ask_size, ts, venue_seq, feed, _, instrument = _unpack(
                block, start + HEADER_BYTES
            )
            self.quote(feed, instrument, bid, bid_size, ask, ask_size, ts, venue_seq, ts_ns)
            start += length
        return start

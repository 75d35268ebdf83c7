"""The quote lane in Python: twin and specification of `_dispatch`; called through `dispatch`.

One quote: timers due before it, book, resting paper orders, strategies, one frame. Everything
that is rare (a timer, an order, a failure, a state hash) is handed to the kernel.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any
from zlib import crc32

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, HEADER_BYTES, MARKET, FrameBuffer
from thft.kernel.strategy import BudgetExceeded
from thft.model.book import TopBook
from thft.model.codec import QUOTE_LAYOUT
from thft.model.fixed import ABSENT

if TYPE_CHECKING:
    from thft.kernel.engine import Kernel
    from thft.kernel.slot import StrategySlot

CORE_API = 1
QUOTE_TYPE = 0x0101
QUOTE_BYTES = QUOTE_LAYOUT.size
QUOTE_FRAME_BYTES = HEADER_BYTES + QUOTE_BYTES

Numbers = tuple[int, int, int, int, int, int, int, int, int]
"""A quote as its layout has it: bid, size, ask, size, venue ts, venue seq, feed, 0, instrument."""

_KIND = QUOTE_TYPE | 1 << 16 | GROUP_END << 24
"""Type, version and flags of a quote that is a group of its own, as the header's u32 at 24."""
_HEAD = struct.Struct(f"<4xIQqI4x{QUOTE_BYTES}x")
"""Of such a frame length, seq, time and kind."""
_NUMBERS = struct.Struct(f"<{HEADER_BYTES}x" + QUOTE_LAYOUT.format[1:])
"""Of such a frame the quote."""
_PAYLOAD = struct.Struct(f"{QUOTE_BYTES}s")
_body = struct.Struct(f"<IQqIHH{QUOTE_BYTES}s").pack
_store = struct.Struct(f"<I{QUOTE_FRAME_BYTES - 4}s").pack_into
_pack = QUOTE_LAYOUT.pack


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
        payload = _pack(bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, feed, 0, instrument)
        numbers = bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, feed, 0, instrument
        self._take(numbers, recv_ts_ns, payload)

    def _take(self, numbers: Numbers, recv_ts_ns: int, payload: bytes = b"") -> None:
        """Processes a quote; `payload` are its bytes where they are at hand."""
        if recv_ts_ns < self.now_ns:
            recv_ts_ns = self.now_ns
        if recv_ts_ns >= self.next_due_ns:
            self.kernel.fire_due(recv_ts_ns)
        bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, feed, _, instrument = numbers
        try:
            book = self.books[feed, instrument]
        except KeyError:
            raise _not_carried(feed, instrument) from None
        self.now_ns = recv_ts_ns
        self.seq = seq = self.seq + 1
        if ABSENT < bid < ask:  # nearly always; here as in `update`, without the call
            book.bid = bid
            book.bid_size = bid_size
            book.ask = ask
            book.ask_size = ask_size
            book.venue_ts_ns = venue_ts_ns
            book.venue_seq = venue_seq
            book.recv_ts_ns = recv_ts_ns
            book.quotes += 1
            book.tradable = not book.bad
        else:
            book.update(bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns)
        self.quotes += 1
        if book.resting:
            self.kernel.match_resting(book)
        if book.watchers:
            self.call_watchers(book)
        if self.dirty or seq >= self.next_hash_seq:
            self.dirty = True
            self.kernel.close_quote(payload or _pack(*numbers))
        elif (frames := self.frames) is not None:
            payload = payload or _pack(*numbers)
            used = frames.used
            end = used + QUOTE_FRAME_BYTES
            if end > frames.room_end:
                frames.append(QUOTE_TYPE, 1, GROUP_END, MARKET, feed, recv_ts_ns, payload)
                return
            # what `append` does, for this one shape of frame and without its calls
            seq = frames.next_seq
            body = _body(QUOTE_FRAME_BYTES, seq, recv_ts_ns, _KIND, MARKET, feed, payload)
            _store(frames.memory, frames.block_start + used, crc32(body), body)
            frames.used = end
            frames.next_seq = seq + 1

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
        if len(records) % QUOTE_BYTES:
            raise LocalError(f"{len(records)} bytes are no whole number of quotes")
        take = self._take
        payloads = _PAYLOAD.iter_unpack(records)
        for numbers, (payload,) in zip(QUOTE_LAYOUT.iter_unpack(records), payloads, strict=True):
            take(numbers, recv_ts_ns, payload)
            recv_ts_ns += step_ns
        return len(records) // QUOTE_BYTES

    def replay(self, block: bytes, start: int, end: int) -> int:
        """Takes recorded quotes of block[start:end] that are groups of their own.

        Stops before anything else: another event, a due timer, a state hash, a gap. Returns the
        offset where it stopped. A quote that now causes an outcome closes a group as always.
        """
        if start < 0 or end > len(block):
            raise LocalError(f"[{start}:{end}] is outside a block of {len(block)} bytes")
        take = self._take
        whole = (end - start) // QUOTE_FRAME_BYTES * QUOTE_FRAME_BYTES
        span = memoryview(block)[start : start + max(whole, 0)]
        quotes = zip(_HEAD.iter_unpack(span), _NUMBERS.iter_unpack(span), strict=True)
        for (length, seq, ts_ns, kind), numbers in quotes:
            if (
                kind != _KIND
                or length != QUOTE_FRAME_BYTES
                or ts_ns >= self.next_due_ns
                or seq >= self.next_hash_seq
                or seq != self.seq + 1
            ):
                break
            take(numbers, ts_ns)
            start += length
        return start


def _not_carried(feed: int, instrument: int) -> LocalError:
    return LocalError(
        f"quote for instrument {instrument} at feed {feed}, which does not carry it",
        "define the symbol in the venue's table",
    )

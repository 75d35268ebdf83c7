"""The lane of market data in Python: twin and specification of `_dispatch`; see `dispatch`.

One quote, depth batch or trade: timers due before it, book, resting paper orders, strategies, one
frame. Everything that is rare (a timer, an order, a failure, a state hash) is the kernel's.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any
from zlib import crc32

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, HEADER, HEADER_BYTES, MARKET, FrameBuffer, padded
from thft.kernel.strategy import BudgetExceeded
from thft.model.book import DepthBook, Levels, TopBook
from thft.model.codec import (
    DEPTH_HEAD,
    DEPTH_TYPE,
    LEVEL_BYTES,
    QUOTE_LAYOUT,
    QUOTE_TYPE,
    TRADE_LAYOUT,
    records_of,
)
from thft.model.event import TradePrint
from thft.model.fixed import ABSENT, pack_pairs

if TYPE_CHECKING:
    from thft.kernel.engine import Kernel
    from thft.kernel.slot import StrategySlot

TRADE_TYPE = 0x0107
LEVELS_A_FRAME = 4_000
"""A frame must fit a block; the kernel takes what is more in several."""
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
        self.depths: dict[tuple[int, int], DepthBook] = {}
        self.now_ns = 0
        self.seq = 0
        """Sequence number of the input last taken."""
        self.next_due_ns = 2**63 - 1
        self.next_hash_seq = 2**63 - 1
        self.quotes = 0
        """Quotes and depth taken since the kernel last added them to the state's counters."""
        self.trades = 0
        """Trades, likewise."""
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
            self.kernel.close_market(QUOTE_TYPE, feed, payload or _pack(*numbers))
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

    def depth(
        self,
        feed: int,
        instrument: int,
        reset: bool,
        bids: Levels,
        asks: Levels,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        """Processes one venue message of levels, at most LEVELS_A_FRAME of them."""
        bids = bids if isinstance(bids, bytes) else pack_pairs(bids)
        asks = asks if isinstance(asks, bytes) else pack_pairs(asks)
        if (len(bids) | len(asks)) % LEVEL_BYTES:
            raise LocalError(f"{len(bids)} and {len(asks)} bytes are no whole number of levels")
        counts = len(bids) // LEVEL_BYTES, len(asks) // LEVEL_BYTES
        if sum(counts) > LEVELS_A_FRAME:
            raise LocalError(f"more than {LEVELS_A_FRAME} levels in one frame")
        head = DEPTH_HEAD.pack(venue_ts_ns, venue_seq, feed, reset, 0, instrument, *counts)
        self._take_depth(head + bids + asks, recv_ts_ns)

    def _take_depth(self, payload: bytes, recv_ts_ns: int) -> None:
        ts_ns, seq, feed, reset, _, instrument, bids, _ = DEPTH_HEAD.unpack_from(payload)
        book, recv_ts_ns = self._begin(feed, instrument, recv_ts_ns)
        levels = self.depths.get((feed, instrument))
        if levels is None:
            levels = self.depths[feed, instrument] = DepthBook()
        middle = DEPTH_HEAD.size + bids * LEVEL_BYTES
        levels.apply(bool(reset), payload[DEPTH_HEAD.size : middle], payload[middle:])
        self.quotes += 1
        if reset:
            book.mark_bad(False)
        book.update(*levels.top(), ts_ns, seq, recv_ts_ns)
        if book.resting:
            self.kernel.match_resting(book)
        if book.watchers:
            self.call_watchers(book)
        self._end(DEPTH_TYPE, feed, recv_ts_ns, payload)

    def trade(
        self,
        feed: int,
        instrument: int,
        price: int,
        size: int,
        aggressor: int,
        venue_ts_ns: int,
        venue_trade_id: int,
        recv_ts_ns: int,
    ) -> None:
        """Processes one public trade; one that a strategy wants to hear of is the kernel's."""
        if self._book(feed, instrument).trade_watchers:
            event = TradePrint(
                feed, instrument, price, size, aggressor, venue_ts_ns, venue_trade_id
            )
            self.kernel.process(event, recv_ts_ns, feed)
            return
        payload = TRADE_LAYOUT.pack(
            price, size, venue_ts_ns, venue_trade_id, feed, aggressor, instrument
        )
        self._take_trade(payload, recv_ts_ns)

    def _take_trade(self, payload: bytes, recv_ts_ns: int) -> None:
        price, size, ts_ns, trade_id, feed, aggressor, instrument = TRADE_LAYOUT.unpack(payload)
        book, recv_ts_ns = self._begin(feed, instrument, recv_ts_ns)
        book.take_trade(price, size, aggressor, ts_ns, trade_id, recv_ts_ns)
        self.trades += 1
        self._end(TRADE_TYPE, feed, recv_ts_ns, payload)

    def _book(self, feed: int, instrument: int) -> TopBook:
        try:
            return self.books[feed, instrument]
        except KeyError:
            raise _not_carried(feed, instrument) from None

    def _begin(self, feed: int, instrument: int, recv_ts_ns: int) -> tuple[TopBook, int]:
        """Fires what is due and gives the input its number; returns its book and its time."""
        recv_ts_ns = max(recv_ts_ns, self.now_ns)
        if recv_ts_ns >= self.next_due_ns:
            self.kernel.fire_due(recv_ts_ns)
        book = self._book(feed, instrument)
        self.now_ns = recv_ts_ns
        self.seq += 1
        return book, recv_ts_ns

    def _end(self, type: int, feed: int, recv_ts_ns: int, payload: bytes) -> None:
        """Packs the input as a group of its own, or has the kernel close a group with outcomes."""
        if self.dirty or self.seq >= self.next_hash_seq:
            self.dirty = True
            self.kernel.close_market(type, feed, payload)
        elif self.frames is not None:
            self.frames.append(type, 1, GROUP_END, MARKET, feed, recv_ts_ns, payload)

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

    def market(self, records: bytes, recv_ts_ns: int) -> None:
        """Takes records (`codec.records_of`) that were received at the same time."""
        for kind, payload in records_of(records):
            if kind == QUOTE_TYPE:
                self._take(QUOTE_LAYOUT.unpack(payload), recv_ts_ns, payload)
            else:
                self._take_depth(payload, recv_ts_ns)

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
        """Takes recorded quotes, depth and trades of block[start:end] that are their own groups.

        Stops before anything else: another event, a due timer, a state hash, a gap. Returns the
        offset where it stopped. One that now causes an outcome closes a group as always.
        """
        if start < 0 or end > len(block):
            raise LocalError(f"[{start}:{end}] is outside a block of {len(block)} bytes")
        while True:
            start = self._replay_quotes(block, start, end)
            after = self._replay_other(block, start, end)
            if after == start:
                return start
            start = after

    def _replay_quotes(self, block: bytes, start: int, end: int) -> int:
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

    def _replay_other(self, block: bytes, start: int, end: int) -> int:
        """Takes the one depth batch or trade at `start`; returns `start` when there is none."""
        if start + HEADER_BYTES > end:
            return start
        _, length, seq, ts_ns, kind, version, flags, _, _ = HEADER.unpack_from(block, start)
        if (
            (version, flags, seq) != (1, GROUP_END, self.seq + 1)
            or start + padded(length) > end
            or ts_ns >= self.next_due_ns
            or seq >= self.next_hash_seq
        ):
            return start
        payload = block[start + HEADER_BYTES : start + length]
        if kind == DEPTH_TYPE and _carried(self.books, payload):
            self._take_depth(payload, ts_ns)
        elif kind == TRADE_TYPE and len(payload) == TRADE_LAYOUT.size:
            *_, feed, _, instrument = TRADE_LAYOUT.unpack(payload)
            book = self.books.get((feed, instrument))
            if book is None or book.trade_watchers:
                return start
            self._take_trade(payload, ts_ns)
        else:
            return start
        return start + padded(length)


def _not_carried(feed: int, instrument: int) -> LocalError:
    return LocalError(
        f"quote for instrument {instrument} at feed {feed}, which does not carry it",
        "define the symbol in the venue's table",
    )


def _carried(books: dict[tuple[int, int], TopBook], payload: bytes) -> bool:
    """Says whether a depth payload is whole, and of an instrument that its feed carries."""
    if len(payload) < DEPTH_HEAD.size:
        return False
    _, _, feed, _, _, instrument, bids, asks = DEPTH_HEAD.unpack_from(payload)
    whole = len(payload) == DEPTH_HEAD.size + (bids + asks) * LEVEL_BYTES
    return whole and (feed, instrument) in books

"""The native quote lane against its twin on a kernel that only notes what it is asked for."""

from __future__ import annotations

import random
from typing import Any

import pytest

from thft.base import _frame_py
from thft.base.errors import LocalError
from thft.base.frame import HEADER_BYTES
from thft.kernel import _dispatch_py
from thft.model import _book_py
from thft.model import event as ev
from thft.model.codec import (
    DEPTH_HEAD,
    DEPTH_TYPE,
    QUOTE_LAYOUT,
    QUOTE_TYPE,
    RECORD_HEAD,
)
from thft.model.fixed import ABSENT, pack_pairs

_frame: Any = pytest.importorskip("thft.base._frame", reason="extensions are not built")
_book: Any = pytest.importorskip("thft.model._book", reason="extensions are not built")
_dispatch: Any = pytest.importorskip("thft.kernel._dispatch", reason="extensions are not built")

BLOCK, BLOCKS, TRAILER = 4 << 10, 64, 64
QUOTE_FRAME = HEADER_BYTES + QUOTE_LAYOUT.size
NATIVE = (_dispatch.QuoteLane, _frame.FrameBuffer, _book.TopBook)
TWIN = (_dispatch_py.QuoteLane, _frame_py.FrameBuffer, _book_py.TopBook)


class Notes:
    """Stands where the kernel stands: a lane with two books, one handler that fails at times."""

    def __init__(self, leaves: tuple[Any, Any, Any], packs: bool = True) -> None:
        lane, buffer, book = leaves
        self.calls: list[object] = []
        self.lane = lane(self)
        self.lane.books = {(1, one): book(1, one) for one in (1, 70_000)}
        self.lane.books[1, 1].watchers = [("slot", self.on_quote, "ctx")]
        self.buffer = buffer(BLOCK, BLOCKS, TRAILER, 1)
        self.buffer.on_block_full = self.buffer.next_block
        self.lane.attach(self.buffer if packs else None, 1)

    def process(self, event: ev.Event, recv_ts_ns: int, source: int) -> None:
        self.calls.append((event, recv_ts_ns, source))

    def on_quote(self, ctx: str, book: Any) -> None:
        self.calls.append((ctx, book.bid, book.tradable, self.lane.seq, self.lane.calling))
        if book.bid == 13:
            self.lane.dirty = True
        if book.bid == 17:
            raise ValueError("unlucky")

    def fire_due(self, now_ns: int) -> None:
        self.calls.append(("due", now_ns))
        self.lane.next_due_ns = now_ns + 40

    def match_resting(self, book: Any) -> None:
        self.calls.append(("resting", book.ask))

    def strategy_failed(self, slot: str, error: Exception) -> None:
        self.calls.append((slot, repr(error), self.lane.calling))

    def close_market(self, type: int, feed: int, payload: bytes) -> None:
        self.calls.append(payload)
        self.lane.dirty = False
        self.lane.next_hash_seq = self.lane.seq + 90
        if self.lane.frames is not None:
            self.lane.frames.append_group([(type, 1, 1, 2, feed, self.lane.now_ns, payload)])

    def seen(self) -> tuple[object, ...]:
        lane, buffer = self.lane, self.buffer
        marks = (lane.now_ns, lane.seq, lane.calls, lane.calling, lane.dirty)
        counts = lane.quotes, lane.trades
        records = [book.record() for book in lane.books.values()]
        records += [(*key, one.bids(), one.asks()) for key, one in lane.depths.items()]
        return (*marks, *counts), records, self.calls, buffer.next_seq, bytes(buffer.memory)


def random_levels(choose: random.Random) -> bytes:
    return pack_pairs([(choose.randint(10, 20), choose.randint(0, 3)) for _ in range(3)])


def random_market(choose: random.Random, notes: list[Notes], count: int, began: int) -> None:
    """Lets every lane take the same quotes, depth batches and trades."""
    for at in range(count):
        instrument, kind, now_ns = choose.choice((1, 70_000)), choose.randrange(3), began + at * 7
        bids, asks, reset = random_levels(choose), random_levels(choose), choose.random() < 0.2
        price, side = choose.randint(1, 99), choose.choice((-1, 0, 1))
        for one in notes:
            if kind == 0:
                one.lane.quote(1, instrument, 10 + at % 9, 1, 15, 1, ABSENT, at, now_ns)
            elif kind == 1:
                one.lane.depth(1, instrument, reset, bids, asks, ABSENT, at, now_ns)
            else:
                one.lane.trade(1, instrument, price, 5, side, at, -at, now_ns)


def random_records(choose: random.Random, count: int) -> bytes:
    prices = (ABSENT, *range(10, 20))
    return b"".join(
        QUOTE_LAYOUT.pack(
            choose.choice(prices),
            1,
            choose.choice(prices),
            2,
            3,
            4,
            1,
            0,
            choose.choice((1, 70_000)),
        )
        for _ in range(count)
    )


@pytest.mark.parametrize("seed", range(8))
def test_both_lanes_take_the_same_quotes(seed: int) -> None:
    print(f"seed {seed}")
    choose = random.Random(seed)
    lanes = Notes(NATIVE), Notes(TWIN)
    for _ in range(20):
        records, began = random_records(choose, choose.randint(0, 60)), choose.randint(0, 3_000)
        due, hashed = choose.randint(0, 9_000), choose.randint(1, 3_000)
        resting = choose.random() < 0.2
        for notes in lanes:
            notes.lane.next_due_ns, notes.lane.next_hash_seq = due, hashed
            notes.lane.books[1, 70_000].resting = resting
            assert notes.lane.run(records, began, 7) == len(records) // QUOTE_LAYOUT.size
            notes.lane.quote(1, 70_000, 5, 1, 6, 1, ABSENT, 9, began)
        assert lanes[0].seen() == lanes[1].seen()


def random_batch(choose: random.Random, count: int) -> bytes:
    """Returns records of quotes and depth as a reader makes them."""
    batch = b""
    for _ in range(count):
        if choose.random() < 0.5:
            kind, payload = QUOTE_TYPE, random_records(choose, 1)
        else:
            bids, asks = random_levels(choose), random_levels(choose)[: 16 * choose.randrange(4)]
            counts = len(bids) // 16, len(asks) // 16
            reset, instrument = choose.randrange(2), choose.choice((1, 70_000))
            head = DEPTH_HEAD.pack(ABSENT, 7, 1, reset, 0, instrument, *counts)
            kind, payload = DEPTH_TYPE, head + bids + asks
        record = RECORD_HEAD.pack(kind, len(payload)) + payload
        batch += record + bytes(-len(record) % 8)
    return batch


@pytest.mark.parametrize("seed", range(8))
def test_both_lanes_take_the_same_records(seed: int) -> None:
    print(f"seed {seed}")
    choose = random.Random(seed)
    lanes = Notes(NATIVE), Notes(TWIN)
    for at in range(20):
        batch = random_batch(choose, choose.randint(0, 40))
        for notes in lanes:
            notes.lane.market(batch, 100 * at)
        assert lanes[0].seen() == lanes[1].seen()
    record = RECORD_HEAD.pack(DEPTH_TYPE, 28) + DEPTH_HEAD.pack(0, 0, 1, 0, 0, 1, 9, 9)
    quote = RECORD_HEAD.pack(QUOTE_TYPE, 56) + random_records(choose, 1)
    for wrong in (bytes(8), bytes(3), record, quote[:-8], quote + bytes(4)):
        for notes in lanes:
            with pytest.raises(LocalError, match="at the end of records are none"):
                notes.lane.market(wrong, 9_000)
    assert lanes[0].seen() == lanes[1].seen()


@pytest.mark.parametrize("seed", range(8))
def test_both_lanes_stop_at_the_same_recorded_frame(seed: int) -> None:
    print(f"seed {seed}")
    choose = random.Random(seed)
    recorded = Notes(TWIN)
    recorded.lane.run(random_records(choose, 40), 100, 7)
    block = bytearray(recorded.buffer.memory[: recorded.buffer.used])
    for _ in range(choose.randint(0, 2)):
        at = choose.randrange(len(block) // QUOTE_FRAME) * QUOTE_FRAME
        block[at + choose.choice((4, 8, 16, 24, 26, 27))] ^= (
            1  # any field of the header that counts
        )
    lanes = Notes(NATIVE, packs=False), Notes(TWIN, packs=False)
    due, hashed = choose.choice((2**62, 250)), choose.choice((2**62, 20))
    ends = set()
    for notes in lanes:
        notes.lane.next_due_ns, notes.lane.next_hash_seq = due, hashed
        ends.add(notes.lane.replay(bytes(block), 0, len(block)))
    assert len(ends) == 1
    assert lanes[0].seen() == lanes[1].seen()


@pytest.mark.parametrize("seed", range(8))
def test_both_lanes_take_the_same_market(seed: int) -> None:
    print(f"seed {seed}")
    choose = random.Random(seed)
    lanes = [Notes(NATIVE), Notes(TWIN)]
    for _ in range(12):
        due, hashed = choose.randint(0, 3_000), choose.randint(1, 600)
        heard, rests = choose.random() < 0.2, choose.random() < 0.2
        for notes in lanes:
            notes.lane.next_due_ns, notes.lane.next_hash_seq = due, hashed
            notes.lane.books[1, 70_000].resting = rests
            notes.lane.books[1, 1].trade_watchers = ["slot"] if heard else []
        random_market(choose, lanes, 40, choose.randint(0, 3_000))
        assert lanes[0].seen() == lanes[1].seen()


@pytest.mark.parametrize("seed", range(12))
def test_both_lanes_replay_the_same_market(seed: int) -> None:
    print(f"seed {seed}")
    choose = random.Random(seed)
    recorded = Notes(TWIN)
    random_market(choose, [recorded], 30, 100)
    block = bytearray(recorded.buffer.memory[: recorded.buffer.used])
    for _ in range(choose.randint(0, 2)):
        block[choose.randrange(len(block) // 4) * 4] ^= choose.choice((1, 2, 128))
    lanes = Notes(NATIVE, packs=False), Notes(TWIN, packs=False)
    due, hashed, heard = choose.choice((2**62, 200)), choose.choice((2**62, 20)), seed % 3 == 0
    ends = set()
    for notes in lanes:
        notes.lane.next_due_ns, notes.lane.next_hash_seq = due, hashed
        notes.lane.books[1, 70_000].trade_watchers = ["slot"] if heard else []
        ends.add(notes.lane.replay(bytes(block), 0, len(block)))
    assert len(ends) == 1
    assert lanes[0].seen() == lanes[1].seen()


def test_a_replay_goes_over_quotes_depth_and_trades_alike() -> None:
    recorded, again = Notes(TWIN), Notes(NATIVE, packs=False)
    recorded.lane.books[1, 1].watchers = again.lane.books[1, 1].watchers = []
    random_market(random.Random(1), [recorded], 30, 100)
    block = bytes(recorded.buffer.memory[: recorded.buffer.used])
    assert again.lane.replay(block, 0, len(block)) == len(block)
    assert again.seen()[:2] == recorded.seen()[:2]


@pytest.mark.parametrize("leaves", [NATIVE, TWIN])
def test_a_lane_refuses_levels_that_are_none(leaves: tuple[Any, Any, Any]) -> None:
    lane = Notes(leaves).lane
    with pytest.raises(LocalError, match="24 and 0 bytes are no whole number of levels"):
        lane.depth(1, 1, False, bytes(24), b"", 0, 0, 1)
    with pytest.raises(LocalError, match="more than 4000 levels in one frame"):
        lane.depth(1, 1, False, bytes(16 * 2_001), bytes(16 * 2_000), 0, 0, 1)
    for kind in ("depth", "trade"):
        arguments = (False, b"", b"", 0, 0, 1) if kind == "depth" else (1, 1, 1, 0, 0, 1)
        with pytest.raises(LocalError, match="which does not carry it"):
            getattr(lane, kind)(2, 1, *arguments)
    assert lane.seq == 0
    lane.depth(1, 1, True, [(5, 1)], ((6, 2),), 0, 0, 1)
    assert lane.books[1, 1].bid_size == 1 and lane.books[1, 1].ask == 6


@pytest.mark.parametrize("leaves", [NATIVE, TWIN])
def test_a_frame_of_the_most_levels_fits_a_block(leaves: tuple[Any, Any, Any]) -> None:
    lane, buffer = Notes(leaves).lane, leaves[1](64 << 10, 4, TRAILER, 1)
    buffer.on_block_full = buffer.next_block
    lane.attach(buffer, 1)
    levels = pack_pairs([(price, 1) for price in range(1, 4_001)])
    lane.depth(1, 1, True, levels, b"", 0, 0, 1)
    assert buffer.used == HEADER_BYTES + DEPTH_HEAD.size + 4 + len(levels)


@pytest.mark.parametrize("leaves", [NATIVE, TWIN])
def test_a_lane_refuses_what_is_no_quote(leaves: tuple[Any, Any, Any]) -> None:
    lane = Notes(leaves).lane
    with pytest.raises(LocalError, match="which does not carry it"):
        lane.quote(2, 1, 5, 1, 6, 1, 0, 0, 1)
    with pytest.raises(LocalError, match="57 bytes are no whole number of quotes"):
        lane.run(bytes(57), 0, 1)
    with pytest.raises(LocalError, match="outside a block of 8 bytes"):
        lane.replay(bytes(8), 0, 96)
    assert lane.seq == 0


@pytest.mark.parametrize("leaves", [NATIVE, TWIN])
def test_a_buffer_whose_owner_makes_no_room_is_not_overrun(leaves: tuple[Any, Any, Any]) -> None:
    notes = Notes(leaves)
    notes.buffer.on_block_full = lambda: None
    with pytest.raises(RuntimeError, match="has not gone on"):
        notes.lane.run(random_records(random.Random(1), 60), 0, 1)
    assert notes.buffer.used <= notes.buffer.room_end

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
from thft.model.codec import QUOTE_LAYOUT
from thft.model.fixed import ABSENT

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

    def close_quote(self, payload: bytes) -> None:
        self.calls.append(payload)
        self.lane.dirty = False
        self.lane.next_hash_seq = self.lane.seq + 90
        if self.lane.frames is not None:
            self.lane.frames.append_group([(0x0101, 1, 1, 2, 1, self.lane.now_ns, payload)])

    def seen(self) -> tuple[object, ...]:
        lane, buffer = self.lane, self.buffer
        marks = (lane.now_ns, lane.seq, lane.quotes, lane.calls, lane.calling, lane.dirty)
        records = [book.record() for book in lane.books.values()]
        return marks, records, self.calls, buffer.next_seq, bytes(buffer.memory)


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

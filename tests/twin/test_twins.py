"""Native leaves against their Python twins: same calls, same bytes, same answers."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from typing import Any

import pytest
from tests.seeds import seeded

from thft.base import _frame_py
from thft.base.frame import GROUP_END, FrameTooLarge
from thft.model import _book_py
from thft.model.fixed import ABSENT, pack_pairs

_frame: Any = pytest.importorskip("thft.base._frame", reason="extensions are not built")
_book: Any = pytest.importorskip("thft.model._book", reason="extensions are not built")

BLOCK, TRAILER = 4 << 10, 64


def buffers() -> tuple[Any, Any]:
    pair = _frame.FrameBuffer(BLOCK, 4, TRAILER, 7), _frame_py.FrameBuffer(BLOCK, 4, TRAILER, 7)
    for buffer in pair:
        buffer.on_block_full = buffer.next_block
    return pair


def test_crc_is_zlibs_for_every_length_and_alignment() -> None:
    blob = seeded(1).randbytes(4_200)
    for length in range(4_097):
        start = length % 17
        part = blob[start : start + length]
        assert _frame.crc32(part) == zlib.crc32(part), length


def test_both_pack_the_same_bytes() -> None:
    choose = seeded(2)
    native, twin = buffers()
    for _ in range(3_000):
        group = [
            (
                choose.randrange(65_536),
                choose.randrange(256),
                choose.randrange(256),
                choose.randrange(65_536),
                choose.randrange(65_536),
                choose.randrange(-(2**63), 2**63),
                choose.randbytes(choose.choice((0, 1, 7, 8, 56, 57, 200))),
            )
            for _ in range(choose.randint(1, 6))
        ]
        if len(group) == 1:
            assert native.append(*group[0]) == twin.append(*group[0])
        else:
            assert native.append_group(group) == twin.append_group(group)
        for name in ("block", "used", "next_seq", "room_end"):
            assert getattr(native, name) == getattr(twin, name)
    assert native.memory == twin.memory


def test_both_refuse_a_group_that_fits_no_block() -> None:
    for buffer in buffers():
        with pytest.raises(FrameTooLarge, match="does not fit a block"):
            buffer.append(1, 1, GROUP_END, 1, 1, 0, bytes(BLOCK))
        assert buffer.used == 0


def test_both_find_the_same_end_in_damaged_frames() -> None:
    choose = seeded(3)
    for _ in range(400):
        native, _ = buffers()
        for _ in range(choose.randint(1, 12)):
            flags = GROUP_END if choose.random() < 0.7 else 0
            native.append(1, 1, flags, 2, 3, 4, choose.randbytes(choose.randint(0, 80)))
        content = bytearray(native.memory[: native.used + choose.choice((0, 8, 64))])
        for _ in range(choose.randint(0, 2)):
            content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
        start = choose.choice((0, 0, 0, 8))
        asked = (bytes(content), start, len(content), choose.choice((7, 7, 7, 2**64 - 9)))
        assert _frame.valid_end(*asked) == _frame_py.valid_end(*asked)


def test_both_books_judge_quotes_alike() -> None:
    choose = seeded(4)
    native, twin = _book.TopBook(1, 2), _book_py.TopBook(1, 2)
    for _ in range(5_000):
        deed = choose.random()
        if deed < 0.02:
            native.blank()
            twin.blank()
        elif deed < 0.05:
            trade = [choose.randrange(9) for _ in range(6)]
            native.take_trade(*trade)
            twin.take_trade(*trade)
        elif deed < 0.09:
            bad = choose.random() < 0.5
            native.mark_bad(bad)
            twin.mark_bad(bad)
        else:
            bid = choose.choice((ABSENT, 100, 101, 102, 103))
            ask = choose.choice((ABSENT, 100, 101, 102, 103))
            numbers = (bid, 1, ask, 2, choose.randrange(9), choose.randrange(9), 5)
            native.update(*numbers)
            twin.update(*numbers)
        assert native.record() == twin.record()
        assert bool(native.tradable) is twin.tradable
    other = _book_py.TopBook(0, 0)
    other.restore(native.record())
    assert other.record() == native.record()


@pytest.mark.parametrize("seed", range(6))
def test_both_depths_hold_the_same_levels(seed: int) -> None:
    choose = seeded(seed)
    native, twin = _book.DepthBook(), _book_py.DepthBook()
    wide = choose.choice((20, 400, 20_000))
    for _ in range(150):
        reset = choose.random() < 0.1
        sides: list[Any] = []
        for best in (1, -1):
            count = choose.choice((0, 1, 2, 5, wide // 3))
            levels = [(choose.randint(1, wide), choose.randint(0, 3)) for _ in range(count)]
            if choose.random() < 0.4:
                levels = sorted(dict(levels).items(), reverse=best > 0)
            sides.append(pack_pairs(levels) if choose.random() < 0.7 else levels)
        native.apply(reset, *sides)
        twin.apply(reset, *sides)
        assert native.top() == twin.top()
        assert native.bids() == twin.bids() and native.asks() == twin.asks()
        few = choose.randint(1, 12)
        assert native.bids(few) == twin.bids(few) and native.asks(few) == twin.asks(few)
        if choose.random() < 0.2:
            assert native.cut(few) == twin.cut(few)
            assert native.bids() == twin.bids(few) and native.asks() == twin.asks(few)
    if wide == 20_000:
        assert len(twin.bids()) <= _book_py.LEVELS_KEPT


def test_both_depths_keep_the_best_levels_of_too_many() -> None:
    kept = _book_py.LEVELS_KEPT
    levels = [(price, price) for price in range(1, kept + 101)]
    seeded(7).shuffle(levels)
    for leaf in (_book, _book_py):
        book = leaf.DepthBook()
        book.apply(False, levels, pack_pairs(levels))
        assert book.bids() == [(price, price) for price in range(kept + 100, 100, -1)]
        assert book.asks() == [(price, price) for price in range(1, kept + 1)]


@pytest.mark.parametrize("leaf", [_book, _book_py])
def test_half_a_level_is_none(leaf: Any) -> None:
    for packed in (bytes(8), bytes(20)):
        with pytest.raises(ValueError):
            leaf.DepthBook().apply(True, packed, b"")


RUN = """
from hashlib import sha256
from tests.engine import Engine
engine = Engine(seed=5, hash_every=500, latency_ms=(1, 40))
engine.load_arbitrage(diff_to_open_points=6, sl_points=40, offset_mode="auto")
engine.random_market(9, 6_000)
digest = sha256()
for frame in engine.recorder.frames:
    digest.update(repr(frame).encode())
print(len(engine.recorder.frames), digest.hexdigest(), engine.kernel.state_hash().hex())
"""


def outcome(**environment: str) -> str:
    """Returns what one run in a process of its own has decided."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )
    return done.stdout


def test_a_whole_run_decides_the_same_natively_in_python_and_under_any_hash_seed() -> None:
    runs = {
        outcome(THFT_PURE=pure, PYTHONHASHSEED=seed, PYTHONPATH=os.pathsep.join(sys.path))
        for pure in ("0", "1")
        for seed in ("0", "4242")
    }
    assert len(runs) == 1
    assert int(runs.pop().split()[0]) > 6_000

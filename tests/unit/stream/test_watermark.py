"""The doorbell: who asked is rung once, whoever comes and goes in the reader's slots."""

from __future__ import annotations

import os
import select
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from thft.stream.watermark import Doorbell, Watermark


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Watermark]:
    mark = Watermark(tmp_path, create=True)
    yield mark
    mark.close()


def rung(bell: Doorbell) -> bool:
    """True when the bell has rung; takes the ring."""
    ready = bool(select.select([bell], [], [], 0)[0])
    bell.drain()
    return ready


def test_a_reader_is_rung_once_for_each_time_it_asks(writer: Watermark, tmp_path: Path) -> None:
    bell = Doorbell(tmp_path)
    writer.set_written(1)
    assert not rung(bell)
    for seq in (2, 4):
        bell.arm()
        writer.set_written(seq)
        writer.set_written(seq + 1)
        assert rung(bell)
        assert not rung(bell)
    assert bell.watermark.written_seq == 5
    bell.close()


def test_who_takes_the_slot_of_another_reader_is_rung(writer: Watermark, tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for seq in range(1, 9):
        left, stays = Doorbell(tmp_path), Doorbell(tmp_path)
        for bell in (left, stays):
            bell.arm()
        writer.set_written(seq)
        assert rung(left)
        assert rung(stays)
        left.arm()
        left.close()
        stays.arm()
        writer.set_written(seq)
        assert rung(stays)
        stays.close()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_dead_readers_slot_is_given_to_the_next(writer: Watermark, tmp_path: Path) -> None:
    for seq in range(1, 40):  # more than there are slots
        dead = Doorbell(tmp_path)
        dead.arm()
        writer.set_written(seq)
        assert rung(dead)
        dead.arm()
        dead._socket.close()  # as a kill leaves it: the slot stays taken and armed
        dead.watermark.close()
        shutil.rmtree(dead._folder)
        writer.set_written(seq)
    last = Doorbell(tmp_path)
    last.arm()
    writer.set_written(99)
    assert rung(last)
    last.close()


def test_a_side_file_is_made_whole_by_short_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite
    monkeypatch.setattr(
        os, "pwrite", lambda fd, data, at: write(fd, data[: len(data) // 2 + 1], at)
    )
    mark = Watermark(tmp_path, create=True)
    mark.begin(1, 7)
    assert mark.durable_seq == 7
    mark.close()

"""Files of a real directory: room found in advance, short writes, errors that say what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from thft.stream.disk import JournalFull, RealDisk

SIZE = 3 << 20


def failing(code: int) -> object:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_new_file_has_its_room_and_holds_zeros(tmp_path: Path) -> None:
    RealDisk(tmp_path).create("one", SIZE).close()
    assert (tmp_path / "one").read_bytes() == bytes(SIZE)
    assert os.stat(tmp_path / "one").st_blocks * 512 >= SIZE


def test_a_file_system_that_cannot_allocate_gets_the_zeros_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.EOPNOTSUPP))
    RealDisk(tmp_path).create("one", SIZE).close()
    assert (tmp_path / "one").read_bytes() == bytes(SIZE)


def test_a_full_disk_is_noticed_before_anything_is_written_and_no_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.ENOSPC))
    with pytest.raises(JournalFull, match="allocate one: no space left"):
        RealDisk(tmp_path).create("one", SIZE)
    assert list(tmp_path.iterdir()) == []


def test_a_short_write_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RealDisk(tmp_path).create("one", 0)
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, view, at: whole(fd, bytes(view)[:7], at))
    for content in (b"twenty-three bytes here", memoryview(b"a view of some more bytes")):
        file.write(5, content)
        assert file.read(5, len(content)) == bytes(content)
    file.close()

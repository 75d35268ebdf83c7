"""The journal on a real directory: continue, refuse, follow, flip every byte, disk trouble."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from thft.base.frame import GROUP_END, FrameTooLarge
from thft.base.prng import Prng
from thft.sim.memory_disk import FragileDisk, MemoryDisk
from thft.stream import syncing
from thft.stream.disk import (
    DiskFailed,
    JournalFull,
    JournalPoisoned,
    RealDisk,
    RealFile,
    disk_error,
)
from thft.stream.journal import AlreadyLocked, Journal
from thft.stream.layout import DamagedLog, segment_name
from thft.stream.reader import LogReader, read_all
from thft.stream.snapshot import (
    NewerSnapshot,
    Snapshot,
    SnapshotStore,
    pack,
)
from thft.stream.syncing import SegmentSupply

SMALL = {"segment_bytes": 64 << 10, "block_bytes": 4 << 10}


def open_journal(directory: Path, **options: int) -> Journal:
    return Journal.open(directory, instance="ab", created_ns=1, **{**SMALL, **options})


def write(journal: Journal, count: int) -> None:
    for number in range(count):
        journal.append(257, 2, 1, number, b"p" * 56)
        if number % 5 == 0:
            journal.flush()
    journal.flush()


def test_what_was_written_is_read_in_order_across_starts(tmp_path: Path) -> None:
    for _ in range(3):
        journal = open_journal(tmp_path)
        write(journal, 1_000)
        journal.abandon()
    assert [frame.seq for frame in read_all(tmp_path)] == list(range(1, 3_001))


def test_each_start_has_a_new_epoch(tmp_path: Path) -> None:
    epochs = []
    for _ in range(3):
        journal = open_journal(tmp_path)
        epochs.append(journal.epoch)
        journal.close()
    assert epochs == [1, 2, 3]


def test_a_second_writer_is_refused_by_name(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(AlreadyLocked, match="in use by process"):
        open_journal(tmp_path)
    journal.close()


def test_a_reader_follows_a_writer_and_starts_anywhere(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    reader, late = LogReader(tmp_path), LogReader(tmp_path, after_seq=700)
    seen: list[int] = []
    for _ in range(20):
        write(journal, 70)
        while batch := reader.read(16):
            seen += [frame.seq for frame in batch]
    assert seen == list(range(1, 1_401))
    tail: list[int] = []
    while batch := late.read(50):
        tail += [frame.seq for frame in batch]
    assert tail == list(range(701, 1_401))
    journal.close()


def test_a_reader_goes_on_after_the_writer_was_restarted(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 100)
    reader = LogReader(tmp_path)
    assert len(reader.read()) == 100
    journal.abandon()
    journal = open_journal(tmp_path)
    write(journal, 10)
    assert [frame.seq for frame in reader.read()] == list(range(101, 111))
    journal.close()


def test_an_open_group_is_not_read_and_is_cut_at_the_next_start(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 10)
    journal.buffer.append(257, 1, 0, 2, 1, 1, b"open")
    journal.flush()
    journal.abandon()
    assert [frame.seq for frame in read_all(tmp_path)] == list(range(1, 11))
    journal = open_journal(tmp_path)
    assert journal.recovered.last_seq == 10
    assert journal.recovered.cut_bytes > 0
    journal.close()


def test_a_group_that_fits_no_block_is_refused(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(FrameTooLarge, match="does not fit a block"):
        journal.append(257, 2, 1, 1, bytes(5_000))
    journal.close()


def test_damage_below_what_was_durable_refuses_to_start(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 2_000)
    journal.close()
    first = sorted(tmp_path.glob("*.log"))[0]
    content = bytearray(first.read_bytes())
    content[10_000] ^= 1
    first.write_bytes(content)
    with pytest.raises(DamagedLog, match=rf"segment={first.name} offset=\d+ reason=checksum"):
        open_journal(tmp_path)
    assert first.read_bytes() == bytes(content)


def test_a_bad_snapshot_falls_back_and_a_newer_one_is_refused(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for seq in (10, 20):
        store.save(Snapshot(seq, bytes(32), {"state": str(seq).encode()}))
    newest = tmp_path / f"{20:016d}.snap"
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    snapshot, passed = store.load(last_seq=99)
    assert snapshot is not None
    assert snapshot.seq == 10
    assert "checksum differs" in passed[0]
    assert store.load(last_seq=5)[0] is None

    from hashlib import sha256

    body = bytearray(pack(Snapshot(30, bytes(32), {}))[:-32])
    body[8] = 9
    (tmp_path / f"{30:016d}.snap").write_bytes(bytes(body) + sha256(body).digest())
    with pytest.raises(NewerSnapshot, match="version 9"):
        store.load(last_seq=99)


def test_segments_zeroed_by_a_killed_run_are_used_by_the_next(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 20)
    journal.abandon()
    for number, size in ((2, SMALL["segment_bytes"]), (3, 4_096), (90, SMALL["segment_bytes"])):
        (tmp_path / segment_name(number)).write_bytes(bytes(size))
    left = {number: (tmp_path / segment_name(number)).stat().st_ino for number in (2, 3)}
    journal = open_journal(tmp_path)
    write(journal, 1_000)
    second, third = (tmp_path / segment_name(number) for number in (2, 3))
    assert second.stat().st_ino == left[2]
    assert third.stat().st_size == SMALL["segment_bytes"]
    assert not (tmp_path / segment_name(90)).exists()
    journal.close()
    seqs = [frame.seq for frame in read_all(tmp_path)]
    assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) > 1_000


def test_a_log_that_finds_no_room_ends_with_everything_written_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(tmp_path)
    room = True

    def create(disk: RealDisk, name: str, size: int) -> RealFile:
        if not room:
            raise disk_error("create", name, OSError(errno.ENOSPC, "full"))
        return made(disk, name, size)

    made = RealDisk.create
    monkeypatch.setattr(RealDisk, "create", create)
    room = False
    with pytest.raises(JournalFull, match="no space left"):
        for _ in range(10):
            write(journal, 500)  # into what was made ahead, until nothing is left of it
    assert journal.written_seq >= 500
    with pytest.raises(JournalPoisoned, match="no space left — free disk space"):
        journal.flush()
    journal.abandon()
    written = journal.written_seq
    seqs = [frame.seq for frame in read_all(tmp_path)]
    assert seqs == list(range(1, written + 1))


def test_a_segment_is_made_as_soon_as_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "RETRY_S", 0.01)
    disk, refusals = RealDisk(tmp_path), iter(range(5))

    def create(disk: RealDisk, name: str, size: int) -> RealFile:
        if next(refusals, None) is not None:
            raise disk_error("create", name, OSError(errno.ENOSPC, "full"))
        return made(disk, name, size)

    made = RealDisk.create
    monkeypatch.setattr(RealDisk, "create", create)
    supply = SegmentSupply(disk, 1, 4_096, threads=True)
    deadline = time.monotonic() + 10
    while supply._ready.empty():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    supply.take().close()
    supply.stop()
    assert disk.names() == ["00000001.log"]


@pytest.mark.parametrize("seed", range(20))
def test_what_a_killed_writer_left_is_made_durable_at_the_start(seed: int) -> None:
    def start(disk: FragileDisk) -> Journal:
        return Journal(
            disk,
            instance="ab",
            created_ns=1,
            segment_bytes=SMALL["segment_bytes"],
            block_bytes=SMALL["block_bytes"],
            threads=False,
        )

    disk = FragileDisk()
    write(start(disk), 1_000)  # over several segments, none of them synced, then killed
    killed = disk.killed()
    again = start(killed)
    assert again.durable_seq == 1_000
    assert start(killed.cut_power(Prng(seed))).recovered.last_seq >= again.durable_seq


def test_a_write_that_failed_once_ends_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: RealFile, offset: int, content: memoryview | bytes) -> None:
        raise disk_error("write", file.name, OSError(errno.EIO, "Input/output error"))

    journal = open_journal(tmp_path)
    write(journal, 5)
    journal.append(257, 2, 1, 1, b"x")
    with monkeypatch.context() as patch:
        patch.setattr(RealFile, "write", fail)
        with pytest.raises(DiskFailed, match=r"write 00000001\.log: Input/output error"):
            journal.flush()
    with pytest.raises(JournalPoisoned, match=r"write 00000001\.log: .* — check the disk"):
        journal.flush()
    journal.abandon()
    assert [frame.seq for frame in read_all(tmp_path)] == list(range(1, 6))


def test_the_way_to_a_new_log_is_durable_before_the_log_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    whole = os.fsync

    def note(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        whole(fd)

    monkeypatch.setattr(os, "fsync", note)
    log = tmp_path / "data" / "core"
    Journal.open(log, instance="ab", created_ns=1, **SMALL).close()
    for folder in (tmp_path, tmp_path / "data", log):
        assert folder.stat().st_ino in synced


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskFailed, match="create directory"):
        open_journal(tmp_path / "file")


def test_a_turn_is_one_write_and_a_second_one_only_in_a_new_segment() -> None:
    disk = MemoryDisk()
    journal = Journal(
        disk,
        instance="ab",
        created_ns=1,
        segment_bytes=64 << 10,
        block_bytes=4 << 10,
        threads=False,
    )
    for turn in range(300):
        segment, done = journal._file.name, len(disk.ops)
        for _ in range(turn % 70 + 1):
            journal.append(257, 2, 1, 1, b"p" * 56)
        journal.flush()
        written = [op.name for op in disk.ops[done:] if op.kind == "write"]
        assert written in ([journal._file.name], [segment, journal._file.name])
        assert len(set(written)) == len(written)


def test_flag_of_a_group_end_is_what_the_journal_appends(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 3)
    journal.close()
    assert {frame.flags for frame in read_all(tmp_path)} == {GROUP_END}

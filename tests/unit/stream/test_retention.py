"""What may be removed of a log and what not; a log without its beginning is judged as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from thft.base.errors import LocalError
from thft.base.frame import MARKET, ORDERS
from thft.stream.disk import FileMissing, RealDisk
from thft.stream.group.acks import FOLDER as GROUPS
from thft.stream.group.acks import AckNotice, BadNotice, acknowledged
from thft.stream.journal import PLAIN_KEPT, Journal
from thft.stream.layout import DamagedLog, is_sealed, segment_names
from thft.stream.reader import LogPruned, LogReader, batches
from thft.stream.retention import archive, removal
from thft.stream.retention.removal import Cut
from thft.stream.retention.root import read_root, seq_before
from thft.stream.segment import log_identity
from thft.stream.snapshot import FOLDER, Snapshot, SnapshotStore
from thft.stream.verify import verify

DAY = 400
"""Frames a day; milestone n is taken at the end of day n."""


class AgedLog:
    """Five days in sealed segments, each day ending with a milestone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.disk = RealDisk(directory)
        self.snapshots = SnapshotStore(self.disk.folder(FOLDER))
        self.journal = Journal.open(
            directory, instance="ab", created_ns=1, segment_bytes=16 << 10, block_bytes=4 << 10
        )
        for day in range(1, 6):
            for number in range(DAY):
                stream = MARKET if number % 10 else ORDERS
                self.journal.append(257, stream, 1, day, number.to_bytes(56, "little"))
            self.journal.flush()
            self.journal.sync_now()
            saved = Snapshot(self.journal.written_seq, bytes(32), {"state": bytes([day]) * 100})
            self.snapshots.save(saved, milestone_s=day)
        self.journal.close()

    def seal(self) -> None:
        journal = Journal.open(
            self.directory, instance="ab", created_ns=2, segment_bytes=16 << 10, block_bytes=4 << 10
        )
        while journal.seal_one():
            continue
        journal.close()

    def plan(self, before_s: int, acked_seq: int | None = None) -> Cut | None:
        return removal.plan(self.disk, self.snapshots, before_s, acked_seq)

    def remove(self, before_s: int) -> int:
        cut = self.plan(before_s)
        assert cut is not None
        return removal.remove(self.disk, self.snapshots, cut)


@pytest.fixture
def aged(tmp_path: Path) -> AgedLog:
    log = AgedLog(tmp_path / "core")
    log.seal()
    return log


def test_only_whole_sealed_segments_before_an_old_milestone_may_go(aged: AgedLog) -> None:
    assert aged.plan(0) is None
    for day in range(1, 4):
        cut = aged.plan(day)
        assert cut is not None
        assert cut.snapshot_seq == day * DAY
        assert cut.snapshot_seq - 200 < cut.first_seq <= cut.snapshot_seq + 1
    newest = aged.plan(99)
    assert newest is not None
    names = segment_names(aged.disk.names())
    assert not any(is_sealed(name) for name in names[-PLAIN_KEPT:])
    assert newest.segment <= len(names) - PLAIN_KEPT


def test_a_log_without_sealed_segments_or_milestones_keeps_all(tmp_path: Path) -> None:
    aged = AgedLog(tmp_path / "core")
    assert aged.plan(99) is None
    aged.seal()
    aged.snapshots.forget_milestones_before(1 << 60)
    assert aged.plan(99) is None


def test_what_a_group_has_not_acknowledged_stays(aged: AgedLog) -> None:
    assert aged.plan(4, acked_seq=DAY - 1) is None
    cut = aged.plan(4, acked_seq=2 * DAY + 7)
    assert cut is not None
    assert cut.snapshot_seq == 2 * DAY


def test_groups_say_what_they_have_taken(tmp_path: Path) -> None:
    assert acknowledged(tmp_path, "log") is None
    first, second = AckNotice(tmp_path, "store", "log"), AckNotice(tmp_path, "other", "log")
    first.show(70)
    second.show(50)
    assert acknowledged(tmp_path, "log") == 50
    second.show(90)
    assert acknowledged(tmp_path, "log") == 70
    assert acknowledged(tmp_path, "another log") == 0
    (tmp_path / GROUPS / "store").write_text("")
    with pytest.raises(BadNotice, match="store is no notice"):
        acknowledged(tmp_path, "log")


def test_what_stays_is_read_from_archive_and_log(aged: AgedLog) -> None:
    whole = [frame for batch in batches(aged.disk) for frame in batch]
    identity = log_identity(aged.disk)
    assert aged.remove(3) > 2
    gone = seq_before(aged.disk)
    assert 2 * DAY < gone <= 3 * DAY
    root = read_root(aged.disk)
    assert root is not None
    found = [
        frame
        for batch in archive.archived(aged.disk.folder(archive.FOLDER), root)
        for frame in batch
    ]
    assert found == [frame for frame in whole[:gone] if frame.stream == ORDERS]
    assert [frame for batch in batches(aged.disk, gone) for frame in batch] == whole[gone:]
    later = archive.archived(aged.disk.folder(archive.FOLDER), root, after_seq=found[4].seq)
    assert [frame for batch in later for frame in batch] == found[5:]
    assert log_identity(aged.disk) == identity
    assert [seq for seq, _ in aged.snapshots.milestones()] == [3 * DAY, 4 * DAY, 5 * DAY]
    with pytest.raises(LogPruned, match=f"begins at seq {gone + 1}, seq 1 was removed"):
        LogReader(aged.disk).read()
    assert verify(aged.directory).damage is None


def test_the_next_run_goes_on_and_removes_on(aged: AgedLog) -> None:
    aged.remove(2)
    aged.seal()
    last = verify(aged.directory).last_seq
    aged.remove(4)
    assert verify(aged.directory).damage is None
    assert verify(aged.directory).last_seq == last
    assert len(aged.disk.folder(archive.FOLDER).names()) == 2


def test_an_interrupted_removal_leaves_the_log_as_it_was(aged: AgedLog) -> None:
    def stop() -> None:
        raise LocalError("the core is ending")

    names = aged.disk.names()
    cut = aged.plan(4)
    assert cut is not None
    with pytest.raises(LocalError, match="is ending"):
        removal.remove(aged.disk, aged.snapshots, cut, stop)
    assert aged.disk.names() == names
    assert aged.disk.folder(archive.FOLDER).names() == []
    assert aged.remove(4) > 0


def test_what_a_removal_left_behind_is_not_taken_for_the_log(aged: AgedLog) -> None:
    before = {path.name: path.read_bytes() for path in aged.directory.glob("*.log*")}
    aged.remove(2)
    left = sorted(set(before) - set(aged.disk.names()))
    for name in left:
        (aged.directory / name).write_bytes(before[name])
    assert aged.plan(2) is None
    assert aged.remove(4) > len(left)
    assert not set(left) & set(aged.disk.names())
    assert verify(aged.directory).damage is None
    for name in left:
        (aged.directory / name).write_bytes(before[name])
    aged.seal()  # a start
    assert not set(left) & set(aged.disk.names())


def test_every_byte_that_the_rest_stands_on_is_checked(aged: AgedLog) -> None:
    aged.remove(2)
    aged.seal()
    aged.remove(4)
    files = [aged.directory / "root", *(aged.directory / archive.FOLDER).iterdir()]
    root = read_root(aged.disk)
    assert root is not None
    files += (aged.directory / FOLDER).glob(f"{root.snapshot_seq:016d}*")
    assert len(files) == 4
    for path in files:
        content = path.read_bytes()
        for offset in range(0, len(content), max(len(content) // 60, 1)):
            changed = bytearray(content)
            changed[offset] ^= 4
            path.write_bytes(changed)
            assert verify(aged.directory).damage is not None, f"{path.name} offset {offset}"
        path.write_bytes(content[:-1])
        assert verify(aged.directory).damage is not None, f"{path.name} cut"
        path.unlink()
        assert verify(aged.directory).damage is not None, f"{path.name} missing"
        path.write_bytes(content)
    assert verify(aged.directory).damage is None


def test_a_missing_segment_behind_the_root_is_damage(aged: AgedLog) -> None:
    aged.remove(2)
    root = read_root(aged.disk)
    assert root is not None
    names = segment_names(aged.disk.names())
    for gone in (names[:1], names[1:2], names):
        contents = {name: (aged.directory / name).read_bytes() for name in gone}
        for name in gone:
            (aged.directory / name).unlink()
        with pytest.raises(DamagedLog, match=r"missing|does not continue"):
            Journal.open(aged.directory, instance="ab", created_ns=3)
        for name, content in contents.items():
            (aged.directory / name).write_bytes(content)
    assert verify(aged.directory).damage is None


def test_milestones_outlive_other_snapshots(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for seq in range(1, 10):
        store.save(Snapshot(seq, bytes(32), {}), milestone_s=100 if seq == 2 else None)
    assert store.milestones() == [(2, 100)]
    assert store.at(2).seq == 2
    assert store.hash_of(2) == (tmp_path / f"{2:016d}.100.snap").read_bytes()[-32:]
    with pytest.raises(FileMissing, match="no snapshot at seq 3"):
        store.at(3)
    assert sorted(int(path.name[:16]) for path in tmp_path.iterdir()) == [2, 7, 8, 9]
    store.forget_milestones_before(3)
    assert store.milestones() == []

"""Removes the oldest segments of a log that its writer has open; called by the core's upkeep.

Order is everything: archive, then root, then the segments, each durable before the next begins.
Cut off anywhere, the log is whole as before or begins at its new root; what is left over is
removed by the next start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from thft.base.frame import HEADER
from thft.stream import layout
from thft.stream.disk import Disk
from thft.stream.layout import DamagedLog
from thft.stream.reader import LogReader
from thft.stream.retention import archive
from thft.stream.retention.root import Root, kept_segments, read_root, write_root
from thft.stream.segment import header_of, log_identity
from thft.stream.snapshot import SnapshotStore

READ_FRAMES = 2_048
"""So many frames are sifted in one go; then the writer's thread has its turn."""


class Cut(NamedTuple):
    """The first segment that stays, the first seq in it, and the snapshot replay starts from."""

    segment: int
    first_seq: int
    snapshot_seq: int


def plan(disk: Disk, snapshots: SnapshotStore, before_s: int, acked_seq: int | None) -> Cut | None:
    """Returns what may go now, None when nothing may.

    Gone is what lies before a milestone that was taken at or before `before_s` (seconds of engine
    time) and that every group has acknowledged (`acked_seq`, None without groups), as far as its
    segments are sealed.
    """
    old = [
        seq
        for seq, taken_s in snapshots.milestones()
        if taken_s <= before_s and (acked_seq is None or seq <= acked_seq)
    ]
    if not old:
        return None
    names = kept_segments(disk, read_root(disk))
    stays = 0
    while stays + 1 < len(names) and layout.is_sealed(names[stays]):
        header = header_of(disk, names[stays + 1])
        if header is None or header.first_seq - 1 > old[-1]:
            break
        stays += 1
    header = header_of(disk, names[stays]) if stays else None
    index = layout.segment_index(names[stays]) if stays else None
    return Cut(index, header.first_seq, old[-1]) if header is not None and index else None


def remove(
    disk: Disk, snapshots: SnapshotStore, cut: Cut, give_way: Callable[[], None] = lambda: None
) -> int:
    """Archives and removes what lies before the cut; returns how many segments went.

    `give_way` is called between pieces of work. Raises DamagedLog when what shall go is not good.
    """
    before = read_root(disk)
    first_seq = before.first_seq if before is not None else 1
    head = archive.Head(
        first_seq,
        cut.first_seq - 1,
        before.archive_hash if before is not None else archive.NOTHING,
    )
    spans = _spans(disk, head, give_way)
    archive_hash = archive.write(disk.folder(archive.FOLDER), head, spans)
    header = header_of(disk, layout.segment_name(cut.segment))
    assert header is not None, "the plan has seen it"
    root = Root(
        cut.segment,
        cut.first_seq,
        header.chain,
        cut.snapshot_seq,
        snapshots.hash_of(cut.snapshot_seq),
        archive_hash,
        log_identity(disk),
    )
    write_root(disk, root)
    gone = segments_before(disk, root)
    for name in gone:
        disk.remove(name)
    disk.sync_names()
    snapshots.forget_milestones_before(cut.snapshot_seq)
    return len(gone)


def segments_before(disk: Disk, root: Root) -> list[str]:
    """Returns the segments that the root has made superfluous, oldest first."""
    return [
        name
        for name in disk.names()
        if (index := layout.segment_index(name)) is not None and index < root.segment
    ]


def _spans(
    disk: Disk, head: archive.Head, give_way: Callable[[], None]
) -> Iterator[tuple[bytes, int, int]]:
    """Yields the spans of closed groups that the head covers; they end with their segment."""
    with LogReader(disk, head.first_seq - 1) as reader:
        while reader.next_seq <= head.last_seq:
            spans = reader.runs(READ_FRAMES)
            if not spans:
                raise DamagedLog("log", 0, f"it ends before seq {head.last_seq}")
            for block, start, end in spans:
                if HEADER.unpack_from(block, start)[2] <= head.last_seq:
                    yield block, start, end
            give_way()

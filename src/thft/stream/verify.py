"""Judges a still log as a whole: every byte from the first header to the end; called by cli."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thft.stream import recovery
from thft.stream.disk import Disk, FileMissing, RealDisk
from thft.stream.layout import DamagedLog, segment_names
from thft.stream.retention import archive
from thft.stream.retention.root import NO_SNAPSHOT, read_root
from thft.stream.snapshot import FOLDER, BadSnapshot, SnapshotStore


@dataclass(frozen=True)
class Verdict:
    """What verification found; `damage` is None for a good log."""

    last_seq: int
    segments: int
    closed: bool
    damage: DamagedLog | None


def verify(directory: Path) -> Verdict:
    """Walks the log without changing it. A killed log is good ("not closed"), a torn one is not.

    Of a log that begins at a root, the root's snapshot and archive are checked too.
    """
    disk = RealDisk(directory)
    try:
        found = recovery.walk(disk)
        check_root(disk)
    except DamagedLog as damage:
        return Verdict(0, 0, False, damage)
    damage_found = None
    if found.tear is not None:
        tear = found.tear
        damage_found = DamagedLog(tear.segment, tear.offset, tear.reason)
    segments = len(segment_names(disk.names()))
    return Verdict(found.last_seq, segments, found.closed, damage_found)


def check_root(disk: Disk) -> None:
    """Raises DamagedLog unless what the root names is there, byte for byte."""
    root = read_root(disk)
    if root is None or root.snapshot_hash == NO_SNAPSHOT:
        return
    try:
        found = SnapshotStore(disk.folder(FOLDER)).hash_of(root.snapshot_seq)
    except (BadSnapshot, FileMissing) as error:
        raise DamagedLog(FOLDER, 0, error.cause) from error
    if found != root.snapshot_hash:
        name = f"{FOLDER}, seq {root.snapshot_seq}"
        raise DamagedLog(name, 0, "the snapshot is not the one the log's root names")
    archive.check_archive(disk.folder(archive.FOLDER), root)

"""Judges a still log as a whole: every byte from the first header to the end; called by cli."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thft.stream import recovery
from thft.stream.disk import RealDisk
from thft.stream.layout import DamagedLog


@dataclass(frozen=True)
class Verdict:
    """What verification found; `damage` is None for a good log."""

    last_seq: int
    segments: int
    closed: bool
    damage: DamagedLog | None


def verify(directory: Path) -> Verdict:
    """Walks the log without changing it. A killed log is good ("not closed"), a torn one is not."""
    disk = RealDisk(directory)
    try:
        found = recovery.walk(disk)
    except DamagedLog as damage:
        return Verdict(0, 0, False, damage)
    damage_found = None
    if found.tear is not None:
        tear = found.tear
        damage_found = DamagedLog(tear.segment, tear.offset, tear.reason)
    return Verdict(found.last_seq, found.index, found.closed, damage_found)

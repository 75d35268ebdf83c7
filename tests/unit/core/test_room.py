"""The disk budget: refused, alert, no new risk, and back, each at its level."""

from __future__ import annotations

from pathlib import Path

import pytest

from thft.core import room
from thft.core.config import JournalConfig
from thft.core.room import NoRoom, Room, require_room
from thft.model import event as ev
from thft.state.records import DiskRecord

MIB = 1 << 20
CONFIG = JournalConfig(segment_mib=16, unsynced_mib=16, min_free_mib=100)


class Disk:
    """Stands in for the free bytes of a disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mib = 1_000
        monkeypatch.setattr(room, "free_bytes", lambda _: self.mib * MIB)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_start_needs_the_minimum_and_its_segments(disk: Disk, tmp_path: Path) -> None:
    disk.mib = 164
    require_room(tmp_path, CONFIG)
    disk.mib = 163
    with pytest.raises(NoRoom, match="163 MiB are free on this disk, 164 MiB are needed"):
        require_room(tmp_path, CONFIG)


def levels(watched: Room, disk: Disk, mibs: list[int]) -> list[str]:
    """Returns the levels told while the free room takes these values."""
    told = []
    for mib in mibs:
        disk.mib = mib
        told += [event.level for event in watched.look(0) if isinstance(event, ev.DiskLevelChanged)]
    return told


def test_levels_change_once_each_and_need_relief_to_go_back(disk: Disk, tmp_path: Path) -> None:
    watched = Room(tmp_path, CONFIG, DiskRecord())
    assert levels(watched, disk, [1_000, 401]) == []
    assert levels(watched, disk, [399, 398, 405, 399]) == ["LOW"]
    assert levels(watched, disk, [201, 199, 210, 199]) == ["FULL"]
    assert watched.reason == "199 MiB are free, less than 200 MiB: free disk space"
    assert levels(watched, disk, [221, 430]) == ["LOW"]
    assert levels(watched, disk, [441, 1_000]) == ["OK"]


def test_a_restart_goes_on_from_the_level_in_the_journal(disk: Disk, tmp_path: Path) -> None:
    disk.mib = 1_000
    news = Room(tmp_path, CONFIG, DiskRecord(level="FULL", reason="199 MiB are free")).look(0)
    assert [type(event) for event in news] == [ev.DiskMeasured, ev.DiskLevelChanged]
    assert news[1] == ev.DiskLevelChanged("OK", "1000 MiB are free")

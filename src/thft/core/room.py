"""The disk budget: refused at the start, alert, no new risk; used by runner and upkeep.

Of `journal.min_free_mib`: with less no core starts; below twice as much nothing adds risk any more
(so that a core that dies then may start again); below four times as much there is an alert.
"""

from __future__ import annotations

import time
from pathlib import Path

from thft.base.errors import LocalError
from thft.core.config import JournalConfig
from thft.host.disk_space import Growth, days_left, free_bytes
from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.state.records import DiskRecord
from thft.stream.syncing import segments_ahead

OK, LOW, FULL = "OK", "LOW", "FULL"
FULL_BELOW, LOW_BELOW = 2, 4
"""Times min_free_mib."""
RELIEF = 1.1
"""A level is left only when this much more is free, so that it does not flutter."""
MEASURED_EVERY_NS = 10_000_000_000


class NoRoom(LocalError):
    """The disk is too full to start."""


def require_room(directory: Path, config: JournalConfig) -> None:
    """Raises NoRoom when the disk of `directory` has less than a start needs."""
    segments = segments_ahead(config.unsynced_mib, config.segment_mib) + 1
    need = config.min_free_mib + segments * config.segment_mib
    free = free_bytes(directory) >> 20
    if free < need:
        raise NoRoom(
            f"{directory}: {free} MiB are free on this disk, {need} MiB are needed "
            f"(journal.min_free_mib {config.min_free_mib} and {segments} segments)",
            "free disk space, or lower journal.min_free_mib",
        )


class Room:
    """Measures the disk of one journal."""

    def __init__(self, directory: Path, config: JournalConfig, before: DiskRecord) -> None:
        """Goes on from the level that stands in the journal."""
        self._directory = directory
        self._min_free = config.min_free_mib << 20
        self._growth = Growth()
        self._measured_ns = 0
        self.level, self.reason = before.level, before.reason

    def look(self, grown_bytes: int) -> list[ev.DiskMeasured | ev.DiskLevelChanged]:
        """Returns what is new: a changed level at once, a measurement every ten seconds."""
        now_ns, free = time.monotonic_ns(), free_bytes(self._directory)
        self._growth.note(now_ns, grown_bytes)
        level = self._judge(free)
        news: list[ev.DiskMeasured | ev.DiskLevelChanged] = []
        if level != self.level or now_ns - self._measured_ns >= MEASURED_EVERY_NS:
            self._measured_ns = now_ns
            a_day = self._growth.bytes_a_day()
            news.append(ev.DiskMeasured(free, ABSENT if a_day is None else a_day))
        if level != self.level:
            self.level, self.reason = level, self._words(level, free)
            news.append(ev.DiskLevelChanged(level, self.reason))
        return news

    def _judge(self, free: int) -> str:
        for level, times, held in (
            (FULL, FULL_BELOW, self.level == FULL),
            (LOW, LOW_BELOW, self.level != OK),
        ):
            if free < times * self._min_free * (RELIEF if held else 1):
                return level
        return OK

    def _words(self, level: str, free: int) -> str:
        room = f"{free >> 20} MiB are free"
        days = days_left(free, self._growth.bytes_a_day() or 0)
        room += f", enough for {days:.1f} days" if days is not None else ""
        if level == OK:
            return room
        times = FULL_BELOW if level == FULL else LOW_BELOW
        return f"{room}, less than {times * self._min_free >> 20} MiB: free disk space"

"""Room on a disk and for how many days it suffices: the one formula; core and cli call it."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

DAY_NS = 86_400_000_000_000
WINDOW_NS = 3_600_000_000_000
SETTLED_NS = 30_000_000_000
"""A growth seen for less time than this says nothing about a day."""


def free_bytes(directory: Path) -> int:
    """Returns what an ordinary user may still write where `directory` is, or would be made."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def bytes_a_day(grown: int, span_ns: int) -> int:
    """Returns the growth of a day when it grew by `grown` bytes in `span_ns`."""
    return grown * DAY_NS // span_ns


def days_left(free: int, a_day: int) -> float | None:
    """Returns for how many days `free` bytes suffice; None when nothing grows."""
    return free / a_day if a_day > 0 else None


class Growth:
    """How fast something grows, over a rolling hour."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def note(self, now_ns: int, size: int) -> None:
        """Takes a size at a (monotonic) time."""
        self._seen.append((now_ns, size))
        while self._seen[0][0] < now_ns - WINDOW_NS:
            self._seen.popleft()

    def bytes_a_day(self) -> int | None:
        """Returns the growth of a day at this pace; None while too little has been seen."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < SETTLED_NS:
            return None
        (began_ns, before), (now_ns, after) = self._seen[0], self._seen[-1]
        return max(bytes_a_day(after - before, now_ns - began_ns), 0)

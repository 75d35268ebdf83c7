"""When a session may be logged on: daily or weekly windows in a zone of their own; read by session.

Times are UTC ns. Zone rules are no constants: the owner passes a function that gives the zone's
offset at a UTC second, made from whatever zone data it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

SECOND_NS = 1_000_000_000
DAY_S, WEEK_S = 86_400, 604_800
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""

Offset = Callable[[int], int]
"""UTC seconds since 1970 → how many seconds the zone's clocks are ahead then."""


def utc(seconds: int) -> int:
    """The offset of UTC."""
    return 0


class Window(NamedTuple):
    """One period of a schedule, in UTC ns; the end does not belong to it."""

    begin_ns: int
    end_ns: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Daily from `start_s` to `end_s` (seconds of the local day), or weekly with both weekdays.

    An end that is not behind its start lies in the next day or week; equal ones last exactly one.
    Every window is a session of its own: numbers start over when a new one begins.
    """

    start_s: int = 0
    end_s: int = 0
    start_weekday: int | None = None
    end_weekday: int | None = None
    offset: Offset = utc

    def window(self, utc_ns: int) -> Window | None:
        """Returns the window that holds a time, None when it lies between two."""
        began = self._begin_before(utc_ns)
        return began if utc_ns < began.end_ns else None

    def next_begin_ns(self, utc_ns: int) -> int:
        """Returns when the first window behind a time begins."""
        began = self._begin_before(utc_ns)
        local = self._local(began.begin_ns // SECOND_NS) + self._period_s
        return self._utc(self._snapped(local)) * SECOND_NS

    @property
    def _period_s(self) -> int:
        return DAY_S if self.start_weekday is None else WEEK_S

    def _begin_before(self, utc_ns: int) -> Window:
        """Returns the last window that begins at or before a time."""
        local = self._snapped(self._local(utc_ns // SECOND_NS) + self._period_s)
        while (begin := self._utc(local)) * SECOND_NS > utc_ns:
            local -= self._period_s
        # Where the clocks change, an end that no clock shows may lie behind the next begin.
        end = min(self._utc(local + self._length_s), self._utc(local + self._period_s))
        return Window(begin * SECOND_NS, end * SECOND_NS)

    @property
    def _length_s(self) -> int:
        if self.start_weekday is None or self.end_weekday is None:
            return (self.end_s - self.start_s - 1) % DAY_S + 1
        days = self.end_weekday - self.start_weekday
        return (days * DAY_S + self.end_s - self.start_s - 1) % WEEK_S + 1

    def _snapped(self, local: int) -> int:
        """Returns the last local start at or before a local time."""
        first = self.start_s
        if self.start_weekday is not None:
            first += (self.start_weekday - EPOCH_WEEKDAY) * DAY_S
        return first + (local - first) // self._period_s * self._period_s

    def _local(self, utc_s: int) -> int:
        return utc_s + self.offset(utc_s)

    def _utc(self, local_s: int) -> int:
        """Returns when clocks of the zone show a time: the first of two; just behind a gap."""
        before = self.offset(local_s - DAY_S)
        early = local_s - before
        after = self.offset(early)
        late = local_s - after
        return late if after != before and self.offset(late) == after else early

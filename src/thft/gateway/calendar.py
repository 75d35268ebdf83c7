"""When a venue is away, by its own clocks; asked by the FIX client before it connects.

A dialect's windows are daily or weekly, in a zone whose rules for summer time the machine knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from thft.fix.session import Schedule
from thft.fix.session.schedule import Offset
from thft.gateway.dialect import Closed

SECOND_NS = 1_000_000_000
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
JOINED = 8
"""So many windows that follow one another without a pause are told as one."""


class Away(NamedTuple):
    """The venue is away until then, UTC ns; and why, in words."""

    until_ns: int
    words: str


class Calendar:
    """The windows of one venue; without any it is never away."""

    def __init__(self, closed: Sequence[Closed]) -> None:
        self._windows = [(one, ZoneInfo(one.zone), _schedule(one)) for one in closed]

    def away(self, utc_ns: int) -> Away | None:
        """Returns until when the venue is away at a time, None while it is there."""
        found: Away | None = None
        for _ in range(JOINED):
            longer = self._window(found.until_ns if found else utc_ns)
            if longer is None:
                break
            found = longer
        return found

    def _window(self, utc_ns: int) -> Away | None:
        """Returns the end of the window that lasts longest of those that hold a time."""
        ends = [
            (window.end_ns, at)
            for at, (_, _, schedule) in enumerate(self._windows)
            if (window := schedule.window(utc_ns)) is not None
        ]
        if not ends:
            return None
        until_ns, at = max(ends)
        closed, zone, _ = self._windows[at]
        local = datetime.fromtimestamp(until_ns // SECOND_NS, zone)
        why = f"{closed.why}, " if closed.why else ""
        day = DAYS[local.weekday()]
        return Away(until_ns, f"{why}until {day} {local:%Y-%m-%d %H:%M} {closed.zone}")


def _schedule(closed: Closed) -> Schedule:
    begin_day, begin_s = _moment(closed.begin)
    end_day, end_s = _moment(closed.end)
    return Schedule(
        start_s=begin_s,
        end_s=end_s,
        start_weekday=begin_day,
        end_weekday=end_day,
        offset=_offset(ZoneInfo(closed.zone)),
    )


def _moment(text: str) -> tuple[int | None, int]:
    """Returns weekday, if there is one, and second of the day of `Fri 17:00` or `22:00`."""
    day, _, clock = text.rpartition(" ")
    hours, _, minutes = clock.partition(":")
    return DAYS.index(day) if day else None, int(hours) * 3_600 + int(minutes) * 60


def _offset(zone: ZoneInfo) -> Offset:
    def ahead(utc_s: int) -> int:
        difference = datetime.fromtimestamp(utc_s, zone).utcoffset()
        assert difference is not None
        return int(difference.total_seconds())

    return ahead

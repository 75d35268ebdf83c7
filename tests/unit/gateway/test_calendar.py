"""When venues are away: compared minute by minute with their own clocks, through summer time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.seeds import seeded

from thft.gateway.calendar import DAYS, Calendar
from thft.gateway.dialect import Closed
from thft.gateway.dialects import load

SECOND_NS = 1_000_000_000
WEEK_MIN = 7 * 1_440


def ns(text: str) -> int:
    """Returns a UTC time as ns."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * SECOND_NS


def minute_of(moment: str) -> int:
    day, _, clock = moment.rpartition(" ")
    hours, minutes = map(int, clock.split(":"))
    return (DAYS.index(day) * 1_440 if day else 0) + hours * 60 + minutes


def closed_by_the_clock(closed: Closed, utc: datetime) -> bool:
    """Looks at the clock on the venue's wall."""
    local = utc.astimezone(ZoneInfo(closed.zone))
    round_min = WEEK_MIN if len(closed.begin) > 5 else 1_440
    shown = (local.weekday() * 1_440 + local.hour * 60 + local.minute) % round_min
    begin, end = minute_of(closed.begin), minute_of(closed.end)
    return (shown - begin) % round_min < ((end - begin) % round_min or round_min)


@pytest.mark.parametrize("name", ["ctrader", "fxcm", "lmax"])
def test_shipped_calendars_follow_the_wall_clock_of_the_venue(name: str) -> None:
    closed = load(name).closed
    calendar = Calendar(closed)
    choose = seeded()
    first = datetime(2026, 1, 1, tzinfo=UTC)
    edges = [minute_of(one.begin) % 1_440 for one in closed]
    hits = 0
    for _ in range(3_000):
        utc = first + timedelta(minutes=choose.randrange(366 * 1_440))
        if choose.random() < 0.5:  # near an edge, in winter or summer of either city
            minute = choose.choice(edges) + choose.choice((-60, 0, 240, 300))
            utc = utc.replace(hour=0, minute=0)
            utc += timedelta(minutes=minute + choose.randrange(-10, 15))
        at_ns = int(utc.timestamp()) * SECOND_NS
        away = calendar.away(at_ns)
        wanted = any(closed_by_the_clock(one, utc) for one in closed)
        assert (away is not None) is wanted, (utc, away)
        if away is not None:
            hits += 1
            assert away.until_ns > at_ns
            assert calendar.away(away.until_ns) is None
            assert calendar.away(away.until_ns - SECOND_NS) is not None
    assert hits > 10


@pytest.mark.parametrize(
    ("name", "at", "until", "words"),
    [
        # the weekend in which New York's clocks go forward, and one in winter
        ("ctrader", "2026-03-06T22:30", "2026-03-08T21:00", "weekend, until Sun 2026-03-08 17:00"),
        ("ctrader", "2026-11-27T22:00", "2026-11-29T22:00", "weekend, until Sun 2026-11-29 17:00"),
        ("lmax", "2026-07-01T21:02", "2026-07-01T21:05", "daily maintenance, until Wed"),
        ("lmax", "2026-12-01T22:04", "2026-12-01T22:05", "daily maintenance, until Tue"),
        ("lmax", "2026-12-05T22:00", "2026-12-05T22:05", "weekly reset, until Sat"),
    ],
)
def test_until_when_is_said_in_the_venues_time(name: str, at: str, until: str, words: str) -> None:
    closed = load(name).closed
    away = Calendar(closed).away(ns(at))
    assert away is not None
    assert away.until_ns == ns(until)
    assert away.words.startswith(words) and away.words.endswith(closed[0].zone)


def test_windows_that_follow_one_another_are_one_and_open_times_are_none() -> None:
    def window(begin: str, end: str) -> Closed:
        return Closed(begin=begin, end=end, zone="Europe/Berlin", why=begin)

    calendar = Calendar([window("Mon 10:00", "Mon 11:00"), window("Mon 11:00", "Mon 11:30")])
    away = calendar.away(ns("2026-11-23T09:15"))
    assert away is not None and away.until_ns == ns("2026-11-23T10:30")
    assert calendar.away(ns("2026-11-23T10:30")) is None
    assert Calendar([]).away(ns("2026-11-23T10:30")) is None
    always = Calendar([window("00:00", "00:00")])
    assert always.away(ns("2026-11-23T10:30")) is not None

"""Schedules: windows by day and week, in zones with summer time, and what sessions do with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.fix.script import START_NS, Player, VirtualWire, settings

from thft.fix.session import MemoryStore, Schedule, Window

SECOND_NS = 1_000_000_000
HOUR = 3_600


def offset(zone: str):  # type: ignore[no-untyped-def]
    info = ZoneInfo(zone)
    return lambda utc_s: int(datetime.fromtimestamp(utc_s, info).utcoffset().total_seconds())  # type: ignore[union-attr]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_NS


def shown(window: Window | None) -> tuple[str, str] | None:
    if window is None:
        return None
    begin, end = (datetime.fromtimestamp(ns // SECOND_NS, UTC) for ns in window)
    return begin.strftime("%a %m-%d %H:%M"), end.strftime("%a %m-%d %H:%M")


NEW_YORK, BERLIN = offset("America/New_York"), offset("Europe/Berlin")
FX_WEEK = Schedule(
    start_s=17 * HOUR, end_s=17 * HOUR, start_weekday=6, end_weekday=4, offset=NEW_YORK
)


@pytest.mark.parametrize(
    ("schedule", "time", "wanted"),
    [
        (Schedule(), "2024-03-05 12:00", ("Tue 03-05 00:00", "Wed 03-06 00:00")),
        (Schedule(), "2024-03-05 00:00", ("Tue 03-05 00:00", "Wed 03-06 00:00")),
        (Schedule(), "2024-03-04 23:59:59", ("Mon 03-04 00:00", "Tue 03-05 00:00")),
        (Schedule(start_s=8 * HOUR, end_s=20 * HOUR), "2024-03-05 07:59:59", None),
        (
            Schedule(start_s=8 * HOUR, end_s=20 * HOUR),
            "2024-03-05 08:00",
            ("Tue 03-05 08:00", "Tue 03-05 20:00"),
        ),
        (Schedule(start_s=8 * HOUR, end_s=20 * HOUR), "2024-03-05 20:00", None),
        (
            Schedule(start_s=22 * HOUR, end_s=21 * HOUR),
            "2024-03-05 03:00",
            ("Mon 03-04 22:00", "Tue 03-05 21:00"),
        ),
        (Schedule(start_s=22 * HOUR, end_s=21 * HOUR), "2024-03-05 21:30", None),
        # 17:00 New York is 22:00 UTC in winter and 21:00 in summer; the clocks change on 03-10.
        (
            Schedule(start_s=17 * HOUR, end_s=17 * HOUR, offset=NEW_YORK),
            "2024-03-10 05:00",
            ("Sat 03-09 22:00", "Sun 03-10 21:00"),
        ),
        (
            Schedule(start_s=17 * HOUR, end_s=17 * HOUR, offset=NEW_YORK),
            "2024-11-03 12:00",
            ("Sat 11-02 21:00", "Sun 11-03 22:00"),
        ),
        # 02:30 does not exist in Berlin on 03-31 and exists twice on 10-27.
        (
            Schedule(start_s=9_000, end_s=9_000, offset=BERLIN),
            "2024-03-31 12:00",
            ("Sun 03-31 01:30", "Mon 04-01 00:30"),
        ),
        (
            Schedule(start_s=9_000, end_s=9_000, offset=BERLIN),
            "2024-10-27 12:00",
            ("Sun 10-27 00:30", "Mon 10-28 01:30"),
        ),
        (FX_WEEK, "2024-03-08 21:59:59", ("Sun 03-03 22:00", "Fri 03-08 22:00")),
        (FX_WEEK, "2024-03-08 22:00", None),
        (FX_WEEK, "2024-03-10 20:59:59", None),
        (FX_WEEK, "2024-03-10 21:00", ("Sun 03-10 21:00", "Fri 03-15 21:00")),
        (
            Schedule(start_s=0, end_s=0, start_weekday=0, end_weekday=0),
            "2024-03-06 00:00",
            ("Mon 03-04 00:00", "Mon 03-11 00:00"),
        ),
    ],
)
def test_windows(schedule: Schedule, time: str, wanted: tuple[str, str] | None) -> None:
    assert shown(schedule.window(at(time))) == wanted


def test_next_begin() -> None:
    assert FX_WEEK.next_begin_ns(at("2024-03-08 22:00")) == at("2024-03-10 21:00")
    assert Schedule().next_begin_ns(at("2024-03-05 12:00")) == at("2024-03-06 00:00")
    late = Schedule(start_s=22 * HOUR, end_s=21 * HOUR)
    assert late.next_begin_ns(at("2024-03-05 21:30")) == at("2024-03-05 22:00")


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
def test_every_half_hour_of_a_year(zone: str) -> None:
    """Windows follow one another without overlap, and a window holds exactly its own times."""
    rules = offset(zone)
    schedule = Schedule(start_s=9_000, end_s=8_000, offset=rules)
    time, end = at("2024-01-01 00:00"), at("2025-01-01 00:00")
    last = Window(0, 0)
    while time < end:
        window = schedule.window(time)
        following = schedule.next_begin_ns(time)
        assert following > time
        if window is not None:
            assert window.begin_ns <= time < window.end_ns <= following
            assert window == last or window.begin_ns >= last.end_ns
            last = window
        time += 1_800 * SECOND_NS


def begin_of(wire_s: int) -> int:
    """Returns the second of the day at which the virtual clock shows `wire_s`."""
    return (START_NS // SECOND_NS + 5 + wire_s) % 86_400


def test_logon_outside_the_schedule() -> None:
    """CON-19: silence or a Logout by policy, and numbers stay."""
    schedule = Schedule(start_s=begin_of(100), end_s=begin_of(200))
    for policy, answer in (("silent", ""), ("logout", "< 35=5|34=5|58=Logon refused\n")):
        config = settings("", reset_on_logon=False, schedule=schedule, outside_schedule=policy)
        store = MemoryStore()
        store.next_in, store.next_out = 3, 5
        wire = VirtualWire(config, store)
        Player(wire).play(f"connect 3\n> 35=A|98=0|108=30\n{answer}closed\nin 3\nout 5")


def test_initiator_outside_the_schedule() -> None:
    schedule = Schedule(start_s=begin_of(100), end_s=begin_of(200))
    wire = VirtualWire(settings("", initiator=True, schedule=schedule))
    Player(wire).play(
        "connect\nclosed\nreason schedule\nwait 100\nconnect\n< 35=A|34=1|98=0|108=30"
    )


def test_the_end_of_a_window_and_the_next() -> None:
    """OPT-10: Logout at the end, numbers from 1 in the next window, also after a restart."""
    schedule = Schedule(start_s=begin_of(-50), end_s=begin_of(20))
    config = settings("", reset_on_logon=False, schedule=schedule)
    store = MemoryStore()
    Player(VirtualWire(config, store)).play(
        """
        connect
        > 35=A|98=0|108=100
        < 35=A|34=1|98=0|108=100
        > 35=0
        cut
        connect 3
        > 35=A|98=0|108=100
        < 35=A|34=2|98=0|108=100
        wait 19.9
        quiet
        wait 0.1
        < 35=5|34=3
        > 35=5
        closed
        in 5
        connect 5
        > 35=A|98=0|108=100
        closed
        in 5
        out 4
        """
    )
    tomorrow = VirtualWire(config, store)
    tomorrow.monotonic_ns += int(timedelta(days=1).total_seconds()) * SECOND_NS
    Player(tomorrow).play("connect\n> 35=A|98=0|108=100\n< 35=A|34=1|98=0|108=100\nin 2\nout 2")


def test_the_end_of_an_initiators_window_and_the_next() -> None:
    """OPT-10: Logout at the end, no Logon in between, numbers from 1 in the next window."""
    schedule = Schedule(start_s=begin_of(-50), end_s=begin_of(20))
    config = settings("", initiator=True, heartbeat_s=0, schedule=schedule)
    store = MemoryStore()
    Player(VirtualWire(config, store)).play(
        """
        connect
        < 35=A|34=1|98=0|108=0
        > 35=A|98=0|108=0
        > 35=0
        wait 19.9
        quiet
        wait 0.1
        < 35=5|34=2
        > 35=5
        closed
        in 4
        connect
        closed
        in 4
        out 3
        """
    )
    tomorrow = VirtualWire(config, store)
    tomorrow.monotonic_ns += int(timedelta(days=1).total_seconds()) * SECOND_NS
    Player(tomorrow).play("connect\n< 35=A|34=1|98=0|108=0\n> 35=A|98=0|108=0\nin 2\nout 2")

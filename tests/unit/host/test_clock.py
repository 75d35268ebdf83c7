"""Engine clocks: never backwards, wall steps noticed, market time started by its first stamp."""

from __future__ import annotations

import pytest

from thft.host import clock
from thft.host.clock import EngineClock, MarketClock


class Time:
    """Stands in for the operating system's clocks."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000_000_000_000
        self.monotonic = 5_000_000_000

    def time_ns(self) -> int:
        return self.wall

    def monotonic_ns(self) -> int:
        return self.monotonic

    def pass_ns(self, ns: int) -> None:
        self.wall += ns
        self.monotonic += ns


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    stand_in = Time()
    monkeypatch.setattr(clock, "time", stand_in)
    return stand_in


def test_a_wall_clock_stepping_back_does_not_move_engine_time(time: Time) -> None:
    engine = EngineClock()
    before = engine.now_ns()
    time.wall -= 3_600_000_000_000
    time.pass_ns(10)
    assert engine.now_ns() == before + 10
    assert engine.step_ns() == -3_600_000_000_000
    assert engine.step_ns() == 0


def test_engine_time_goes_on_from_the_journal_when_the_wall_clock_is_behind(time: Time) -> None:
    last = time.wall + 60_000_000_000
    engine = EngineClock(last)
    assert engine.now_ns() == last
    time.pass_ns(7)
    assert engine.now_ns() == last + 7


def test_slewing_is_no_step(time: Time) -> None:
    engine = EngineClock()
    time.wall += 49_000_000
    assert engine.step_ns() == 0


def test_lock_step_time_moves_only_when_told_and_never_back(time: Time) -> None:
    market = MarketClock(100, None)
    time.pass_ns(1_000)
    assert market.now_ns() == 100
    market.advance(500)
    market.advance(400)
    assert market.now_ns() == 500


def test_paced_time_runs_from_its_first_stamp_at_its_speed(time: Time) -> None:
    market = MarketClock(100, 50.0)
    time.pass_ns(1_000)
    assert market.now_ns() == 100
    market.advance(2_000)
    time.pass_ns(10)
    assert market.now_ns() == 2_500
    market.advance(9_000)
    assert market.now_ns() == 2_500

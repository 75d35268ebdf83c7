"""What the core says of its wall clock: at the start, every minute, and when discipline changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from thft.api.rows import clock_row
from thft.core import upkeep
from thft.host.clock_error import ClockError, clock_error
from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.state.fold import State


class Over(Exception):
    """The looks of a test have been used up."""


def told(
    looks: Sequence[ClockError | None], monkeypatch: pytest.MonkeyPatch
) -> list[ev.ClockMeasured]:
    events: list[ev.ClockMeasured] = []
    core: Any = SimpleNamespace(
        kernel=SimpleNamespace(process=lambda event, now_ns: events.append(event)),
        now_ns=lambda: 1,
        turn_end=lambda: None,
    )
    left = iter(looks)

    def look() -> ClockError | None:
        try:
            return next(left)
        except StopIteration:
            raise Over from None

    monkeypatch.setattr(upkeep, "clock_error", look)
    monkeypatch.setattr(upkeep, "CLOCK_EVERY_S", 0)
    one = upkeep.Upkeep.__new__(upkeep.Upkeep)
    one._core = core
    with pytest.raises(Over):
        asyncio.run(one._keep_clock())
    return events


def test_the_error_is_told_at_first_every_minute_and_when_discipline_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = [ClockError(True, 1_000_000 + at, 10) for at in range(200)]
    assert [event.max_error_ns for event in told(good, monkeypatch)] == [
        1_000_000,
        1_000_060,
        1_000_120,
        1_000_180,
    ]
    lost = ClockError(False, 16_000_000_000, 16_000_000_000)
    events = told([*good[:30], lost, lost, good[33]], monkeypatch)
    assert [event.synchronised for event in events] == [True, False, True]
    assert events[1].max_error_ns == 16_000_000_000


def test_a_system_that_does_not_say_is_unknown_and_not_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (event,) = told([None, None], monkeypatch)
    assert event == ev.ClockMeasured(False, ABSENT, ABSENT)
    state = State()
    state.apply(event, 1, 1)
    assert set(clock_row(state).values()) == {None}
    state.apply(ev.ClockMeasured(False, 16, 5), 2, 2)
    assert clock_row(state) == {"synchronised": False, "max_error_ns": 16, "estimated_error_ns": 5}


def test_the_kernels_own_figures() -> None:
    """Nobody claims to be exact."""
    found = clock_error()
    assert found is None or found.estimated_error_ns >= 0
    assert found is None or found.max_error_ns > 0

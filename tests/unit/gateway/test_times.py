"""Venues' times as ns: all digits, zones, and what is no time."""

from __future__ import annotations

import pytest

from thft.gateway.ws import times
from thft.model.fixed import ABSENT, BadNumber

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-03-02T09:15:00Z", 1_772_442_900 * SECOND_NS),
        ("2026-03-02 09:15:00", 1_772_442_900 * SECOND_NS),
        ("2026-03-02T10:15:00.5+01:00", 1_772_442_900 * SECOND_NS + SECOND_NS // 2),
        ("2026-03-02T09:15:00.123456789Z", 1_772_442_900_123_456_789),
        ("2026-04-07 14:30:10.000000001+00:00", 1_775_572_210_000_000_001),
        ("", ABSENT),
    ],
)
def test_iso_times(text: str, ns: int) -> None:
    assert times.of_iso(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2026-13-02T09:15:00Z",
        "2026-03-02T09:15:00.Z",
        "5",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_no_iso_times(text: str) -> None:
    with pytest.raises(BadNumber, match="is no time"):
        times.of_iso(text)


def test_milliseconds() -> None:
    assert (
        times.of_ms(1_767_000_000_123) == times.of_ms_text("1767000000123") == 1767000000123000000
    )
    assert times.of_ms(0) == times.of_ms_text("") == ABSENT
    for wrong in ("-1", "1e3", "99999999999999"):
        with pytest.raises(BadNumber):
            times.of_ms_text(wrong)
    for number in (-1, 10**13):
        with pytest.raises(BadNumber):
            times.of_ms(number)

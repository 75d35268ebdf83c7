"""Room on a disk: what grows, for how long it suffices, over which window."""

from __future__ import annotations

from pathlib import Path

from thft.host.disk_space import DAY_NS, WINDOW_NS, Growth, bytes_a_day, days_left, free_bytes

SECOND = 1_000_000_000


def test_days_left_is_room_by_growth() -> None:
    assert bytes_a_day(1_000, DAY_NS // 4) == 4_000
    assert days_left(10_000, 4_000) == 2.5
    assert days_left(10_000, 0) is None


def test_growth_is_that_of_the_last_hour() -> None:
    growth, size = Growth(), 0
    assert growth.bytes_a_day() is None
    for second in range(2 * 3_600):
        size += 1_000 if second < 3_600 else 10
        growth.note(second * SECOND, size)
        if second == 20:
            assert growth.bytes_a_day() is None
        if second == 3_000:
            assert growth.bytes_a_day() == 1_000 * 86_400
    assert growth.bytes_a_day() == 10 * 86_400
    assert len(growth._seen) <= WINDOW_NS // SECOND + 1


def test_what_shrinks_does_not_grow() -> None:
    growth = Growth()
    growth.note(0, 5_000)
    growth.note(60 * SECOND, 1_000)
    assert growth.bytes_a_day() == 0


def test_free_room_is_known_before_the_directory_is_made(tmp_path: Path) -> None:
    there = free_bytes(tmp_path)
    assert abs(free_bytes(tmp_path / "not" / "yet") - there) < max(there // 10, 1 << 20)
    assert there > 0

"""The engine's clocks: wall time that never runs backwards, market time; read by core, gateways."""

from __future__ import annotations

import time
from typing import Protocol

STEP_NS = 50_000_000


def moment() -> tuple[int, int]:
    """Returns monotonic time and UTC, both in ns, for protocols that need the one and the other."""
    return time.monotonic_ns(), time.time_ns()


class Clock(Protocol):
    """Engine time in ns since 1970 UTC; never runs backwards."""

    def now_ns(self) -> int: ...
    def advance(self, ns: int) -> None: ...


class EngineClock:
    """Wall time at the start plus monotonic time since: steps of the wall clock do not move it."""

    def __init__(self, not_before_ns: int = 0) -> None:
        """`not_before_ns` is the last engine time of the journal."""
        self._anchor_ns = max(time.time_ns(), not_before_ns) - time.monotonic_ns()
        self._wall_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Returns engine time."""
        return self._anchor_ns + time.monotonic_ns()

    def advance(self, ns: int) -> None:
        """Wall time is not for others to move."""

    def step_ns(self) -> int:
        """Returns how far the wall clock moved against the monotonic one since last asked.

        Movements under 50 ms are slewing and count as none.
        """
        wall_ns = time.time_ns() - time.monotonic_ns()
        step = wall_ns - self._wall_ns
        if abs(step) < STEP_NS:
            return 0
        self._wall_ns = wall_ns
        return step


class MarketClock:
    """Time of a recorded market: set by a lock-step simulator, or run at `speed` from the start."""

    def __init__(self, start_ns: int, speed: float | None) -> None:
        """`speed` None waits for `advance`; else time runs from the first `advance` on."""
        self._now_ns = start_ns
        self._speed = speed
        self._began_ns: int | None = None
        self._start_ns = start_ns

    def now_ns(self) -> int:
        """Returns market time."""
        if self._speed is not None and self._began_ns is not None:
            elapsed = time.monotonic_ns() - self._began_ns
            self._now_ns = max(self._now_ns, self._start_ns + int(elapsed * self._speed))
        return self._now_ns

    def advance(self, ns: int) -> None:
        """Moves market time to `ns`; in paced playback the first call starts it from there."""
        if self._speed is None:
            self._now_ns = max(self._now_ns, ns)
        elif self._began_ns is None:
            self._start_ns = max(self._now_ns, ns)
            self._began_ns = time.monotonic_ns()

"""How long to wait before the next attempt, and whether one is allowed; used by gateways, cli."""

from __future__ import annotations

from bisect import insort
from collections import deque

from thft.base.prng import Prng

CAP_MS = 60_000


class Backoff:
    """Doubles from `first_ms` to 60 s with jitter; starts over only after proven health."""

    def __init__(self, prng: Prng, first_ms: int = 1_000, cap_ms: int = CAP_MS) -> None:
        self._prng = prng
        self._first_ms = first_ms
        self._cap_ms = cap_ms
        self.failures = 0
        self._least_ms = 0

    def not_before(self, wait_ms: int) -> None:
        """Makes the next wait no shorter: the other side has asked for it."""
        self._least_ms = max(self._least_ms, wait_ms)

    def next_ms(self) -> int:
        """Returns the wait after one more failure: between half of the step and the step.

        It is longer once where `not_before` says so.
        """
        step = min(self._first_ms << min(self.failures, 20), self._cap_ms)
        self.failures += 1
        least_ms, self._least_ms = self._least_ms, 0
        return max(least_ms, self._prng.between(step // 2, step))

    def proven_healthy(self) -> None:
        """Starts over; call after the connection has been good for long enough."""
        self.failures = 0


class ConnectBudget:
    """At most `attempts` in any `window_ns`; shared by all sessions of one venue and address."""

    def __init__(self, attempts: int, window_ns: int) -> None:
        self._attempts = attempts
        self._window_ns = window_ns
        self._made_ns: deque[int] = deque()

    def wait_ns(self, now_ns: int) -> int:
        """Returns how long to wait until an attempt is allowed, 0 for now."""
        made = self._made_ns
        while made and made[0] <= now_ns - self._window_ns:
            made.popleft()
        over = len(made) - self._attempts
        return 0 if over < 0 else max(made[over] + self._window_ns - now_ns, 0)

    def attempt(self, now_ns: int) -> None:
        """Counts an attempt, which may lie ahead."""
        insort(self._made_ns, now_ns)

"""Why a session ended and how long that lasts; asked by a channel before it connects again.

A wrong password tried again and again locks an account, so causes that need a person wait long;
a broken line waits by the backoff, which starts over only after the session has proven its health.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from thft.base.backoff import CAP_MS, Backoff
from thft.gateway.dialect import Dialect, Reason

PERSONS = frozenset(("auth", "config", "locked_out", "channel_blocked"))
"""Causes that do not go away by themselves."""
CLEAN_ENDS = ("logged out", "the peer logged out")
"""How an end begins whose Logout both sides have seen."""
REMEDIES = {
    "auth": "check user name and password, or the key that signs",
    "config": "check CompIDs, SubIDs, host and port",
    "locked_out": "ask your broker",
    "channel_blocked": "have FIX trading enabled by your broker",
}


@dataclass(frozen=True)
class Timing:
    """Waits and time-outs in seconds of real time."""

    floors_s: dict[str, float] = field(
        default_factory=lambda: {
            "auth": 300.0,
            "config": 300.0,
            "locked_out": 300.0,
            "channel_blocked": 300.0,
            "maintenance": 60.0,
        }
    )
    first_ms: int = 1_000
    cap_ms: int = CAP_MS
    answer_s: float = 10.0
    """A snapshot that is not complete by then is asked for again."""
    probe_s: float = 5.0
    """How often a round trip is measured."""
    poll_s: float = 30.0
    """How often orders and positions are compared while nothing seems wrong."""
    look_s: float = 1.0
    """How often the venue's calendar is looked at."""


class Waits:
    """The waits of one session. `healthy` says whether it does what it is for."""

    def __init__(
        self,
        dialect: Dialect,
        backoff: Backoff,
        timing: Timing,
        healthy: Callable[[], bool],
        blocked_s: int = 0,
    ) -> None:
        """`blocked_s` is how long the venue refuses a 49 whose connection broke."""
        self._dialect = dialect
        self._backoff = backoff
        self._timing = timing
        self._healthy = healthy
        self._blocked_s = blocked_s
        self._broke = False
        self._typed: Reason = "unknown"
        self.cause: Reason = "unknown"
        """Of the end that came last."""

    def ended(self, text: str, lived: bool = False) -> Reason:
        """Takes the venue's last words; returns what they mean. `lived`: we were logged on."""
        said = text.partition(": ")[2]
        self._broke = lived and not text.startswith(CLEAN_ENDS)
        self._typed = self._dialect.reason(said)
        if self._typed == "unknown" and text.startswith("Logon refused"):
            self._typed = "auth"
        self.cause = self._typed
        return self._typed

    def next_ms(self) -> int:
        """Returns the wait, never less than the cause wants."""
        cause, self._typed = self._typed, "unknown"
        floor_s = self._timing.floors_s.get(cause, 0.0)
        if cause == "rate_breach":
            floor_s = max(self._dialect.breach.lockout_s, 1)
        if self._broke:
            floor_s, self._broke = max(floor_s, self._blocked_s), False
        return max(self._backoff.next_ms(), int(floor_s * 1_000))

    def proven_healthy(self) -> None:
        """Lets the backoff start over, if the session does what it is for."""
        if self._healthy():
            self._backoff.proven_healthy()

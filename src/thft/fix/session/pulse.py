"""When a session must say or hear something: heartbeats, probes, silence; owned by Session.

All times are monotonic ns. With HeartBtInt H: a Heartbeat when nothing was sent for H, a
TestRequest when nothing was received for 1.2 H (or the cap, if that is shorter), the end at 2.4 H.
While our TestRequest is open we send no Heartbeat. A probe gets at least 1.2 H for its answer, so
a process that slept does not take a living peer for dead.
"""

from __future__ import annotations

SECOND_NS = 1_000_000_000


class Pulse:
    """The times of one connection."""

    def __init__(self, silence_cap_ns: int, idle_limit_ns: int) -> None:
        self._cap_ns = silence_cap_ns
        self._idle_ns = idle_limit_ns
        self.interval_ns = self._wait_ns = 0
        self.heard_ns = 0
        self.probed_ns: int | None = None
        """When our open TestRequest went out."""

    def begin(self, interval_s: int, now_ns: int) -> None:
        """Starts over with an agreed HeartBtInt."""
        self.interval_ns = interval_s * SECOND_NS
        self._wait_ns = min(self.patience_ns, self._cap_ns or self.patience_ns)
        self.heard(now_ns)

    def heard(self, now_ns: int) -> None:
        """Notes a sign of life."""
        self.heard_ns = now_ns
        self.probed_ns = None

    @property
    def patience_ns(self) -> int:
        """How long an answer to a TestRequest may take."""
        return self.interval_ns * 12 // 10

    @property
    def dead_ns(self) -> int | None:
        """When the peer counts as dead, None for never."""
        if not self.interval_ns:
            return self.heard_ns + self._idle_ns if self._idle_ns else None
        if self.probed_ns is None:
            return None
        return max(self.heard_ns + self.interval_ns * 24 // 10, self.probed_ns + self.patience_ns)

    @property
    def probe_ns(self) -> int | None:
        """When the peer's silence calls for a TestRequest, None for never."""
        if not self.interval_ns or self.probed_ns is not None:
            return None
        return self.heard_ns + self._wait_ns

    def heartbeat_ns(self, last_sent_ns: int) -> int | None:
        """When our own silence calls for a Heartbeat, None for never."""
        if not self.interval_ns or self.probed_ns is not None:
            return None
        return last_sent_ns + self.interval_ns

    def next_ns(self, last_sent_ns: int) -> int | None:
        """When the first of these three comes, None for never; asked for at the end of a turn."""
        if self.interval_ns and self.probed_ns is None:
            return min(self.heard_ns + self._wait_ns, last_sent_ns + self.interval_ns)
        return self.dead_ns

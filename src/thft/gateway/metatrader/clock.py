"""What a broker's server time is in UTC; one for each server, asked by its accounts.

Servers keep a time zone of their own, with its summer time. The offset is whole quarter hours; what
is left of the difference, and the second the terminal rounds by, is how uncertain it is.
"""

from __future__ import annotations

from thft.model.fixed import ABSENT

QUARTER_MS = 15 * 60_000
ROUNDED_MS = 1_000
LATEST_MS = 1 << 43
"""The year 2248: times beyond it are none, and would not fit as ns."""
AGREEING = 2
"""So many samples must show another offset before it is believed."""


class ServerClock:
    """The offset of one server, from heartbeats."""

    def __init__(self) -> None:
        self.offset_ms = ABSENT
        """Server time less UTC; ABSENT until it is known."""
        self.uncertain_ms = ABSENT
        self._last_ms = 0
        self._other = (0, 0)

    def sample(self, server_ms: int, utc_ms: int, *, runs: bool) -> None:
        """Takes a server time that came at `utc_ms`.

        `runs`: it goes on by itself. A time that only moves with ticks says nothing while it
        stands, so its first sample is not believed.
        """
        if not 0 < server_ms < LATEST_MS:
            return
        moved, self._last_ms = self._last_ms and server_ms > self._last_ms, server_ms
        if not (runs or moved):
            return
        difference = server_ms - utc_ms
        offset = (2 * difference + QUARTER_MS) // (2 * QUARTER_MS) * QUARTER_MS
        if self.offset_ms not in (ABSENT, offset):
            seen = self._other[1] + 1 if self._other[0] == offset else 1
            self._other = offset, seen
            if seen < AGREEING:
                return
        self._other = 0, 0
        self.offset_ms, self.uncertain_ms = offset, abs(difference - offset) + ROUNDED_MS

    def utc_ns(self, server_ms: int) -> int:
        """Returns a server time as UTC, ns; ABSENT when it is none or the offset is not known."""
        if self.offset_ms == ABSENT or not 0 < server_ms < LATEST_MS:
            return ABSENT
        return (server_ms - self.offset_ms) * 1_000_000

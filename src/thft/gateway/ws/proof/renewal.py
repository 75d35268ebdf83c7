"""When a dropped book is asked for again: at once at first, then ever slower; used by dialects.

A book that fails again and again would use up the venue's limit on requests, which all symbols of a
connection share.
"""

from __future__ import annotations

PAUSES_S = (0, 0, 1, 5, 15, 60)
"""Before the first, second … renewal in a row; the last one holds for all further ones."""
PROVEN_MESSAGES = 20
"""A book that took so many messages before it failed was sound: its row starts over."""

Key = tuple[str, str]
"""(channel, symbol)."""


class Renewals:
    """What failed how often in a row, and what is due when."""

    def __init__(self) -> None:
        self._rows: dict[Key, int] = {}
        self.due: dict[Key, int] = {}
        """What waits for its renewal, and until when, ns."""

    def failed(self, key: Key, messages: int, now_ns: int) -> None:
        """Takes that a book was dropped after so many messages."""
        row = 0 if messages >= PROVEN_MESSAGES else self._rows.get(key, 0)
        self._rows[key] = row + 1
        self.due[key] = now_ns + PAUSES_S[min(row, len(PAUSES_S) - 1)] * 1_000_000_000

    def take(self, now_ns: int) -> list[Key]:
        """Returns what is due by now, once."""
        keys = [key for key, due_ns in self.due.items() if due_ns <= now_ns]
        for key in keys:
            del self.due[key]
        return keys

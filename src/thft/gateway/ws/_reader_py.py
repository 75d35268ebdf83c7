"""What `_reader` is without a compiler: it leaves every message to its dialect; see `reader`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thft.model.book import DepthBook
from thft.model.fixed import ABSENT

if TYPE_CHECKING:
    from thft.gateway.ws.reader import Shape


class Track:
    """One symbol in step: what its dialect and the reader both go on from.

    `last` is the number of its last message, `last_ts_ns` that message's time; `messages` how many
    it has taken. A `partial` book did not begin with a snapshot: it proves nothing. The decimals
    are those its venue writes it with.
    """

    def __init__(self, instrument: int) -> None:
        self.instrument = instrument
        self.last = self.last_ts_ns = ABSENT
        self.messages = 0
        self.book = DepthBook()
        self.partial = False
        self.price_decimals = self.size_decimals = 0


class MarketReader:
    """Takes the messages that a shape describes of the symbols in step: here none.

    `last` is the number of the connection's last message, where the venue numbers all of them.
    """

    def __init__(self, shape: Shape | None, feed: int) -> None:
        self.last = ABSENT
        self.waiting = 0
        """So many records are made and not taken away yet."""

    def follow(self, key: str, track: Track) -> None:
        """Takes a symbol that is in step: from here on ordinary messages may be the reader's."""

    def leave(self, key: str) -> None:
        """Leaves a symbol to the dialect."""

    def take(self, payload: bytes) -> int:
        """Takes a message if it is an ordinary one that holds; returns 0 when it is the dialect's.

        Otherwise 1 + `waiting`. One that was not taken has changed nothing.
        """
        return 0

    def records(self) -> bytes:
        """Takes the records away (`codec.records_of`)."""
        return b""

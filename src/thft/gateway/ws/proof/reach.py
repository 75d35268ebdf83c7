"""How far a book that was cut may be believed; used by dialects whose venue says every level once.

What lies beyond the levels that a book keeps is not said again when the price comes there: its
best price would be a wrong one. So such a book is asked for anew when the price has gone half of
the way.
"""

from __future__ import annotations

from typing import NamedTuple

from thft.model.book import DepthBook
from thft.model.fixed import ABSENT, INT64_MAX

FULL_SIDE = 4_500
"""A side that comes with so many levels has, or will have, more than a book keeps (5,000)."""


class Reach(NamedTuple):
    """The lowest bid and the highest ask to believe as the best."""

    bid: int
    ask: int

    def left_by(self, book: DepthBook) -> bool:
        """Says whether the best price of a side is beyond, or nothing is left of the side."""
        bid, _, ask, _ = book.top()
        return bid < self.bid or (ask > self.ask if ask != ABSENT else self.ask != INT64_MAX)


def reach_of(book: DepthBook) -> Reach:
    """Returns the reach of a book that is just whole."""
    bids, asks = book.bids(), book.asks()
    return Reach(
        (bids[0][0] + bids[-1][0]) // 2 if len(bids) >= FULL_SIDE else ABSENT,
        (asks[0][0] + asks[-1][0]) // 2 if len(asks) >= FULL_SIDE else INT64_MAX,
    )

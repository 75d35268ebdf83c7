"""The prices of one symbol at a simulated venue: best prices, and depth made from them.

Depth has `levels` prices a side, one point apart, with sizes that grow with the distance; an entry
has an id while it stands. Read by `market` and by the words it speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from thft.model.fixed import ABSENT, PRICE_ONE
from thft.sim.fix.profile import Listed

BID, OFFER = "0", "1"


class Top(NamedTuple):
    """Best prices 1e-9 and sizes 1e-8, ABSENT for a side that is missing."""

    bid: int
    bid_size: int
    ask: int
    ask_size: int
    ts_ns: int

    def price(self, side: int) -> int:
        """What an order of this side (+1 buys) executes at."""
        return self.ask if side > 0 else self.bid

    def sides(self) -> Iterator[tuple[str, int, int]]:
        """Yields kind, price, size of the sides that are there."""
        if self.bid != ABSENT:
            yield BID, self.bid, self.bid_size
        if self.ask != ABSENT:
            yield OFFER, self.ask, self.ask_size


NOTHING = Top(ABSENT, ABSENT, ABSENT, ABSENT, 0)


class Entry(NamedTuple):
    """One row of the depth."""

    id: str
    kind: str
    price: int
    size: int


class Book:
    """See the module. `next_id` draws ids of entries."""

    def __init__(self, listed: Listed, levels: int, next_id: Callable[[str], str]) -> None:
        self.name = listed.name
        self.top = NOTHING
        self.high = self.low = ABSENT
        """Of the bid, since the venue began."""
        self.entries: dict[tuple[str, int], Entry] = {}
        """Kind and price → entry."""
        self.updates = 0
        """Changes so far."""
        self._point = PRICE_ONE // 10**listed.digits
        self._levels = levels
        self._next_id = next_id

    def move(self, top: Top) -> tuple[list[Entry], list[Entry]]:
        """Follows a new top; returns the entries that are new and those that are gone."""
        self.top = top
        if top.bid != ABSENT:
            self.high = max(self.high, top.bid)
            self.low = top.bid if self.low == ABSENT else min(self.low, top.bid)
        wanted = dict(self._wanted(top))
        gone = [one for key, one in self.entries.items() if wanted.get(key) != one.size]
        for one in gone:
            del self.entries[one.kind, one.price]
        new = [
            Entry(self._next_id("entry"), *key, size)
            for key, size in wanted.items()
            if key not in self.entries
        ]
        self.entries |= {(one.kind, one.price): one for one in new}
        self.updates += bool(new or gone)
        return new, gone

    def _wanted(self, top: Top) -> Iterator[tuple[tuple[str, int], int]]:
        for kind, price, size in top.sides():
            step = -self._point if kind == BID else self._point
            for level in range(self._levels):
                yield (kind, price + level * step), size * (level + 1)

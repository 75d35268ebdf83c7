"""Prices of one instrument as a venue's W and X say them; owned by the quote desk.

Both kinds take the rows of one whole message and return what is new, or raise BookFault: then
the book is dropped and asked for again.
"""

from __future__ import annotations

from typing import NamedTuple

from thft.base.errors import RemoteError
from thft.gateway.port import Level
from thft.model.fixed import ABSENT

BID, OFFER = b"0", b"1"
NEW, CHANGE, DELETE = b"0", b"1", b"2"


class Row(NamedTuple):
    """One entry of W or X; price 1e-9, size 1e-8, ABSENT when it does not say."""

    action: bytes
    kind: bytes
    id: bytes
    price: int
    size: int


class BookFault(RemoteError):
    """A message does not fit the book that was built so far."""


class Top(NamedTuple):
    """Best prices and sizes."""

    bid: int = ABSENT
    bid_size: int = ABSENT
    ask: int = ABSENT
    ask_size: int = ABSENT


class TopOfBook:
    """Best prices: a side that a message leaves out stays as it was."""

    def __init__(self) -> None:
        self.top = Top()

    def take(self, rows: list[Row]) -> Top:
        """Returns the best prices after a W, or an X that replaces them."""
        bid, bid_size, ask, ask_size = self.top
        for row in rows:
            gone = row.action == DELETE
            price, size = (ABSENT, ABSENT) if gone else (row.price, row.size)
            if row.kind == BID:
                bid, bid_size = price, size
            elif row.kind == OFFER:
                ask, ask_size = price, size
        self.top = Top(bid, bid_size, ask, ask_size)
        return self.top


class Batch(NamedTuple):
    """What one message changes: levels with their whole size, 0 for one that is gone."""

    reset: bool
    bids: list[Level]
    asks: list[Level]


class DepthOfBook:
    """Entries by id, or by price where the venue has no ids; several may share a price."""

    def __init__(self, by_id: bool) -> None:
        self._by_id = by_id
        self._entries: dict[bytes | tuple[bytes, int], Row] = {}
        self._totals: dict[tuple[bytes, int], int] = {}
        self._begun = False
        self._last_update = 0

    def follows(self, first: int, last: int) -> bool:
        """Takes the update ids of an X; returns False for one that the W had in it already.

        Raises BookFault when updates are missing between this one and what came before.
        """
        if ABSENT in (first, last):
            raise BookFault("an X without update ids")
        if last <= self._last_update:
            return False
        if first > self._last_update + 1:
            missing = f"{self._last_update + 1} to {first - 1}"
            raise BookFault(f"updates {missing} are missing")
        self._last_update = last
        return True

    def begins_at(self, last: int) -> None:
        """Takes the update id that a W has in it."""
        self._last_update = last

    def snapshot(self, rows: list[Row]) -> Batch:
        """Begins the book anew with a W."""
        self._entries.clear()
        self._totals.clear()
        self._begun = True
        for row in rows:
            self._put(row)
        self._check()
        sides: dict[bytes, list[Level]] = {BID: [], OFFER: []}
        for (kind, price), size in self._totals.items():
            sides[kind].append((price, size))
        return Batch(True, sides[BID], sides[OFFER])

    def change(self, rows: list[Row]) -> Batch:
        """Applies a whole X: the order of deletes and news in it means nothing."""
        if not self._begun:
            raise BookFault("an X before the first W")
        touched: dict[tuple[bytes, int], None] = {}
        for row in rows:
            if row.action == DELETE:
                touched[self._drop(row)] = None
        for row in rows:
            if row.action != DELETE:
                if self._key(row) in self._entries:
                    touched[self._drop(row)] = None
                touched[self._put(row)] = None
        self._check()
        sides: dict[bytes, list[Level]] = {BID: [], OFFER: []}
        for kind, price in touched:
            sides[kind].append((price, self._totals.get((kind, price), 0)))
        return Batch(False, sides[BID], sides[OFFER])

    def _key(self, row: Row) -> bytes | tuple[bytes, int]:
        return row.id if self._by_id else (row.kind, row.price)

    def _put(self, row: Row) -> tuple[bytes, int]:
        if row.kind not in (BID, OFFER) or row.price == ABSENT or row.size == ABSENT:
            raise BookFault(f"an entry without price or size: {row}"[:120])
        level = row.kind, row.price
        self._entries[self._key(row)] = row
        self._totals[level] = self._totals.get(level, 0) + row.size
        return level

    def _drop(self, row: Row) -> tuple[bytes, int]:
        known = self._entries.pop(self._key(row), None)
        if known is None:
            raise BookFault(f"a delete of {row.id.decode(errors='replace') or row.price}, unknown")
        level = known.kind, known.price
        self._totals[level] -= known.size
        if not self._totals[level]:
            del self._totals[level]
        return level

    def _check(self) -> None:
        """A book made of depth that is crossed after a whole message is wrong."""
        bids = [price for kind, price in self._totals if kind == BID]
        asks = [price for kind, price in self._totals if kind == OFFER]
        if bids and asks and max(bids) >= min(asks):
            raise BookFault(f"crossed: {max(bids)} bid, {min(asks)} offered")

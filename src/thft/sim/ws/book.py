"""The true book of a simulated venue, in decimals, and how venues write its numbers; for sim.ws."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

Levels = list[tuple[Decimal, Decimal]]
"""(price, size); size 0 removes the level."""

PRICE_STEP, SIZE_STEP = Decimal("1e-9"), Decimal("1e-8")


class Change(NamedTuple):
    """What one message of a venue changes."""

    bids: Levels
    asks: Levels


class SimBook:
    """Both sides as the venue has them."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def apply(self, change: Change) -> None:
        """Takes a change."""
        for side, levels in ((self.bids, change.bids), (self.asks, change.asks)):
            for price, size in levels:
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)

    def only(self, bid: str, bid_size: str, ask: str, ask_size: str) -> Change:
        """Makes these the only levels; returns the change, removals first."""
        change = Change(_only(self.bids, bid, bid_size), _only(self.asks, ask, ask_size))
        self.apply(change)
        return change

    def best(self, depth: int) -> Change:
        """Returns both sides, at most so many levels of each, the best first."""
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        return Change(bids, sorted(self.asks.items())[:depth])

    def truth(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Returns `best` as the engine counts: prices 1e-9, sizes 1e-8."""
        bids, asks = self.best(depth)
        return _scaled(bids), _scaled(asks)


def difference(before: Change, after: Change) -> Change:
    """Returns what a window of the best levels gains, loses and changes."""
    return Change(
        _side_difference(before.bids, after.bids), _side_difference(before.asks, after.asks)
    )


def _side_difference(before: Levels, after: Levels) -> Levels:
    old, new = dict(before), dict(after)
    gone = [(price, Decimal(0)) for price in old if price not in new]
    return gone + [(price, size) for price, size in after if old.get(price) != size]


def _only(side: dict[Decimal, Decimal], price: str, size: str) -> Levels:
    kept = Decimal(price)
    return [*((old, Decimal(0)) for old in side if old != kept), (kept, Decimal(size))]


def _scaled(levels: Levels) -> list[tuple[int, int]]:
    return [(int(price / PRICE_STEP), int(size / SIZE_STEP)) for price, size in levels]


def shortest(number: Decimal) -> str:
    """Returns a number's plain text without trailing zeros."""
    return f"{number.normalize():f}"


def script_text(number: Decimal) -> str:
    """Returns a number as JavaScript writes it: below 1e-6 with an exponent."""
    number = number.normalize()
    if not number or abs(number) >= Decimal("1e-6"):
        return f"{number:f}"
    exponent = number.adjusted()
    return f"{number.scaleb(-exponent):f}e{exponent}"

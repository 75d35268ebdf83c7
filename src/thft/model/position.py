"""Positions, netting and hedging, as folds of fills; called by state."""

from __future__ import annotations

from msgspec import Struct

from thft.model.fixed import ABSENT, divide_half_even, notional


class Position(Struct):
    """A position: signed size 1e-8, average entry price 1e-9, realised money 1e-9."""

    account: str
    instrument: int
    position_id: str
    size: int = 0
    avg_price: int = ABSENT
    realised: int = 0
    fees: int = 0
    opened_ns: int = 0
    updated_ns: int = 0

    def fold(self, side: int, size: int, price: int, fee: int, ts_ns: int) -> int:
        """Books one execution; returns the money it realised (1e-9), fee excluded.

        A fill on the position's own side averages in; on the other side it closes up to the open
        size at the average price, and what is left over opens the reverse at the fill's price.
        """
        self.updated_ns = ts_ns
        self.fees += fee
        if not self.size or (self.size > 0) == (side > 0):
            self._add(side, size, price, ts_ns)
            return 0
        closing = min(size, abs(self.size))
        realised = self.realises(side, size, price)
        self.realised += realised
        self.size += side * closing
        if not self.size:
            self.avg_price = ABSENT
        if size > closing:
            self._add(side, size - closing, price, ts_ns)
        return realised

    def realises(self, side: int, size: int, price: int) -> int:
        """Returns the money (1e-9) a fill would realise, without booking it."""
        if not self.size or (self.size > 0) == (side > 0):
            return 0
        direction = 1 if self.size > 0 else -1
        return notional((price - self.avg_price) * direction, min(size, abs(self.size)))

    def _add(self, side: int, size: int, price: int, ts_ns: int) -> None:
        held = abs(self.size)
        if held:
            self.avg_price = divide_half_even(self.avg_price * held + price * size, held + size)
        else:
            self.avg_price = price
            self.opened_ns = ts_ns
        self.size += side * size

    def unrealised(self, bid: int, ask: int) -> int:
        """Returns open profit (money 1e-9) at the executable side of (bid, ask)."""
        if self.size > 0:
            return 0 if bid == ABSENT else notional(bid - self.avg_price, self.size)
        if self.size < 0:
            return 0 if ask == ABSENT else notional(self.avg_price - ask, -self.size)
        return 0

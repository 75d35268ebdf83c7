"""Books of one instrument at one feed: top of book, and depth by levels; called by state, kernel.

`TopBook` is the object strategies read; it has a native version and an idiomatic twin.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from thft import _native
from thft.model.fixed import ABSENT

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.model._book_py import TopBook
else:
    from thft.model._book import TopBook

__all__ = ["DepthBook", "TopBook"]


class DepthBook:
    """Price levels of both sides, best first at the end of bids and the start of asks."""

    __slots__ = ("_ask_sizes", "_asks", "_bid_sizes", "_bids")

    def __init__(self) -> None:
        self._bids: list[int] = []
        self._asks: list[int] = []
        self._bid_sizes: dict[int, int] = {}
        self._ask_sizes: dict[int, int] = {}

    def apply(
        self,
        reset: bool,
        bids: tuple[tuple[int, int], ...],
        asks: tuple[tuple[int, int], ...],
        max_levels: int = 0,
    ) -> None:
        """Applies one whole venue message: size 0 removes a level; reset starts from nothing."""
        if reset:
            self._bids.clear()
            self._asks.clear()
            self._bid_sizes.clear()
            self._ask_sizes.clear()
        for price, size in bids:
            _set_level(self._bids, self._bid_sizes, price, size)
        for price, size in asks:
            _set_level(self._asks, self._ask_sizes, price, size)
        if max_levels:
            for price in self._bids[:-max_levels]:
                del self._bid_sizes[price]
            del self._bids[:-max_levels]
            for price in self._asks[max_levels:]:
                del self._ask_sizes[price]
            del self._asks[max_levels:]

    def top(self) -> tuple[int, int, int, int]:
        """Returns (bid, bid_size, ask, ask_size), ABSENT where a side is empty."""
        bid = self._bids[-1] if self._bids else ABSENT
        ask = self._asks[0] if self._asks else ABSENT
        return (
            bid,
            self._bid_sizes.get(bid, ABSENT),
            ask,
            self._ask_sizes.get(ask, ABSENT),
        )

    def bids(self) -> list[tuple[int, int]]:
        """Returns (price, size) from the best bid down."""
        return [(price, self._bid_sizes[price]) for price in reversed(self._bids)]

    def asks(self) -> list[tuple[int, int]]:
        """Returns (price, size) from the best ask up."""
        return [(price, self._ask_sizes[price]) for price in self._asks]


def _set_level(prices: list[int], sizes: dict[int, int], price: int, size: int) -> None:
    if size:
        if price not in sizes:
            prices.insert(bisect_left(prices, price), price)
        sizes[price] = size
    elif price in sizes:
        del sizes[price]
        del prices[bisect_left(prices, price)]

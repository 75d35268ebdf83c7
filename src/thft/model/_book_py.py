"""Books in Python: twin and specification of `_book`; used through `model.book`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from thft.model.fixed import ABSENT, pack_pairs, unpack_pairs

LEVELS_KEPT = 5_000
"""So many of a side, the best: no venue shows more, and what falls out is no price to trade at."""

Levels = bytes | Sequence[tuple[int, int]]
"""(price 1e-9, size 1e-8), or the same packed (`fixed.pack_pairs`)."""


class TopBook:
    """Best bid and ask of one instrument at one feed; prices 1e-9, sizes 1e-8, times ns.

    `tradable` is False while a side is missing, the quote is locked or crossed, or the feed
    marked the book bad. `watchers` are the strategy slots called after each update, `resting`
    counts paper orders that wait for this book. `trade_…` are of the last public trade,
    `trades` counts them; `trade_watchers` are the slots called after each.
    """

    __slots__ = (
        "ask",
        "ask_size",
        "bad",
        "bid",
        "bid_size",
        "crossed_count",
        "feed",
        "instrument",
        "locked_count",
        "quotes",
        "recv_ts_ns",
        "resting",
        "tradable",
        "trade_aggressor",
        "trade_id",
        "trade_price",
        "trade_recv_ts_ns",
        "trade_size",
        "trade_ts_ns",
        "trade_watchers",
        "trades",
        "venue_seq",
        "venue_ts_ns",
        "watchers",
    )

    def __init__(self, feed: int, instrument: int) -> None:
        self.feed = feed
        self.instrument = instrument
        self.bid = self.bid_size = self.ask = self.ask_size = ABSENT
        self.venue_ts_ns = ABSENT
        self.recv_ts_ns = 0
        self.venue_seq = 0
        self.quotes = self.crossed_count = self.locked_count = 0
        self.tradable = False
        self.bad = False
        self.resting = 0
        self.watchers: list[Any] = []
        self.trade_price = self.trade_size = self.trade_ts_ns = ABSENT
        self.trade_aggressor = self.trade_id = self.trade_recv_ts_ns = self.trades = 0
        self.trade_watchers: list[Any] = []

    def update(
        self,
        bid: int,
        bid_size: int,
        ask: int,
        ask_size: int,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        """Takes a new top of book; crossed and locked ones are counted, not traded."""
        self.bid = bid
        self.bid_size = bid_size
        self.ask = ask
        self.ask_size = ask_size
        self.venue_ts_ns = venue_ts_ns
        self.venue_seq = venue_seq
        self.recv_ts_ns = recv_ts_ns
        self.quotes += 1
        if bid < ask and bid != ABSENT:
            self.tradable = not self.bad
            return
        self.tradable = False
        if bid == ABSENT or ask == ABSENT:
            return
        if bid > ask:
            self.crossed_count += 1
        else:
            self.locked_count += 1

    def take_trade(
        self,
        price: int,
        size: int,
        aggressor: int,
        venue_ts_ns: int,
        trade_id: int,
        recv_ts_ns: int,
    ) -> None:
        """Takes a public trade as the last one; the top of book is another matter."""
        self.trade_price = price
        self.trade_size = size
        self.trade_aggressor = aggressor
        self.trade_ts_ns = venue_ts_ns
        self.trade_id = trade_id
        self.trade_recv_ts_ns = recv_ts_ns
        self.trades += 1

    def blank(self) -> None:
        """Forgets both prices: nothing is known until the next update."""
        self.bid = self.bid_size = self.ask = self.ask_size = ABSENT
        self.tradable = False

    def mark_bad(self, bad: bool) -> None:
        """Says whether the feed's integrity is in doubt; a bad book is not tradable."""
        self.bad = bad
        self.tradable = not bad and ABSENT != self.bid < self.ask

    def record(self) -> tuple[int, ...]:
        """Returns every number of the book in fixed order, for snapshots and the state hash."""
        return (
            self.feed,
            self.instrument,
            self.bid,
            self.bid_size,
            self.ask,
            self.ask_size,
            self.venue_ts_ns,
            self.venue_seq,
            self.recv_ts_ns,
            self.quotes,
            self.crossed_count,
            self.locked_count,
            int(self.bad),
            self.trade_price,
            self.trade_size,
            self.trade_aggressor,
            self.trade_ts_ns,
            self.trade_id,
            self.trade_recv_ts_ns,
            self.trades,
        )

    def restore(self, record: tuple[int, ...]) -> None:
        """Takes back what `record` returned; watchers and resting are rebuilt by the kernel."""
        (
            self.feed,
            self.instrument,
            self.bid,
            self.bid_size,
            self.ask,
            self.ask_size,
            self.venue_ts_ns,
            self.venue_seq,
            self.recv_ts_ns,
            self.quotes,
            self.crossed_count,
            self.locked_count,
            bad,
            self.trade_price,
            self.trade_size,
            self.trade_aggressor,
            self.trade_ts_ns,
            self.trade_id,
            self.trade_recv_ts_ns,
            self.trades,
        ) = record
        self.mark_bad(bool(bad))


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
        bids: Levels,
        asks: Levels,
    ) -> None:
        """Applies one whole venue message: size 0 removes a level; reset starts from nothing."""
        if reset:
            self._bids.clear()
            self._asks.clear()
            self._bid_sizes.clear()
            self._ask_sizes.clear()
        for price, size in pairs(bids):
            _set_level(self._bids, self._bid_sizes, price, size)
        for price, size in pairs(asks):
            _set_level(self._asks, self._ask_sizes, price, size)
        for price in self._bids[:-LEVELS_KEPT]:
            del self._bid_sizes[price]
        del self._bids[:-LEVELS_KEPT]
        for price in self._asks[LEVELS_KEPT:]:
            del self._ask_sizes[price]
        del self._asks[LEVELS_KEPT:]

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

    def cut(self, depth: int) -> tuple[bytes, bytes]:
        """Drops what lies beyond so many levels of a side; returns it as removed, packed.

        Of each side the worst comes first.
        """
        bids = self._bids[: max(len(self._bids) - depth, 0)]
        asks = self._asks[depth:][::-1]
        del self._bids[: len(bids)], self._asks[depth:]
        for price in bids:
            del self._bid_sizes[price]
        for price in asks:
            del self._ask_sizes[price]
        removed_bids, removed_asks = [(price, 0) for price in bids], [(price, 0) for price in asks]
        return pack_pairs(removed_bids), pack_pairs(removed_asks)

    def bids(self, most: int = LEVELS_KEPT) -> list[tuple[int, int]]:
        """Returns (price, size) from the best bid down, so many at most."""
        best = self._bids[: -most - 1 : -1]
        return [(price, self._bid_sizes[price]) for price in best]

    def asks(self, most: int = LEVELS_KEPT) -> list[tuple[int, int]]:
        """Returns (price, size) from the best ask up, so many at most."""
        return [(price, self._ask_sizes[price]) for price in self._asks[:most]]


def pairs(levels: Levels) -> Sequence[tuple[int, int]]:
    """Returns levels as pairs, whichever form they have."""
    return unpack_pairs(levels) if isinstance(levels, bytes) else levels


def _set_level(prices: list[int], sizes: dict[int, int], price: int, size: int) -> None:
    if size:
        if price not in sizes:
            prices.insert(bisect_left(prices, price), price)
        sizes[price] = size
    elif price in sizes:
        del sizes[price]
        del prices[bisect_left(prices, price)]

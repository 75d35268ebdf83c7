"""The market of a simulated WebSocket venue that runs alone: whatever is subscribed, moves.

Every symbol has a walk of its own, drawn from the seed and its name; run by `thft venue`.
"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from random import Random
from typing import Protocol, runtime_checkable

from thft.sim.ws.book import Change, Levels, SimBook, shortest
from thft.sim.ws.server import VenueServer

STEP_S = 0.05
TICK = Decimal("0.0001")
LEVELS = 20
LOT = Decimal("0.0001")
TRADE_EVERY = 5


@runtime_checkable
class BookVenue(Protocol):
    """A venue with whole books and prints."""

    def book(self, symbol: str) -> SimBook: ...
    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None: ...
    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None: ...


class Walk:
    """One symbol's price in ticks, and its next changes."""

    def __init__(self, seed: int, symbol: str) -> None:
        self.random = Random(f"{seed} {symbol}")
        self._middle = self.random.randrange(10_000, 2_000_000)

    def step(self, book: SimBook) -> Change:
        """Moves the price by at most a tick; returns what that does to a book."""
        self._middle += self.random.choice((-1, 0, 0, 1))
        return Change(self._side(book.bids, -1), self._side(book.asks, 1))

    def _side(self, levels: dict[Decimal, Decimal], sign: int) -> Levels:
        shown = [(self._middle + sign * step) * TICK for step in range(1, LEVELS + 1)]
        gone = [(price, Decimal(0)) for price in levels if price not in shown]
        touched = [shown[0], *self.random.sample(shown, 2)]
        return gone + [(price, self.size()) for price in dict.fromkeys(touched)]

    def size(self) -> Decimal:
        """Returns a size of the market's kind."""
        return LOT * self.random.randrange(1, 100_000)


async def run_market(venue: VenueServer, seed: int) -> None:
    """Moves what is subscribed until cancelled."""
    walks: dict[str, Walk] = {}
    while True:
        await asyncio.sleep(STEP_S)
        for symbol in sorted(venue.subscribed_symbols()):
            move(venue, symbol, walks.setdefault(symbol, Walk(seed, symbol)), time.time_ns())


def move(venue: VenueServer, symbol: str, walk: Walk, ts_ns: int) -> None:
    """Lets one symbol take a step, and now and then trade."""
    if not isinstance(venue, BookVenue):
        change = walk.step(SimBook())
        (bid, bid_size), (ask, ask_size) = change.bids[0], change.asks[0]
        prices, sizes = (shortest(bid), shortest(ask)), (shortest(bid_size), shortest(ask_size))
        venue.tick(symbol, prices[0], sizes[0], prices[1], sizes[1], ts_ns)
        return
    book = venue.book(symbol)
    venue.change(symbol, walk.step(book), ts_ns)
    if walk.random.randrange(TRADE_EVERY) == 0:
        side = walk.random.choice(("buy", "sell"))
        price = min(book.asks) if side == "buy" else max(book.bids)
        venue.trade(symbol, shortest(price), shortest(walk.size()), side, ts_ns)

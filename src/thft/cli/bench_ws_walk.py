"""The market of `thft bench ws`: a seeded walk of quotes, or of whole books; moves a simulator."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from thft.base.prng import Prng
from thft.sim.ws.book import Change, Levels
from thft.sim.ws.market import BookVenue
from thft.sim.ws.server import VenueServer

SEED = 4
BEGIN_NS, STEP_NS = 1_700_000_000_000_000_000, 1_000_000
BEGIN_CENTS = 6_743_210
CENT, UNIT = Decimal("0.01"), Decimal("0.00000001")
LEVELS, SWING, NEAR = 35, 10, 5
"""Of a side at first; so far the price goes from there; so near the top sizes change."""


class QuoteWalk:
    """A new top of book with every tick, its sizes always others."""

    def __init__(self, venue: VenueServer, symbols: tuple[str, ...]) -> None:
        self._venue = venue
        self._symbols = symbols
        self._prng = Prng(SEED)
        self._cents = dict.fromkeys(symbols, BEGIN_CENTS)

    def begin(self) -> None:
        """Gives every symbol a first quote."""
        self.run(len(self._symbols))

    def run(self, count: int) -> None:
        """Moves one symbol after the other."""
        prng, cents = self._prng, self._cents
        for at in range(count):
            symbol = self._symbols[at % len(self._symbols)]
            cents[symbol] += prng.between(-40, 40)
            bid, ask = cents[symbol], cents[symbol] + prng.between(1, 30)
            sizes = [str(_size(prng)) for _ in range(2)]
            ts_ns = BEGIN_NS + at * STEP_NS
            self._venue.tick(symbol, _price(bid), sizes[0], _price(ask), sizes[1], ts_ns)


class BookWalk:
    """Books of about 35 levels a side, a cent apart, that change by one level of either side.

    The price goes a cent up or down by what is taken there and put behind it, or it stays and two
    sizes near the top change.
    """

    def __init__(self, venue: VenueServer, symbols: tuple[str, ...]) -> None:
        self._venue = cast(BookVenue, venue)
        self._symbols = symbols
        self._prng = Prng(SEED)
        self._cents = dict.fromkeys(symbols, BEGIN_CENTS)

    def begin(self) -> None:
        """Fills every book."""
        steps = range(1, LEVELS + 1)
        for symbol in self._symbols:
            bids = [self._level(BEGIN_CENTS - step) for step in steps]
            asks = [self._level(BEGIN_CENTS + step) for step in steps]
            self._venue.change(symbol, Change(bids, asks), BEGIN_NS)

    def run(self, count: int) -> None:
        """Moves one symbol after the other."""
        for at in range(count):
            symbol = self._symbols[at % len(self._symbols)]
            self._venue.change(symbol, self._change(symbol), BEGIN_NS + at * STEP_NS)

    def _change(self, symbol: str) -> Change:
        middle, move = self._cents[symbol], self._prng.between(-1, 1)
        if abs(middle + move - BEGIN_CENTS) > SWING:
            move = -move
        self._cents[symbol] = middle + move
        here, gone = [self._level(middle)], _gone(middle + move)
        if move > 0:
            return Change(here, gone)
        if move < 0:
            return Change(gone, here)
        near = [self._prng.between(1, NEAR) for _ in range(2)]
        return Change([self._level(middle - near[0])], [self._level(middle + near[1])])

    def _level(self, cents: int) -> tuple[Decimal, Decimal]:
        return cents * CENT, _size(self._prng)


def _size(prng: Prng) -> Decimal:
    return prng.between(1, 999_999_999) * UNIT


def _gone(cents: int) -> Levels:
    return [(cents * CENT, Decimal(0))]


def _price(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"

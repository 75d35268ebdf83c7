"""What a venue says of an account when it is asked: working orders, positions, and whether that is
all of it; driven by the order desk.

Nothing is taken for "no orders" or "flat" but a complete answer: all reports that 911 or 727
announces, or the venue's own words for none. Everything else is incomplete and is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from thft.fix import tags
from thft.fix.wire import Message
from thft.gateway.dialect import Dialect
from thft.gateway.fix.reports import Said

NONE_FOUND = 2
PASSES = 3
"""Positions that differ are asked for so often before anybody believes it."""


@dataclass
class Snapshot:
    """One question after another to one session; `begin` starts over."""

    dialect: Dialect
    orders_request: str = ""
    orders_complete: bool = False
    listed: set[str] = field(default_factory=set)
    """Our ids of the working orders that the venue named."""
    unbound: dict[str, Said] = field(default_factory=dict)
    """Working orders of the venue whose client id it did not say, by its own id."""
    positions_request: str = ""
    positions_complete: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    """Signed size by the venue's id of the instrument."""
    differences: int = 0
    _reports: int = 0
    _positions: int = 0
    _empty_text: str | None = None
    _numbers: int = 0

    def begin(self) -> None:
        """Forgets all answers."""
        self.orders_request = self.positions_request = ""
        self.orders_complete = self.positions_complete = False
        self.unbound.clear()
        self.listed.clear()
        self.differences = 0
        self._empty_text = None

    @property
    def asks_orders(self) -> bool:
        """The venue can be asked for all orders."""
        return self.dialect.orders.mass_status == "AF"

    @property
    def asks_positions(self) -> bool:
        """The venue can be asked for positions."""
        return self.dialect.positions.request == "AN"

    def next_orders(self) -> str:
        """Returns the id of a new question for orders."""
        self._numbers += 1
        self.orders_request, self._reports = f"af{self._numbers}", 0
        return self.orders_request

    def next_positions(self) -> str:
        """Returns the id of a new question for positions."""
        self._numbers += 1
        self.positions_request, self._positions = f"an{self._numbers}", 0
        self.sizes.clear()
        self.positions_complete = False
        return self.positions_request

    def order(self, said: Said) -> None:
        """Counts a report that answers the question for orders."""
        self._reports += said.total > 0
        self.orders_complete = self.orders_complete or self._reports == said.total

    def no_orders(self, text: str) -> bool:
        """Takes a BusinessMessageReject of the question; returns whether to ask once more.

        A text nobody knows is believed when the venue says it twice.
        """
        if self._reports or self.dialect.reason(text) != "unknown":
            return False
        if self._empty_text == text:
            self.orders_complete = True
            return False
        self._empty_text = text
        return True

    def position(self, message: Message) -> str:
        """Takes an AP or AO; returns why it is no good answer, empty when it is."""
        if message.text(tags.POS_REQ_ID) != self.positions_request:
            return ""
        result, total = message.integer(tags.POS_REQ_RESULT), message.integer(727)
        if result == NONE_FOUND:
            self.positions_complete = True
            return ""
        if result > 0:
            return f"positions refused: {message.text(tags.TEXT) or f'result {result}'}"
        if message.type == "AO":
            self.positions_complete = total == 0
            return ""
        symbol = message.text(self.dialect.symbols.tag) or ""
        self.sizes[symbol] = self.sizes.get(symbol, 0) + self._size(message)
        self._positions += 1
        self.positions_complete = self._positions == total
        return ""

    def _size(self, message: Message) -> int:
        """Returns long less short, 1e-8."""
        shape = self.dialect.dictionary.group("AP", tags.NO_POSITIONS)
        size = 0
        for entry in message.groups(shape):
            size += max(entry.size(tags.LONG_QTY), 0) - max(entry.size(tags.SHORT_QTY), 0)
        return size

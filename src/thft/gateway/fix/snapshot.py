"""What a venue says it has, one question after another, and when that is all of it; by readiness.

Nothing is taken for "no orders" or "flat" but a complete answer: all reports that 911 or 727
announces, or the venue's own words for none. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from thft.fix import tags
from thft.fix.wire import Message
from thft.gateway.dialect import Dialect
from thft.gateway.fix.reports import Said
from thft.gateway.fix.symbols import SymbolMap
from thft.model.fixed import ABSENT, SIZE_DIGITS, format_scaled
from thft.model.position import Position

NONE_FOUND = 2


@dataclass
class Snapshot:
    """One question after another to one session; `begin` starts over."""

    dialect: Dialect
    hedged: bool = False
    orders_request: str = ""
    orders_complete: bool = False
    listed: set[str] = field(default_factory=set)
    """Our ids of the working orders that the venue named."""
    unbound: dict[str, Said] = field(default_factory=dict)
    """Working orders of the venue whose client id it did not say, by its own id."""
    positions_request: str = ""
    positions_complete: bool = False
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    """Signed size by the venue's id of the instrument, and the position's where it says one."""
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
        id_tag = self.dialect.positions.id_tag
        position_id = message.text(id_tag) or "" if id_tag else ""
        long, short = self._sizes(message)
        if trouble := self._incomparable(long, short, position_id):
            return trouble
        key = symbol, position_id
        self.sizes[key] = self.sizes.get(key, 0) + max(long, 0) - max(short, 0)
        self._positions += 1
        self.positions_complete = self._positions == total
        return ""

    def _incomparable(self, long: int, short: int, position_id: str) -> str:
        """Returns why a report does not say what is held, which is not nothing."""
        if long == short == ABSENT:
            return "a position without LongQty(704) and ShortQty(705)"
        if self.hedged and not position_id:
            return (
                f"a position without its id ({self.dialect.positions.id_tag}) on a hedging account"
            )
        if self.hedged and long > 0 and short > 0:
            return f"position {position_id} is long and short at once"
        return ""

    def _sizes(self, message: Message) -> tuple[int, int]:
        """Returns what is held long and short (1e-8), ABSENT where nothing is said."""
        entries = message.groups(self.dialect.dictionary.group("AP", tags.NO_POSITIONS))
        sums = []
        for tag in (tags.LONG_QTY, tags.SHORT_QTY):
            said = [entry.size(tag) for entry in entries if entry.get(tag) is not None]
            sums.append(sum(said) if said else ABSENT)
        return sums[0], sums[1]

    def compare(self, symbols: SymbolMap, booked: list[Position]) -> list[str]:
        """Returns in words where the venue's positions are not those booked here."""
        found: list[str] = []
        for name, instrument in symbols.names.items():
            symbol = symbols.ids.get(instrument, "")
            there = {
                position_id: symbols.units(instrument, count)
                for (one, position_id), count in self.sizes.items()
                if one == symbol and count
            }
            here = {one.position_id: one.size for one in booked if one.instrument == instrument}
            if self.hedged:
                found += _unequal(f"{name} position ", there, here)
            elif len(there) > 1:
                said = f"{name}: {len(there)} positions at the venue ({', '.join(there)})"
                found.append(f"{said}, this account is a netting one here")
            else:
                found += _unequal(name, {"": sum(there.values())}, here)
        return found


def _unequal(name: str, there: dict[str, int], here: dict[str, int]) -> Iterator[str]:
    """Yields the positions, by their ids, whose sizes (1e-8) differ."""
    for position_id in dict.fromkeys((*there, *here)):
        held, booked = there.get(position_id, 0), here.get(position_id, 0)
        if held != booked:
            said = f"{_size(held)} at the venue, {_size(booked)} booked here"
            yield f"{name}{position_id}: {said}"


def _size(size: int) -> str:
    return format_scaled(size, SIZE_DIGITS)

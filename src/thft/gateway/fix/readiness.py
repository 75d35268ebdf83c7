"""When an account is READY: what a venue is asked, whether that is all of it, and what it must be.

First orders: each of the engine's that may live, and all the venue has. Then positions, which must
be what the engine has booked. Nothing is taken for "no orders" or "flat" but a complete answer: all
reports that 911 or 727 announces, or the venue's own words for none. Everything else is asked
again. Owned by the order desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from thft.fix import tags
from thft.fix.wire import Message
from thft.gateway.dialect import Dialect
from thft.gateway.fix.reports import OrderWords, Said
from thft.gateway.fix_link import now
from thft.model.fixed import SIZE_DIGITS, format_scaled
from thft.model.order import Order

NONE_FOUND = 2
TURN_S, PASS_S = 0.01, 1.0
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
        if self._sizeless(message):
            return "a position without LongQty(704) and ShortQty(705)"
        self.sizes[symbol] = self.sizes.get(symbol, 0) + self._size(message)
        self._positions += 1
        self.positions_complete = self._positions == total
        return ""

    def _sizeless(self, message: Message) -> bool:
        """Returns whether a report does not say how much is held, which is not nothing."""
        shape = self.dialect.dictionary.group("AP", tags.NO_POSITIONS)
        entries = message.groups(shape)
        sized = (tags.LONG_QTY, tags.SHORT_QTY)
        return all(entry.get(tag) is None for entry in entries for tag in sized)

    def _size(self, message: Message) -> int:
        """Returns long less short, 1e-8."""
        shape = self.dialect.dictionary.group("AP", tags.NO_POSITIONS)
        size = 0
        for entry in message.groups(shape):
            size += max(entry.size(tags.LONG_QTY), 0) - max(entry.size(tags.SHORT_QTY), 0)
        return size


class Asker(Protocol):
    """The order desk, as this room needs it."""

    def state(self, state: str, reason: str) -> None: ...
    def ask(self, kind: str, body: bytes, ref: str) -> None: ...
    def query(self, order: Order) -> None: ...
    def foreign(self, said: Said) -> None: ...
    def known(self) -> list[Order]: ...
    def differences(self, sizes: dict[str, int]) -> list[tuple[str, int, int]]: ...
    def end_turn(self) -> None: ...

    @property
    def asking(self) -> bool:
        """Questions wait for the broker's limit."""
        ...


class Readiness:
    """Goes from SYNCING to READY, and looks again while the session lives."""

    def __init__(
        self, desk: Asker, dialect: Dialect, words: OrderWords, answer_s: float, poll_s: float
    ) -> None:
        self._desk = desk
        self._words = words
        self._answer_s, self._poll_s = answer_s, poll_s
        self._running = False
        self._first = True
        self._timer: asyncio.TimerHandle | None = None
        self.snapshot = Snapshot(dialect)
        self.ready = False
        self.asked: dict[str, Order] = {}
        """Orders asked for whose answer has not come on this connection."""
        self._lost: dict[str, Order] = {}
        """Orders of earlier sessions at a venue that cannot be asked what became of them."""
        self.fresh: set[str] = set()
        """Orders sent since the venue was last asked for all of them: its answer may lack them."""

    def begin(self) -> None:
        """Asks for everything; the kernel answers SYNCING with a query for each living order."""
        self._first = True
        self._desk.state("SYNCING", "orders are asked for")
        self._look()

    def end(self) -> None:
        """The connection is over; nothing is concluded from what was not answered."""
        self.ready = self._running = False
        self.asked.clear()
        self._lost.clear()
        if self._timer is not None:
            self._timer.cancel()

    def unaskable(self, order: Order, session: int) -> None:
        """Notes an order that the venue cannot be asked for; in its own session reports come."""
        if order.session < session:
            self._lost[order.client_order_id] = order

    def answered(self, client_order_id: str) -> None:
        """A report says what became of an order."""
        self.asked.pop(client_order_id, None)
        self._lost.pop(client_order_id, None)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Calls back, in a turn of its own, unless something else is to come first."""
        if self._timer is not None:
            self._timer.cancel()

        def due() -> None:
            action()
            self._desk.end_turn()

        self._timer = asyncio.get_running_loop().call_later(seconds, due)

    def _look(self) -> None:
        self._running = True
        self.snapshot.begin()
        self.ask_orders()

    def ask_orders(self) -> None:
        """Asks for all orders the venue has."""
        snapshot = self.snapshot
        self.fresh.clear()
        if snapshot.asks_orders:
            self._desk.ask("AF", self._words.all_orders(snapshot.next_orders()), "orders")
            self.later(self._answer_s, self._late)
        else:
            self.later(TURN_S, self._without_list)

    def _without_list(self) -> None:
        """There is no list to wait for; the kernel's own questions are out by now."""
        self.snapshot.orders_complete = True
        self.later(self._answer_s, self._late)
        self.advance()

    def _ask_positions(self) -> None:
        if self._first:
            self._desk.state("SYNCING", "positions are asked for")
        request = self.snapshot.next_positions()
        self._desk.ask("AN", self._words.all_positions(request, now().utc_ns), "positions")
        self.later(self._answer_s, self._late)

    def _late(self) -> None:
        """The answer is not complete: nothing changes, and it is asked again."""
        if self._desk.asking:
            self.later(self._answer_s, self._late)
            return
        snapshot = self.snapshot
        orders = not snapshot.orders_complete or self.asked or not snapshot.asks_positions
        self._first, self.ready = True, False
        what = "orders" if orders else "positions"
        self._desk.state("SYNCING", f"{what} incomplete after {self._answer_s:g} s, asked again")
        for order in list(self.asked.values()):
            self._desk.query(order)
        if orders:
            self.ask_orders()
        else:
            self._ask_positions()

    def advance(self) -> None:
        """Goes on to positions once all orders are clear, and to READY once those are equal."""
        snapshot = self.snapshot
        if not self._running or not snapshot.orders_complete:
            return
        self._ask_unlisted()
        if self.asked:
            return
        if self._lost:
            lost = ", ".join(self._lost)
            self._halt(f"order {lost}: this venue cannot be asked by FIX what became of it")
            return
        for said in snapshot.unbound.values():
            self._desk.foreign(said)
        snapshot.unbound.clear()
        if not snapshot.asks_positions:
            self._agreed("positions not told by this venue")
        elif not snapshot.positions_request:
            self._ask_positions()
        elif snapshot.positions_complete:
            self._compare()

    def _ask_unlisted(self) -> None:
        """Asks for each order that should be working and that the venue did not name."""
        if not self.snapshot.asks_orders or self.snapshot.positions_request:
            return
        listed = self.snapshot.listed
        for order in self._desk.known():
            ours = order.client_order_id
            if order.working and ours not in listed and ours not in self.fresh:
                listed.add(ours)  # once in a snapshot
                if ours not in self.asked:
                    self._desk.query(order)

    def _compare(self) -> None:
        """READY when the venue holds what the engine has booked; else looks again, then halts."""
        snapshot = self.snapshot
        found = self._desk.differences(snapshot.sizes)
        if not found:
            self._agreed("positions equal")
            return
        snapshot.differences += 1
        if snapshot.differences < PASSES:
            snapshot.positions_complete = False
            self.later(PASS_S, self._ask_positions)
            return
        said = "; ".join(
            f"{name}: {_size(held)} at the venue, {_size(booked)} booked here"
            for name, held, booked in found
        )
        self._halt(said)

    def _halt(self, said: str) -> None:
        """Waits for a person, and looks again in a while."""
        self._running = self.ready = False
        self._desk.state("HALTED", f"{said} — compare with the broker's own screen")
        self.later(self._poll_s, self._look)

    def _agreed(self, positions: str) -> None:
        """Looks again in a while: a fill may be lost on a healthy line."""
        self._running = self._first = False
        self.ready = True
        self._desk.state("READY", f"orders clear, {positions}")
        self.later(self._poll_s, self._look)


def _size(size: int) -> str:
    return format_scaled(size, SIZE_DIGITS)

"""One account as the venue knows it: orders, executions, positions; the truth tests compare with.

Sizes are 1e-8, prices 1e-9, times UTC ns. Every method returns the report of what it did; whether
anybody hears of it is the wire's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from thft.base.errors import LocalError
from thft.model.fixed import ABSENT, divide_half_even

Kind = Literal["new", "stopped", "trade", "cancelled", "replaced", "rejected", "expired", "status"]
ENDED = frozenset(("filled", "cancelled", "rejected", "expired"))


@dataclass
class VenueOrder:
    """An order; side +1 buys, -1 sells."""

    order_id: str
    client_id: str
    """Empty when it was not entered by FIX."""
    symbol: str
    side: int
    type: str
    tif: str
    size: int
    price: int = ABSENT
    stop: int = ABSENT
    expires_ns: int = ABSENT
    position_id: str = ""
    label: str = ""
    filled: int = 0
    paid: int = 0
    state: str = "new"
    closes: bool = False
    """It takes away from a position of a hedged account, and never opens one."""
    executing: bool = False
    """It is on its way to the market and cannot be changed."""

    @property
    def leaves(self) -> int:
        """What may still execute."""
        return 0 if self.state in ENDED else self.size - self.filled

    @property
    def average(self) -> int:
        """Average price of what was filled, ABSENT when nothing was."""
        return divide_half_even(self.paid, self.filled) if self.filled else ABSENT


@dataclass
class VenuePosition:
    """A position: signed size, and what it cost."""

    position_id: str
    symbol: str
    size: int = 0
    paid: int = 0
    """|size| × price, summed over what opened it."""

    @property
    def average(self) -> int:
        """Average opening price."""
        return divide_half_even(self.paid, abs(self.size)) if self.size else ABSENT


class ClosedPosition(NamedTuple):
    """A part of a position that was closed; size signed as it was held."""

    position_id: str
    symbol: str
    size: int
    opened: int
    closed: int
    ts_ns: int


class Report(NamedTuple):
    """What happened to an order, which stands as it was right then."""

    kind: Kind
    order: VenueOrder
    ts_ns: int
    exec_id: str
    size: int = 0
    price: int = ABSENT
    text: str = ""
    replaced_id: str = ""
    """The client id before a replace."""


@dataclass
class Ledger:
    """See the module. `next_id` draws ids that are unique at the venue."""

    account: str
    hedged: bool
    next_id: Callable[[str], str]
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    by_client: dict[str, str] = field(default_factory=dict)
    """Every client id ever used → order id."""
    positions: dict[str, VenuePosition] = field(default_factory=dict)
    closed: list[ClosedPosition] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def find(self, order_id: str, client_id: str) -> VenueOrder | None:
        """Returns an order by its own id or, without one, by a client's."""
        return self.orders.get(order_id or self.by_client.get(client_id, ""))

    @property
    def working(self) -> list[VenueOrder]:
        """Orders that may still execute, oldest first."""
        return [order for order in self.orders.values() if order.state not in ENDED]

    def net(self, symbol: str) -> int:
        """Returns the signed size held in a symbol."""
        return sum(one.size for one in self.positions.values() if one.symbol == symbol)

    # ---- orders --------------------------------------------------------------------------------

    def accept(self, order: VenueOrder, ts_ns: int) -> Report:
        """Takes an order; a hedged one without a position id opens a position of its own."""
        if not order.position_id:
            order.position_id = self._position_for(order.symbol)
        elif self.hedged and order.position_id in self.positions:
            order.closes = self.positions[order.position_id].size * order.side < 0
        self._keep(order)
        return self._report("new", order, ts_ns)

    def refuse(self, order: VenueOrder, text: str, ts_ns: int) -> Report:
        """Rejects an order; it stays known under its ids."""
        order.state = "rejected"
        self._keep(order)
        return self._report("rejected", order, ts_ns, text=text)

    def stopped(self, order: VenueOrder, price: int, ts_ns: int) -> Report:
        """Says that a price is held for the order, which changes nothing."""
        return self._report("stopped", order, ts_ns, price=price)

    def fill(self, order: VenueOrder, size: int, price: int, ts_ns: int) -> Report:
        """Executes `size` of an order, even of one that has ended."""
        if order.filled + size > order.size:
            raise LocalError(f"order {order.order_id} would be overfilled", "fill less")
        order.filled += size
        order.paid += size * price
        if order.filled == order.size:
            order.state = "filled"
        elif order.state not in ENDED:
            order.state = "partial"
        self._hold(order, size, price, ts_ns)
        return self._report("trade", order, ts_ns, size, price)

    def cancel(self, order: VenueOrder, client_id: str, text: str, ts_ns: int) -> Report:
        """Cancels what is left of an order; `client_id` is that of the request, if there is one."""
        order.state = "cancelled"
        before = self._renamed(order, client_id)
        return self._report("cancelled", order, ts_ns, text=text, replaced_id=before)

    def reject_rest(self, order: VenueOrder, text: str, ts_ns: int) -> Report:
        """Ends a part filled order as a cancellation that calls itself rejected."""
        order.state = "rejected"
        return self._report("cancelled", order, ts_ns, text=text)

    def expire(self, order: VenueOrder, ts_ns: int) -> Report:
        """Ends an order whose time has come."""
        order.state = "expired"
        return self._report("expired", order, ts_ns)

    def change(self, order: VenueOrder, client_id: str, to: VenueOrder, ts_ns: int) -> Report:
        """Gives a working order another size, price or expiry."""
        order.size, order.price, order.stop = to.size, to.price, to.stop
        order.expires_ns = to.expires_ns
        if order.filled >= order.size:
            order.state = "filled"
        before = self._renamed(order, client_id)
        return self._report("replaced", order, ts_ns, replaced_id=before)

    def status(self, order: VenueOrder, ts_ns: int) -> Report:
        """Answers a question; no execution is booked by it."""
        return Report("status", replace(order), ts_ns, "0")

    def overdraws(self, order: VenueOrder) -> bool:
        """Returns whether the position that an order closes holds less than that by now."""
        held = self.positions.get(order.position_id)
        return order.closes and abs(held.size if held else 0) < order.leaves

    # ---- positions -----------------------------------------------------------------------------

    def _position_for(self, symbol: str) -> str:
        if not self.hedged:
            for held in self.positions.values():
                if held.symbol == symbol:
                    return held.position_id
        return self.next_id("position")

    def _hold(self, order: VenueOrder, size: int, price: int, ts_ns: int) -> None:
        """Books an execution; what goes against a position closes it first."""
        position = self.positions.setdefault(
            order.position_id, VenuePosition(order.position_id, order.symbol)
        )
        against = position.size * order.side < 0
        closing = min(size, abs(position.size)) if against else 0
        if closing:
            opened = position.average
            held = closing if position.size > 0 else -closing
            self.closed.append(
                ClosedPosition(order.position_id, order.symbol, held, opened, price, ts_ns)
            )
            position.paid -= opened * closing
            position.size -= held
        opening = size - closing
        if opening:
            position.paid = position.paid + opening * price if position.size else opening * price
            position.size += order.side * opening
        if not position.size:
            del self.positions[order.position_id]

    # ---- bookkeeping ---------------------------------------------------------------------------

    def _keep(self, order: VenueOrder) -> None:
        self.orders[order.order_id] = order
        if order.client_id:
            self.by_client[order.client_id] = order.order_id

    def _renamed(self, order: VenueOrder, client_id: str) -> str:
        """Puts an order under the client id of a request; returns the one before."""
        before = order.client_id
        if not client_id:
            return ""
        order.client_id = client_id
        self.by_client[client_id] = order.order_id
        return before

    def _report(
        self,
        kind: Kind,
        order: VenueOrder,
        ts_ns: int,
        size: int = 0,
        price: int = ABSENT,
        text: str = "",
        replaced_id: str = "",
    ) -> Report:
        exec_id = self.next_id("execution")
        report = Report(kind, replace(order), ts_ns, exec_id, size, price, text, replaced_id)
        self.reports.append(report)
        return report

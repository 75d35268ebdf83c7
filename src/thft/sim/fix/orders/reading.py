"""Orders out of messages, by what the venue's dialect allows; called by the desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from thft.fix import tags
from thft.fix.wire import BadValue, Message
from thft.model.fixed import ABSENT, SIZE_ONE, parse_size
from thft.sim.fix.client import Client
from thft.sim.fix.orders.ledger import Ledger, VenueOrder
from thft.sim.fix.orders.words import TIFS, TYPES
from thft.sim.fix.profile import Profile

OTHER, UNKNOWN_SECURITY, MISSING = 0, 2, 5


class BadOrder(Exception):
    """An order that cannot be taken; `reason` is a BusinessRejectReason(380)."""

    def __init__(self, text: str, reason: int = OTHER) -> None:
        super().__init__(text)
        self.text = text
        self.reason = reason


class OrderReader:
    """Reads orders of one venue."""

    def __init__(self, profile: Profile, next_id: Callable[[str], str]) -> None:
        self._profile = profile
        self._dialect = profile.dialect
        self._next_id = next_id
        self._step = parse_size(profile.dialect.quantity.step)

    def stepped(self, size: int) -> int:
        """Returns a size rounded down to the venue's step, one step at least."""
        return max(size // self._step, 1) * self._step

    def order(self, client: Client, ledger: Ledger, message: Message) -> VenueOrder:
        """Returns the order of a NewOrderSingle; raises BadOrder."""
        try:
            order = self._order(message)
        except BadValue as error:
            raise self._bad(error.cause) from error
        terms = self._dialect.orders
        if terms.needs_account and message.text(tags.ACCOUNT) is None:
            raise BadOrder("No Account specified", MISSING)
        if terms.needs_account and message.text(tags.ACCOUNT) != ledger.account:
            raise self._bad("Account is not known")
        if order.client_id in ledger.by_client:
            raise self._bad(f"ClOrdID {order.client_id} was used before")
        self._check_position(ledger, order)
        return order

    def _order(self, message: Message) -> VenueOrder:
        listed = self._profile.by_id.get(message.text(self._dialect.symbols.tag) or "")
        if listed is None:
            raise self._bad("Unknown symbol", UNKNOWN_SECURITY)
        kind = TYPES.get(message.text(tags.ORD_TYPE) or "", "")
        if kind not in self._dialect.orders.types:
            raise self._bad(f"OrdType {message.text(tags.ORD_TYPE)} is not supported")
        order = VenueOrder(
            self._next_id("order"),
            message.text(tags.CL_ORD_ID) or "",
            listed.name,
            1 if message.text(tags.SIDE) == "1" else -1,
            kind,
            self._tif(kind, message),
            message.size(tags.ORDER_QTY),
            message.price(tags.PRICE) if kind == "limit" else ABSENT,
            message.price(tags.STOP_PX) if kind in ("stop", "market_range") else ABSENT,
            message.timestamp_ns(tags.EXPIRE_TIME),
            self._position_id(message),
            message.text(self._dialect.orders.label_tag) or "",
        )
        self._check_numbers(order, listed.min_size * SIZE_ONE)
        return order

    def _position_id(self, message: Message) -> str:
        tag = self._dialect.positions.id_tag
        return (message.text(tag) or "") if tag else ""

    def _tif(self, kind: str, message: Message) -> str:
        """Returns the time in force: said by 59, or by the type and 126 where 59 is ignored."""
        allowed = self._dialect.orders.types[kind]  # type: ignore[index]
        if kind in self._dialect.orders.without_tif and message.get(tags.TIME_IN_FORCE):
            raise self._bad("TimeInForce parameter sent when not required.")
        if not self._dialect.orders.sends_tif:
            return "GTD" if message.get(tags.EXPIRE_TIME) and "GTD" in allowed else allowed[0]
        said = TIFS.get(message.text(tags.TIME_IN_FORCE) or "0", "")
        if said not in allowed and message.get(tags.TIME_IN_FORCE) is not None:
            raise self._bad(f"TimeInForce {message.text(tags.TIME_IN_FORCE)} is not supported")
        return said if said in allowed else allowed[0]

    def _check_numbers(self, order: VenueOrder, min_size: int) -> None:
        if order.size <= 0 or order.size % self._step or order.size < min_size:
            raise self._bad("OrderQty is not a size that can be traded")
        if order.type == "limit" and order.price <= 0:
            raise self._bad("Price is missing")
        if order.type in ("stop", "market_range") and order.stop <= 0:
            raise self._bad("StopPx is missing")

    def _check_position(self, ledger: Ledger, order: VenueOrder) -> None:
        """An order that names a position must find it."""
        if not order.position_id:
            return
        held = ledger.positions.get(order.position_id)
        if held is None or held.symbol != order.symbol:
            text = f"POSITION_NOT_FOUND:Position with id {order.position_id} is not found."
            raise BadOrder(text, 1)
        if ledger.hedged and held.size * order.side < 0 and order.size > abs(held.size):
            raise self._bad("OrderQty is more than the position holds")

    def changed(self, order: VenueOrder, message: Message) -> VenueOrder:
        """Returns the order after a replace; raises BadOrder."""
        try:
            to = replace(
                order,
                size=message.size(tags.ORDER_QTY),
                price=_or(message.price(tags.PRICE), order.price),
                stop=_or(message.price(tags.STOP_PX), order.stop),
                expires_ns=_or(message.timestamp_ns(tags.EXPIRE_TIME), order.expires_ns),
            )
        except BadValue as error:
            raise self._bad(error.cause) from error
        if to.size == ABSENT:
            raise self._bad("OrderQty is missing")
        self._check_numbers(to, 0)
        if to.size < order.filled:
            raise self._bad("OrderQty is less than what was executed")
        return to

    def _bad(self, text: str, reason: int = OTHER) -> BadOrder:
        prefix = "INVALID_REQUEST:" if self._profile.quirks.business_reject else ""
        return BadOrder(f"{prefix}{text}", reason)


def _or(value: int, before: int) -> int:
    return before if value == ABSENT else value

"""Between the engine's orders and a venue's messages: D F G H out, 8 in; by the order desk.

Pure. Everything that differs between venues comes from the dialect.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from thft.fix import tags
from thft.fix.wire import BadValue, Message, format_price, format_size, format_timestamp, pack
from thft.gateway.dialect import Dialect, Reason
from thft.gateway.fix.settings import FixSettings, filled
from thft.gateway.fix.symbols import SymbolMap
from thft.model.event import ExecutionReport, ReplaceReport
from thft.model.fixed import ABSENT, SIZE_DIGITS, format_scaled
from thft.model.order import Order

Body = list[tuple[int, Any]]
TYPES = {"market": "1", "limit": "2"}
TIFS = {"DAY": "0", "GTC": "1", "IOC": "3", "FOK": "4"}
REQUEST_MARK = "_"
"""Separates our order's id from what makes a request to cancel or change it unique."""
REPLACE = re.compile(r"r([1-9][0-9]*)")
REPLACED, PENDING_REPLACE = "5", "E"
KINDS = {
    "0": "new",
    "1": "trade",
    "2": "trade",
    "3": "expired",
    "4": "cancelled",
    "5": "status",
    "6": "status",
    "7": "status",
    "8": "rejected",
    "9": "status",
    "A": "status",
    "C": "expired",
    "D": "status",
    "E": "status",
    "F": "trade",
}
"""ExecType(150) → kind of report; what is not here (I, G, H) goes by OrdStatus(39)."""
STATUSES = {
    "2": "trade",
    "3": "expired",
    "4": "cancelled",
    "8": "rejected",
    "C": "expired",
}
STATES = frozenset("0123456789ABCDE")
"""OrdStatus(39) of FIX 4.4; a dialect names others that its venue has."""
UNKNOWN_ORDER = "5"
IN_DOUBT = "in_doubt"
"""A kind of report that is none: what became of the order is not said in it."""


def request_of(text: str) -> tuple[str, int]:
    """Returns our order's id in a 11 or 41, and which replace of it: 0 none, -1 a cancel."""
    client_order_id, mark, request = text.partition(REQUEST_MARK)
    replace = REPLACE.fullmatch(request)
    return client_order_id, int(replace[1]) if replace else -1 if mark else 0


class Unsupported(Exception):
    """The venue cannot be told to do this; the text says what."""


class OrderWords:
    """What is said to one venue about orders."""

    def __init__(self, dialect: Dialect, settings: FixSettings, symbols: SymbolMap) -> None:
        self._dialect = dialect
        self._terms = dialect.orders
        self._settings = settings
        self._symbols = symbols

    def new_order(self, order: Order, utc_ns: int) -> bytes:
        """Returns a NewOrderSingle(D); raises Unsupported."""
        terms = self._terms
        body: Body = [
            (tags.CL_ORD_ID, order.client_order_id),
            *self._instrument(order),
            (tags.ORDER_QTY, self._quantity(order.instrument, order.size)),
            (tags.ORD_TYPE, TYPES[self._checked_type(order)]),
            *self._stamped(utc_ns),
            *filled(terms.fields, self._settings, ""),
        ]
        if terms.sends_tif and order.type not in terms.without_tif:
            body.append((tags.TIME_IN_FORCE, TIFS[order.tif]))
        if order.type == "limit":
            body.append((tags.PRICE, format_price(order.price)))
        if terms.needs_account:
            body.append((tags.ACCOUNT, self._settings.account))
        if terms.label_tag:
            body.append((terms.label_tag, order.strategy[:32] or "thft"))
        if order.position_id and self._dialect.positions.id_tag:
            body.append((self._dialect.positions.id_tag, order.position_id))
        return pack(self._defined("D", body))

    def _checked_type(self, order: Order) -> str:
        allowed = self._terms.types.get(order.type)  # type: ignore[call-overload]
        if allowed is None:
            raise Unsupported(f"the venue has no {order.type} orders")
        if order.tif not in allowed:
            said = f"the venue takes {order.type} orders as {', '.join(allowed)}, not {order.tif}"
            raise Unsupported(said)
        return order.type

    def _quantity(self, instrument: int, size: int) -> bytes:
        """Returns a size, 1e-8, as the venue counts it."""
        count = self._symbols.counted(instrument, size)
        if not count:
            said = format_scaled(size, SIZE_DIGITS)
            steps = self._symbols.step(instrument)
            raise Unsupported(f"the venue takes {steps}, {said} is no whole number of them")
        return format_size(count)

    def _instrument(self, order: Order) -> Body:
        if order.instrument not in self._symbols.ids:
            raise Unsupported("the venue's id of this instrument is not known")
        side = (tags.SIDE, "1" if order.side > 0 else "2")
        return [*self._symbols.fields(order.instrument), side]

    def _stamped(self, utc_ns: int) -> Body:
        digits = self._dialect.timestamp_digits
        return [(tags.TRANSACT_TIME, format_timestamp(utc_ns, digits))]

    def cancel(self, order: Order, number: str, utc_ns: int) -> bytes:
        """Returns an OrderCancelRequest(F) under an id of its own."""
        body: Body = [
            (tags.CL_ORD_ID, f"{order.client_order_id}{REQUEST_MARK}{number}"),
            (tags.ORIG_CL_ORD_ID, _known_as(order)),
            *self._instrument(order),
            (tags.ORDER_QTY, self._quantity(order.instrument, order.size)),
            *self._stamped(utc_ns),
            *self._whose(order),
        ]
        return pack(self._spared("F", body, keep=(tags.ORDER_ID,)))

    def replace(self, order: Order, utc_ns: int) -> bytes:
        """Returns the OrderCancelReplaceRequest(G) of the replace under way; raises Unsupported."""
        terms = self._terms
        if terms.replace == "none":
            raise Unsupported("the venue changes no orders: cancel it and submit another")
        assert order.wanted is not None
        size, price = order.wanted
        for what, differs in (("size", size != order.size), ("price", price != order.price)):
            if differs and what not in terms.changes:
                raise Unsupported(f"the venue does not change the {what} of an order")
        body: Body = [
            (tags.CL_ORD_ID, f"{order.client_order_id}{REQUEST_MARK}r{order.replaces}"),
            (tags.ORIG_CL_ORD_ID, _known_as(order)),
            *self._instrument(order),
            (tags.ORDER_QTY, self._quantity(order.instrument, size)),
            (tags.ORD_TYPE, TYPES[self._checked_type(order)]),
            (tags.PRICE, format_price(price)),
            *self._stamped(utc_ns),
            *filled(terms.fields, self._settings, ""),
            *self._whose(order),
        ]
        if terms.sends_tif:
            body.append((tags.TIME_IN_FORCE, TIFS[order.tif]))
        return pack(self._spared("G", body, keep=(tags.ORDER_ID,)))

    def _whose(self, order: Order) -> Body:
        """Returns the venue's id of an order, and the account where it is wanted."""
        body: Body = []
        if order.venue_order_id:
            body.append((tags.ORDER_ID, order.venue_order_id))
        if self._terms.needs_account:
            body.append((tags.ACCOUNT, self._settings.account))
        return body

    def status(self, order: Order) -> bytes:
        """Returns an OrderStatusRequest(H)."""
        body: Body = [(tags.CL_ORD_ID, _known_as(order)), *self._instrument(order)]
        if order.venue_order_id:
            body.append((tags.ORDER_ID, order.venue_order_id))
        return pack(self._spared("H", body, keep=(tags.ORDER_ID,)))

    def _spared(self, kind: str, body: Body, keep: tuple[int, ...]) -> Body:
        """Leaves out what this venue need not be told: some are silent about a field too many."""
        change = self._dialect.overlay.messages.get(kind)
        if change is None:
            return body
        spare = {int(tag) for tag in change.optional.split() if tag.isdigit()} - set(keep)
        return [field for field in self._defined(kind, body) if field[0] not in spare]

    def _defined(self, kind: str, body: Body) -> Body:
        """Leaves out what the dialect has removed from a message."""
        change = self._dialect.overlay.messages.get(kind)
        removed = {int(tag) for tag in change.remove.split()} if change else set()
        return [field for field in body if field[0] not in removed]

    def all_orders(self, request: str) -> bytes:
        """Returns an OrderMassStatusRequest(AF) of all orders, the newest too: never with 225."""
        return pack([(tags.MASS_STATUS_REQ_ID, request), (tags.MASS_STATUS_REQ_TYPE, 7)])

    def all_positions(self, request: str, utc_ns: int) -> bytes:
        """Returns a RequestForPositions(AN)."""
        terms = self._dialect.positions
        extra = filled(terms.request_fields, self._settings, "")
        body: Body = [(tags.POS_REQ_ID, request), *extra]
        if terms.request_fields:
            body += [*self._stamped(utc_ns), (715, format_timestamp(utc_ns, 0)[:8])]
        return pack(self._spared("AN", body, keep=tuple(tag for tag, _ in extra)))


def _known_as(order: Order) -> str:
    """Returns the 11 under which an order stands: its own, or that of the last replace it took."""
    revised = f"{REQUEST_MARK}r{order.revision}" if order.revision else ""
    return f"{order.client_order_id}{revised}"


def _check(message: Message, extra_states: tuple[str, ...]) -> None:
    """Refuses a report from which nothing may be concluded: a default would be a guess.

    Without 911 no number of reports is all of them, 39 must be a state that is known, and an
    execution without 14 would book nothing.
    """
    state, total = message.text(tags.ORD_STATUS), message.integer(tags.TOT_NUM_REPORTS)
    listed = message.get(tags.MASS_STATUS_REQ_ID) is not None
    if listed and total == ABSENT:
        raise BadValue(tags.TOT_NUM_REPORTS, b"", "is missing in an answer for all orders")
    if listed and not total:
        return
    if state not in STATES and state not in extra_states:
        raise BadValue(tags.ORD_STATUS, (state or "").encode(), "is no state that is known")
    if message.get(tags.CUM_QTY) is None:
        raise BadValue(tags.CUM_QTY, b"", "is missing in a report")


class Said(NamedTuple):
    """An ExecutionReport(8) as read: what of it is not the engine's business, and what is."""

    venue_order_id: str
    client_order_id: str
    """Ours if the message names it, under whatever request."""
    request: int
    """The replace under whose id it stands, as in ReplaceReport."""
    replaced: bool
    size: int
    price: int
    mass_request: str
    total: int
    kind: str
    last_size: int
    last_price: int
    cum_size: int
    avg_price: int
    exec_id: str
    position_id: str
    venue_ts_ns: int
    text: str

    def report(self, account: str, client_order_id: str, session: int) -> ExecutionReport:
        """Returns the engine's event."""
        return ExecutionReport(
            0,
            account,
            client_order_id,
            self.venue_order_id,
            self.exec_id,
            self.kind,
            self.last_size,
            self.last_price,
            self.cum_size,
            self.avg_price,
            0,
            self.position_id,
            self.venue_ts_ns,
            self.text,
            session,
        )

    def terms(self, account: str, client_order_id: str, session: int) -> ReplaceReport | None:
        """Returns what it says of the order's size and price, None if nothing can be told."""
        if self.size == ABSENT or (self.request < 0 and not self.replaced):
            return None
        outcome = "replaced" if self.replaced else "stands"
        return ReplaceReport(
            0,
            account,
            client_order_id,
            self.request,
            outcome,
            self.size,
            self.price,
            self.venue_ts_ns,
            "",
            session,
        )


def meaning(message: Message, dialect: Dialect) -> Reason:
    """Returns what the venue's words and codes in a message mean to us."""
    for tag in dict.fromkeys(code.tag for code in dialect.texts):
        reason = dialect.reason(message.text(tag) or "", tag)
        if reason != "unknown":
            return reason
    return "unknown"


def read(message: Message, dialect: Dialect, symbols: SymbolMap) -> Said:
    """Reads an ExecutionReport; raises BadValue also when it lacks what decides about an order."""
    terms = dialect.orders
    _check(message, terms.extra_states)
    instrument = symbols.instruments.get(message.get(dialect.symbols.tag) or b"", 0)
    exec_type, status = message.text(tags.EXEC_TYPE) or "", message.text(tags.ORD_STATUS) or ""
    counted = max(message.size(tags.CUM_QTY), 0)
    cum_size = symbols.units(instrument, counted)
    total = message.integer(tags.TOT_NUM_REPORTS)
    order_id = message.text(tags.ORDER_ID) or ""
    kind = KINDS.get(exec_type) or STATUSES.get(status, "status")
    asked = exec_type not in KINDS
    if asked and kind == "rejected" and message.text(tags.ORD_REJ_REASON) == UNKNOWN_ORDER:
        kind, order_id = "not_found", ""
    if kind == "rejected" and meaning(message, dialect) == "unknown_outcome":
        kind = IN_DOUBT
    if counted and not symbols.contract(instrument):
        kind = IN_DOUBT  # contracts of what is not said, or not known here
    exec_id = message.text(tags.EXEC_ID) if terms.exec_id else None
    if exec_id is None:
        time = message.text(tags.TRANSACT_TIME) or ""
        exec_id = f"{order_id}/{exec_type}{status}/{message.text(tags.CUM_QTY)}/{time}"
    last_size = symbols.units(instrument, message.size(tags.LAST_QTY)) if kind == "trade" else 0
    last_price = message.price(tags.LAST_PX) if terms.last_price and last_size > 0 else ABSENT
    text = message.text(tags.TEXT) or ""
    named = message.text(tags.CL_ORD_ID)
    client_order_id, request = request_of(named or "")
    if named is None or PENDING_REPLACE in (exec_type, status):
        request = -1  # while it is open 11 may be the request's already
    return Said(
        order_id,
        client_order_id,
        request,
        exec_type == REPLACED,
        symbols.units(instrument, message.size(tags.ORDER_QTY)),
        message.price(tags.PRICE),
        message.text(tags.MASS_STATUS_REQ_ID) or "",
        0 if total == ABSENT else total,
        kind,
        max(last_size, 0),
        last_price,
        cum_size,
        message.price(tags.AVG_PX) if cum_size else ABSENT,
        exec_id,
        message.text(dialect.positions.id_tag) or "" if dialect.positions.id_tag else "",
        message.timestamp_ns(tags.TRANSACT_TIME),
        text[:200],
    )

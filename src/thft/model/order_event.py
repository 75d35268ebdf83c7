"""The events of an order's life and what follows from it; told to everybody by `event`."""

from __future__ import annotations

from thft.base import frame
from thft.model.event_base import Event


class OrderSubmitted(Event, frozen=True):
    """The intent to trade, journaled before any byte of it leaves; price ABSENT for market."""

    TYPE = 0x0401
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    strategy: str
    account: str
    instrument: int
    side: int
    """+1 buy, -1 sell."""
    type: str
    """market or limit."""
    tif: str
    """IOC, FOK or GTC."""
    size: int
    price: int
    position_id: str
    """The position to close on a hedging account, else empty."""
    signal: int
    """The signal that decided, price at 1e-9, ABSENT when the strategy names none."""
    fast_mid: int
    decision_price: int
    """The executable price seen at decision, 1e-9."""


class OrderDenied(Event, frozen=True):
    """An order we refused ourselves; it never left. Denied is not rejected."""

    TYPE = 0x0402
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    strategy: str
    account: str
    instrument: int
    side: int
    size: int
    reason: str


class ExecutionReport(Event, frozen=True):
    """What a venue (or the paper venue, then cause > 0) says of an order; totals are cumulative."""

    TYPE = 0x0403
    STREAM = frame.ORDERS
    cause: int
    account: str
    client_order_id: str
    venue_order_id: str
    exec_id: str
    exec_type: str
    """new, trade, cancelled, rejected, expired, status, not_found; denied by our own gateway."""
    last_size: int
    last_price: int
    cum_size: int
    avg_price: int
    fee: int
    """Money at 1e-9 for this execution."""
    position_id: str
    venue_ts_ns: int
    text: str
    session: int = 0
    """The account session that answered; evidence of not_found counts only from a newer one."""


class CancelRequested(Event, frozen=True):
    """The intent to cancel, journaled before it leaves."""

    TYPE = 0x0404
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    reason: str


class OrderUnknown(Event, frozen=True):
    """No answer in time to an order or a replace: what came of it is asked for, never assumed."""

    TYPE = 0x0405
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    reason: str


class ReplaceRequested(Event, frozen=True):
    """The intent to give a working order another size or price, journaled before it leaves."""

    TYPE = 0x0407
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    number: int
    """Counts the replaces asked for of this order, from 1."""
    size: int
    """Of the whole order, what was executed included."""
    price: int


class ReplaceReport(Event, frozen=True):
    """What a venue, the paper venue (cause > 0) or we ourselves say of an order's size and price.

    Outcomes: replaced; refused by the venue; denied by us, it never left; stands: what a report
    about something else says they are.
    """

    TYPE = 0x0408
    STREAM = frame.ORDERS
    cause: int
    account: str
    client_order_id: str
    number: int
    """The request it is about or under whose number the order stands, 0 for none, -1 unsaid."""
    outcome: str
    size: int
    price: int
    venue_ts_ns: int
    text: str
    session: int
    """As in ExecutionReport: evidence against a replace counts only from a newer session."""


class Fill(Event, frozen=True):
    """One execution booked once: size and price of it, fee and what it realised (money 1e-9)."""

    TYPE = 0x0406
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    exec_id: str
    strategy: str
    account: str
    instrument: int
    side: int
    size: int
    price: int
    fee: int
    realised: int
    position_id: str


class PositionChanged(Event, frozen=True):
    """A position after a fill: signed size 1e-8, average price 1e-9, realised money 1e-9."""

    TYPE = 0x0501
    STREAM = frame.POSITIONS
    cause: int
    account: str
    instrument: int
    position_id: str
    size: int
    avg_price: int
    realised: int

"""The risk gate: the one place that decides whether an intent may become an order; kernel calls it.

The order of checks is fixed; the first one that fails is the recorded reason.

On a netting account what takes size away is reducing. On a hedging one an opposite order opens a
second position, so only what closes a position by its id is reducing, never more of it than is open
and not being closed already; and each side of an instrument has the position limit to itself.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from thft.kernel.strategy import Intent
from thft.model.fixed import ABSENT, SIZE_DIGITS, format_scaled
from thft.model.order import REPLACEABLE, Order
from thft.state import symbols
from thft.state.fold import State

SECOND_NS = 1_000_000_000


class Load(NamedTuple):
    """What an account would carry with an order of an instrument, working orders counted."""

    reducing: bool
    """It cannot leave more exposure than there is."""
    exposure: int
    """The most that may be held on the order's side, 1e-8."""
    unknown: str
    """An order in doubt."""
    overdrawn: str = ""
    """Why the position to close does not suffice, in words."""


class RiskGate:
    """Judges intents against the limits; remembers the send times of the last second."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.sent_ns: deque[int] = deque()

    def refusal(self, intent: Intent, now_ns: int) -> str:
        """Returns why the intent is denied, in words, or an empty string when it may go."""
        load = self._load(intent, intent.size)
        reducing = load.reducing
        return (
            self._malformed(intent)
            or load.overdrawn
            or self._undealt(intent.account, intent.instrument, intent.size)
            or self._switches(intent.account, reducing, load.unknown)
            or self._sizes(intent.size, reducing, load.exposure)
            or ("" if reducing else self._book(intent.account, intent.instrument))
            or self._rates(now_ns, reducing)
            or self._open_orders(reducing)
        )

    def replace_refusal(self, order: Order, size: int, price: int, now_ns: int) -> str:
        """Returns why a working order may not have this size and price, empty when it may.

        Until it is answered the order counts with the larger of its sizes. Reducing is what only
        takes size away, or still cannot leave more exposure than there is.
        """
        load = self._load(order, max(size - order.size, 0))
        reducing = load.reducing or (size <= order.size and price == order.price)
        return (
            _unchangeable(order, size, price)
            or self._undealt(order.account, order.instrument, size)
            or self._step(order.instrument, size)
            or load.overdrawn
            or self._switches(order.account, reducing, load.unknown)
            or self._sizes(size if size > order.size else 0, reducing, load.exposure)
            or ("" if reducing else self._book(order.account, order.instrument))
            or self._rates(now_ns, reducing)
        )

    def sent(self, now_ns: int) -> None:
        """Counts an order that was let through."""
        self.sent_ns.append(now_ns)

    def _load(self, traded: Intent | Order, added: int) -> Load:
        """Returns what there is to carry once an order may execute `added` (1e-8) more."""
        state, side = self._state, traded.side
        hedged = state.hedged(traded.account)
        leg = state.leg(traded.account, traded.instrument, traded.position_id)
        closing, opening, unknown = 0, 0, ""
        for order in state.orders.values():
            if order.account == traded.account and order.instrument == traded.instrument:
                if order.doubtful and not unknown:
                    unknown = order.client_order_id
                if order.side == side and not (hedged and state.closes(order)):
                    opening += order.exposure
                elif order.side == side and order.position_id == traded.position_id:
                    closing += order.exposure
        if not hedged:
            held = state.net_size(traded.account, traded.instrument)
            reducing = held * side < 0 and opening + added <= abs(held)
            return Load(reducing, abs(held + side * (opening + added)), unknown)
        if leg is not None and leg.size * side < 0:
            return Load(True, 0, unknown, _overdrawn(traded.position_id, leg.size, closing, added))
        legs = state.legs(traded.account, traded.instrument)
        held = sum(abs(one.size) for one in legs if one.size * side > 0)
        return Load(False, held + opening + added, unknown)

    def _malformed(self, intent: Intent) -> str:
        if intent.instrument not in self._state.instruments:
            return f"instrument {intent.instrument} is not defined"
        if intent.account not in self._state.accounts:
            return f"account {intent.account} is not defined"
        if intent.position_id and (reason := self._unclosable(intent)):
            return reason
        if intent.type == "limit" and intent.price == ABSENT:
            return self._step(intent.instrument, intent.size) or "limit order without a price"
        return self._step(intent.instrument, intent.size)

    def _unclosable(self, intent: Intent) -> str:
        if not self._state.hedged(intent.account):
            return f"account {intent.account} is a netting one: its positions have no id"
        leg = self._state.leg(intent.account, intent.instrument, intent.position_id)
        if leg is None:
            return f"position {intent.position_id} is not open"
        if leg.size * intent.side > 0:
            held, does = ("long", "buying") if leg.size > 0 else ("short", "selling")
            return f"position {intent.position_id} is {held}: {does} does not close it"
        return ""

    def _undealt(self, traded: str, instrument: int, size: int) -> str:
        """A size that may not be what it was must not leave, not even to reduce risk."""
        feed = self._state.accounts[traded].definition.feed
        return symbols.block(self._state, feed, instrument) or symbols.volume_fault(
            self._state, feed, instrument, size
        )

    def _step(self, traded: int, size: int) -> str:
        instrument = self._state.instruments[traded]
        if size < max(instrument.min_size, 1):
            return f"size {_size(size)} < minimum {_size(instrument.min_size)}"
        if instrument.step_size and size % instrument.step_size:
            return f"size {_size(size)} is no multiple of {_size(instrument.step_size)}"
        return ""

    def _switches(self, traded: str, reducing: bool, unknown: str) -> str:
        state = self._state
        account = state.accounts[traded]
        if account.state != "READY":
            return f"account {account.state}: {account.reason}"
        if reducing:
            return ""
        if state.kill.on:
            return f"kill switch: {state.kill.reason}"
        if state.durability.degraded:
            return f"DEGRADED(disk): {state.durability.reason}"
        return f"order {unknown} is UNKNOWN" if unknown else ""

    def _sizes(self, size: int, reducing: bool, exposure: int) -> str:
        risk = self._state.risk
        if risk.max_order_size and size > risk.max_order_size:
            return f"max_order_size {_size(size)} > {_size(risk.max_order_size)}"
        if reducing or not risk.max_position:
            return ""
        if exposure > risk.max_position:
            return f"max_position {_size(exposure)} > {_size(risk.max_position)}"
        return ""

    def _book(self, traded: str, instrument: int) -> str:
        account = self._state.accounts[traded]
        book = self._state.books.get((account.definition.feed, instrument))
        if book is None or not book.tradable:
            return "no tradable quote"
        return ""

    def _rates(self, now_ns: int, reducing: bool) -> str:
        risk = self._state.risk
        sent = self.sent_ns
        while sent and sent[0] <= now_ns - SECOND_NS:
            sent.popleft()
        if reducing:
            return ""
        if risk.max_orders_per_s and len(sent) >= risk.max_orders_per_s:
            return f"max_orders_per_s {len(sent) + 1} > {risk.max_orders_per_s}"
        return ""

    def _open_orders(self, reducing: bool) -> str:
        most, working = self._state.risk.max_open_orders, len(self._state.orders)
        if most and working >= most and not reducing:
            return f"max_open_orders {working + 1} > {most}"
        return ""


def _overdrawn(position_id: str, held: int, closing: int, added: int) -> str:
    """Returns why not so much more of a position may be closed, empty when it may."""
    if not added or closing + added <= abs(held):
        return ""
    open_ = f"position {position_id} has {_size(abs(held))}"
    taken = f", of which {_size(closing)} are being closed" if closing else ""
    return f"{open_}{taken}: {_size(added)} more cannot be"


def _unchangeable(order: Order, size: int, price: int) -> str:
    """Returns why this order cannot be changed so at all; most of it has to do with timing."""
    if order.type != "limit":
        return f"a {order.type} order has nothing to change"
    if order.cancel_requested:
        return "its cancellation is under way"
    if order.state not in REPLACEABLE:
        return f"the order is {order.state}"
    if size <= order.cum_size:
        return f"{_size(order.cum_size)} is executed already: cancel the rest instead"
    if (size, price) == (order.size, order.price):
        return "nothing would change"
    return ""


def _size(size: int) -> str:
    return format_scaled(size, SIZE_DIGITS)

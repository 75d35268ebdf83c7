"""Orders at a simulated venue: taken, executed at its prices, changed, ended; owned by the venue.

An order on its way to the market is executing and cannot be changed. Everything that happens is a
report in the account's ledger first; then it is said to whom the venue says it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from thft.fix import tags
from thft.fix.session import Now
from thft.fix.wire import Message
from thft.gateway.fix_link import now
from thft.model.fixed import ABSENT
from thft.sim.fix.client import Client
from thft.sim.fix.faults import ORDER, Fault, Faults
from thft.sim.fix.orders.ledger import ENDED, Ledger, Report, VenueOrder
from thft.sim.fix.orders.reading import BadOrder, OrderReader
from thft.sim.fix.orders.words import OrderWords
from thft.sim.fix.profile import Profile
from thft.sim.fix.quotes.book import Book
from thft.sim.fix.quotes.market import Market

AT_ONCE = frozenset(("IOC", "FOK"))
UNKNOWN_ORDER, TOO_LATE, PENDING, OTHER = 1, 0, 3, 99
REQUOTE = "Requote: the price has moved"


class Plan(NamedTuple):
    """An order on its way: whose it is, and what is to go wrong."""

    ledger: Ledger
    order: VenueOrder
    fault: Fault | None = None


class Desk:
    """All orders of all accounts. `later(seconds, action)` calls back; `said` hears reports."""

    def __init__(
        self,
        profile: Profile,
        market: Market,
        faults: Faults,
        next_id: Callable[[str], str],
        later: Callable[[float, Callable[[], None]], None],
        said: Callable[[Ledger, Report], None],
    ) -> None:
        self._quirks = profile.quirks
        self._market = market
        self._faults = faults
        self._later = later
        self._said = said
        self._words = OrderWords(profile)
        self._read = OrderReader(profile, next_id)
        self._resting: dict[str, dict[str, Plan]] = {}
        """Symbol → order id → a working order that waits for its price."""

    # ---- requests ------------------------------------------------------------------------------

    def new_order(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        """Takes a NewOrderSingle(D)."""
        fault = next(iter(self._faults.hit(ORDER, client.terms.name, "D")), None)
        if fault is not None and fault.do == "ignore":
            return
        try:
            order = self._read.order(client, ledger, message)
        except BadOrder as bad:
            client.reject(message, bad.reason, bad.text, message.text(tags.CL_ORD_ID) or "")
            return
        refusal = self._refusal(client, order)
        if refusal and self._quirks.business_reject:
            client.reject(message, 0, refusal, order.client_id)
            return
        if fault is not None and fault.do in ("reject", "requote"):
            refusal = fault.text or (REQUOTE if fault.do == "requote" else "Rejected")
        if refusal:
            self._said(ledger, ledger.refuse(order, refusal, moment.utc_ns))
            return
        self._said(ledger, ledger.accept(order, moment.utc_ns))
        self._mind_expiry(ledger, order, moment)
        if order.state not in ENDED:
            self._work(Plan(ledger, order, fault))

    def _refusal(self, client: Client, order: VenueOrder) -> str:
        if client.login.state == "read_only":
            return self._quirks.read_only
        top = self._market.books[order.symbol].top
        return self._quirks.no_price if top.price(order.side) == ABSENT else ""

    def cancel(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        """Takes an OrderCancelRequest(F)."""
        self._request(client, message, lambda: self._cancel(client, ledger, message))

    def _cancel(self, client: Client, ledger: Ledger, message: Message) -> None:
        order = self._changeable(client, ledger, message)
        if order is not None:
            client_id = message.text(tags.CL_ORD_ID) or ""
            self._rest_no_more(order)
            self._said(ledger, ledger.cancel(order, client_id, "", now().utc_ns))

    def change(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        """Takes an OrderCancelReplaceRequest(G)."""
        self._request(client, message, lambda: self._change(client, ledger, message))

    def _request(self, client: Client, message: Message, carry_out: Callable[[], None]) -> None:
        """Carries out a cancel or replace, if no fault has it otherwise."""
        fault = next(iter(self._faults.hit(ORDER, client.terms.name, message.type)), None)
        if fault is None:
            carry_out()
        elif fault.do == "slow":
            self._later(self._faults.between(*fault.ms) / 1_000, carry_out)
        elif fault.do == "reject":
            text = fault.text or "Rejected"
            client.say("9", self._words.cancel_reject(message, None, OTHER, text))

    def _change(self, client: Client, ledger: Ledger, message: Message) -> None:
        moment = now()
        order = self._changeable(client, ledger, message)
        if order is None:
            return
        try:
            to = self._read.changed(order, message)
        except BadOrder as bad:
            client.say("9", self._words.cancel_reject(message, order, 2, bad.text))
            return
        client_id = message.text(tags.CL_ORD_ID) or ""
        self._said(ledger, ledger.change(order, client_id, to, moment.utc_ns))
        self._mind_expiry(ledger, order, moment)
        self._rest_no_more(order)
        if order.state not in ENDED:
            self._work(Plan(ledger, order))

    def _changeable(self, client: Client, ledger: Ledger, message: Message) -> VenueOrder | None:
        """Returns the order that a cancel or replace means, or refuses."""
        order = ledger.find(
            message.text(tags.ORDER_ID) or "", message.text(tags.ORIG_CL_ORD_ID) or ""
        )
        if order is not None and order.executing:
            text = "Order is under execution"
            client.say("9", self._words.cancel_reject(message, order, PENDING, text))
            return None
        if order is not None and order.state not in ENDED:
            return order
        if self._quirks.business_reject:
            wanted = message.text(tags.ORDER_ID) or message.text(tags.ORIG_CL_ORD_ID)
            text = f"ORDER_NOT_FOUND:Order with id {wanted} is not found."
            client.reject(message, 1, text, message.text(tags.CL_ORD_ID) or "")
        else:
            reason = UNKNOWN_ORDER if order is None else TOO_LATE
            text = "Unknown order" if order is None else "Too late"
            client.say("9", self._words.cancel_reject(message, order, reason, text))
        return None

    # ---- execution -----------------------------------------------------------------------------

    def _work(self, plan: Plan) -> None:
        """Sends an order to the market, or lets it wait for its price."""
        order = plan.order
        book = self._market.books[order.symbol]
        at_once = order.type in ("market", "market_range") or order.tif in AT_ONCE
        if at_once or self._reached(order, book):
            order.executing = True
            wait_s = self._faults.between(*self._quirks.fill_ms) / 1_000
            self._later(wait_s, lambda: self._execute(plan))
        else:
            self._resting.setdefault(order.symbol, {})[order.order_id] = plan

    def _reached(self, order: VenueOrder, book: Book) -> bool:
        """Returns whether the price that a resting order waits for is there."""
        price = book.top.price(order.side)
        if price == ABSENT:
            return False
        if order.type == "stop":
            return price * order.side >= order.stop * order.side
        return price * order.side <= order.price * order.side

    def ticked(self, book: Book) -> None:
        """Executes what has waited for these prices."""
        resting = self._resting.get(book.name, {})
        for plan in list(resting.values()):
            if plan.order.state not in ENDED and self._reached(plan.order, book):
                self._execute(plan)

    def _execute(self, plan: Plan) -> None:
        """Brings an order to the market: all of it, a part, or nothing."""
        ledger, order, fault = plan
        order.executing = False
        self._rest_no_more(order)
        if ledger.overdraws(order):
            self._end(plan, "The position was closed meanwhile")
            return
        price = self._executable(order)
        if price == ABSENT:
            self._unexecuted(plan)
            return
        for _ in range(self._quirks.stopped_reports):
            self._said(ledger, ledger.stopped(order, price, now().utc_ns))
        if fault is None or fault.do != "partial":
            self._said(ledger, ledger.fill(order, order.leaves, price, now().utc_ns))
        elif order.tif == "FOK":
            self._end(plan, "Fill or kill")
        else:
            self._in_parts(plan, fault, price)

    def _executable(self, order: VenueOrder) -> int:
        """Returns the price an order gets now, ABSENT when it cannot have one."""
        price = self._market.books[order.symbol].top.price(order.side)
        worst = {"limit": order.price, "market_range": order.stop}.get(order.type, ABSENT)
        if price == ABSENT or (worst != ABSENT and price * order.side > worst * order.side):
            return ABSENT
        return price

    def _unexecuted(self, plan: Plan) -> None:
        order = plan.order
        if order.type in ("limit", "stop") and order.tif not in AT_ONCE:
            self._resting.setdefault(order.symbol, {})[order.order_id] = plan
        else:
            self._end(plan, "No price within the limit")

    def _in_parts(self, plan: Plan, fault: Fault, price: int) -> None:
        """Executes a part; the rest follows, goes on waiting, or ends."""
        ledger, order, _ = plan
        part = self._read.stepped(order.leaves * fault.size_percent // 100)
        self._said(ledger, ledger.fill(order, part, price, now().utc_ns))
        if fault.rest == "fill":
            self._said(ledger, ledger.fill(order, order.leaves, price, now().utc_ns))
        elif fault.rest == "stay" and order.tif not in AT_ONCE:
            self._resting.setdefault(order.symbol, {})[order.order_id] = Plan(ledger, order)
        else:
            self._end(plan, "Cancelled")

    def _end(self, plan: Plan, text: str) -> None:
        ledger, order, _ = plan
        if order.filled and self._quirks.part_ends_rejected:
            self._said(ledger, ledger.reject_rest(order, text, now().utc_ns))
        else:
            self._said(ledger, ledger.cancel(order, "", text, now().utc_ns))

    def _mind_expiry(self, ledger: Ledger, order: VenueOrder, moment: Now) -> None:
        if order.expires_ns != ABSENT:
            wait_s = max(order.expires_ns - moment.utc_ns, 0) / 1e9
            self._later(wait_s, lambda: self._expire(ledger, order))

    def _expire(self, ledger: Ledger, order: VenueOrder) -> None:
        """Ends an order whose time is over, unless that has been moved."""
        due = order.expires_ns != ABSENT and order.expires_ns <= now().utc_ns
        if due and order.state not in ENDED and not order.executing:
            self._rest_no_more(order)
            self._said(ledger, ledger.expire(order, now().utc_ns))

    def _rest_no_more(self, order: VenueOrder) -> None:
        self._resting.get(order.symbol, {}).pop(order.order_id, None)

    # ---- what the venue's people do ------------------------------------------------------------

    def by_hand(self, ledger: Ledger, order: VenueOrder) -> None:
        """Takes an order that no FIX session has sent."""
        self._said(ledger, ledger.accept(order, now().utc_ns))
        self._work(Plan(ledger, order))

    def cancel_by_hand(self, ledger: Ledger, order: VenueOrder, text: str) -> None:
        """Cancels an order for the venue's own reasons."""
        self._rest_no_more(order)
        self._said(ledger, ledger.cancel(order, "", text, now().utc_ns))

    def fill_by_hand(self, ledger: Ledger, order: VenueOrder, size: int, price: int) -> None:
        """Executes a part of an order at any price, even of one that has ended: a late fill."""
        self._said(ledger, ledger.fill(order, size, price, now().utc_ns))
        if order.state in ENDED:
            self._rest_no_more(order)

"""Orders of one account at a venue: effects out, reports in; made by `client`.

After every logon the symbol list comes first, then what `readiness` asks. Silence, a time-out or an
unknown refusal never decide anything: the order is asked for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from thft.fix import tags
from thft.fix.wire import Message
from thft.gateway.dialect import Dialect
from thft.gateway.fix.causes import Timing
from thft.gateway.fix.channel import Channel
from thft.gateway.fix.readiness import Readiness
from thft.gateway.fix.reports import (
    IN_DOUBT,
    REQUEST_MARK,
    OrderWords,
    Said,
    Unsupported,
    read,
    request_of,
)
from thft.gateway.fix.settings import FixSettings
from thft.gateway.fix.symbols import SymbolMap
from thft.gateway.fix_link import now
from thft.gateway.limiter import Lane
from thft.gateway.port import EngineInbox
from thft.model.event import ExecutionReport, ReplaceReport
from thft.model.fixed import ABSENT
from thft.model.order import UNKNOWN, Order

ORDERS_KEPT = 20_000
FINAL = frozenset(
    (
        "invalid_request",
        "no_money",
        "market_closed",
        "position_not_found",
        "channel_blocked",
        "requote",
        "config",
    )
)
"""Refusals of an order that say what has become of it."""
REPLACE_FINAL = FINAL | {"order_not_found", "busy"}
"""Refusals of a replace that say that it was not made."""
LATE = "it waited too long for its turn or its session"
RELOG_EVERY_S = 60.0


class OrderDesk:
    """See the module. Without an account it only reads the symbol list."""

    def __init__(
        self,
        inbox: EngineInbox,
        feed: int,
        account: str,
        logons: int,
        dialect: Dialect,
        settings: FixSettings,
        symbols: SymbolMap,
        timing: Timing,
        *,
        hedged: bool = False,
    ) -> None:
        """`logons` is how often the account has logged on so far."""
        self._inbox = inbox
        self._feed = feed
        self._account = account
        self._dialect = dialect
        self._settings = settings
        self._symbols = symbols
        self._timing = timing
        self._words = OrderWords(dialect, settings, symbols)
        self._readiness = Readiness(
            self, dialect, self._words, timing.answer_s, timing.poll_s, hedged=hedged
        )
        self.channel: Channel | None = None
        self.session = logons
        self._state = ("", "")
        self._orders: OrderedDict[str, Order] = OrderedDict()
        """What this process has sent or asked for, by our id."""
        self._ours: OrderedDict[str, str] = OrderedDict()
        """The venue's id of an order → ours."""
        self._doubts: dict[str, int] = {}
        self._relogged = -RELOG_EVERY_S
        self._cancels = 0

    @property
    def ready(self) -> bool:
        """It does what it is for; without an account that is the symbol list."""
        return self._readiness.ready or (not self._account and self._symbols.known)

    # ---- the session ---------------------------------------------------------------------------

    def attempt(self, link: str) -> None:
        """See Desk; counted for the venue's feed."""
        self._inbox.connect_attempt(self._feed, link)

    def logged_on(self, heartbeat_s: int) -> None:
        """Begins with the symbol list, or at once where there is none."""
        self.session += 1
        if self._symbols.wanted:
            self.state("LOGON", "logged on, waiting for the venue's symbol list")
            self._ask_list()
        else:
            self._synchronise()

    def _synchronise(self) -> None:
        if self._account:
            self._readiness.begin()

    def _ask_list(self) -> None:
        self.ask(*self._symbols.request(), "list")
        self._readiness.later(self._timing.answer_s, self._list_late)

    def _list_late(self) -> None:
        self.state("LOGON", f"no symbol list within {self._timing.answer_s:g} s, asked again")
        self._ask_list()

    def ended(self, reason: str) -> None:
        """What was asked on this connection stays open; nothing is concluded from it."""
        self._readiness.end()
        self._doubts.clear()

    def state(self, state: str, reason: str) -> None:
        """Publishes a change of state or of its reason."""
        if self._account and (state, reason) != self._state:
            self._state = state, reason
            self._inbox.account_state(self._account, state, reason, self.session)

    def fault(self, fault: str, detail: str) -> None:
        """Publishes a fault of the venue's feed, which counts them for all its sessions."""
        self._inbox.feed_fault(self._feed, 0, fault, detail[:200])

    def round_trip(self, ns: int) -> None:
        """Publishes a measured round trip."""
        assert self.channel is not None
        name = f"{self._account}/{self.channel.name}"
        self._inbox.metric("fix", name, (("round_trip_ns", ns),))

    def turn_end(self) -> None:
        """See EngineInbox."""
        self._inbox.turn_end()

    def end_turn(self) -> None:
        """Ends a turn of its own soon."""
        assert self.channel is not None
        self.channel.end_turn()

    # ---- what readiness asks of it -------------------------------------------------------------

    def ask(self, kind: str, body: bytes, ref: str) -> None:
        """Sends a question."""
        assert self.channel is not None
        self.channel.send(Lane.QUERY, kind, body, ref)

    @property
    def asking(self) -> bool:
        """Questions wait for the broker's limit."""
        return self.channel is not None and self.channel.waiting(Lane.QUERY)

    def known(self) -> list[Order]:
        """Returns the orders that this process has sent or asked for."""
        return list(self._orders.values())

    def differences(self) -> list[str]:
        """Returns in words where the venue's positions are not those the engine has booked."""
        booked = self._inbox.booked(self._account)
        return self._readiness.snapshot.compare(self._symbols, booked)

    # ---- effects -------------------------------------------------------------------------------

    def take(self, kind: str, order: Order) -> None:
        """Takes one effect of the kernel; see Trading."""
        self._keep(order)
        if kind == "send":
            self._send(order)
        elif kind == "cancel":
            self._cancel(order)
        elif kind == "replace":
            self._replace(order)
        else:
            self.query(order)

    def _keep(self, order: Order) -> None:
        self._orders[order.client_order_id] = order
        if order.venue_order_id:
            self._bind(order.venue_order_id, order.client_order_id)
        if len(self._orders) > ORDERS_KEPT:
            self._orders.popitem(last=False)

    def _bind(self, venue_order_id: str, client_order_id: str) -> None:
        self._ours[venue_order_id] = client_order_id
        if len(self._ours) > ORDERS_KEPT:
            self._ours.popitem(last=False)

    def _send(self, order: Order) -> None:
        assert self.channel is not None
        try:
            body = self._words.new_order(order, now().utc_ns)
        except Unsupported as error:
            self._deny(order, str(error))
            return
        self.channel.send(
            Lane.ORDER,
            "D",
            body,
            f"order:{order.client_order_id}",
            ttl_ms=self._settings.order_ttl_ms,
            expired=lambda: self._deny(order, LATE),
        )
        self._readiness.fresh.add(order.client_order_id)

    def _deny(self, order: Order, reason: str) -> None:
        """Says, in a turn of its own, that no byte of an order has left."""
        asyncio.get_running_loop().call_soon(self._denied, order, reason)

    def _denied(self, order: Order, reason: str) -> None:
        self._inbox.execution(self._own_report(order.client_order_id, "denied", reason))
        self.end_turn()

    def _replace(self, order: Order) -> None:
        assert self.channel is not None
        if order.wanted is None:
            return  # the order has ended since
        number = order.replaces
        try:
            body = self._words.replace(order, now().utc_ns)
        except Unsupported as error:
            self._deny_replace(order, number, str(error))
            return
        self.channel.send(
            Lane.ORDER,
            "G",
            body,
            f"replace:{order.client_order_id}",
            ttl_ms=self._settings.order_ttl_ms,
            expired=lambda: self._deny_replace(order, number, LATE),
        )

    def _deny_replace(self, order: Order, number: int, reason: str) -> None:
        """Says, in a turn of its own, that no byte of a replace has left."""

        def denied() -> None:
            self._unchanged(order, number, "denied", f"replace denied: {reason}")
            self.end_turn()

        asyncio.get_running_loop().call_soon(denied)

    def _unchanged(self, order: Order, number: int, outcome: str, text: str) -> None:
        """Says that a replace was not made: refused there, or denied because it never left."""
        self._inbox.execution(
            ReplaceReport(
                0,
                self._account,
                order.client_order_id,
                number,
                outcome,
                order.size,
                order.price,
                ABSENT,
                text[:200],
                self.session,
            )
        )

    def _own_report(self, client_order_id: str, kind: str, text: str) -> ExecutionReport:
        """Returns a report that no ExecutionReport of the venue stands behind."""
        exec_id = f"{client_order_id}/{kind}/{self.session}"
        return ExecutionReport(
            0,
            self._account,
            client_order_id,
            "",
            exec_id,
            kind,
            0,
            ABSENT,
            0,
            ABSENT,
            0,
            "",
            ABSENT,
            text[:200],
            self.session,
        )

    def _cancel(self, order: Order) -> None:
        assert self.channel is not None
        self._cancels += 1
        try:
            body = self._words.cancel(order, f"{self.session}c{self._cancels}", now().utc_ns)
        except Unsupported:
            return  # the account is not READY: its symbols are not known, the ack timer asks
        self.channel.send(Lane.CANCEL, "F", body, f"cancel:{order.client_order_id}")

    def query(self, order: Order) -> None:
        assert self.channel is not None
        if not self.channel.logged_on:
            return
        if self._dialect.orders.status != "H":
            self._readiness.unaskable(order, self.session)
            return
        try:
            body = self._words.status(order)
        except Unsupported:
            return  # asked again after the symbol list
        self._readiness.asked[order.client_order_id] = order
        self.channel.send(Lane.QUERY, "H", body, f"query:{order.client_order_id}")

    # ---- messages ------------------------------------------------------------------------------

    def message(self, message: Message) -> None:
        """Takes what the venue says on this session."""
        match message.type:
            case "8":
                self._execution(message)
            case "j":
                ref = message.text(tags.BUSINESS_REJECT_REF_ID) or ""
                self._refused(ref, message.text(tags.TEXT) or "no reason given")
            case "9":
                self._cancel_refused(message)
            case "AP" | "AO":
                trouble = self._readiness.snapshot.position(message)
                if trouble:
                    self.state("SYNCING", trouble)
            case "y" | "h":
                self._list(message)
            case kind:
                self.fault("unknown_message", f"type {kind} {message.text(tags.TEXT) or ''}")
        self._readiness.advance()

    def _list(self, message: Message) -> None:
        trouble = self._symbols.take(message)
        if trouble:
            self.state("DEGRADED", trouble)
        elif self._state[0] == "LOGON" or not self._account:
            self._synchronise()

    def _execution(self, message: Message) -> None:
        said = read(message, self._dialect, self._symbols)
        snapshot = self._readiness.snapshot
        ours = said.client_order_id or self._ours.get(said.venue_order_id, "")
        asked = said.mass_request and said.mass_request == snapshot.orders_request
        if asked:
            snapshot.order(said)
            if not said.total:
                snapshot.orders_complete = True
                return
        if not self._account:
            return
        if ours and said.venue_order_id:
            self._bind(said.venue_order_id, ours)
            snapshot.unbound.pop(said.venue_order_id, None)
        if ours and asked:
            snapshot.listed.add(ours)
        if not ours and asked:
            snapshot.unbound[said.venue_order_id] = said
            return
        if not ours and not said.venue_order_id:
            self.fault("malformed", "a report that names no order")
            return
        if not ours:
            self.foreign(said)
        elif said.kind == IN_DOUBT:
            self.fault("unknown_outcome", f"order {ours}: {said.text}")
            self._ask(ours)
        else:
            self._ours_said(said, ours)

    def _ours_said(self, said: Said, ours: str) -> None:
        """Hands over what a report says: first the order's terms, by which the rest is judged."""
        order = self._orders.get(ours)
        terms = said.terms(self._account, ours, self.session)
        if terms is not None:
            news = order is not None and (order.wanted or said.request > order.revision)
            if said.replaced or news:
                self._inbox.execution(terms)
        asked = ours in self._readiness.asked
        self._settled(said.report(self._account, ours, self.session))
        if asked and order is not None and order.wanted:
            self._doubt(order, order.replace_session)

    def _settled(self, report: ExecutionReport) -> None:
        """Hands a report over; the order it is about was answered for."""
        self._readiness.answered(report.client_order_id)
        self._inbox.execution(report)
        order = self._orders.get(report.client_order_id)
        if report.exec_type == "not_found" and order is not None and order.state == UNKNOWN:
            self._doubt(order, order.session)

    def foreign(self, said: Said) -> None:
        """An order that is not ours: the kernel halts the account."""
        name = f"venue:{said.venue_order_id}"
        self._inbox.execution(said.report(self._account, name, self.session))

    def _doubt(self, order: Order, sent_in: int) -> None:
        """Only a new session proves that what was sent in this one never arrived: begins one."""
        if sent_in < self.session:
            return
        client_order_id = order.client_order_id
        self._doubts[client_order_id] = self._doubts.get(client_order_id, 0) + 1
        loop_s = asyncio.get_running_loop().time()
        if self._doubts[client_order_id] > 1 and loop_s - self._relogged >= RELOG_EVERY_S:
            self._relogged = loop_s
            assert self.channel is not None
            self.channel.relog(f"order {client_order_id} is in doubt here")

    # ---- refusals ------------------------------------------------------------------------------

    def rejected(self, ref: str, text: str) -> None:
        """The venue's session layer refused a message: what became of its order is asked."""
        kind, _, client_order_id = ref.partition(":")
        doubt = self._dialect.reason(text) == "unknown_outcome"
        if kind == "query":
            self._readiness.asked.pop(client_order_id, None)
        elif kind == "order" and self._dialect.orders.status != "H" and not doubt:
            # there is nobody to ask; a message that was not processed has done nothing
            self._settled(self._own_report(client_order_id, "rejected", text))
        elif kind in ("order", "cancel", "replace"):
            self._ask(client_order_id)
        self._readiness.advance()

    def _refused(self, ref: str, text: str) -> None:
        """Takes a BusinessMessageReject; only known words about an order decide anything."""
        snapshot, reason = self._readiness.snapshot, self._dialect.reason(text)
        if reason == "channel_blocked":
            self._readiness.ready = False
            self.state("DEGRADED", text)
        if ref and ref == snapshot.orders_request:
            if snapshot.no_orders(text):
                self._readiness.ask_orders()
        elif ref and ref == snapshot.positions_request:
            self.state("SYNCING", f"positions refused: {text}")
        elif REQUEST_MARK in ref:
            self._request_refused(ref, text, final=reason in REPLACE_FINAL)
        elif ref in self._orders:
            self._order_refused(ref, reason, text)
        else:
            self.fault("refused", text)

    def _order_refused(self, client_order_id: str, reason: str, text: str) -> None:
        asked = client_order_id in self._readiness.asked
        if reason == "order_not_found":
            self._settled(self._own_report(client_order_id, "not_found", text))
        elif reason in FINAL and not asked:
            self._settled(self._own_report(client_order_id, "rejected", text))
        elif asked:
            self._readiness.asked.pop(client_order_id)  # the kernel asks again in its own time
        else:
            self._ask(client_order_id)

    def _cancel_refused(self, message: Message) -> None:
        """Takes an OrderCancelReject, which answers a replace as it does a cancel."""
        text = message.text(tags.TEXT) or f"reason {message.text(tags.CXL_REJ_REASON)}"
        named = message.text(tags.CL_ORD_ID) or ""
        if REQUEST_MARK not in named:
            named = message.text(tags.ORIG_CL_ORD_ID) or ""
        self._request_refused(named, text, final=True)

    def _request_refused(self, named: str, text: str, *, final: bool) -> None:
        """A refused replace leaves the order as it was; how that stands is asked either way."""
        client_order_id, number = request_of(named)
        order = self._orders.get(client_order_id)
        if order is not None and number > 0 and final:
            self._unchanged(order, number, "refused", f"replace refused: {text}")
        self._ask(client_order_id)

    def _ask(self, client_order_id: str) -> None:
        order = self._orders.get(client_order_id)
        if order is not None:
            self.query(order)

"""Orders of one account at a venue: effects out, reports in, and when the account is READY.

After every logon: the symbol list; then each order of the engine that may live and all orders of
the venue; then positions, which must be what the engine has booked. Silence, a time-out or an
unknown refusal never decide anything: the order is asked for. Made by `client`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from thft.fix import tags
from thft.fix.wire import Message, format_size
from thft.gateway.dialect import Dialect
from thft.gateway.fix.causes import Timing
from thft.gateway.fix.channel import Channel
from thft.gateway.fix.limiter import Lane
from thft.gateway.fix.reports import CANCEL_MARK, OrderWords, Unsupported, read
from thft.gateway.fix.settings import FixSettings
from thft.gateway.fix.snapshot import PASSES, Snapshot
from thft.gateway.fix.symbols import SymbolMap
from thft.gateway.fix_link import now
from thft.gateway.port import EngineInbox
from thft.model.event import ExecutionReport
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
RELOG_EVERY_S = 60.0
PASS_S = 1.0


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
        self._snapshot = Snapshot(dialect)
        self.channel: Channel | None = None
        self.ready = False
        self.session = logons
        self._state = ("", "")
        self._syncing = False
        self._orders: OrderedDict[str, Order] = OrderedDict()
        """What this process has sent or asked for, by our id."""
        self._ours: OrderedDict[str, str] = OrderedDict()
        """The venue's id of an order → ours."""
        self._asked: dict[str, Order] = {}
        """Orders asked for whose answer has not come on this connection."""
        self._fresh: set[str] = set()
        """Orders sent since the venue was last asked for all of them: its answer may lack them."""
        self._doubts: dict[str, int] = {}
        self._relogged = -RELOG_EVERY_S
        self._cancels = 0
        self._timer: asyncio.TimerHandle | None = None

    # ---- the session ---------------------------------------------------------------------------

    def logged_on(self, heartbeat_s: int) -> None:
        """Begins with the symbol list, or at once where there is none."""
        self.session += 1
        if self._symbols.wanted:
            self.state("LOGON", "logged on, waiting for the venue's symbol list")
            self._ask_list()
        else:
            self._synchronise()

    def _ask_list(self) -> None:
        assert self.channel is not None
        kind, body = self._symbols.request()
        self.channel.send(Lane.QUERY, kind, body, "list")
        self._later(self._timing.answer_s, self._list_late)

    def _list_late(self) -> None:
        self.state("LOGON", f"no symbol list within {self._timing.answer_s:g} s, asked again")
        self._ask_list()
        self._end_turn()

    def ended(self, reason: str) -> None:
        """What was asked on this connection stays open; nothing is concluded from it."""
        self.ready = self._syncing = False
        self._asked.clear()
        self._doubts.clear()
        if self._timer is not None:
            self._timer.cancel()

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

    def _end_turn(self) -> None:
        assert self.channel is not None
        self.channel.end_turn()

    def _later(self, seconds: float, action: object) -> None:
        """Calls back unless something else is to come first."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, action)  # type: ignore[arg-type]

    # ---- READY ---------------------------------------------------------------------------------

    def _synchronise(self) -> None:
        """Asks for everything; the kernel answers SYNCING with a query for each living order."""
        self._syncing = True
        self._snapshot.begin()
        if not self._account:
            self.ready = True
            return
        self.state("SYNCING", "orders are asked for")
        self._ask_orders()

    def _ask_orders(self) -> None:
        snapshot = self._snapshot
        self._fresh.clear()
        if snapshot.asks_orders:
            self._send_query("AF", self._words.all_orders(snapshot.next_orders()), "orders")
        else:
            snapshot.orders_complete = True
        self._later(self._timing.answer_s, self._sync_late)

    def _sync_late(self) -> None:
        """The answer is not complete: nothing changes, and it is asked again."""
        assert self.channel is not None
        if self.channel.waiting(Lane.QUERY):
            self._later(self._timing.answer_s, self._sync_late)
            return
        what = "orders" if not self._snapshot.orders_complete or self._asked else "positions"
        self.ready = False
        self.state("SYNCING", f"{what} incomplete after {self._timing.answer_s:g} s, asked again")
        for order in list(self._asked.values()):
            self._query(order)
        if what == "orders":
            self._ask_orders()
        else:
            self._ask_positions()
        self._end_turn()

    def _send_query(self, kind: str, body: bytes, ref: str) -> None:
        assert self.channel is not None
        self.channel.send(Lane.QUERY, kind, body, ref)

    def advance(self) -> None:
        """Goes on to positions once all orders are clear, and to READY once those are equal."""
        snapshot = self._snapshot
        if not self._syncing or not snapshot.orders_complete:
            return
        self._ask_unlisted()
        if self._asked:
            return
        for said in snapshot.unbound.values():
            self._foreign(said.venue_order_id, said.report(self._account, "", self.session))
        snapshot.unbound.clear()
        if snapshot.asks_positions and not snapshot.positions_request:
            self._ask_positions()
        elif snapshot.positions_complete or not snapshot.asks_positions:
            self._compare()

    def _ask_unlisted(self) -> None:
        """Asks for each order that should be working and that the venue did not name."""
        if not self._snapshot.asks_orders or self._snapshot.positions_request:
            return
        for client_order_id, order in self._orders.items():
            named = client_order_id in self._snapshot.listed or client_order_id in self._fresh
            if order.working and not named:
                self._snapshot.listed.add(client_order_id)  # once in a snapshot
                if client_order_id not in self._asked:
                    self._query(order)

    def _ask_positions(self) -> None:
        if self._state[0] == "SYNCING":
            self.state("SYNCING", "positions are asked for")
        request = self._snapshot.next_positions()
        self._send_query("AN", self._words.all_positions(request, now().utc_ns), "positions")
        self._later(self._timing.answer_s, self._sync_late)

    def _compare(self) -> None:
        """READY when the venue holds what the engine has booked; else looks again, then halts."""
        snapshot = self._snapshot
        difference = self._difference() if snapshot.asks_positions else ""
        if not difference:
            self._syncing, self.ready = False, True
            known = "equal" if snapshot.asks_positions else "not told by this venue"
            self.state("READY", f"orders clear, positions {known}")
            self._later(self._timing.poll_s, self._poll)
            return
        snapshot.differences += 1
        if snapshot.differences < PASSES:
            snapshot.positions_complete = False
            self._later(PASS_S, self._look_again)
            return
        self._syncing = self.ready = False
        self.state("HALTED", f"{difference} — compare with the broker's own screen")
        self._later(self._timing.poll_s, self._poll)

    def _look_again(self) -> None:
        self._ask_positions()
        self._end_turn()

    def _difference(self) -> str:
        """Returns in words where the venue's positions are not those booked here."""
        found = []
        for name, instrument in self._symbols.names.items():
            booked = self._inbox.net_position(self._account, instrument)
            held = self._snapshot.sizes.get(self._symbols.ids.get(instrument, ""), 0)
            if held != booked:
                found.append(f"{name}: {_signed(held)} at the venue, {_signed(booked)} booked here")
        return "; ".join(found)

    def _poll(self) -> None:
        """Compares again while the session lives: a fill may be lost on a healthy line."""
        self._syncing = True
        self._snapshot.begin()
        self._ask_orders()
        self._end_turn()

    # ---- effects -------------------------------------------------------------------------------

    def take(self, kind: str, order: Order) -> None:
        """Takes one effect of the kernel; see Trading."""
        self._keep(order)
        if kind == "send":
            self._send(order)
        elif kind == "cancel":
            self._cancel(order)
        else:
            self._query(order)

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
            expired=lambda: self._deny(order, "it waited too long for its turn or its session"),
        )
        self._fresh.add(order.client_order_id)

    def _deny(self, order: Order, reason: str) -> None:
        """Says, in a turn of its own, that no byte of an order has left."""
        asyncio.get_running_loop().call_soon(self._denied, order, reason)

    def _denied(self, order: Order, reason: str) -> None:
        self._inbox.execution(self._own_report(order.client_order_id, "denied", reason))
        self._end_turn()

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

    def _query(self, order: Order) -> None:
        assert self.channel is not None
        if not self.channel.logged_on or self._dialect.orders.status != "H":
            return
        try:
            body = self._words.status(order)
        except Unsupported:
            return  # asked again after the symbol list
        self._asked[order.client_order_id] = order
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
                trouble = self._snapshot.position(message)
                if trouble:
                    self.state("SYNCING", trouble)
            case "y" | "h":
                self._list(message)
            case kind:
                self.fault("unknown_message", f"type {kind} {message.text(tags.TEXT) or ''}")
        self.advance()

    def _list(self, message: Message) -> None:
        trouble = self._symbols.take(message)
        if trouble:
            self.state("DEGRADED", trouble)
        elif self._state[0] == "LOGON" or not self._account:
            self._synchronise()

    def _execution(self, message: Message) -> None:
        said = read(message, self._dialect)
        ours = said.client_order_id or self._ours.get(said.venue_order_id, "")
        asked = said.mass_request and said.mass_request == self._snapshot.orders_request
        if asked:
            self._snapshot.order(said)
            if not said.total:
                self._snapshot.orders_complete = True
                return
        if not self._account:
            return
        if ours and said.venue_order_id:
            self._bind(said.venue_order_id, ours)
            self._snapshot.unbound.pop(said.venue_order_id, None)
        if ours and asked:
            self._snapshot.listed.add(ours)
        if not ours and asked:
            self._snapshot.unbound[said.venue_order_id] = said
            return
        if not ours and not said.venue_order_id:
            self.fault("malformed", "a report that names no order")
            return
        report = said.report(self._account, ours, self.session)
        if not ours:
            self._foreign(said.venue_order_id, report)
            return
        self._settled(report)

    def _settled(self, report: ExecutionReport) -> None:
        """Hands a report over; the order it is about was answered for."""
        self._asked.pop(report.client_order_id, None)
        self._inbox.execution(report)
        if report.exec_type == "not_found":
            self._doubt(report.client_order_id)

    def _foreign(self, venue_order_id: str, report: ExecutionReport) -> None:
        """An order that is not ours: the kernel halts the account."""
        name = f"venue:{venue_order_id}"
        values = {field: getattr(report, field) for field in report.__struct_fields__}
        self._inbox.execution(ExecutionReport(**{**values, "client_order_id": name}))

    def _doubt(self, client_order_id: str) -> None:
        """Only a new session proves that an order of this one never arrived: begins one."""
        order = self._orders.get(client_order_id)
        if order is None or order.state != UNKNOWN or order.session < self.session:
            return
        self._doubts[client_order_id] = self._doubts.get(client_order_id, 0) + 1
        loop_s = asyncio.get_running_loop().time()
        if self._doubts[client_order_id] > 1 and loop_s - self._relogged >= RELOG_EVERY_S:
            self._relogged = loop_s
            assert self.channel is not None
            self.channel.relog(f"order {client_order_id} is not known here")

    # ---- refusals ------------------------------------------------------------------------------

    def rejected(self, ref: str, text: str) -> None:
        """The venue's session layer refused a message: what became of its order is asked."""
        kind, _, client_order_id = ref.partition(":")
        if kind == "query":
            self._asked.pop(client_order_id, None)
        elif kind in ("order", "cancel"):
            self._ask(client_order_id)
        self.advance()

    def _refused(self, ref: str, text: str) -> None:
        """Takes a BusinessMessageReject; only known words about an order decide anything."""
        snapshot, reason = self._snapshot, self._dialect.reason(text)
        if reason == "channel_blocked":
            self.ready = False
            self.state("DEGRADED", text)
        if ref and ref == snapshot.orders_request:
            if snapshot.no_orders(text):
                self._ask_orders()
        elif ref and ref == snapshot.positions_request:
            self.state("SYNCING", f"positions refused: {text}")
        elif CANCEL_MARK in ref:
            self._ask(ref.partition(CANCEL_MARK)[0])
        elif ref in self._orders:
            self._order_refused(ref, reason, text)
        else:
            self.fault("refused", text)

    def _order_refused(self, client_order_id: str, reason: str, text: str) -> None:
        asked = client_order_id in self._asked
        if reason == "order_not_found":
            self._settled(self._own_report(client_order_id, "not_found", text))
        elif reason in FINAL and not asked:
            self._settled(self._own_report(client_order_id, "rejected", text))
        elif asked:
            self._asked.pop(client_order_id)  # the kernel asks again in its own time
        else:
            self._ask(client_order_id)

    def _cancel_refused(self, message: Message) -> None:
        said = message.text(tags.ORIG_CL_ORD_ID) or message.text(tags.CL_ORD_ID) or ""
        self._ask(said.partition(CANCEL_MARK)[0])

    def _ask(self, client_order_id: str) -> None:
        order = self._orders.get(client_order_id)
        if order is not None:
            self._query(order)


def _signed(size: int) -> str:
    return ("-" if size < 0 else "") + format_size(abs(size)).decode()

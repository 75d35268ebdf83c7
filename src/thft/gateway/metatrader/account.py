"""One MetaTrader account as a gateway: its EA's connection, its desks, its limits; made by core.

States: OFFLINE (never connected, or why it was lost) → SYNCING → READY, DEGRADED (trading is
switched off somewhere), STALE (the terminal has lost its broker, or no ticks) or HALTED (a person
must look).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from thft.base.errors import LocalError
from thft.gateway.calendar import Calendar
from thft.gateway.fix.credential import resolve
from thft.gateway.fix_link import now
from thft.gateway.gate import Gate
from thft.gateway.limiter import Item, Lane
from thft.gateway.metatrader.clock import LATEST_MS, ServerClock
from thft.gateway.metatrader.history.desk import HistoryDesk, Question
from thft.gateway.metatrader.link import EaLink
from thft.gateway.metatrader.orders import OrderDesk
from thft.gateway.metatrader.protocol import keys
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.session import Refused, not_proven
from thft.gateway.metatrader.quotes import QuoteDesk
from thft.gateway.metatrader.readiness import Readiness, Timing
from thft.gateway.metatrader.settings import MetaTraderSettings
from thft.gateway.port import EngineInbox
from thft.model.fixed import ABSENT
from thft.model.order import Order

NEVER = 1 << 62
WAITS = "no EA has connected yet: attach ThftBridge to a chart and allow the engine's address"


NEVER_AWAY = Calendar(())


class Wanted(NamedTuple):
    """What the engine wants of an account."""

    feed: int
    symbols: dict[str, int]
    """The terminal's name of a symbol → instrument."""
    account: str = ""
    """Empty: quotes alone."""
    logons: int = 0
    """How often the account has connected in the engine's life."""
    hedged: bool = False
    """The engine keeps the account's positions apart."""
    ends: dict[int, tuple[int, int]] = {}
    """Instrument → the numbers of its last quote and its last print in the journal."""
    trades: bool = False
    """Prints are wanted too."""
    calendar: Calendar = NEVER_AWAY


class MetaTraderAccount:
    """See the module; `take` and `flush` are the engine's Trading."""

    def __init__(
        self,
        inbox: EngineInbox,
        platform: str,
        settings: MetaTraderSettings,
        wanted: Wanted,
        gate: Gate,
        clock: ServerClock,
        timing: Timing | None = None,
    ) -> None:
        """`gate` and `clock` are shared by the accounts of one server."""
        self._inbox = inbox
        self.platform = platform
        self.settings = settings
        self._wanted = wanted
        self._gate = gate
        self.clock = clock
        self._name = f"mt{platform}/{settings.login}"
        self.link: EaLink | None = None
        self._states: dict[str, tuple[str, str]] = {}
        self._heart: r.Heart | None = None
        self._hello: r.Hello | None = None
        self._refused = ""
        self._been_here = False
        self.quotes = QuoteDesk(
            inbox,
            wanted.feed,
            wanted.symbols,
            platform,
            clock,
            settings,
            wanted.ends,
            wanted.trades,
            wanted.calendar,
            self._feed_state,
        )
        names = {instrument: symbol for symbol, instrument in wanted.symbols.items()}
        self.orders = OrderDesk(
            inbox,
            wanted.feed,
            wanted.account,
            platform,
            settings,
            names,
            clock.utc_ns,
            self._put,
            self._send,
        )
        self.orders.session, self.orders.hedged = wanted.logons, wanted.hedged
        self.orders.turn = self.turn_end
        self.readiness = Readiness(
            inbox,
            self.orders,
            wanted.symbols,
            timing or Timing(),
            self._account_state,
            self._ask,
            self._relog,
        )
        readiness = self.readiness
        self.history = HistoryDesk(
            readiness.number,
            lambda: readiness.asks_history,
            lambda question: self._say(Lane.QUERY, question),
        )

    # ---- who may come in -----------------------------------------------------------------------

    def admit(self, hello: r.Hello) -> bytes:
        """Returns the key of this account; raises Refused."""
        settings = self.settings
        if hello.server != settings.server:
            raise not_proven(f"the EA is on server {hello.server[:64]!r}, not {settings.server!r}")
        if hello.key_id != settings.key_id:
            raise not_proven(f"the EA names key {hello.key_id[:32]!r}, not {settings.key_id!r}")
        try:
            key = keys.key_of(resolve(settings.key))
        except LocalError as error:
            raise not_proven(f"the engine has no key: {error}") from error
        wanted = ("hedging",) if self._wanted.hedged else ("netting", "exchange")
        if self._wanted.account and hello.margin_mode not in wanted:
            said = f"this is a {hello.margin_mode[:20]} account, the engine has it as {wanted[0]}"
            raise Refused("MODE", said, f"{said}: change accounts.model of the configuration")
        return key

    def refused(self, reason: str) -> None:
        """Somebody who said he was this account was not let in."""
        if self.link is None:
            self._offline(f"an EA was refused: {reason}")
        elif reason != self._refused:
            self._inbox.feed_fault(self._wanted.feed, 0, "refused", reason[:200])
        self._refused = reason
        self._inbox.turn_end()

    # ---- the connection ------------------------------------------------------------------------

    def waits(self) -> None:
        """The bridge listens."""
        self._offline(WAITS)
        self._inbox.turn_end()

    def stopped(self) -> None:
        """The bridge listens no more."""
        self._feed_state("DISABLED", "stopped")
        self._account_state("DISABLED", "stopped")

    def opened(self, link: EaLink) -> None:
        """An EA has proven itself; the heartbeat that follows begins everything."""
        self.link = link
        self._hello = link.session.hello
        self._heart = None
        self._refused = ""
        self._gate.throttle.join(self._name, [])
        self._gate.outlets.append(link)
        self.orders.opened()
        said = "connected, waits for the terminal's heartbeat"
        if self._been_here:
            self._feed_state("CONNECTING", said)  # counted as a reconnect
        self._been_here = True
        self._feed_state("SYNCING", said)
        self._account_state("SYNCING", said)

    def ended(self, link: EaLink, reason: str) -> None:
        """Everything asked on this connection stays open."""
        if link is not self.link:
            return
        self.link = None
        self._gate.outlets.remove(link)
        self.orders.ended()
        self.readiness.end()
        self.history.end(reason)
        self._gate.throttle.forget(self._name)
        self._offline(f"connected, then lost: {reason}")

    def _offline(self, reason: str) -> None:
        self._feed_state("OFFLINE", reason)
        self._account_state("OFFLINE", reason)

    def record(self, record: Any) -> None:
        """Takes one record of the EA; raises WrongFrame."""
        match record:
            case r.Ticks():
                self.quotes.ticks(record)
            case r.Present():
                self.quotes.present(record)
            case r.Gap():
                self.quotes.gap(record)
            case r.Symbol():
                self._symbol(record)
            case r.NoSymbol():
                self.quotes.no_symbol(record)
            case r.Heart():
                self._beat(record)
            case r.Pong():
                self._pong(record)
            case r.Result():
                self.orders.result(record)
            case r.Ack() | r.Gone() | r.PositionRow(req=0):
                pass  # what follows decides
            case r.DealRow(req=0) | r.OrderRow(req=0):
                self._news(record)
            case _:
                if not self.history.rows(record):
                    self.readiness.rows(record)

    def _news(self, row: r.DealRow | r.OrderRow) -> None:
        """Takes what just happened on the account."""
        if not self._wanted.account:
            return
        deal = isinstance(row, r.DealRow)
        ours = self.orders.deal(row) if isinstance(row, r.DealRow) else self.orders.order_row(row)
        if not ours:
            kind = "deal" if deal else "order"
            self.orders.foreign(row.ticket, f"{kind} {row.ticket} of {row.symbol} is not ours")
            self.readiness.soon()  # to say what the account holds now

    def _symbol(self, terms: r.Symbol) -> None:
        changed = self.quotes.symbol(terms)
        self.orders.terms_by_name[terms.symbol] = terms
        if changed and self._wanted.account:
            self.readiness.halt(changed)

    def _beat(self, heart: r.Heart) -> None:
        first, self._heart = self._heart is None, heart
        utc_ms = self._inbox.now_ns() // 1_000_000
        self.clock.sample(heart.time_server, utc_ms, runs=self.platform == "5")
        self._measure(heart)
        if first:
            server_ms = heart.time_server if heart.connected else 0
            for question in self.quotes.opened(server_ms):
                self._say(Lane.DATA, question)
            if self._wanted.account:
                self.readiness.begin()
                self.history.begin()
        self.quotes.heart(heart.connected)
        self._allowed(heart)

    def _allowed(self, heart: r.Heart) -> None:
        """DEGRADED while trading is switched off somewhere; HALTED when the account has changed."""
        assert self._hello is not None
        state = self._states.get("account", ("", ""))[0]
        if heart.margin_mode != self._hello.margin_mode and self._wanted.account:
            before = self._hello.margin_mode
            self.readiness.halt(f"the account was {before} and is {heart.margin_mode}")
            return
        trouble = _trouble(heart)
        if trouble and state == "READY":
            self._account_state("DEGRADED", trouble)
        elif not trouble and state == "DEGRADED":
            self.readiness.soon()

    def _measure(self, heart: r.Heart) -> None:
        """Publishes what the terminal says of account and server; money 1e-9."""
        values = [
            ("balance", heart.balance),
            ("equity", heart.equity),
            ("margin", heart.margin),
            ("margin_free", heart.margin_free),
            ("leverage", heart.leverage),
            ("terminal_ping_us", heart.ping_us),
            ("reconnects", heart.reconnects),
            ("server_time_ms", heart.time_server if 0 < heart.time_server < LATEST_MS else ABSENT),
            ("server_offset_ms", self.clock.offset_ms),
            ("server_uncertain_ms", self.clock.uncertain_ms),
        ]
        known = tuple(value for value in values if value[1] != ABSENT)
        self._inbox.metric("broker", self._wanted.account or self._name, known)

    def _pong(self, pong: r.Pong) -> None:
        trip_ms = self._inbox.now_ns() // 1_000_000 - pong.time_ms
        link = f"{self._wanted.feed}/{self._name}"
        self._inbox.metric("metatrader", link, (("round_trip_ns", trip_ms * 1_000_000),))

    # ---- sending -------------------------------------------------------------------------------

    def take(self, kind: str, order: Order) -> None:
        """Takes one effect of the engine."""
        self.orders.take(kind, order)

    def flush(self) -> None:
        """Lets what was taken leave, as far as the limits allow."""
        self._gate.run()

    def said(self) -> None:
        """Counts a sign of life that the line has sent by itself."""
        self._gate.throttle.said(self._name, 1, now().monotonic_ns)
        self._gate.mark()

    def _put(
        self, lane: Lane, send: Callable[[], None], expired: Callable[[], None], ttl_ms: int
    ) -> None:
        if self.link is None:
            expired()
            return
        deadline_ns = now().monotonic_ns + ttl_ms * 1_000_000 if ttl_ms else NEVER
        self._gate.throttle.put(lane, Item(self._name, send, expired, deadline_ns))

    def _send(self, record: Any) -> int:
        assert self.link is not None
        return self.link.send(record)

    def _say(self, lane: Lane, record: Any) -> None:
        def out() -> None:
            self._send(record)

        self._put(lane, out, lambda: None, 0)

    def _ask(self, question: r.Snapshot | r.History) -> None:
        if isinstance(question, r.History):
            self.history.give_way()
        self._say(Lane.QUERY, question)

    def ask(self, question: Question) -> None:
        """Takes a question for history; raises NoHistory."""
        self.history.put(question)
        self.turn_end()

    @property
    def away(self) -> str:
        """Why there is no terminal to ask, empty when there is one."""
        return "" if self.link is not None else self._states.get("feed", ("", WAITS))[1]

    def _relog(self, reason: str) -> None:
        if self.link is not None:
            self.link.drop("STOP", reason)

    def turn_end(self) -> None:
        """Ends a turn: what was taken is written, then effects and questions leave."""
        self._inbox.turn_end()
        self.history.turn()
        self._gate.run()

    # ---- states --------------------------------------------------------------------------------

    def _feed_state(self, state: str, reason: str) -> None:
        if self._changed("feed", state, reason):
            self._inbox.feed_state(self._wanted.feed, state, reason)

    def _account_state(self, state: str, reason: str) -> None:
        trouble = _trouble(self._heart) if self._heart is not None else ""
        if state == "READY" and trouble:
            state, reason = "DEGRADED", trouble
        if self._wanted.account and self._changed("account", state, reason):
            session = self.orders.session
            self._inbox.account_state(self._wanted.account, state, reason, session)

    def _changed(self, what: str, state: str, reason: str) -> bool:
        before = self._states.get(what)
        self._states[what] = state, reason
        return before != (state, reason)


def _trouble(heart: r.Heart) -> str:
    """Returns, in words, why the terminal would not trade; empty when it would."""
    if not heart.connected:
        return "the terminal has no connection to its broker"
    if not heart.allowed_terminal:
        return "algo trading is switched off in the terminal: press Algo Trading"
    if not heart.allowed_ea:
        return "algo trading is not allowed for this EA: tick it in the EA's properties"
    if not (heart.allowed_account and heart.allowed_expert):
        return "the broker does not let this account trade by EA: ask your broker"
    return ""

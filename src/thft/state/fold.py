"""The engine state and its one fold, `apply(event)`; called by the kernel, api, replay and tests.

The state holds what follows from the journal alone: it never decides, so an api process folding
the same frames holds the same state. All containers keep insertion order, which is journal order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from thft.model import event as ev
from thft.model.book import DepthBook, TopBook
from thft.model.fixed import ABSENT
from thft.model.instrument import Instrument
from thft.model.order import PENDING_REPLACE, UNKNOWN, Order
from thft.model.position import Position
from thft.state import symbols
from thft.state.quality import SILENT_NS, Quality
from thft.state.records import (
    AccountRecord,
    ClockRecord,
    CommandResult,
    Counters,
    DiskRecord,
    Durability,
    FeedRecord,
    KillSwitch,
    Restart,
    StrategyRecord,
)

CLOSED_ORDERS_KEPT = 5_000
COMMAND_RESULTS_KEPT = 5_000
RESTARTS_KEPT = 50
ATTEMPTS_KEPT, ATTEMPTS_KEPT_NS = 512, 3_600_000_000_000
"""More and longer than any venue's connect budget."""

PositionKey = tuple[str, int, str]
"""(account, instrument, position id); the id is empty on netting accounts."""


class State:
    """Everything the engine knows; fields are read freely, changed only by `apply`."""

    def __init__(self) -> None:
        self.seq = 0
        self.ts_ns = 0
        self.mode = ""
        self.instance = ""
        self.epoch = 0
        self.instruments: dict[int, Instrument] = {}
        self.feeds: dict[int, FeedRecord] = {}
        self.accounts: dict[str, AccountRecord] = {}
        self.books: dict[tuple[int, int], TopBook] = {}
        self.depths: dict[tuple[int, int], DepthBook] = {}
        self.orders: dict[str, Order] = {}
        self.closed_orders: OrderedDict[str, Order] = OrderedDict()
        """Oldest first; a plain dict would be searched for its first entry at every removal."""
        self.positions: dict[PositionKey, Position] = {}
        self.net_sizes: dict[tuple[str, int], int] = {}
        """The signed sum of the positions by (account, instrument), kept along with them."""
        self.strategies: dict[str, StrategyRecord] = {}
        self.symbols: dict[tuple[int, int], symbols.SymbolRecord] = {}
        self.risk = ev.RiskLimitsSet(0, 0, 0, 0)
        self.kill = KillSwitch()
        self.durability = Durability()
        self.disk = DiskRecord()
        self.clock = ClockRecord()
        self.commands: dict[str, CommandResult] = {}
        self.pending_commands: dict[int, ev.CommandReceived] = {}
        self.api_seq = 0
        self.counters = Counters()
        self.restarts: list[Restart] = []
        self.last_execution: tuple[int, int] = (0, ABSENT)
        """(size, price) newly executed by the report applied last; read by the kernel at once."""
        self.last_replace = False
        """Whether the ReplaceReport applied last changed its order; read by the kernel at once."""

    def apply(self, event: ev.Event, seq: int, ts_ns: int) -> None:
        """Folds one event; `seq` and `ts_ns` are its frame's."""
        self.seq = seq
        self.ts_ns = ts_ns
        self.counters.events += 1
        fold = _FOLDS.get(type(event))
        if fold is not None:
            fold(self, event, ts_ns)

    def book(self, feed: int, instrument: int) -> TopBook:
        """Returns the top of book of an instrument at a feed, made empty on first use."""
        key = (feed, instrument)
        book = self.books.get(key)
        if book is None:
            book = self.books[key] = TopBook(feed, instrument)
        return book

    def quality(self, feed: int, instrument: int, now_ns: int) -> Quality:
        """Returns how far a book can be trusted at a time; raises KeyError for an unknown feed."""
        record, book = self.feeds[feed], self.book(feed, instrument)
        ages = [
            now_ns - other.recv_ts_ns
            for (owner, _), other in self.books.items()
            if owner == feed and other.recv_ts_ns
        ]
        age_ns = now_ns - book.recv_ts_ns if book.recv_ts_ns else ABSENT
        return Quality(
            record.state,
            record.reason,
            age_ns,
            bool(ages) and min(ages) < SILENT_NS and not 0 <= age_ns < SILENT_NS,
            book.bad,
            record.faults_of(instrument),
            book.crossed_count,
            book.locked_count,
            record.clock.offset(),
        )

    def order(self, client_order_id: str) -> Order | None:
        """Returns an order, working or recently closed."""
        return self.orders.get(client_order_id) or self.closed_orders.get(client_order_id)

    def net_size(self, account: str, instrument: int) -> int:
        """Returns the signed sum of an account's positions in an instrument, 1e-8."""
        return self.net_sizes.get((account, instrument), 0)


def _quote(state: State, event: ev.Quote, ts_ns: int) -> None:
    state.counters.quotes += 1
    state.book(event.feed, event.instrument).update(
        event.bid,
        event.bid_size,
        event.ask,
        event.ask_size,
        event.venue_ts_ns,
        event.venue_seq,
        ts_ns,
    )


def _depth(state: State, event: ev.Depth, ts_ns: int) -> None:
    key = (event.feed, event.instrument)
    depth = state.depths.get(key)
    if depth is None:
        depth = state.depths[key] = DepthBook()
    depth.apply(event.reset, event.bids, event.asks)
    state.counters.quotes += 1
    book = state.book(*key)
    if event.reset:
        book.mark_bad(False)
    book.update(*depth.top(), event.venue_ts_ns, event.venue_seq, ts_ns)


WORKING_STATES = ("READY", "DEGRADED")
"""A feed that lacks some of its symbols still prices the others."""


def _feed_state(state: State, event: ev.FeedState, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is None:
        return
    if event.state == "CONNECTING" and feed.state not in ("DISABLED", "CONNECTING", "CLOSED"):
        feed.reconnects += 1
    feed.state = event.state
    feed.reason = event.reason
    feed.since_ns = ts_ns
    for (owner, _), book in state.books.items():
        if owner == event.feed:
            _judge(book, event.state in WORKING_STATES)


def _judge(book: TopBook, healthy: bool) -> None:
    """A feed that is not READY has no prices: the next quote after READY is the first one."""
    if not healthy:
        book.blank()
    book.mark_bad(not healthy)


BOOK_FAULTS = ("checksum", "gap", "crossed_book", "malformed")
"""Faults after which a gateway has dropped the book of that instrument."""


def _feed_fault(state: State, event: ev.FeedFault, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is not None:
        feed.count_fault(event.instrument, event.fault)
    key = (event.feed, event.instrument)
    if key in state.depths and event.fault in BOOK_FAULTS:
        state.books[key].mark_bad(True)  # until the venue's next snapshot resets the book


def _feed_stamps(state: State, event: ev.FeedStamps, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is not None:
        feed.stamps = event.source


def _connect_attempted(state: State, event: ev.ConnectAttempted, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is not None:
        young = [one for one in feed.attempts if one[1] > ts_ns - ATTEMPTS_KEPT_NS]
        feed.attempts = [*young, (event.link, ts_ns)][-ATTEMPTS_KEPT:]


def _core_started(state: State, event: ev.CoreStarted, ts_ns: int) -> None:
    state.mode = event.mode
    state.instance = event.instance
    state.epoch = event.epoch
    state.restarts.append(
        Restart(event.epoch, ts_ns, event.note, event.recovered_seq, event.cut_bytes)
    )
    del state.restarts[:-RESTARTS_KEPT]
    for feed in state.feeds.values():
        feed.state, feed.reason, feed.since_ns = "OFFLINE", "core restarted", ts_ns
        feed.stamps = "user"
    for book in state.books.values():
        _judge(book, healthy=False)
    for account in state.accounts.values():
        if account.definition.kind == "venue":
            account.state, account.reason = "OFFLINE", "core restarted"


def _instrument(state: State, event: ev.InstrumentDefined, ts_ns: int) -> None:
    state.instruments[event.instrument] = Instrument.from_event(event)


def _feed(state: State, event: ev.FeedDefined, ts_ns: int) -> None:
    known = state.feeds.get(event.feed)
    if known is None:
        state.feeds[event.feed] = FeedRecord(event)
    else:
        known.definition = event
    for instrument, _ in event.symbols:
        state.book(event.feed, instrument)


def _account(state: State, event: ev.AccountDefined, ts_ns: int) -> None:
    known = state.accounts.get(event.account)
    if known is None:
        known = state.accounts[event.account] = AccountRecord(event)
    else:
        known.definition = event
    if event.kind == "paper":
        known.state, known.reason = "READY", "paper venue"


def _account_state(state: State, event: ev.AccountState, ts_ns: int) -> None:
    account = state.accounts[event.account]
    account.state = event.state
    account.reason = event.reason
    account.session = event.session


def _account_halted(state: State, event: ev.AccountHalted, ts_ns: int) -> None:
    account = state.accounts[event.account]
    account.state, account.reason = "HALTED", event.reason


def _risk(state: State, event: ev.RiskLimitsSet, ts_ns: int) -> None:
    state.risk = event


def _strategy_loaded(state: State, event: ev.StrategyLoaded, ts_ns: int) -> None:
    known = state.strategies.get(event.strategy)
    if known is None:
        state.strategies[event.strategy] = StrategyRecord(
            event.strategy,
            event.kind,
            event.code_hash,
            event.params,
            event.schema,
            event.enabled,
            "" if event.enabled else "not enabled",
        )
        return
    known.kind, known.code_hash, known.schema = event.kind, event.code_hash, event.schema
    if known.enabled and not event.enabled:
        known.reason = "replay differed from the journal: enable it to start afresh"
    known.enabled = event.enabled
    if event.params != known.params:
        known.params = event.params
        known.revision += 1


def _strategy_disabled(state: State, event: ev.StrategyDisabled, ts_ns: int) -> None:
    strategy = state.strategies[event.strategy]
    strategy.enabled = False
    strategy.reason = event.reason


def _strategy_enabled(state: State, event: ev.StrategyEnabled, ts_ns: int) -> None:
    strategy = state.strategies[event.strategy]
    strategy.enabled = True
    strategy.degraded = False
    strategy.reason = ""
    strategy.errors_in_a_row = strategy.losses_in_a_row = 0


def _strategy_params(state: State, event: ev.StrategyParamsSet, ts_ns: int) -> None:
    strategy = state.strategies[event.strategy]
    strategy.params = event.params
    strategy.revision = event.revision


def _strategy_slow(state: State, event: ev.StrategySlow, ts_ns: int) -> None:
    strategy = state.strategies[event.strategy]
    strategy.degraded = True
    strategy.slow_calls += 1
    strategy.reason = f"a handler took {event.elapsed_ns // 1_000_000} ms (budget 50 ms)"


def _kill(state: State, event: ev.KillSwitchSet, ts_ns: int) -> None:
    state.kill = KillSwitch(event.on, event.reason, ts_ns)


def _durability(state: State, event: ev.DurabilityChanged, ts_ns: int) -> None:
    state.durability = Durability(event.degraded, event.reason, ts_ns)


def _disk_level(state: State, event: ev.DiskLevelChanged, ts_ns: int) -> None:
    state.disk.level, state.disk.reason = event.level, event.reason


def _disk_measured(state: State, event: ev.DiskMeasured, ts_ns: int) -> None:
    state.disk.free_bytes, state.disk.bytes_a_day = event.free_bytes, event.bytes_a_day


def _clock_measured(state: State, event: ev.ClockMeasured, ts_ns: int) -> None:
    state.clock = ClockRecord(event.synchronised, event.max_error_ns, event.estimated_error_ns)


def _metric(state: State, event: ev.MetricSnapshot, ts_ns: int) -> None:
    """Folds what is measured of feeds: round trips, and how stamps differ."""
    known = event.kind in ("websocket", "fix", "delay") and event.id.partition("/")[0]
    feed = state.feeds.get(int(known)) if known and known.isdecimal() else None
    if feed is None:
        return
    values = dict(event.values)
    if (ns := values.get("round_trip_ns")) is not None:
        feed.clock.round_trip(ts_ns, ns)
    if (ns := values.get("delay_ns")) is not None:
        feed.clock.stamped(ts_ns, ns, values["venue_ts_ns"])


def _submitted(state: State, event: ev.OrderSubmitted, ts_ns: int) -> None:
    account = state.accounts[event.account]
    order = Order.from_intent(event, state.seq, ts_ns, account.session)
    state.orders[event.client_order_id] = order
    state.counters.orders += 1
    strategy = state.strategies.get(event.strategy)
    if strategy is not None:
        strategy.orders += 1


def _denied(state: State, event: ev.OrderDenied, ts_ns: int) -> None:
    state.counters.denied += 1
    strategy = state.strategies.get(event.strategy)
    if strategy is not None:
        strategy.denied += 1


def _report(state: State, event: ev.ExecutionReport, ts_ns: int) -> None:
    order_id = event.client_order_id
    order = state.orders.get(order_id) or state.closed_orders.get(order_id)
    if order is None:
        state.last_execution = (0, ABSENT)
        return
    state.last_execution = order.fold(event, ts_ns)
    if order.working != (order_id in state.orders):
        _move(state, order)
    if event.exec_type == "rejected":
        strategy = state.strategies.get(order.strategy)
        if strategy is not None:
            strategy.errors_in_a_row += 1


def _move(state: State, order: Order) -> None:
    if order.working:
        state.orders[order.client_order_id] = state.closed_orders.pop(order.client_order_id)
        return
    state.closed_orders[order.client_order_id] = state.orders.pop(order.client_order_id)
    if len(state.closed_orders) > CLOSED_ORDERS_KEPT:
        state.closed_orders.popitem(last=False)


def _cancel_requested(state: State, event: ev.CancelRequested, ts_ns: int) -> None:
    order = state.order(event.client_order_id)
    if order is not None:
        order.cancel_requested = True


def _replace_requested(state: State, event: ev.ReplaceRequested, ts_ns: int) -> None:
    order = state.orders[event.client_order_id]
    order.replaces = event.number
    order.wanted = event.size, event.price
    order.replace_session = state.accounts[order.account].session
    order.state = PENDING_REPLACE
    order.queries = 0
    order.updated_ns = ts_ns


def _replace_report(state: State, event: ev.ReplaceReport, ts_ns: int) -> None:
    order = state.order(event.client_order_id)
    state.last_replace = order is not None and order.fold_replace(event, ts_ns)
    if order is not None and order.working != (order.client_order_id in state.orders):
        _move(state, order)


def _unknown(state: State, event: ev.OrderUnknown, ts_ns: int) -> None:
    order = state.order(event.client_order_id)
    if order is not None and order.working:
        if order.state != PENDING_REPLACE:  # that one lives: its replace is what is asked for
            order.state = UNKNOWN
        order.reason = event.reason
        order.updated_ns = ts_ns
        order.queries += 1


def _fill(state: State, event: ev.Fill, ts_ns: int) -> None:
    key = (event.account, event.instrument, event.position_id)
    position = state.positions.get(key)
    if position is None:
        position = state.positions[key] = Position(*key)
    held = position.size
    realised = position.fold(event.side, event.size, event.price, event.fee, ts_ns)
    net = (event.account, event.instrument)
    state.net_sizes[net] = state.net_sizes.get(net, 0) + position.size - held
    state.counters.fills += 1
    account = state.accounts[event.account]
    strategy = state.strategies.get(event.strategy)
    closed = bool(held) and (not position.size or (position.size > 0) != (held > 0))
    for owner in (account, strategy):
        if owner is None:
            continue
        owner.realised += realised
        owner.fees += event.fee
        owner.fills += 1
        if closed:
            owner.round_trips += 1
            owner.wins += realised - event.fee > 0
            owner.losses += realised - event.fee <= 0
    if strategy is not None:
        strategy.errors_in_a_row = 0
        if closed:
            lost = realised - event.fee < 0
            strategy.losses_in_a_row = strategy.losses_in_a_row + 1 if lost else 0


def _command(state: State, event: ev.CommandReceived, ts_ns: int) -> None:
    state.api_seq = max(state.api_seq, event.api_seq)
    state.pending_commands[state.seq] = event


def _command_done(state: State, event: ev.CommandDone, ts_ns: int) -> None:
    command = state.pending_commands.pop(event.cause, None)
    kind = command.kind if command is not None else ""
    state.commands.setdefault(event.command_id, CommandResult(event.status, event.reason, kind))
    if len(state.commands) > COMMAND_RESULTS_KEPT:
        del state.commands[next(iter(state.commands))]


_FOLDS: dict[type[ev.Event], Callable[[State, Any, int], None]] = {
    ev.Quote: _quote,
    ev.Depth: _depth,
    ev.FeedState: _feed_state,
    ev.FeedFault: _feed_fault,
    ev.CoreStarted: _core_started,
    ev.InstrumentDefined: _instrument,
    ev.FeedDefined: _feed,
    ev.AccountDefined: _account,
    ev.AccountState: _account_state,
    ev.AccountHalted: _account_halted,
    ev.RiskLimitsSet: _risk,
    ev.StrategyLoaded: _strategy_loaded,
    ev.StrategyDisabled: _strategy_disabled,
    ev.StrategyEnabled: _strategy_enabled,
    ev.StrategyParamsSet: _strategy_params,
    ev.StrategySlow: _strategy_slow,
    ev.KillSwitchSet: _kill,
    ev.DurabilityChanged: _durability,
    ev.DiskLevelChanged: _disk_level,
    ev.DiskMeasured: _disk_measured,
    ev.ClockMeasured: _clock_measured,
    ev.FeedStamps: _feed_stamps,
    ev.MetricSnapshot: _metric,
    ev.ConnectAttempted: _connect_attempted,
    ev.OrderSubmitted: _submitted,
    ev.OrderDenied: _denied,
    ev.ExecutionReport: _report,
    ev.CancelRequested: _cancel_requested,
    ev.ReplaceRequested: _replace_requested,
    ev.ReplaceReport: _replace_report,
    ev.OrderUnknown: _unknown,
    ev.Fill: _fill,
    ev.CommandReceived: _command,
    ev.CommandDone: _command_done,
    **symbols.FOLDS,
}

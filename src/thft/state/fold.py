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
from thft.model.order import Order
from thft.model.position import Position
from thft.state import symbols
from thft.state.feed_fold import FOLDS as FEED_FOLDS
from thft.state.feed_fold import judge
from thft.state.order_fold import FOLDS as ORDER_FOLDS
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

COMMAND_RESULTS_KEPT = 5_000
RESTARTS_KEPT = 50

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
        self.last_leg: str | None = None
        """The position id that the report applied last replaced; None if it brought no other."""

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

    def hedged(self, account: str) -> bool:
        """Returns whether an account keeps what it opens apart, each position under its own id."""
        known = self.accounts.get(account)
        return known is not None and known.definition.model == "hedging"

    def legs(self, account: str, instrument: int = 0) -> list[Position]:
        """Returns an account's open positions, in one instrument or all, oldest first."""
        return [
            one
            for one in self.positions.values()
            if one.size and one.account == account and instrument in (0, one.instrument)
        ]

    def leg(self, account: str, instrument: int, position_id: str) -> Position | None:
        """Returns an open position by its id, None without one."""
        return self.positions.get((account, instrument, position_id)) if position_id else None

    def closes(self, order: Order) -> bool:
        """Returns whether an order takes away from the open position whose id it has."""
        leg = self.leg(order.account, order.instrument, order.position_id)
        return leg is not None and leg.size * order.side < 0


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
        judge(book, healthy=False)
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
    **FEED_FOLDS,
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
    **ORDER_FOLDS,
    ev.CommandReceived: _command,
    ev.CommandDone: _command_done,
    **symbols.FOLDS,
}

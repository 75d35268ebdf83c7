"""The kernel: one input in, outcomes and effects out; called by core, replay, bench and sim.

`process` takes any input event, `quote` the hot one. Each input and the outcomes it caused are one
group of frames, appended to the frame buffer given by `attach` before any effect is handed out.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Protocol

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, MARKET, OUTCOME
from thft.base.prng import Prng
from thft.kernel import commands, metric_timer, orders, snapshot
from thft.kernel.dispatch import LEVELS_A_FRAME, Levels, QuoteLane, levels_in, portions
from thft.kernel.paper import PaperVenue
from thft.kernel.risk import RiskGate
from thft.kernel.slot import StrategySlot
from thft.kernel.strategy import BudgetExceeded, Strategy, World
from thft.kernel.timers import Timers
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.codec import encode
from thft.model.fixed import ABSENT, divide_half_even
from thft.model.instrument import Instrument
from thft.model.order import Order
from thft.model.position import Position
from thft.state.fold import State
from thft.state.quality import Quality

FrameParts = tuple[int, int, int, int, int, int, bytes]
"""type, version, flags, stream, source, recv_ts_ns, payload: what a frame buffer appends."""

HASH_EVERY = 65_536
BEFORE_TIMERS = (ev.CoreStarted, ev.StrategyStuck)
"""A start, and whom not to call any more, come before what fell due while the core was down."""
OUTCOME_ROUNDS = 8
"""Strategies may react to their own orders this often per input; beyond it one is running away."""


class Frames(Protocol):
    """Where groups go: the journal's buffer when live, a comparison when replaying."""

    next_seq: int

    def append_group(self, frames: list[FrameParts]) -> int: ...


class Kernel(World):
    """Holds the state, strategies, timers, risk gate and paper venue of one engine."""

    def __init__(
        self,
        catalogue: dict[str, tuple[type[Strategy], str]],
        seed: int = 0,
        hash_every: int = HASH_EVERY,
    ) -> None:
        """`catalogue` maps a strategy kind to (class, code hash)."""
        self.catalogue = catalogue
        self.state = State()
        self.timers = Timers()
        self.prng = Prng(seed)
        self.risk = RiskGate(self.state)
        self.paper = PaperVenue(self.state)
        self.slots: dict[str, StrategySlot] = {}
        self.strategy_timers: dict[tuple[str, str], int] = {}
        self.order_count = 0
        self.outcome_hash = bytes(32)
        self.effects: list[tuple[str, Order]] = []
        self.hash_every = hash_every
        self.lane = QuoteLane(self)
        self.lane.books, self.lane.depths = self.state.books, self.state.depths
        self.lane.next_hash_seq = hash_every
        self._frames: Frames | None = None
        self._outcomes: list[ev.Event] = []
        """What the current input has caused so far; packed when its group closes."""
        self._asked = False
        """A strategy has asked for something that is not decided yet."""
        self._wakeups: list[tuple[str, str, Any]] = []
        self.failure: Exception | None = None
        """Why an input could not be taken: what is held may be half of it, so no other one is."""

    # ---- the door in ---------------------------------------------------------------------------

    def attach(self, frames: Frames, lane_frames: Any = None) -> None:
        """Appends groups to `frames` from now on; `lane_frames` is where quotes are packed."""
        self._frames = frames
        self.lane.attach(lane_frames, frames.next_seq)

    def adopt(self, state: State) -> None:
        """Goes on from another state (a snapshot's) instead of the empty one."""
        self.state = state
        self.risk = RiskGate(state)
        self.paper = PaperVenue(state)
        self.lane.books, self.lane.depths = state.books, state.depths

    def quote(
        self,
        feed: int,
        instrument: int,
        bid: int,
        bid_size: int,
        ask: int,
        ask_size: int,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        """Processes one quote; prices 1e-9, sizes 1e-8, times ns. The hot path is the lane's."""
        try:
            self.lane.quote(
                feed, instrument, bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns
            )
        except Exception as error:
            self.failure = self.failure or error
            raise

    def depth(
        self,
        feed: int,
        instrument: int,
        reset: bool,
        bids: Levels,
        asks: Levels,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        """Processes one venue message of levels, packed or as pairs, in one frame or several."""
        take, last = self.lane.depth, (venue_ts_ns, venue_seq, recv_ts_ns)
        try:
            if levels_in(bids) + levels_in(asks) <= LEVELS_A_FRAME:
                take(feed, instrument, reset, bids, asks, *last)
                return
            for first, some_bids, some_asks in portions(bids, asks):
                take(feed, instrument, reset and first, some_bids, some_asks, *last)
        except Exception as error:
            self.failure = self.failure or error
            raise

    def trade(
        self,
        feed: int,
        instrument: int,
        price: int,
        size: int,
        aggressor: int,
        venue_ts_ns: int,
        venue_trade_id: int,
        recv_ts_ns: int,
    ) -> None:
        """Processes one public trade; see `EngineInbox.trade`."""
        try:
            stamps = venue_ts_ns, venue_trade_id, recv_ts_ns
            self.lane.trade(feed, instrument, price, size, aggressor, *stamps)
        except Exception as error:
            self.failure = self.failure or error
            raise

    def market(self, records: bytes, recv_ts_ns: int) -> None:
        """Processes quotes and depth that came at one time; see `codec.records_of`."""
        try:
            self.lane.market(records, recv_ts_ns)
        except Exception as error:
            self.failure = self.failure or error
            raise

    def process(self, event: ev.Event, recv_ts_ns: int, source: int = 0) -> int:
        """Processes one input received at `recv_ts_ns`; returns its sequence number."""
        recv_ts_ns = max(recv_ts_ns, self.lane.now_ns)
        if recv_ts_ns >= self.lane.next_due_ns and type(event) not in BEFORE_TIMERS:
            self.fire_due(recv_ts_ns)
        return self._run(event, recv_ts_ns, source)

    def fire_due(self, now_ns: int) -> None:
        """Fires every timer due by `now_ns`, each as its own group, in (due, id) order."""
        while self.lane.next_due_ns <= now_ns:
            self.fire_next()

    def fire_next(self) -> None:
        """Fires the earliest timer as its own group; there must be one."""
        due_ns, timer_id, kind, ref = self.timers.pop()
        self._run(ev.TimerFired(timer_id, due_ns, kind, ref), max(due_ns, self.lane.now_ns), 0)

    def take_effects(self) -> list[tuple[str, Order]]:
        """Returns the effects queued so far, oldest first; to be called after the write."""
        effects, self.effects = self.effects, []
        return effects

    # ---- one group -----------------------------------------------------------------------------

    def _run(self, event: ev.Event, recv_ts_ns: int, source: int) -> int:
        """Takes one input; the first that fails is the last."""
        if self.failure is not None:
            raise LocalError(f"the kernel has failed before: {self.failure!r}", "start a new core")
        try:
            return self._take(event, recv_ts_ns, source)
        except Exception as error:
            self.failure = error
            raise

    def _take(self, event: ev.Event, recv_ts_ns: int, source: int) -> int:
        lane = self.lane
        lane.now_ns = recv_ts_ns
        lane.seq += 1
        seq = lane.seq
        self.sync_state()
        self.state.apply(event, seq, recv_ts_ns)
        react = _REACTIONS.get(type(event))
        if react is not None:
            react(self, event)
        self.settle()
        self._close((event.TYPE, event.VERSION, 0, event.STREAM, source, recv_ts_ns, encode(event)))
        return seq

    def close_market(self, type: int, feed: int, payload: bytes) -> None:
        """Closes the group of a quote, depth batch or trade that had outcomes; the lane calls."""
        self.sync_state()
        self.settle()
        self._close((type, 1, 0, MARKET, feed, self.lane.now_ns, payload))

    def _close(self, head: FrameParts) -> None:
        """Hands the input's frame and its outcomes over as one group."""
        if self._frames is None:
            raise LocalError("the kernel has no journal", "call attach() before the first input")
        lane = self.lane
        cause = lane.seq
        group = [head]
        if cause >= lane.next_hash_seq:
            metric_timer.stop_unwritable(self)
        self._pack(group)
        if cause >= lane.next_hash_seq:
            lane.next_hash_seq += self.hash_every
            self.emit(ev.StateHashed(cause, self.state_hash(), self.outcome_hash))
            self._pack(group)
        kind, version, flags, stream, source, ts_ns, payload = group[-1]
        group[-1] = (kind, version, flags | GROUP_END, stream, source, ts_ns, payload)
        lane.seq = cause + len(group) - 1
        self._frames.append_group(group)
        lane.dirty = False
        lane.next_due_ns = self.timers.next_due_ns

    def _pack(self, group: list[FrameParts]) -> None:
        """Moves the outcomes to the end of `group` and takes them into the outcome hash."""
        now_ns, digest = self.lane.now_ns, self.outcome_hash
        for outcome in self._outcomes:
            payload = encode(outcome)
            digest = sha256(digest + payload).digest()
            group.append(
                (outcome.TYPE, outcome.VERSION, OUTCOME, outcome.STREAM, 0, now_ns, payload)
            )
        self.outcome_hash = digest
        self._outcomes.clear()

    def sync_state(self) -> None:
        """Brings the state up to the lane, which takes quotes on its own: every group begins so."""
        lane = self.lane
        state = self.state
        if lane.quotes:
            state.counters.quotes += lane.quotes
            state.counters.events += lane.quotes
            lane.quotes = 0
        if lane.trades:
            state.counters.trades += lane.trades
            state.counters.events += lane.trades
            lane.trades = 0
        state.seq = lane.seq
        state.ts_ns = lane.now_ns

    def arm(self, due_ns: int, kind: str, ref: str) -> int:
        """Arms a timer as an outcome of the current input; returns its id."""
        timer = self.timers.arm(due_ns, kind, ref)
        self.emit(ev.TimerArmed(self.cause, timer, due_ns, kind, ref))
        return timer

    def rewatch(self) -> None:
        """Binds every strategy to its books again, after feeds or strategies changed."""
        for book in self.state.books.values():
            book.watchers, book.trade_watchers = [], []
        self.lane.books, self.lane.depths = self.state.books, self.state.depths
        for slot in self.slots.values():
            for feed, instrument in slot.strategy.bind(self):
                if slot.enabled:
                    book = self.state.book(feed, instrument)
                    book.watchers.append(slot.watcher())
                    if type(slot.strategy).on_trade is not Strategy.on_trade:
                        book.trade_watchers.append(slot)

    def emit(self, outcome: ev.Event) -> None:
        """Appends an outcome of the current input and folds it into the state at once."""
        state = self.state
        self._outcomes.append(outcome)
        state.apply(outcome, state.seq, state.ts_ns)

    @property
    def cause(self) -> int:
        """Sequence number of the input being processed."""
        return self.state.seq

    # ---- strategies ----------------------------------------------------------------------------

    def wake(self, strategy: str, handler: str, argument: Any) -> None:
        """Queues a call of a strategy's handler for after the current fold."""
        self._wakeups.append((strategy, handler, argument))

    def settle(self) -> None:
        """Turns what strategies asked for into outcomes until nobody asks for more."""
        for _ in range(OUTCOME_ROUNDS):
            if self._asked:
                self._take_intents()
            elif not self._wakeups:
                return
            wakeups, self._wakeups = self._wakeups, []
            for strategy, handler, argument in wakeups:
                self._call(strategy, handler, argument)
        for slot in self.slots.values():
            if slot.ctx.busy:
                self.disable(
                    slot.id, "asked for more than 8 rounds of orders on one input", "limit"
                )
        self._wakeups.clear()

    def _take_intents(self) -> None:
        self._asked = False
        for slot in self.slots.values():
            if slot.ctx.busy:
                orders.take(self, slot)

    def _call(self, strategy: str, handler: str, argument: Any) -> None:
        slot = self.slots.get(strategy)
        if slot is None or not slot.enabled:
            return
        if slot.forced_failure:
            self.strategy_failed(slot, LocalError(slot.forced_failure))
            return
        bound = getattr(slot.strategy, handler)
        self.lane.calls += 1
        self.lane.calling = slot
        try:
            bound(slot.ctx) if argument is None else bound(slot.ctx, argument)
            self.lane.calling = None
        except (Exception, BudgetExceeded) as error:  # noqa: BLE001 - user code may raise any
            self.lane.calling = None
            self.strategy_failed(slot, error)

    def strategy_failed(self, slot: StrategySlot, error: BaseException) -> None:
        """Drops what the failed call asked for and disables the strategy, saying why."""
        self.sync_state()
        self.lane.dirty = True
        if slot.forced_failure:
            self.disable(slot.id, slot.forced_failure, "budget")
        elif isinstance(error, BudgetExceeded):
            self.disable(slot.id, str(error), "budget")
        else:
            self.disable(slot.id, f"{type(error).__name__}: {error}"[:500], "error")

    def disable(self, strategy: str, reason: str, by: str) -> None:
        """Stops calling a strategy; its state is discarded, enabling starts it afresh."""
        slot = self.slots[strategy]
        slot.enabled = False
        for intent in reversed(slot.ctx.intents):
            if intent.client_order_id == self._order_id(self.order_count):
                self.order_count -= 1  # replay may not make the failed call: it took no number
        slot.ctx.drop()
        for (owner, name), timer in list(self.strategy_timers.items()):
            if owner == strategy:
                self.timers.cancel(timer)
                del self.strategy_timers[owner, name]
        slot.strategy = type(slot.strategy)(slot.strategy.params)
        self.rewatch()
        self.emit(ev.StrategyDisabled(self.cause, strategy, reason, by))

    def enable(self, strategy: str) -> None:
        """Calls a strategy from the next event on, beginning with `on_start`."""
        self.slots[strategy].enabled = True
        self.rewatch()
        self.emit(ev.StrategyEnabled(self.cause, strategy))
        self.wake(strategy, "on_start", None)

    def match_resting(self, book: TopBook) -> None:
        """Executes resting paper orders that the book now reaches; called by the lane."""
        self.sync_state()
        for order, report in self.paper.match(book):
            self.lane.dirty = True
            orders.report(self, order, report)

    # ---- what strategies may read (World) ------------------------------------------------------

    @property
    def now_ns(self) -> int:
        return self.lane.now_ns

    def instrument(self, symbol: str) -> Instrument:
        for instrument in self.state.instruments.values():
            if instrument.symbol == symbol:
                return instrument
        raise LocalError(f"symbol {symbol!r} is not defined", "add it under [[instruments]]")

    def feed(self, name: str) -> int:
        for feed, record in self.state.feeds.items():
            if record.definition.name == name:
                return feed
        raise LocalError(f"feed {name!r} is not defined", "add it under [[venues]]")

    def book(self, feed: int, instrument: int) -> TopBook:
        return self.state.book(feed, instrument)

    def quality(self, feed: int, instrument: int) -> Quality:
        return self.state.quality(feed, instrument, self.now_ns)

    def position(self, account: str, instrument: int) -> int:
        return self.state.net_size(account, instrument)

    def entry_price(self, account: str, instrument: int) -> int:
        net = self.state.net_size(account, instrument)
        side = [one for one in self.state.legs(account, instrument) if one.size * net > 0]
        if len(side) == 1:
            return side[0].avg_price
        held = sum(abs(one.size) for one in side)
        paid = sum(one.avg_price * abs(one.size) for one in side)
        return divide_half_even(paid, held) if held else ABSENT

    def positions(self, account: str, instrument: int) -> list[Position]:
        return self.state.legs(account, instrument)

    def order(self, client_order_id: str) -> Order | None:
        return self.state.order(client_order_id)

    def working_orders(self, strategy: str) -> list[Order]:
        return [order for order in self.state.orders.values() if order.strategy == strategy]

    def next_order_id(self) -> str:
        return self._order_id(self.order_count + 1)

    def order_asked(self) -> None:
        self.order_count += 1
        self.mark_dirty()

    def _order_id(self, number: int) -> str:
        return f"{self.state.instance}-{self.state.epoch}-{number}"

    def mark_dirty(self) -> None:
        self.lane.dirty = True
        self._asked = True

    # ---- proof ---------------------------------------------------------------------------------

    def state_hash(self) -> bytes:
        """Returns SHA-256 over the canonical bytes of state, kernel and strategy states."""
        digest = sha256()
        for section in snapshot.sections(self).values():
            digest.update(section)
        return digest.digest()


def _timer_fired(kernel: Kernel, event: ev.TimerFired) -> None:
    if event.kind == "strategy":
        strategy, _, name = event.ref.partition("/")
        kernel.strategy_timers.pop((strategy, name), None)
        kernel.wake(strategy, "on_timer", name)
    elif event.kind == "metrics":
        metric_timer.fired(kernel)
    else:
        orders.timer_fired(kernel, event)


def _book_changed(kernel: Kernel, event: ev.Depth) -> None:
    book = kernel.state.book(event.feed, event.instrument)
    if book.resting:
        kernel.match_resting(book)
    kernel.lane.call_watchers(book)


def _trade_printed(kernel: Kernel, event: ev.TradePrint) -> None:
    for slot in kernel.state.book(event.feed, event.instrument).trade_watchers:
        kernel.wake(slot.id, "on_trade", event)


_REACTIONS: dict[type[ev.Event], Callable[[Kernel, Any], None]] = {
    ev.Depth: _book_changed,
    ev.TradePrint: _trade_printed,
    ev.CoreStarted: lambda kernel, event: metric_timer.started(kernel, event),
    ev.FeedDefined: lambda kernel, event: commands.feed_defined(kernel, event),
    ev.SymbolSpecified: lambda kernel, event: commands.symbol_specified(kernel, event),
    ev.StrategyLoaded: lambda kernel, event: commands.load_strategy(kernel, event),
    ev.StrategyStuck: lambda kernel, event: commands.strategy_stuck(kernel, event),
    ev.TimerFired: _timer_fired,
    ev.ExecutionReport: lambda kernel, event: orders.report_received(kernel, event),
    ev.ReplaceReport: lambda kernel, event: orders.replace_reported(kernel, event),
    ev.AccountState: lambda kernel, event: orders.account_changed(kernel, event),
    ev.CommandReceived: lambda kernel, event: commands.received(kernel, event),
}

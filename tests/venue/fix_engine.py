"""A FIX client between a simulated provider and a real kernel, and stories told with them.

The engine stands where the core stands: every input goes through the kernel, effects leave after
the group was recorded, timers run. What the venue's ledger says is the truth.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tests.engine import Recorder, catalogue
from tests.seeds import seed_of_test

from thft.base.prng import Prng
from thft.fix.session import MemoryStore, Store
from thft.gateway.calendar import Calendar
from thft.gateway.dialect import Dialect
from thft.gateway.fix.causes import Timing
from thft.gateway.fix.client import FixClient, Wanted
from thft.gateway.fix.settings import FixSettings
from thft.kernel.engine import Kernel
from thft.kernel.strategy import Strategy
from thft.model import event as ev
from thft.model.book import Levels
from thft.model.fixed import ABSENT, PRICE_ONE, SIZE_ONE
from thft.model.order import Order
from thft.model.position import Position
from thft.sim.fix.faults import Fault
from thft.sim.fix.orders.ledger import ENDED, Ledger
from thft.sim.fix.profile import Profile, profile
from thft.sim.fix_lp import FixVenue

FEED, ACCOUNT = 7, "acc"
NAMES = {"EURUSD": 1, "GBPUSD": 2}
LOT = 10_000 * SIZE_ONE
WAIT_S = 60.0
QUICK = Timing(
    floors_s={"auth": 0.3, "config": 0.3, "locked_out": 0.3, "channel_blocked": 0.3},
    first_ms=20,
    answer_s=0.5,
    probe_s=0.2,
    poll_s=0.5,
    look_s=0.02,
)


class Hand(Strategy):
    """Does what the test does through its context."""

    kind = "hand"


@dataclass
class Engine:
    """An inbox over a kernel; keeps what it was told."""

    client: FixClient
    kernel: Kernel
    journal: Recorder
    feed_states: list[tuple[str, str]] = field(default_factory=list)
    account_states: list[tuple[str, str, int]] = field(default_factory=list)
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    metrics: list[tuple[str, str, tuple[tuple[str, int], ...]]] = field(default_factory=list)
    quotes: list[tuple[int, ...]] = field(default_factory=list)
    effects: list[tuple[str, str]] = field(default_factory=list)
    may_lack_times: bool = False
    """A quote without the venue's time is no mistake: MetaTrader 4's clock moves with its ticks."""
    late_ns: int = 5_000_000_000
    """So far the venue's time of a quote may be from ours."""
    _timer: asyncio.TimerHandle | None = None

    # ---- EngineInbox ---------------------------------------------------------------------------

    def now_ns(self) -> int:
        return time.time_ns()

    def market_time(self, ns: int) -> None:
        raise AssertionError("FIX has no market time")

    def quote(self, feed: int, instrument: int, *values: int) -> None:
        self.quotes.append((instrument, *values))
        bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns = values
        untimed = self.may_lack_times and venue_ts_ns == ABSENT
        assert untimed or abs(recv_ts_ns - venue_ts_ns) < self.late_ns
        self.kernel.quote(
            feed, instrument, bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns
        )

    def market(self, records: bytes, recv_ts_ns: int) -> bool:
        raise AssertionError("FIX and MetaTrader say one quote at a time")

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
        self.kernel.depth(feed, instrument, reset, bids, asks, venue_ts_ns, venue_seq, recv_ts_ns)

    def trade(self, feed: int, instrument: int, *values: int) -> None:
        raise AssertionError("no FIX quote desk asks for trades")

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        self.feed_states.append((state, reason))
        self.input(ev.FeedState(feed, state, reason))

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        self.faults.append((instrument, fault, detail))
        self.input(ev.FeedFault(feed, instrument, fault, detail))

    def last_price_ns(self, feed: int) -> int:
        raise AssertionError("a FIX venue counts its own prices")

    def connect_attempt(self, feed: int, link: str) -> None:
        self.input(ev.ConnectAttempted(feed, link))

    def feed_stamps(self, feed: int, source: str) -> None:
        self.input(ev.FeedStamps(feed, source))

    def symbol(self, said: ev.SymbolSpecified) -> None:
        self.input(said)

    def execution(self, report: ev.ExecutionReport | ev.ReplaceReport) -> None:
        self.input(report)

    def account_state(self, account: str, state: str, reason: str, session: int) -> None:
        self.account_states.append((state, reason, session))
        self.input(ev.AccountState(account, state, reason, session))

    def booked(self, account: str) -> list[Position]:
        return self.kernel.state.legs(account)

    def metric(self, kind: str, id: str, values: tuple[tuple[str, int], ...]) -> None:
        self.metrics.append((kind, id, values))
        self.input(ev.MetricSnapshot(0, kind, id, values))

    def turn_end(self) -> None:
        for kind, order in self.kernel.take_effects():
            self.effects.append((kind, order.client_order_id))
            self.client.take(kind, order)
        self.client.flush()
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max(self.kernel.lane.next_due_ns - self.now_ns(), 0) / 1e9
        self._timer = asyncio.get_running_loop().call_later(min(wait_s, 1.0), self._due)

    def _due(self) -> None:
        self.kernel.fire_due(self.now_ns())
        self.turn_end()

    def input(self, event: ev.Event) -> None:
        self.kernel.process(event, self.now_ns())

    # ---- what a test does ----------------------------------------------------------------------

    def submit(self, side: int = 1, size: int = LOT, **how: Any) -> str:
        """Asks for an order as a strategy does; returns its id."""
        instrument = how.pop("instrument", 1)
        order_id = self.kernel.slots["hand"].ctx.submit(ACCOUNT, instrument, side, size, **how)
        self.input(ev.MetricSnapshot(0, "test", "submit", ()))
        self.turn_end()
        return order_id

    def cancel(self, order_id: str) -> None:
        self.kernel.slots["hand"].ctx.cancel(order_id, "test")
        self.input(ev.MetricSnapshot(0, "test", "cancel", ()))
        self.turn_end()

    def replace(self, order_id: str, **terms: int) -> None:
        """Asks for another size or price as a strategy does."""
        self.kernel.slots["hand"].ctx.replace(order_id, **terms)
        self.input(ev.MetricSnapshot(0, "test", "replace", ()))
        self.turn_end()

    def order(self, order_id: str) -> Order:
        order = self.kernel.state.order(order_id)
        assert order is not None
        return order

    @property
    def account(self) -> str:
        return self.kernel.state.accounts[ACCOUNT].state

    @property
    def feed(self) -> str:
        return self.kernel.state.feeds[FEED].state


@dataclass
class Stage:
    """A provider that listens, and engines that trade there."""

    venue: FixVenue
    dialect: Dialect
    settings: FixSettings
    timing: Timing
    ack_ms: int
    login: str = "1000002"
    contract: int = SIZE_ONE
    """Units of one of what the venue counts."""
    calendar: Calendar | None = None
    model: str = "netting"
    engines: list[Engine] = field(default_factory=list)
    tasks: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return self.venue.ledgers[self.login]

    def engine(
        self,
        kernel: Kernel | None = None,
        journal: Recorder | None = None,
        stores: Callable[[str], Store] = lambda link: MemoryStore(),
        names: dict[str, int] | None = None,
        **changes: Any,
    ) -> Engine:
        """Starts an engine; `kernel` and `journal` of an earlier one go on."""
        values = {name: getattr(self.settings, name) for name in self.settings.__struct_fields__}
        settings = FixSettings(**{**values, **changes})
        journal = journal or Recorder()
        fresh = kernel is None
        kernel = kernel or Kernel(catalogue(Hand), 1)
        engine = Engine(None, kernel, journal)  # type: ignore[arg-type]
        kernel.attach(journal.buffer, journal.buffer)
        self._define(engine, fresh)
        logons = kernel.state.accounts[ACCOUNT].session
        contracts = dict.fromkeys(NAMES.values(), self.contract)
        hedged = kernel.state.hedged(ACCOUNT)
        wanted = Wanted(FEED, dict(names or NAMES), ACCOUNT, logons, contracts, (), hedged)
        seed = Prng(random.randrange(1 << 32))
        engine.client = FixClient(
            engine, self.dialect, settings, wanted, stores, seed, self.timing, self.calendar
        )
        self.engines.append(engine)
        self.tasks.append(asyncio.ensure_future(engine.client.run()))
        return engine

    def _define(self, engine: Engine, fresh: bool) -> None:
        epoch = engine.kernel.state.epoch + 1
        engine.input(ev.CoreStarted("ab12", epoch, "paper", "0", "", 1, 0, 0, ""))
        if not fresh:
            return
        point, step = PRICE_ONE // 100_000, SIZE_ONE
        for name, number in NAMES.items():
            engine.input(
                ev.InstrumentDefined(number, name, 5, point * 10, point, step, step, "USD")
            )
        symbols = tuple((number, name) for name, number in NAMES.items())
        engine.input(ev.FeedDefined(FEED, "slow", "ctrader", "slow", symbols))
        ack_ns = self.ack_ms * 1_000_000
        engine.input(ev.AccountDefined(ACCOUNT, "venue", self.model, "USD", FEED, 0, 0, 0, ack_ns))
        engine.input(ev.StrategyLoaded("hand", "hand", "hash of hand", b"{}", b"{}", True))

    async def ready(self, **changes: Any) -> Engine:
        """Returns an engine whose feed and account are READY."""
        engine = self.engine(**changes)
        await self.until(lambda: engine.account == "READY", "account READY", engine)
        for name in NAMES:
            self.tick(name)
        await self.until(lambda: engine.feed == "READY", "feed READY", engine)
        return engine

    def tick(self, symbol: str = "EURUSD", bid: str = "1.17000", ask: str = "1.17004") -> None:
        self.venue.tick(
            self.venue.profile.plays[symbol], bid, "1000000", ask, "2000000", time.time_ns()
        )

    async def until(
        self, holds: Callable[[], bool], what: str, engine: Engine | None = None, s: float = WAIT_S
    ) -> None:
        deadline = time.monotonic() + s
        while not holds():
            for task in self.tasks:
                if task.done() and not task.cancelled():
                    task.result()
            shown = engine and (engine.feed_states[-4:], engine.account_states[-4:], engine.faults)
            assert time.monotonic() < deadline, f"no {what}: {shown} {self.venue.door.refusals}"
            await asyncio.sleep(0.002)

    async def over(self, engine: Engine) -> None:
        """Ends an engine as a kill does: without a word."""
        at = self.engines.index(engine)
        for channel in engine.client.channels:
            initiator = channel._initiator
            if initiator is not None and initiator.link is not None:
                transport = initiator.link._transport
                if transport is not None:
                    transport.abort()
        self.tasks[at].cancel()
        await asyncio.gather(self.tasks[at], return_exceptions=True)
        if engine._timer is not None:
            engine._timer.cancel()
        await self.until(lambda: not self.venue.clients, "end of the venue's sessions")

    def agree(self, engine: Engine) -> None:
        """The engine has booked what the venue has done; no order is there twice."""
        state, ledger = engine.kernel.state, self.ledger
        for name, instrument in NAMES.items():
            listed = self.venue.profile.plays[name]
            held = self.units(ledger.net(listed))
            assert state.net_size(ACCOUNT, instrument) == held, name
            if self.model == "hedging":
                legs = {
                    one.position_id: self.units(one.size)
                    for one in ledger.positions.values()
                    if one.symbol == listed
                }
                booked = state.legs(ACCOUNT, instrument)
                assert {one.position_id: one.size for one in booked} == legs, name
        sent = [one.client_id.partition("_")[0] for one in ledger.orders.values()]
        assert len(sent) == len(set(sent)), "an order arrived twice"
        for one in ledger.orders.values():
            mine = state.order(one.client_id.partition("_")[0])
            assert mine is not None and mine.cum_size == self.units(one.filled)
            assert mine.working == (one.state not in ENDED)
            if mine.working and mine.type == "limit":
                wanted = (self.units(one.size), one.price, None)
                assert (mine.size, mine.price, mine.wanted) == wanted

    def units(self, count: int) -> int:
        """Returns in units what the venue counts."""
        size, rest = divmod(count * self.contract, SIZE_ONE)
        assert not rest
        return int(size)


def run(
    story: Callable[[Stage], Coroutine[Any, Any, None]],
    *faults: Fault,
    made: Profile | None = None,
    timing: Timing = QUICK,
    ack_ms: int = 400,
    login: str = "1000002",
    contract: int = SIZE_ONE,
    model: str = "netting",
    tls: ssl.SSLContext | None = None,
    **settings: Any,
) -> FixVenue:
    """Tells a story on a fresh provider; returns it with its truth."""
    seed = seed_of_test()
    random.seed(seed)
    made = made or profile("ctrader")
    venue = FixVenue(made, seed, faults)

    async def told() -> None:
        ports = await venue.listen(tls=tls)
        chosen: dict[str, Any] = {
            "host": "127.0.0.1",
            "ports": ports,
            "tls": tls is not None,
            "sender_comp_id": "demo.thft.1000002",
            "username": "1000002",
            "password": "env:THFT_TEST_PASSWORD",
            "calendar": False,
            **settings,
        }
        given = FixSettings(**chosen)
        stage = Stage(venue, made.dialect, given, timing, ack_ms, login, contract, model=model)
        try:
            await story(stage)
        finally:
            for engine in stage.engines:
                engine.client.stop()
                if engine._timer is not None:
                    engine._timer.cancel()
            venue.close()
            for task in stage.tasks:
                task.cancel()
            await asyncio.gather(*stage.tasks, return_exceptions=True)

    asyncio.run(told())
    return venue

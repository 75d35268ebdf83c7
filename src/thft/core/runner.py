"""The core process: journal, kernel, gateways and loop in one thread; started by `thft core`."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from thft import __version__
from thft.base.errors import LocalError, ThftError
from thft.core.catalogue import Catalogue, load_catalogue
from thft.core.command_tail import CommandTail
from thft.core.config import Config
from thft.core.fatal import FatalTrace, Stuck
from thft.core.gateways import FixStores, Gateways
from thft.core.recover import recover
from thft.core.room import require_room
from thft.core.seed import seed_events
from thft.core.upkeep import Upkeep
from thft.core.watchdog import Watchdog
from thft.gateway.port import Trading
from thft.host.clock import EngineClock, MarketClock
from thft.host.notify import READY, STOPPING, TURNING, Notifier
from thft.model import event as ev
from thft.model.book import Levels
from thft.model.order import Order
from thft.model.position import Position
from thft.stream.disk import DiskFailed, JournalFull, JournalPoisoned
from thft.stream.journal import Journal

JOURNAL_ERRORS = (JournalFull, DiskFailed, JournalPoisoned)
GOODBYE_S = 2.0
"""Venues get so long to answer our Logout."""

log = logging.getLogger("thft.core")


class Core:
    """One engine: implements the gateways' inbox over the kernel."""

    def __init__(self, config: Config, directory: Path) -> None:
        """Recovers the journal in `directory` and writes the start of this run.

        Raises LocalError when it cannot start; the log is then as it was found.
        """
        self.config = config
        self.directory = directory
        catalogue = load_catalogue(config.strategy_dir)
        require_room(directory / "core", config.journal)
        self.journal = Journal.open(
            directory / "core",
            instance="",
            created_ns=EngineClock().now_ns(),
            segment_bytes=config.journal.segment_mib << 20,
            unsynced_bound=config.journal.unsynced_mib << 20,
        )
        try:
            self._open(catalogue)
        except BaseException:
            self.journal.discard()
            raise

    def _open(self, catalogue: Catalogue) -> None:
        config, directory = self.config, self.directory
        market = config.clock.source == "market"
        last_seq = self.journal.recovered.last_seq
        self.kernel, note = recover(directory / "core", catalogue, config.seed, last_seq)
        last_ns = self.kernel.lane.now_ns
        self.clock: EngineClock | MarketClock = (
            MarketClock(max(config.clock.start_ns, last_ns), config.clock.speed or None)
            if market
            else EngineClock(last_ns)
        )
        self.lock_step = market and not config.clock.speed
        self.kernel.attach(self.journal.buffer, self.journal.buffer)
        self.watchdog = Watchdog(self.kernel.lane)
        self.upkeep = Upkeep(self)
        self._halts: dict[str, str] = {}
        """Accounts that the engine itself has halted, and why; a person restarts the core."""
        self._said: dict[str, tuple[str, str]] = {}
        """What each account's gateway said last."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_ns = 0
        self._closed = False
        self._stopped = asyncio.Event()
        self._notifier = Notifier()
        self._trace = FatalTrace(directory / "core")
        self._stores = FixStores(config, directory)
        self._start(catalogue, note)
        self._gateways = Gateways(self, config, self.kernel.state, self._stores, directory)

    def _start(self, catalogue: Catalogue, note: str) -> None:
        recovered, state = self.journal.recovered, self.kernel.state
        self.kernel.process(
            ev.CoreStarted(
                state.instance or secrets.token_hex(2),
                recovered.epoch,
                self.config.mode,
                __version__,
                "",
                self.config.seed,
                recovered.last_seq,
                recovered.cut_bytes,
                note or recovered.cut_reason,
            ),
            self.clock.now_ns(),
        )
        stuck = self._trace.stuck(catalogue)
        self._disable_stuck(stuck)
        self._notifier.say(TURNING)
        for event in seed_events(self.config, self.kernel, catalogue):
            if isinstance(event, ev.StrategyLoaded) and stuck and event.kind == stuck.kind:
                event = msgspec.structs.replace(event, enabled=False)
            self.kernel.process(event, self.clock.now_ns())
        self._disable_stuck(stuck)
        self.journal.flush()
        self.journal.sync_now()
        self._trace.arm()

    def _disable_stuck(self, stuck: Stuck | None) -> None:
        """Disables the strategies of the code that the core before this one hung in."""
        for record in self.kernel.state.strategies.values():
            if stuck and record.kind == stuck.kind and record.reason != stuck.reason:
                event = ev.StrategyStuck(record.strategy, stuck.reason)
                self.kernel.process(event, self.clock.now_ns())

    def turning(self) -> None:
        """Tells whoever started this process that the loop turns."""
        self._notifier.say(TURNING)

    # ---- inbox: what gateways call -------------------------------------------------------------

    def now_ns(self) -> int:
        return self.clock.now_ns()

    def market_time(self, ns: int) -> None:
        self.clock.advance(ns)

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
        self.kernel.quote(
            feed, instrument, bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns
        )

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
        self.kernel.trade(
            feed, instrument, price, size, aggressor, venue_ts_ns, venue_trade_id, recv_ts_ns
        )

    def market(self, records: bytes, recv_ts_ns: int) -> bool:
        self.kernel.market(records, recv_ts_ns)
        return bool(self.kernel.effects)

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        log.info("feed %s %s: %s", feed, state, reason)
        self.kernel.process(ev.FeedState(feed, state, reason), self.now_ns(), feed)

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        self.kernel.process(ev.FeedFault(feed, instrument, fault, detail), self.now_ns(), feed)

    def last_price_ns(self, feed: int) -> int:
        books = self.kernel.state.books.items()
        return max((book.recv_ts_ns for (owner, _), book in books if owner == feed), default=0)

    def connect_attempt(self, feed: int, link: str) -> None:
        self.kernel.process(ev.ConnectAttempted(feed, link), self.now_ns(), feed)
        self.turn_end()

    def feed_stamps(self, feed: int, source: str) -> None:
        self.kernel.process(ev.FeedStamps(feed, source), self.now_ns(), feed)

    def symbol(self, said: ev.SymbolSpecified) -> None:
        self.kernel.process(said, self.now_ns(), said.feed)

    def execution(self, report: ev.ExecutionReport | ev.ReplaceReport) -> None:
        self.kernel.process(report, self.now_ns())

    def account_state(self, account: str, state: str, reason: str, session: int) -> None:
        before = self.kernel.state.accounts[account]
        stands = before.state, before.reason
        if before.state == "HALTED" and stands != self._said.get(account):
            self._halts.setdefault(account, before.reason)
        if state in ("READY", "DEGRADED") and account in self._halts:
            state, reason = "HALTED", self._halts[account]
        self._said[account] = state, reason
        log.info("account %s %s: %s", account, state, reason)
        self.kernel.process(ev.AccountState(account, state, reason, session), self.now_ns())

    def booked(self, account: str) -> list[Position]:
        return self.kernel.state.legs(account)

    def metric(self, kind: str, id: str, values: tuple[tuple[str, int], ...]) -> None:
        self.kernel.process(ev.MetricSnapshot(0, kind, id, values), self.now_ns())

    def turn_end(self) -> None:
        """Writes the turn, then lets its effects leave."""
        if self._closed:
            return  # a socket's last words after the end
        if self._broken is not None:
            self._stopped.set()
            return  # half an input is nothing to write, and nothing to act on
        self.journal.flush()
        effects = self.kernel.take_effects()
        if effects:
            self._deliver(effects)
        self._schedule_timer()

    def _deliver(self, effects: list[tuple[str, Order]]) -> None:
        """Hands effects to their gateways; an account without one has no way out any more."""
        touched: dict[str, Trading] = {}
        for kind, order in effects:
            gateway = self._gateways.trading.get(order.account)
            if gateway is not None:
                gateway.take(kind, order)
                touched[order.account] = gateway
        for gateway in touched.values():
            gateway.flush()

    @property
    def _broken(self) -> Exception | None:
        """Why the kernel is not to be trusted; a journal that failed says so at its next write."""
        failure = self.kernel.failure
        return None if isinstance(failure, JOURNAL_ERRORS) else failure

    # ---- the loop ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT, then ends the journal cleanly."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        self.watchdog.start()
        commands = CommandTail(self.directory / "api", self.kernel.state.api_seq, self._command)
        gateways = [asyncio.ensure_future(one.run()) for one in self._gateways.all]
        work = [*self.upkeep.work(), commands.run()]
        tasks = [*gateways, *(asyncio.ensure_future(one) for one in work)]
        self._schedule_timer()
        self._notifier.say(READY)
        waiting = asyncio.ensure_future(self._stopped.wait())
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        if self._broken is not None:
            await self._let_go(tasks)
            raise _failed(self._broken)
        await self._stop(gateways, tasks)
        for task in done:
            if task is not waiting:
                task.result()  # a loop that ended by itself failed: say so

    async def _let_go(self, tasks: Sequence[asyncio.Future[None]]) -> None:
        """Ends as a kill would: what was written stays, and nothing is added to it."""
        self._closed = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.watchdog.stop()
        await self.upkeep.stop()
        self.journal.abandon()
        self._stores.close()
        self._trace.close()
        self._notifier.close()

    async def _stop(
        self, gateways: Sequence[asyncio.Future[None]], tasks: Sequence[asyncio.Future[None]]
    ) -> None:
        self._notifier.say(STOPPING)
        self._gateways.stop()
        if gateways:
            await asyncio.wait(gateways, timeout=GOODBYE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.watchdog.stop()
        await self.upkeep.stop()
        self.turn_end()
        await self.upkeep.save_snapshot()
        self._closed = True
        self.journal.close()
        self._stores.close()
        self._trace.close()
        self._notifier.close()

    def _command(self, command: ev.CommandReceived) -> None:
        self.kernel.process(command, self.now_ns())
        self.turn_end()

    def _schedule_timer(self) -> None:
        """Wakes the loop when the kernel's next timer is due (lock-step time wakes itself)."""
        due_ns = self.kernel.lane.next_due_ns
        if self.lock_step or due_ns == self._timer_due_ns:
            return
        self._timer_due_ns = due_ns
        if self._timer is not None:
            self._timer.cancel()
        wait_s = min(max(due_ns - self.now_ns(), 0) / 1e9, 1.0)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._timer_due)

    def _timer_due(self) -> None:
        self._timer_due_ns = 0
        try:
            self.kernel.fire_due(self.now_ns())
        finally:
            self.turn_end()


def _failed(error: Exception) -> LocalError:
    """Returns what a core says that ends because its kernel could not take an input."""
    if isinstance(error, LocalError):
        return error  # it names its cause and remedy already
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}:{where.lineno}"
    failed = LocalError(
        f"the kernel could not take an input: {type(error).__name__}: {error} ({place})",
        "a fault of the engine: keep the journal and report it; a new core begins before it",
    )
    failed.__cause__ = error
    return failed


def run(config: Config, directory: Path) -> ThftError | None:
    """Runs a core until it is told to stop; returns why it had to end by itself, None if not.

    Raises LocalError when it cannot start.
    """
    import uvloop

    async def main() -> ThftError | None:
        core = Core(config, directory)
        try:
            await core.run()
        except ThftError as failure:
            return failure
        return None

    return uvloop.run(main())

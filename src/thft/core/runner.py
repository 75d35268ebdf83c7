"""The core process: journal, kernel, gateways and loop in one thread; started by `thft core`."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from thft import __version__
from thft.base.backoff import Backoff, ConnectBudget
from thft.base.errors import ThftError
from thft.base.prng import Prng
from thft.core.catalogue import Catalogue, load_catalogue
from thft.core.command_tail import CommandTail
from thft.core.config import Config
from thft.core.fatal import FatalTrace, Stuck
from thft.core.recover import recover
from thft.core.room import require_room
from thft.core.seed import seed_events
from thft.core.upkeep import Upkeep
from thft.core.watchdog import Watchdog
from thft.gateway.binance import BinanceDialect
from thft.gateway.kraken import KrakenDialect
from thft.gateway.port import Dialect, EngineInbox, Level
from thft.gateway.websocket import WebSocketFeed
from thft.host.clock import EngineClock, MarketClock
from thft.host.notify import READY, STOPPING, TURNING, Notifier
from thft.model import event as ev
from thft.stream.journal import Journal

DIALECTS: dict[str, Callable[[EngineInbox, int, dict[str, int]], Dialect]] = {
    "binance": BinanceDialect,
    "kraken": KrakenDialect,
}
BUDGETS = {"binance": (300, 300), "kraken": (60, 60)}
"""Connection attempts and seconds a venue allows from one address."""

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
        self._feeds: list[WebSocketFeed] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_ns = 0
        self._stopped = asyncio.Event()
        self._notifier = Notifier()
        self._trace = FatalTrace(directory / "core")
        self._start(catalogue, note)

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
        bids: Sequence[Level],
        asks: Sequence[Level],
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        self.kernel.process(
            ev.Depth(feed, instrument, reset, tuple(bids), tuple(asks), venue_ts_ns, venue_seq),
            recv_ts_ns,
            feed,
        )

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        log.info("feed %s %s: %s", feed, state, reason)
        self.kernel.process(ev.FeedState(feed, state, reason), self.now_ns(), feed)

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        self.kernel.process(ev.FeedFault(feed, instrument, fault, detail), self.now_ns(), feed)

    def turn_end(self) -> None:
        self.journal.flush()
        self.kernel.take_effects()  # paper accounts only: nothing leaves the process
        self._schedule_timer()

    # ---- the loop ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT, then ends the journal cleanly."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        self.watchdog.start()
        commands = CommandTail(self.directory / "api", self.kernel.state.api_seq, self._command)
        work = [*(feed.run() for feed in self._make_feeds()), *self.upkeep.work(), commands.run()]
        tasks = [asyncio.ensure_future(one) for one in work]
        self._schedule_timer()
        self._notifier.say(READY)
        waiting = asyncio.ensure_future(self._stopped.wait())
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        await self._stop(tasks)
        for task in done:
            if task is not waiting:
                task.result()  # a loop that ended by itself failed: say so

    async def _stop(self, tasks: Sequence[asyncio.Future[None]]) -> None:
        self._notifier.say(STOPPING)
        for feed in self._feeds:
            feed.stop()
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.watchdog.stop()
        await self.upkeep.stop()
        self.turn_end()
        await self.upkeep.save_snapshot()
        self.journal.close()
        self._trace.close()
        self._notifier.close()

    def _make_feeds(self) -> list[WebSocketFeed]:
        prng = Prng(secrets.randbits(64))  # jitter of reconnects is no decision of the kernel
        ids = {record.definition.name: feed for feed, record in self.kernel.state.feeds.items()}
        budgets: dict[str, ConnectBudget] = {}
        for venue in self.config.venues:
            attempts, seconds = BUDGETS[venue.dialect]
            budget = budgets.setdefault(
                venue.dialect, ConnectBudget(attempts, seconds * 1_000_000_000)
            )
            feed = ids[venue.name]
            definition = self.kernel.state.feeds[feed].definition
            symbols = {name: instrument for instrument, name in definition.symbols}
            self._feeds.append(
                WebSocketFeed(
                    self,
                    feed,
                    venue.url,
                    partial(DIALECTS[venue.dialect], self, feed, symbols),
                    Backoff(prng),
                    budget,
                )
            )
        return self._feeds

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
        self.kernel.fire_due(self.now_ns())
        self.turn_end()


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

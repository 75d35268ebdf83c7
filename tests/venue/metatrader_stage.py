"""The bridge between a simulated terminal and a real kernel, and stories told with them."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import uvloop
from msgspec import structs
from tests.engine import Recorder, catalogue
from tests.venue.fix_engine import ACCOUNT, FEED, NAMES, WAIT_S, Engine, Hand

from thft.gateway.gate import Gate
from thft.gateway.limiter import Throttle
from thft.gateway.metatrader.account import MetaTraderAccount, Wanted
from thft.gateway.metatrader.bridge import Bridge
from thft.gateway.metatrader.clock import ServerClock
from thft.gateway.metatrader.readiness import Timing
from thft.gateway.metatrader.settings import BridgeSettings, MetaTraderSettings
from thft.kernel.engine import Kernel
from thft.model import event as ev
from thft.model.fixed import PRICE_ONE, SIZE_ONE, parse_price
from thft.sim.metatrader.expert import Expert, Login
from thft.sim.metatrader.terminal import Terminal

KEY = bytes(range(32))
MICRO = 1_000 * SIZE_ONE
"""Units of 0.01 lots."""
QUICK = Timing(answer_s=1.0, poll_s=0.5, settle_s=0.05, soon_s=0.005, pass_s=0.05)
LOGIN = Login(key=KEY, timer_s=0.005, first_wait_s=0.02, refused_wait_s=0.05)
SETTINGS = MetaTraderSettings(
    login="51001234",
    server="Broker-Demo",
    key_id="k1",
    key="env:THFT_TEST_MT_KEY",
    order_ttl_ms=10_000,
)


class TerminalEngine(Engine):
    """An engine that wants prints too."""

    def trade(self, feed: int, instrument: int, *values: int) -> None:
        price, size, aggressor, venue_ts_ns, number, recv_ts_ns = values
        self.kernel.trade(feed, instrument, price, size, aggressor, venue_ts_ns, number, recv_ts_ns)


@dataclass
class Stage:
    """One terminal with its EA, and the engines that come and go."""

    terminal: Terminal
    model: str = "netting"
    ack_ms: int = 400
    heartbeat_s: float = 0.1
    silence_s: float = 5.0
    account_name: str = ACCOUNT
    settings: MetaTraderSettings = SETTINGS
    timing: Timing = QUICK
    per_s: int = 100
    certificate: str = ""
    key: str = ""
    trust: ssl.SSLContext | None = None
    port: int = 0
    bridges: list[Bridge] = field(default_factory=list)
    tasks: list[asyncio.Future[Any]] = field(default_factory=list)
    experts: list[Expert] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    async def engine(self, before: Engine | None = None, **changes: Any) -> Engine:
        """Starts an engine that listens; the kernel of one before goes on."""
        journal = before.journal if before else Recorder()
        kernel = before.kernel if before else Kernel(catalogue(Hand), 1)
        engine = TerminalEngine(None, kernel, journal)  # type: ignore[arg-type]
        kernel.attach(journal.buffer, journal.buffer)
        self._define(engine, before is None)
        logons = kernel.state.accounts[ACCOUNT].session
        hedged = kernel.state.hedged(ACCOUNT)
        books = {one: kernel.state.book(FEED, one) for one in NAMES.values()}
        ends = {one: (book.venue_seq, book.trade_id) for one, book in books.items()}
        account = MetaTraderAccount(
            engine,
            self.terminal.platform,
            structs.replace(self.settings, **changes),
            Wanted(FEED, dict(NAMES), self.account_name, logons, hedged, ends, True),
            Gate(Throttle(self.per_s, 500, {})),
            ServerClock(),
            self.timing,
        )
        engine.client = account  # type: ignore[assignment]
        settings = BridgeSettings(
            port=self.port,
            certificate=self.certificate,
            key=self.key,
            heartbeat_s=self.heartbeat_s,
            silence_s=self.silence_s,
        )
        bridge = Bridge(settings, [account], self.reports.append)
        self.bridges.append(bridge)
        self.tasks.append(asyncio.ensure_future(bridge.run()))
        await self.until(lambda: bridge.port > 0, "a port")
        self.port = bridge.port
        return engine

    def _define(self, engine: Engine, fresh: bool) -> None:
        epoch = engine.kernel.state.epoch + 1
        engine.input(ev.CoreStarted("ab12", epoch, "paper", "0", "", 1, 0, 0, ""))
        if not fresh:
            return
        point, step = PRICE_ONE // 100_000, SIZE_ONE
        for name, number in NAMES.items():
            terms = number, name, 5, point * 10, point, step, step, "USD"
            engine.input(ev.InstrumentDefined(*terms))
        symbols = tuple((number, name) for name, number in NAMES.items())
        engine.input(ev.FeedDefined(FEED, "slow", "mt5", "slow", symbols))
        ack_ns = self.ack_ms * 1_000_000
        engine.input(ev.AccountDefined(ACCOUNT, "venue", self.model, "USD", FEED, 0, 0, 0, ack_ns))
        engine.input(ev.StrategyLoaded("hand", "hand", "hash of hand", b"{}", b"{}", True))

    def expert(self, **changes: Any) -> Expert:
        """Starts an EA."""
        login = Login(**{**vars(LOGIN), **changes})
        expert = Expert(self.terminal, "127.0.0.1", self.port, login, self.trust)
        self.experts.append(expert)
        self.tasks.append(asyncio.ensure_future(expert.run()))
        return expert

    async def ready(self, **login: Any) -> tuple[Engine, Expert]:
        """Returns an engine whose feed and account are READY, and the EA."""
        for name in NAMES:
            self.tick(name)
        engine = await self.engine()
        expert = self.expert(**login)
        await self.settled(engine)
        return engine, expert

    async def settled(self, engine: Engine) -> None:
        """Waits for feed and account to be READY, and for a price of each symbol."""

        def holds() -> bool:
            return engine.account == "READY" and engine.feed == "READY"

        await self.until(holds, "READY", engine)
        before = len(engine.quotes)
        for name in NAMES:  # what came before READY is not traded on
            self.tick(name)
        await self.until(lambda: len(engine.quotes) >= before + len(NAMES), "prices", engine)

    def tick(self, symbol: str = "EURUSD", bid: str = "1.17000", ask: str = "1.17004") -> None:
        self.terminal.tick(symbol, parse_price(bid), parse_price(ask))

    async def until(
        self, holds: Callable[[], bool], what: str, engine: Engine | None = None, s: float = WAIT_S
    ) -> None:
        deadline = time.monotonic() + s
        while not holds():
            for task in self.tasks:
                if task.done() and not task.cancelled():
                    task.result()
            if time.monotonic() >= deadline:
                shown = engine and (engine.feed_states[-4:], engine.account_states[-4:])
                said = [expert.said[-3:] for expert in self.experts]
                raise AssertionError(f"no {what}: {shown} {engine and engine.faults[-4:]} {said}")
            await asyncio.sleep(0.002)

    async def over(self, engine: Engine) -> None:
        """Ends an engine as a kill does: without a word."""
        bridge = self.bridges[-1]
        for server in bridge._servers:
            server.close()
        bridge._servers.clear()
        for link in list(bridge._links):
            link.reason = "killed"
            assert link._transport is not None and link._timer is not None
            link._timer.cancel()
            link._transport.abort()
        engine.client.readiness.end()  # type: ignore[attr-defined]
        if engine._timer is not None:
            engine._timer.cancel()

    def agree(self, engine: Engine) -> None:
        """The engine has booked what the terminal has done, and no order was sent twice."""
        state, terminal = engine.kernel.state, self.terminal
        for name, instrument in NAMES.items():
            legs = {
                str(row.ticket): row.volume * 100_000 * (1 if row.side == "buy" else -1)
                for row in terminal.positions.values()
                if row.symbol == name
            }
            booked = state.legs(ACCOUNT, instrument)
            if self.model == "hedging":
                assert {one.position_id: one.size for one in booked} == legs, name
            else:
                assert sum(one.size for one in booked) == sum(legs.values()), name
        sent = [row.comment for row in (*terminal.orders.values(), *terminal.closed.values())]
        assert len(sent) == len(set(sent)), "an order arrived twice"


def run(
    story: Callable[[Stage], Coroutine[Any, Any, None]],
    terminal: Terminal | None = None,
    **how: Any,
) -> Stage:
    """Tells a story on a fresh terminal; returns the stage with its truth."""
    stage = Stage(terminal or Terminal(), **how)

    async def told() -> None:
        try:
            await story(stage)
        finally:
            for expert in stage.experts:
                expert.stop()
            for bridge in stage.bridges:
                bridge.close()
            for task in stage.tasks:
                task.cancel()
            await asyncio.gather(*stage.tasks, return_exceptions=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # the loop of the core
        runner.run(told())
    return stage

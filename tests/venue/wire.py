"""A gateway on a real socket to a simulated venue, its calls recorded; used by the venue matrix.

The recorder stands where the core stands: it implements the inbox and keeps what it is given.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, NamedTuple

from tests.venue.cases import CASES

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.prng import Prng
from thft.gateway.calendar import Calendar
from thft.gateway.gate import Gate
from thft.gateway.limiter import Window
from thft.gateway.port import PartialInbox
from thft.gateway.supervisor import loop_ns
from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.feed import Liveness, WebSocketFeed
from thft.gateway.ws.venues import broker_throttle
from thft.model.book import DepthBook, Levels
from thft.model.event import ExecutionReport, ReplaceReport, SymbolSpecified
from thft.model.position import Position

FEED = 7
QUICK = Liveness(probe_s=0.1, stale_s=0.4, healthy_s=60, connect_s=2.0, max_frame_bytes=64 << 10)


class Quote(NamedTuple):
    """A quote as the inbox got it."""

    instrument: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int
    venue_seq: int


class Trade(NamedTuple):
    """A public trade as the inbox got it."""

    instrument: int
    price: int
    size: int
    aggressor: int
    venue_ts_ns: int
    venue_trade_id: int


class Recorder(PartialInbox):
    """Keeps states, faults, quotes, trades and folded books in the order of the calls."""

    def __init__(self) -> None:
        self.states: list[tuple[str, str]] = []
        self.faults: list[tuple[int, str, str]] = []
        self.quotes: list[Quote] = []
        self.trades: list[Trade] = []
        self.books: dict[int, DepthBook] = {}
        self.batches = 0
        self.last_ns = 0
        self.attempts = 0
        self.market_times: list[int] = []
        self.metrics: list[tuple[str, str, tuple[tuple[str, int], ...]]] = []
        self.turns: list[int] = []
        """How much each turn brought."""
        self.acts = False
        """Every batch of market data has effects."""
        self._in_turn = 0

    def now_ns(self) -> int:
        return time.time_ns()

    def market_time(self, ns: int) -> None:
        self.market_times.append(ns)

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
        assert feed == FEED and recv_ts_ns > 0
        self._in_turn += 1
        self.last_ns = recv_ts_ns
        self.quotes.append(Quote(instrument, bid, bid_size, ask, ask_size, venue_seq))

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
        assert feed == FEED
        self._in_turn += 1
        self.last_ns = recv_ts_ns
        self.batches += 1
        self.books.setdefault(instrument, DepthBook()).apply(reset, bids, asks)

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
        assert feed == FEED and recv_ts_ns > 0
        self._in_turn += 1
        self.trades.append(Trade(instrument, price, size, aggressor, venue_ts_ns, venue_trade_id))

    def market(self, records: bytes, recv_ts_ns: int) -> bool:
        super().market(records, recv_ts_ns)
        return self.acts

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        self.states.append((state, reason))

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        self.faults.append((instrument, fault, detail))

    def last_price_ns(self, feed: int) -> int:
        return self.last_ns

    def connect_attempt(self, feed: int, link: str) -> None:
        self.attempts += 1

    def feed_stamps(self, feed: int, source: str) -> None:
        raise AssertionError("a WebSocket is stamped when it is read")

    def symbol(self, said: SymbolSpecified) -> None:
        raise AssertionError("a WebSocket has no list of symbols")

    def execution(self, report: ExecutionReport | ReplaceReport) -> None:
        raise AssertionError("a feed has no orders")

    def account_state(self, account: str, state: str, reason: str, session: int) -> None:
        raise AssertionError("a feed has no account")

    def booked(self, account: str) -> list[Position]:
        raise AssertionError("a feed has no positions")

    def metric(self, kind: str, id: str, values: tuple[tuple[str, int], ...]) -> None:
        self.metrics.append((kind, id, values))

    def turn_end(self) -> None:
        if self._in_turn:
            self.turns.append(self._in_turn)
            self._in_turn = 0

    @property
    def state(self) -> str:
        return self.states[-1][0] if self.states else "DISABLED"

    def reasons(self, state: str) -> list[str]:
        return [reason for known, reason in self.states if known == state]


class Wire:
    """One venue, one feed. `ready` waits until both symbols have data."""

    def __init__(
        self,
        name: str,
        budget: ConnectBudget | None = None,
        limit: tuple[int, int] | None = None,
        calendar: Calendar | None = None,
        **liveness: Any,
    ) -> None:
        """`limit`: so many messages of ours in so many ns; without it only the broker's limit."""
        self.case = CASES[name]
        self.venue = self.case.venue()
        self.inbox = Recorder()
        self.symbols = list(self.case.symbols)
        self._limit = limit
        self._calendar = calendar
        self._rest_url = ""
        self._budget = budget or ConnectBudget(100, 1_000_000_000)
        self._liveness = replace(QUICK, **liveness)

    async def __aenter__(self) -> Wire:
        if self.venue.has_rest:
            self._rest_url = f"http://127.0.0.1:{await self.venue.listen_rest()}"
        await self.connect(await self.venue.listen())
        return self

    async def connect(self, port: int, url: str = "") -> None:
        """Starts the feed against whatever listens on a port, or at another address."""
        record, limit = self.case.venue_record(), self._limit
        wanted = Wanted(FEED, self.case.symbols, self.case.book or record.books[0], trades=True)
        self.feed = WebSocketFeed(
            self.inbox,
            FEED,
            url or f"ws://127.0.0.1:{port}/ws",
            lambda: record.dialect(self.inbox, wanted),
            backoff=Backoff(Prng(1), first_ms=20, cap_ms=100),
            budgets=[self._budget],
            gate=Gate(broker_throttle(), loop_ns),
            windows=lambda: [Window(*limit)] if limit else [],
            liveness=self._liveness,
            rest_url=self._rest_url,
            calendar=self._calendar,
        )
        self.running = asyncio.ensure_future(self.feed.run())

    async def __aexit__(self, *_: object) -> None:
        self.feed.stop()
        await asyncio.wait_for(self.running, 5)
        await self.venue.close()

    def tick(self, symbol: int = 0, bid: str = "1.17000", ask: str = "1.17008") -> None:
        self.venue.tick(self.symbols[symbol], bid, "1000000", ask, "2000000", 0)

    async def ready(self, times: int = 1) -> None:
        """Waits for the READY state to have come so often, with ticks for both symbols."""
        await self.until(lambda: bool(self.venue.counts.subscribes), "subscription")
        self.tick(0)
        self.tick(1)
        await self.until(lambda: len(self.inbox.reasons("READY")) >= times, "READY")

    async def until(self, holds: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
        """Waits for a condition; says what was there when it does not come."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                inbox = self.inbox
                raise AssertionError(f"no {what}: states {inbox.states}, faults {inbox.faults}")
            await asyncio.sleep(0.002)

    async def settled(self) -> None:
        """Returns once everything sent so far has been taken: a marker message comes last."""
        before = len(self.inbox.faults)
        self.venue.send_raw(b'{"channel":"marker"}')
        await self.until(
            lambda: any("marker" in detail for _, _, detail in self.inbox.faults[before:]), "marker"
        )
        self.inbox.faults = [fault for fault in self.inbox.faults if "marker" not in fault[2]]


def run(story: Callable[[Wire], Coroutine[Any, Any, None]], name: str, **options: Any) -> Recorder:
    """Runs a story on a fresh wire in a loop of its own; returns what the inbox got."""

    async def told() -> Recorder:
        async with Wire(name, **options) as wire:
            await story(wire)
        return wire.inbox

    return asyncio.run(told())

"""Drives a fast and a slow venue: from the market model, or from quote files; run by `thft venue`.

The model's slow venue is a cTrader provider by FIX, where orders are executed. Quote files are
played on two WebSocket venues: paced, which follows the wall clock times `speed`, or in lock-step,
as fast as the sockets allow and exact: market time travels as ping payload before each message, and
the sender switches venues only when the engine has taken everything sent before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from thft.sim.fix.profile import profile
from thft.sim.fix_lp import FixVenue
from thft.sim.market_model import FAST, MarketModel, Tick, decimal_text
from thft.sim.quote_file import FileTick
from thft.sim.ws.binance import BinanceVenue
from thft.sim.ws.kraken import KrakenVenue
from thft.sim.ws.server import VenueServer

FILE_SYMBOL, FILE_SYMBOL_SLOW = "EURUSD", "EUR/USD"
FILL_MS = (5, 25)
"""How long an order takes to the provider's market."""
TELL_EVERY_NS = 1_000_000_000


class DemoMarket:
    """Both venues of the model."""

    def __init__(self) -> None:
        self.fast = BinanceVenue()
        self.slow = FixVenue(profile("ctrader").with_quirks(fill_ms=FILL_MS))

    async def listen(self) -> dict[str, int]:
        """Starts both; returns the ports: `binance`, and `quote` and `trade` of the provider."""
        return {"binance": await self.fast.listen(), **await self.slow.listen()}

    async def close(self) -> None:
        """Ends both."""
        await self.fast.close()
        await self.slow.stop("the venue is stopped")

    async def subscribed(self) -> None:
        """Returns once the engine listens to both venues."""
        await asyncio.gather(self.fast.subscribed(), self.slow.subscribed())

    async def run_model(self, seed: int, speed: float = 1.0) -> None:
        """Plays the seeded model at `speed` times its own pace until cancelled."""
        start_ns = time.time_ns()
        began = time.monotonic_ns()
        model = MarketModel(seed, start_ns)
        while True:
            elapsed = int((time.monotonic_ns() - began) * speed)
            for tick in model.advance(start_ns + elapsed):
                self._send(tick)
            await asyncio.sleep(0.002)

    def _send(self, tick: Tick) -> None:
        venue = self.fast if tick.venue == FAST else self.slow
        bid, ask = decimal_text(tick.bid, tick.digits), decimal_text(tick.ask, tick.digits)
        venue.tick(tick.symbol, bid, tick.size, ask, tick.size, tick.ts_ns)


class FileMarket:
    """Both venues of quote files and what has been sent to each."""

    def __init__(self) -> None:
        self.fast = BinanceVenue()
        self.slow = KrakenVenue()

    async def listen(self) -> dict[str, int]:
        """Starts both; returns the ports: `binance` and `kraken`."""
        return {"binance": await self.fast.listen(), "kraken": await self.slow.listen()}

    async def close(self) -> None:
        """Ends both."""
        await self.fast.close()
        await self.slow.close()

    async def subscribed(self) -> None:
        """Returns once the engine listens to both venues."""
        await asyncio.gather(self.fast.subscribed(), self.slow.subscribed())

    @property
    def sent(self) -> dict[str, int]:
        """Ticks sent so far."""
        return {"fast": self.fast.counts.ticks_sent, "slow": self.slow.counts.ticks_sent}

    def _send_row(self, row: FileTick) -> VenueServer:
        if row.venue == FAST:
            self.fast.tick(FILE_SYMBOL, row.bid, row.bid_size, row.ask, row.ask_size, row.ts_ns)
            return self.fast
        self.slow.tick(FILE_SYMBOL_SLOW, row.bid, row.bid_size, row.ask, row.ask_size, row.ts_ns)
        return self.slow

    async def run_paced(self, rows: Iterator[FileTick], speed: float) -> None:
        """Plays rows at `speed` times market time; clients are told that time once a second."""
        first_ns = told_ns = 0
        began = time.monotonic_ns()
        for row in rows:
            first_ns = first_ns or row.ts_ns
            due_ns = int((row.ts_ns - first_ns) / speed)
            elapsed_ns = time.monotonic_ns() - began
            if due_ns > elapsed_ns:
                await asyncio.sleep((due_ns - elapsed_ns) / 1e9)
            if due_ns >= told_ns:
                self._tell_time(row.ts_ns)
                told_ns = due_ns + TELL_EVERY_NS
            self._send_row(row)

    def _tell_time(self, market_ns: int) -> None:
        for session in (*self.fast.sessions, *self.slow.sessions):
            session.stamp(market_ns)

    async def run_locked(self, rows: Iterator[FileTick]) -> None:
        """Plays rows in lock-step: exact order, exact market time, as fast as it goes."""
        current: VenueServer | None = None
        sent, now_ns = 0, 0
        for row in rows:
            venue: VenueServer = self.fast if row.venue == FAST else self.slow
            if current is not None and (venue is not current or sent >= 32):
                await _settle(current, now_ns)
                sent = 0
            current = venue
            if row.ts_ns != now_ns or sent == 0:
                now_ns = row.ts_ns
                for session in venue.sessions:
                    session.stamp(now_ns)
            self._send_row(row)
            sent += 1
        if current is not None:
            await _settle(current, now_ns)


async def _settle(venue: VenueServer, market_ns: int) -> None:
    for session in list(venue.sessions):
        await session.settled(market_ns)

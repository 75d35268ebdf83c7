"""Two days of a WebSocket feed in virtual time: cuts, refusals, silence; every venue.

Real sockets against the venue's simulator, the loop's clock leaps over every pause. What has to
hold: every connection subscribes exactly what is wanted, once; the venue's connect budget is never
exceeded; nobody has to do anything.
"""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest
from tests.venue.cases import CASES
from tests.venue.virtual_loop import run_virtual
from tests.venue.wire import FEED, Recorder

from thft.base.backoff import Backoff
from thft.base.prng import Prng
from thft.gateway.gate import Gate
from thft.gateway.supervisor import loop_ns
from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.feed import WebSocketFeed
from thft.gateway.ws.venues import broker_throttle

ONCE = [name for name, case in CASES.items() if case.record in ("", case.venue_record())]
"""Every venue by one of its channels."""
HOURS = 48
SEED = 20_260


class TwoDays:
    """One venue, one feed, and somebody who cuts the line."""

    def __init__(self, name: str, seed: int) -> None:
        self.case = CASES[name]
        self.venue = self.case.venue()
        self.inbox = Recorder()
        self.random = random.Random(seed)
        self.attempts_s: list[float] = []
        self.ready_after_s: list[float] = []
        self.kinds: dict[str, int] = {}
        self.subscribed: list[list[str]] = []
        """What each good connection had subscribed by the time it was READY."""

    async def run(self) -> None:
        port = await self.venue.listen()
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        record = self.case.venue_record()
        wanted = Wanted(FEED, self.case.symbols, record.books[0])
        counted = self.inbox.connect_attempt

        def attempt(feed: int, link: str) -> None:
            self.attempts_s.append(loop.time())
            counted(feed, link)

        vars(self.inbox)["connect_attempt"] = attempt
        feed = WebSocketFeed(
            self.inbox,
            FEED,
            f"ws://127.0.0.1:{port}/ws",
            lambda: record.dialect(self.inbox, wanted),
            backoff=Backoff(Prng(self.random.getrandbits(60))),
            budgets=[record.budget()],
            gate=Gate(broker_throttle(), loop_ns),
            windows=record.windows,
            rest_url=f"http://127.0.0.1:{port}",
        )
        running = asyncio.ensure_future(feed.run())
        while loop.time() - begin_s < HOURS * 3_600:
            await self._good(feed)
            await asyncio.sleep(self.random.expovariate(1 / 600))
            await self._cut()
        await self._good(feed)
        feed.stop()
        await running
        await self.venue.close()

    async def _good(self, feed: WebSocketFeed) -> None:
        """Waits until the feed is READY by itself, the market quoting meanwhile."""
        began_s = asyncio.get_running_loop().time()
        for _ in range(10_000):
            for symbol in self.case.symbols:
                self.venue.tick(symbol, "1.17000", "1000000", "1.17008", "2000000", 0)
            await asyncio.sleep(0.25)
            if feed.state == "READY":
                break
        assert feed.state == "READY", self.inbox.states[-5:]
        (session,) = self.venue.sessions
        self.subscribed.append(sorted(session.symbols))
        self.ready_after_s.append(asyncio.get_running_loop().time() - began_s)

    async def _cut(self) -> None:
        """Does one of the things that happen to connections."""
        kind = self.random.choice(("drop", "half-open", "refused", "flapping"))
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        faults = self.venue.faults
        if kind == "half-open":
            faults.deaf = True
            await asyncio.sleep(45)
            faults.deaf = False
        elif kind == "refused":
            faults.refuse = True
            self.venue.drop()
            await asyncio.sleep(self.random.uniform(1, 900))
            faults.refuse = False
        else:
            for _ in range(1 if kind == "drop" else 30):
                self.venue.drop()
                await asyncio.sleep(self.random.uniform(0, 1))


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.record == "" or name == "generic"]
)
def test_two_days_of_disconnects_restore_everything_within_the_budget(name: str) -> None:
    print(f"seed {SEED}")
    days = TwoDays(name, SEED)
    run_virtual(days.run())
    assert len(days.subscribed) > 100 and len(days.kinds) == 4
    wanted = sorted(days.case.symbols)
    assert all(subscribed == wanted for subscribed in days.subscribed)
    subscribes = [symbol for call in days.venue.counts.subscribes for symbol in call]
    connections = days.venue.counts.connections
    assert all(subscribes.count(symbol) <= connections for symbol in wanted)  # never twice on one
    attempts, window_s = days.case.venue_record().connect
    ahead = zip(days.attempts_s, days.attempts_s[attempts:], strict=False)
    assert all(then - first >= window_s for first, then in ahead)
    assert max(days.ready_after_s) <= 60 + 30 + 5
    assert min(later - sooner for sooner, later in pairwise(days.attempts_s)) >= 0
    states = [state for state, _ in days.inbox.states]
    assert "HALTED" not in states
    print(
        f"{name}: {len(days.attempts_s)} attempts, {days.kinds}, READY after at most "
        f"{max(days.ready_after_s):.1f} s"
    )

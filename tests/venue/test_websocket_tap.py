"""All WebSocket links of one broker together: no second on the wire beyond its limit.

What the venue reads is counted, requests and signs of life alike, while every link asks for more
than may go.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial
from itertools import count

import pytest
from picows import WSFrame, WSMsgType, WSTransport
from tests.ledger import note
from tests.seeds import seed_of_test
from tests.venue.wire import FEED, Recorder

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.prng import Prng
from thft.gateway.gate import Gate
from thft.gateway.limiter import Throttle, Window
from thft.gateway.supervisor import loop_ns
from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.feed import Liveness, WebSocketFeed
from thft.gateway.ws.venues import VENUES
from thft.sim.ws.binance import BinanceVenue
from thft.sim.ws.server import VenueSession

pytestmark = pytest.mark.alone

LINKS, A_SECOND, ON_ONE_LINK = 3, 60, 25
SECONDS = 4.0
SYMBOLS = {"EURUSD": 1}


class Tap(VenueSession):
    """Notes when each frame was read: link, and what it was."""

    seen: list[tuple[float, int, str]]

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        at_s = asyncio.get_running_loop().time()
        kind = "request" if frame.msg_type == WSMsgType.TEXT else "sign"
        self.seen.append((at_s, id(self), kind))
        if frame.msg_type != WSMsgType.TEXT:
            super().on_ws_frame(transport, frame)


class Inbox(Recorder):
    """One of several feeds."""

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        self.states.append((state, reason))


def _most(times: list[float]) -> int:
    """Returns the most that fall in any one second."""
    begin, most = 0, 0
    for end, at_s in enumerate(times):
        while times[begin] <= at_s - 1.0:
            begin += 1
        most = max(most, end - begin + 1)
    return most


async def _storm(chance: random.Random, tapped: list[tuple[float, int, str]]) -> None:
    Tap.seen = tapped
    venue = BinanceVenue()
    vars(venue)["_accept"] = lambda request: Tap(venue)
    port = await venue.listen()
    gate = Gate(Throttle(100, A_SECOND, {}), loop_ns)
    feeds = [
        WebSocketFeed(
            Inbox(),
            FEED + link,
            f"ws://127.0.0.1:{port}/ws",
            partial(VENUES["binance"].dialect, Inbox(), Wanted(FEED, SYMBOLS)),
            backoff=Backoff(Prng(link), first_ms=20, cap_ms=50),
            budgets=[ConnectBudget(100, 1_000_000_000)],
            gate=gate,
            windows=lambda: [Window(ON_ONE_LINK)],
            liveness=Liveness(probe_s=0.1, stale_s=30.0, mute_s=60.0),
        )
        for link in range(LINKS)
    ]
    running = [asyncio.ensure_future(feed.run()) for feed in feeds]
    loop = asyncio.get_running_loop()
    end_s, numbers = loop.time() + SECONDS, count()
    while loop.time() < end_s:
        feed = chance.choice(feeds)
        if feed.connection is not None:
            burst = [b'{"burst":%d}' % next(numbers) for _ in range(chance.randint(1, 80))]
            feed.connection.answer(burst)
        if chance.random() < 0.05:
            for session in list(venue.sessions):
                if session.transport is not None:
                    session.transport.send_ping(b"storm")
        await asyncio.sleep(chance.random() * 0.05)
    for feed in feeds:
        feed.stop()
    await asyncio.gather(*running)
    await venue.close()


def test_no_second_of_all_links_together_is_over_the_limit() -> None:
    seed = seed_of_test()
    tapped: list[tuple[float, int, str]] = []
    asyncio.run(_storm(random.Random(seed), tapped))
    kinds = Counter(kind for _, _, kind in tapped)
    most = _most([at_s for at_s, _, _ in tapped])
    assert kinds["sign"] > 3 and kinds["request"] > 3
    by_link = {
        link: _most([at_s for at_s, one, kind in tapped if one == link and kind == "request"])
        for link in {one for _, one, _ in tapped}
    }
    assert A_SECOND * 3 // 4 < most <= A_SECOND  # used, and never more
    assert max(by_link.values()) <= ON_ONE_LINK
    note("websocket_tap", seed=seed, messages=len(tapped), most=most, limit=A_SECOND, failures=0)

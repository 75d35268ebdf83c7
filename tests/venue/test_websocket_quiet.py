"""The venue matrix, numbers 32 to 34: a connection without prices, a market that is closed."""

from __future__ import annotations

import asyncio

import pytest
from picows import WSMsgType
from tests.venue.cases import CASES
from tests.venue.wire import Wire, run

from thft.gateway.calendar import Away, Calendar

EVERY = pytest.mark.parametrize("name", CASES)


@EVERY
def test_32_a_connection_without_prices_is_stale_until_one_comes(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        await wire.until(lambda: bool(wire.inbox.reasons("STALE")), "STALE")
        connection = wire.feed.connection
        assert connection is not None
        heard = connection.last_heard
        await wire.until(lambda: connection.last_heard > heard, "a sign of life")
        assert wire.inbox.state == "STALE"
        wire.tick(0, "1.17001")
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY")

    inbox = run(story, name, quiet_s=0.3)
    assert inbox.reasons("STALE")[0].startswith("connected, but no price for ")
    assert inbox.reasons("OFFLINE") == []


class Hours(Calendar):
    """A venue that is away when the test says so."""

    def __init__(self, away: bool) -> None:
        super().__init__(())
        self.is_away = away

    def away(self, utc_ns: int) -> Away | None:
        return Away(utc_ns + 50_000_000, "weekend") if self.is_away else None


@EVERY
def test_33_a_closed_market_is_not_stale_and_not_dialled(name: str) -> None:
    hours = Hours(away=True)

    async def story(wire: Wire) -> None:
        await wire.until(lambda: wire.inbox.state == "CLOSED", "CLOSED")
        await asyncio.sleep(0.15)
        assert wire.inbox.attempts == 0
        hours.is_away = False
        await wire.ready()
        hours.is_away = True
        await wire.until(lambda: wire.inbox.state == "CLOSED", "CLOSED for want of prices")
        assert wire.feed.connection is not None
        wire.tick(0, "1.17001")
        await wire.until(lambda: wire.inbox.state == "READY", "READY by a price")
        wire.venue.drop()
        await wire.until(lambda: wire.inbox.state == "CLOSED", "CLOSED without a connection")
        attempts = wire.inbox.attempts
        hours.is_away = False
        await wire.until(lambda: wire.inbox.attempts > attempts, "an attempt when it opens")
        await wire.until(lambda: wire.feed.connection is not None, "a connection")

    inbox = run(story, name, calendar=hours, quiet_s=0.3)
    assert set(inbox.reasons("CLOSED")) == {"weekend"}
    assert inbox.reasons("STALE") == []


@EVERY
def test_34_a_price_with_a_ping_behind_it_ends_the_silence(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        await wire.until(lambda: wire.inbox.state == "STALE", "STALE")
        wire.tick(0, "1.17001")
        wire.venue.send_raw(b"one read", WSMsgType.PING)
        await wire.until(lambda: wire.inbox.state == "READY", "READY")

    run(story, name, quiet_s=0.3)

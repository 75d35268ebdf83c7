"""A venue that is away by its calendar is CLOSED; one that is there and prices nothing is STALE."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.venue.fix_engine import FEED, Engine, Stage, run

from thft.gateway.calendar import Away, Calendar
from thft.model import event as ev
from thft.model.fixed import ABSENT, parse_price
from thft.sim.fix.profile import PASSWORD

pytestmark = pytest.mark.alone

WORDS = "weekend, until Sun 2026-11-29 17:00 America/New_York"


class Hours(Calendar):
    """Opens and closes when the test says so."""

    def __init__(self) -> None:
        super().__init__(())
        self.closed = False

    def away(self, utc_ns: int) -> Away | None:
        return Away(utc_ns + 60_000_000_000, WORDS) if self.closed else None


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


async def both(stage: Stage, engine: Engine, state: str) -> None:
    await stage.until(lambda: (engine.feed, engine.account) == (state, state), state, engine)


def be_stale_after(engine: Engine, seconds: float) -> None:
    """Changes what was configured; the feed looks again at once."""
    quotes = engine.client.quotes
    quotes._stale_ns = int(seconds * 1e9)
    quotes._listen(0)


async def prices(stage: Stage, engine: Engine) -> None:
    """Ticks until the feed is good."""
    stage.tick()
    stage.tick("GBPUSD")
    await stage.until(lambda: engine.feed == "READY", "READY", engine)


def test_it_logs_out_stays_away_and_comes_back() -> None:
    hours = Hours()

    async def story(stage: Stage) -> None:
        stage.calendar = hours
        engine = await stage.ready()
        hours.closed = True
        await both(stage, engine, "CLOSED")
        assert engine.feed_states[-1][1] == engine.account_states[-1][1] == WORDS
        await stage.until(lambda: not stage.venue.clients, "the end of both sessions", engine)
        before = len(stage.venue.door._owners), stage.venue.door.logons
        denied = engine.submit()
        assert engine.kernel.state.order(denied) is None
        (outcome,) = engine.journal.events(ev.OrderDenied)
        assert outcome.reason == f"account CLOSED: {WORDS}"
        await asyncio.sleep(0.2)
        assert before == (0, 2) == (len(stage.venue.door._owners), stage.venue.door.logons)
        hours.closed = False
        await stage.until(lambda: engine.account == "READY", "account READY", engine)
        await stage.until(lambda: len(stage.venue.clients) == 2, "both sessions", engine)
        await prices(stage, engine)
        order_id = engine.submit()
        await stage.until(lambda: engine.order(order_id).state == "FILLED", "fill", engine)
        stage.agree(engine)
        said = {state for state, _ in engine.feed_states}
        said |= {state for state, _, _ in engine.account_states}
        assert not said & {"OFFLINE", "STALE", "HALTED"}
        assert engine.kernel.state.feeds[FEED].reconnects == 0

    run(story)


def test_it_does_not_even_try_before_the_venue_opens() -> None:
    hours = Hours()
    hours.closed = True

    async def story(stage: Stage) -> None:
        stage.calendar = hours
        engine = stage.engine()
        await both(stage, engine, "CLOSED")
        await asyncio.sleep(0.1)
        assert [state for state, _ in engine.feed_states] == ["CLOSED"]
        assert [state for state, _, _ in engine.account_states] == ["CLOSED"]
        hours.closed = False
        await stage.until(lambda: engine.account == "READY", "account READY", engine)
        hours.closed = True
        await both(stage, engine, "CLOSED")
        engine.client.stop()
        await asyncio.wait_for(stage.tasks[0], 60)

    run(story)


def test_no_quote_is_stale_although_the_session_lives_and_the_next_one_ends_it() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        bought = engine.submit()
        await stage.until(lambda: engine.order(bought).state == "FILLED", "fill", engine)
        be_stale_after(engine, 0.3)
        await stage.until(lambda: engine.feed == "STALE", "STALE", engine)
        assert engine.feed_states[-1][1] == "no quote for 0.3 s, though the session lives"
        book = engine.kernel.state.book(FEED, 1)
        assert not book.tradable and book.bid == ABSENT
        trips = sum(name == f"{FEED}/quote" for _, name, _ in engine.metrics)
        await stage.until(
            lambda: sum(name == f"{FEED}/quote" for _, name, _ in engine.metrics) > trips,
            "a sign of life",
            engine,
        )
        assert engine.feed == "STALE" and engine.account == "READY"
        assert engine.kernel.state.order(engine.submit()) is None
        (outcome,) = engine.journal.events(ev.OrderDenied)
        assert outcome.reason == "no tradable quote"
        sold = engine.submit(-1)  # what reduces risk may go
        await stage.until(lambda: engine.order(sold).state == "FILLED", "fill", engine)
        be_stale_after(engine, 60.0)
        stage.tick(bid="1.17100", ask="1.17104")
        await stage.until(lambda: engine.feed == "READY", "READY", engine)
        await stage.until(lambda: book.tradable, "the quote", engine)
        assert book.bid == parse_price("1.171")
        states = [state for state, _ in engine.feed_states]
        assert states[-3:] == ["READY", "STALE", "READY"] and states.count("CONNECTING") == 1

    run(story)


def test_a_feed_that_is_priced_is_not_stale() -> None:
    """One symbol is enough: another may be quiet at night. A second without a stall is proof."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        be_stale_after(engine, 0.5)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 60.0
        calm = False
        while not calm:
            assert loop.time() < deadline, "no second without a stall"
            said, longest_s, last = len(engine.feed_states), 0.0, loop.time()
            end = last + 1.0
            while loop.time() < end:
                stage.tick("GBPUSD")
                await asyncio.sleep(0.01)
                longest_s, last = max(longest_s, loop.time() - last), loop.time()
            calm = longest_s < 0.2
        assert "STALE" not in {state for state, _ in engine.feed_states[said:]}
        assert engine.feed == "READY"

    run(story)

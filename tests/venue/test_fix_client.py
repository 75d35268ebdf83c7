"""The FIX client on real sockets against the simulated cTrader provider: sessions and quotes."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from tests.venue.fix_engine import ACCOUNT, FEED, NAMES, QUICK, Stage, run

from thft.gateway.dialect import Connect
from thft.model.fixed import ABSENT, parse_price
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD, profile

CUTS = int(os.environ.get("THFT_FIX_CUTS", "100"))


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


def test_quotes_and_account_come_up_and_say_how() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        assert [state for state, _ in engine.feed_states[:3]] == ["CONNECTING", "LOGON", "SYNCING"]
        states = [state for state, _, _ in engine.account_states]
        assert states == ["CONNECTING", "LOGON", "LOGON", "SYNCING", "SYNCING", "READY"]
        stage.tick(bid="1.17100", ask="1.17104")
        book = engine.kernel.state.book(FEED, 1)
        await stage.until(lambda: book.bid == parse_price("1.17100"), "the quote", engine)
        assert book.ask == parse_price("1.17104")
        assert (book.bid_size, book.tradable) == (ABSENT, True)
        await stage.until(lambda: len(engine.metrics) > 4, "round trips", engine)
        kinds = {name for kind, name, _ in engine.metrics if kind == "fix"}
        assert kinds == {f"{FEED}/quote", f"{ACCOUNT}/trade"}

    run(story)


def test_depth_is_built_from_ids_and_matches_the_venues_book() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        choose = random.Random(5)
        for _ in range(60):
            mid = choose.randrange(117_000, 117_060)
            stage.tick(bid=f"{mid / 1e5:.5f}", ask=f"{(mid + 4) / 1e5:.5f}")
        truth = stage.venue.market.books["EURUSD"]
        depth = engine.kernel.state.depths[FEED, 1]
        wanted = {kind: {} for kind in ("0", "1")}  # type: ignore[var-annotated]
        for one in truth.entries.values():
            wanted[one.kind][one.price] = one.size

        def equal() -> bool:
            return dict(depth.bids()) == wanted["0"] and dict(depth.asks()) == wanted["1"]

        await stage.until(equal, f"equal books: {wanted}", engine)
        assert not engine.faults

    run(story, depth=True)


def test_a_lost_depth_message_drops_the_book_and_subscribes_it_again() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.inject(Fault(do="swallow", on="X", link="quote"))
        before = len(stage.venue.market.subscribes)
        for at in range(6):
            stage.tick(bid=f"1.1700{at}", ask=f"1.1710{at}")
            await asyncio.sleep(0.01)
        await stage.until(
            lambda: len(stage.venue.market.subscribes) > before, "a subscription", engine
        )
        stage.tick(bid="1.18000", ask="1.18004")
        book = engine.kernel.state.book(FEED, 1)
        await stage.until(lambda: book.bid == parse_price("1.18"), "the new book", engine)
        assert book.tradable
        assert {fault for _, fault, _ in engine.faults} <= {"gap", "crossed_book"}
        assert engine.feed == "READY"

    run(story, depth=True)


@pytest.mark.slow
def test_every_cut_restores_exactly_what_was_subscribed() -> None:
    """Both sessions, at random moments of their life; the wanted set is subscribed once each."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        choose = random.Random(random.getrandbits(32))
        market = stage.venue.market
        for cut in range(CUTS):
            market.subscribes.clear()
            link = choose.choice(("quote", "trade", ""))
            stage.venue.inject(Fault(do="cut", link=link))
            await asyncio.sleep(choose.choice((0, 0, 0.005, 0.03)))
            await stage.until(
                lambda: (
                    (engine.feed, engine.account) == ("READY", "READY")
                    and {client.terms.name for client in stage.venue.clients} == {"quote", "trade"}
                ),
                f"READY after cut {cut}",
                engine,
            )
            (reader,) = (one for one in market.readers if one.subscriptions)
            carried = [one.symbols for one in reader.subscriptions.values()]
            assert sorted(carried) == [("EURUSD",), ("GBPUSD",)]
            assert len(market.subscribes) % len(NAMES) == 0

    run(story, timing=replace(QUICK, cap_ms=40))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"username": "1000001"}, ("Logon refused", "check user name and password")),
        ({"password": "env:THFT_OTHER"}, ("variable THFT_OTHER is not set", "set THFT_OTHER")),
        ({"sender_comp_id": "demo.thft.7"}, ("Can't route request", "check CompIDs")),
        ({"target_comp_id": "ELSEWHERE"}, ("Can't route request", "check CompIDs")),
    ],
    ids=["password", "no password", "sender", "target"],
)
def test_a_refused_logon_halts_the_session_and_says_why(
    settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    """Attempts do not hammer; another engine at the same venue does not notice."""

    async def story(stage: Stage) -> None:
        good = await stage.ready()
        refused = stage.engine(**settings)
        await stage.until(
            lambda: refused.account == "HALTED" and refused.feed == "HALTED", "HALTED", refused
        )
        for word in words:
            assert word in refused.account_states[-1][1]
            assert word in refused.feed_states[-1][1]
        assert PASSWORD not in str(refused.journal.frames)
        attempts = len(stage.venue.door.refusals)
        await asyncio.sleep(0.15)
        assert len(stage.venue.door.refusals) == attempts
        assert (good.feed, good.account) == ("READY", "READY")
        assert good.feed_states[-1][0] == "READY"

    run(story)


def test_a_logout_with_text_is_shown_and_followed_by_a_new_logon() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.inject(Fault(do="logout", link="quote", text="Maintenance at 22:00"))
        await stage.until(
            lambda: any("Maintenance at 22:00" in reason for _, reason in engine.feed_states),
            "the venue's words",
            engine,
        )
        await stage.until(lambda: engine.feed == "READY", "READY again", engine)
        assert engine.account_states[-1][0] == "READY" and engine.account_states[-1][2] == 1

    run(story)


def test_a_locked_account_waits_for_a_person() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.inject(Fault(do="block"))
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
        said = engine.account_states[-1][1]
        assert "blocked by your broker" in said and "ask your broker" in said
        stage.venue.inject(Fault(do="unblock"))
        await stage.until(
            lambda: (engine.feed, engine.account) == ("READY", "READY"), "READY again", engine
        )

    run(story)


def test_an_unknown_symbol_degrades_the_feed_and_leaves_the_others() -> None:
    async def story(stage: Stage) -> None:
        engine = stage.engine(names={**NAMES, "EURXXX": 3})
        await stage.until(lambda: engine.account == "READY", "account READY", engine)
        for name in NAMES:
            stage.tick(name)
        await stage.until(lambda: engine.feed == "DEGRADED", "DEGRADED", engine)
        assert engine.feed_states[-1][1] == "EURXXX is not in the venue's list"
        assert (3, "refused", "EURXXX is not in the venue's list") in engine.faults
        assert engine.kernel.state.book(FEED, 1).tradable

    run(story)


@pytest.mark.alone
def test_a_half_open_line_is_found_within_24_tenths_of_the_interval() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        loop = asyncio.get_running_loop()
        began = loop.time()
        stage.venue.inject(Fault(do="deaf", link="trade"))
        await stage.until(lambda: engine.account == "OFFLINE", "OFFLINE", engine)
        took_s = loop.time() - began
        assert "nothing heard for" in engine.account_states[-1][1]
        assert took_s < 2.4 + 0.4
        assert engine.feed == "READY"
        await stage.until(lambda: engine.account == "READY", "READY again", engine)

    run(story, heartbeat_s=1)


@pytest.mark.alone
def test_attempts_of_both_sessions_keep_to_the_connect_budget() -> None:
    """Nobody listens: waits of a millisecond, and yet four attempts in any second at most."""
    budget = Connect(links=("quote", "trade"), attempts=4, window_s=1, scope="address")
    ctrader = profile("ctrader")
    limited = replace(ctrader, dialect=structs.replace(ctrader.dialect, connect=(budget,)))

    async def story(stage: Stage) -> None:
        engine = stage.engine(ports={"quote": 9, "trade": 9})
        made: list[float] = []
        loop = asyncio.get_running_loop()
        for channel in engine.client.channels:
            connecting = channel._connecting

            def noted(connecting: Callable[[], None] = connecting) -> None:
                made.append(loop.time())
                connecting()

            vars(channel)["_connecting"] = noted
        await stage.until(lambda: len(made) >= 12, "attempts", engine)
        assert all(made[at + 4] - made[at] >= 1.0 for at in range(len(made) - 4))
        reasons = [reason for _, reason in engine.feed_states]
        assert any("connect budget used; next try in" in reason for reason in reasons)
        assert any("connect failed" in reason for reason in reasons)

    run(story, made=limited, timing=replace(QUICK, first_ms=2, cap_ms=2))

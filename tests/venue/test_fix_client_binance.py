"""The FIX client at the simulated Binance: signed Logons, quotes, orders, what it cannot know."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.venue.fix_engine import ACCOUNT, FEED, LOT, QUICK, Engine, Stage
from tests.venue.fix_engine import run as run_anywhere

from thft.fix.session import MemoryStore, Store
from thft.host.clock import EngineClock
from thft.model import event as ev
from thft.model.fixed import ABSENT, parse_price
from thft.model.order import TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.keys import key_from, pem
from thft.sim.fix.profile import PASSWORD, Profile, profile
from thft.sim.fix_lp import FixVenue
from thft.store.fix_log import FixLog

pytestmark = pytest.mark.alone

NAMES = {"EURUSDT": 1, "GBPUSDT": 2}
KEY = pem(key_from(PASSWORD)).decode()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_KEY", KEY)
    monkeypatch.setenv("THFT_OTHER_KEY", pem(key_from("somebody else's")).decode())
    yield


def run(story: Any, *faults: Fault, made: Profile | None = None, **settings: Any) -> FixVenue:
    given = {
        "sender_comp_id": "THFT",
        "username": "simulated-key",
        "password": None,
        "signing_key": "env:THFT_TEST_KEY",
    }
    made = made or profile("binance-fix")
    return run_anywhere(story, *faults, made=made, login="spot", **{**given, **settings})


async def ready(stage: Stage, **changes: Any) -> Engine:
    """Returns an engine that may trade: a first W without prices makes a feed READY as well."""
    engine = await stage.ready(names=NAMES, **changes)
    book = engine.kernel.state.book(FEED, 1)
    await stage.until(lambda: book.tradable, "prices", engine)
    return engine


async def ended(stage: Stage, engine: Engine, order_id: str, state: str) -> None:
    await stage.until(lambda: engine.order(order_id).state in TERMINAL, "the end", engine)
    assert engine.order(order_id).state == state


def test_quotes_and_orders_over_sessions_of_their_own() -> None:
    async def story(stage: Stage) -> None:
        engine = await ready(stage)
        stage.tick(bid="1.17100", ask="1.17104")
        book = engine.kernel.state.book(FEED, 1)
        await stage.until(lambda: book.ask == parse_price("1.17104"), "the quote", engine)
        assert ABSENT not in (book.bid_size, book.ask_size)
        ids = sorted(client.comp_id for client in stage.venue.clients)
        assert len(ids) == 2 and ids[0][:5] == "THFT0" and ids[1][:5] == "THFT1"
        assert all(re.fullmatch("[a-zA-Z0-9_-]{8}", one) for one in ids)
        order_id = engine.submit(tif="IOC")
        await ended(stage, engine, order_id, "FILLED")
        (fill,) = engine.journal.events(ev.Fill)
        assert (fill.size, fill.price) == (LOT, parse_price("1.17104"))
        resting = engine.submit(type="limit", tif="GTC", price=parse_price("1.1"))
        await stage.until(lambda: engine.order(resting).state == "ACCEPTED", "acceptance", engine)
        engine.cancel(resting)
        await ended(stage, engine, resting, "CANCELLED")
        stage.venue.inject(Fault(do="partial", size_percent=30))
        part = engine.submit(-1, type="limit", tif="IOC", price=parse_price("1.1"))
        await ended(stage, engine, part, "CANCELLED")
        assert engine.order(part).cum_size == LOT * 3 // 10
        stage.agree(engine)
        assert not engine.faults

    run(story)


def test_the_depth_of_the_book() -> None:
    async def story(stage: Stage) -> None:
        engine = await ready(stage)
        for at in range(20):
            stage.tick(bid=f"1.170{at:02d}", ask=f"1.171{at:02d}")
        truth = stage.venue.market.books["EURUSDT"].entries.values()
        wanted = {one.price: one.size for one in truth if one.kind == "0"}
        depth = engine.kernel.state.depths[FEED, 1]
        await stage.until(lambda: dict(depth.bids()) == wanted, "equal books", engine)
        assert not engine.faults

    run(story, depth=True)


def test_updates_that_are_missing_drop_the_book() -> None:
    """No number of the session is missing: only the ids of updates tell."""

    async def story(stage: Stage) -> None:
        engine = await ready(stage)
        stage.tick(bid="1.1700", ask="1.1800")
        stage.venue.inject(Fault(do="swallow", on="X", link="market_data"))
        before = len(stage.venue.market.subscribes)
        stage.tick(bid="1.1700", ask="1.1801")
        stage.tick(bid="1.1690", ask="1.1801")
        await stage.until(lambda: len(stage.venue.market.subscribes) > before, "a W", engine)
        truth = stage.venue.market.books["EURUSDT"].entries.values()
        wanted = {one.price: one.size for one in truth if one.kind == "0"}
        depth = engine.kernel.state.depths[FEED, 1]
        await stage.until(lambda: dict(depth.bids()) == wanted, "equal books", engine)
        ((_, fault, detail),) = engine.faults
        assert fault == "gap" and re.fullmatch(r"updates (\d+) to \1 are missing", detail)
        assert engine.kernel.state.book(FEED, 1).tradable

    run(story, depth=True)


def secrets() -> list[bytes]:
    """Returns the key in the forms in which it could leak."""
    body = "".join(KEY.splitlines()[1:-1])
    seed = base64.b64decode(body)[-32:]
    forms = [body.encode(), body[20:].encode(), seed, seed.hex().encode(), base64.b64encode(seed)]
    return [form for text in forms for form in (text, text.rstrip(b"="))]


def test_the_key_stands_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not in journal, stores, states, faults or logs, with a good key and with a wrong one."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    def stores(link: str) -> Store:
        if link == "market_data":
            return MemoryStore()
        return FixLog.open(tmp_path / link, EngineClock().now_ns())

    async def story(stage: Stage) -> None:
        engine = await ready(stage, stores=stores)
        order_id = engine.submit(tif="IOC")
        await ended(stage, engine, order_id, "FILLED")
        refused = stage.engine(names=NAMES, signing_key="env:THFT_OTHER_KEY")
        await stage.until(lambda: refused.account == "HALTED", "HALTED", refused)
        for one in stage.engines:
            shown.append(f"{one.feed_states} {one.account_states} {one.faults} {one.metrics}")
            shown.append(repr(one.client.__dict__))
            shown.append(repr([channel.__dict__ for channel in one.client.channels]))
            journal = b"".join(frame.payload for frame in one.journal.frames)
            (tmp_path / f"journal{len(shown)}").write_bytes(journal)

    run(story)
    texts = [text.encode() for text in (*shown, caplog.text)]
    texts += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(map(len, texts)) > 10_000
    for secret in secrets():
        assert not any(secret in text for text in texts)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"signing_key": "env:THFT_OTHER_KEY"}, "Signature for this request is not valid."),
        ({"username": "another-key"}, "Invalid API-key, IP, or permissions for action."),
    ],
    ids=["key", "api key"],
)
def test_a_refused_logon_halts_with_the_venues_words(settings: dict[str, Any], words: str) -> None:
    async def story(stage: Stage) -> None:
        engine = stage.engine(names=NAMES, **settings)
        await stage.until(
            lambda: (engine.feed, engine.account) == ("HALTED", "HALTED"), "HALTED", engine
        )
        for said in (engine.feed_states[-1][1], engine.account_states[-1][1]):
            assert words in said and "the key that signs" in said
        await asyncio.sleep(0.15)
        assert len(stage.venue.door.refusals) == 2, "one attempt of each session"

    run(story, timing=replace(QUICK, floors_s={"auth": 600.0}))


def test_a_broken_connection_waits_until_its_49_is_free_again() -> None:
    """Two heartbeat intervals; an attempt before would be refused and look like a wrong key."""
    quick = profile("binance-fix").with_dialect(logon={"heartbeat_min_s": 1})

    async def story(stage: Stage) -> None:
        engine = await ready(stage)
        loop = asyncio.get_running_loop()
        began = loop.time()
        stage.venue.inject(Fault(do="cut", link="market_data"))
        await stage.until(lambda: engine.feed == "OFFLINE", "OFFLINE", engine)
        stage.tick()
        stage.tick("GBPUSD")
        await stage.until(lambda: engine.feed == "READY", "READY again", engine)
        assert loop.time() - began >= 2.0
        assert not stage.venue.door.refusals

    run(story, made=quick, heartbeat_s=1)


def test_an_order_that_nobody_can_be_asked_for_halts_the_account() -> None:
    """It rests, the connection ends in good order, and what happened meanwhile is never told."""

    async def story(stage: Stage) -> None:
        engine = await ready(stage)
        resting = engine.submit(type="limit", tif="GTC", price=parse_price("1.1"))
        await stage.until(lambda: engine.order(resting).state == "ACCEPTED", "acceptance", engine)
        stage.venue.inject(Fault(do="logout", link="order_entry", text="maintenance"))
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
        said = engine.account_states[-1][1]
        assert resting in said and "cannot be asked by FIX" in said
        assert engine.order(resting).state == "ACCEPTED"
        assert engine.kernel.state.order(engine.submit(tif="IOC")) is None

    run(story)


@pytest.mark.parametrize("text", ["Timeout waiting for response from backend server.", "-1007"])
def test_a_refusal_that_does_not_know_is_no_rejection(text: str) -> None:
    made = profile("binance-fix").with_quirks(error_codes={text: -1007})

    async def story(stage: Stage) -> None:
        engine = await ready(stage)
        stage.venue.inject(Fault(do="reject", text=text))
        order_id = engine.submit(tif="IOC")
        await stage.until(lambda: engine.order(order_id).state == "UNKNOWN", "UNKNOWN", engine)
        assert ("unknown_outcome", f"order {order_id}: {text}") in [
            (fault, detail) for _, fault, detail in engine.faults
        ]
        assert engine.kernel.state.order(engine.submit(tif="IOC")) is None
        assert (engine.account, ACCOUNT) == ("READY", "acc")

    run(story, made=made, timing=replace(QUICK), ack_ms=100)


def test_a_message_that_the_venue_does_not_process_is_a_rejected_order() -> None:
    async def story(stage: Stage) -> None:
        engine = await ready(stage)
        order_id = engine.submit(type="limit", tif="IOC", price=-1)
        await ended(stage, engine, order_id, "REJECTED")
        assert engine.order(order_id).reason == "Price is missing"
        assert not stage.ledger.orders

    run(story)

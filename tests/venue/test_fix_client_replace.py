"""Replaces of the FIX client: 11/41 chains, fills that race them, words that go wrong, kills."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace as changed
from typing import Any

import msgspec
import pytest
from tests.engine import catalogue
from tests.venue.fix_engine import LOT, QUICK, Engine, Hand, Stage, run

from thft.kernel.engine import Kernel
from thft.kernel.replay import fold
from thft.model import event as ev
from thft.model.fixed import parse_price
from thft.model.order import TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.orders.ledger import VenueOrder
from thft.sim.fix.profile import PASSWORD, profile

pytestmark = pytest.mark.alone

BID, LOWER, HIGHER = parse_price("1.10000"), parse_price("1.09990"), parse_price("1.10010")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


async def resting(stage: Stage, engine: Engine) -> str:
    """Returns an order that rests at 1.10000 below a market of 1.17."""
    order_id = engine.submit(type="limit", tif="GTC", price=BID)
    await stage.until(lambda: engine.order(order_id).state == "ACCEPTED", "acceptance", engine)
    return order_id


def there(stage: Stage) -> VenueOrder:
    return list(stage.ledger.orders.values())[-1]


async def settled(stage: Stage, engine: Engine, order_id: str) -> None:
    """Waits until the replace is answered or the order has ended."""
    await stage.until(
        lambda: engine.order(order_id).wanted is None,
        f"answer: {engine.order(order_id)}",
        engine,
    )


def told(engine: Engine) -> list[tuple[str, int]]:
    return [(one.outcome, one.number) for one in engine.journal.events(ev.ReplaceReport)]


def test_a_chain_of_replaces_and_the_cancel_behind_it() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        for at, (size, price) in enumerate(((2 * LOT, BID), (2 * LOT, LOWER), (LOT, HIGHER)), 1):
            engine.replace(order_id, size=size, price=price)
            assert engine.order(order_id).state == "PENDING_REPLACE"
            await settled(stage, engine, order_id)
            assert engine.order(order_id).state == "ACCEPTED"
            assert there(stage).client_id == f"{order_id}_r{at}"
            stage.agree(engine)
        assert told(engine) == [("replaced", 1), ("replaced", 2), ("replaced", 3)]
        engine.cancel(order_id)
        await stage.until(lambda: engine.order(order_id).state in TERMINAL, "end", engine)
        assert engine.order(order_id).state == "CANCELLED"
        stage.agree(engine)

    run(story)


def test_a_replace_that_reaches_the_market_is_filled_as_it_is_then() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        engine.replace(order_id, size=3 * LOT, price=parse_price("1.17010"))
        await stage.until(lambda: engine.order(order_id).state == "FILLED", "fill", engine)
        (fill,) = engine.journal.events(ev.Fill)
        assert (fill.size, fill.price) == (3 * LOT, parse_price("1.17004"))
        stage.agree(engine)

    run(story)


# ---- a fill races the replace --------------------------------------------------------------------

Race = Callable[[Stage, Engine, str], Awaitable[None]]


async def filled_first(stage: Stage, engine: Engine, order_id: str) -> None:
    """All of it executes while the G is on its way."""
    engine.replace(order_id, size=2 * LOT)
    stage.venue.desk.fill_by_hand(stage.ledger, there(stage), LOT, BID)


async def part_filled_first(stage: Stage, engine: Engine, order_id: str) -> None:
    """A part executes while the G is on its way."""
    engine.replace(order_id, size=2 * LOT)
    stage.venue.desk.fill_by_hand(stage.ledger, there(stage), LOT * 4 // 10, BID)


async def more_than_is_wanted(stage: Stage, engine: Engine, order_id: str) -> None:
    """More executes than the smaller size wants."""
    engine.replace(order_id, size=LOT // 2)
    stage.venue.desk.fill_by_hand(stage.ledger, there(stage), LOT * 6 // 10, BID)


async def all_that_is_wanted(stage: Stage, engine: Engine, order_id: str) -> None:
    """As much executes as the smaller size wants: the replace ends the order."""
    engine.replace(order_id, size=LOT // 2)
    stage.venue.desk.fill_by_hand(stage.ledger, there(stage), LOT // 2, BID)


async def filled_behind(stage: Stage, engine: Engine, order_id: str) -> None:
    """The old size and more executes right behind the replace, whose own report is lost."""
    stage.venue.inject(Fault(do="swallow", on="8"))
    engine.replace(order_id, size=3 * LOT)
    await stage.until(lambda: there(stage).size == 3 * LOT, "the replace", engine)
    for _ in range(2):
        stage.venue.desk.fill_by_hand(stage.ledger, there(stage), LOT, BID)


async def first_fill_lost(stage: Stage, engine: Engine, order_id: str) -> None:
    """Replace and a fill of the old size are lost; the next fill tells of both."""
    stage.venue.inject(Fault(do="swallow", on="8", times=2))
    engine.replace(order_id, size=3 * LOT)
    await stage.until(lambda: there(stage).size == 3 * LOT, "the replace", engine)
    for _ in range(2):
        stage.venue.desk.fill_by_hand(stage.ledger, there(stage), LOT, BID)


async def refused_late(stage: Stage, engine: Engine, order_id: str) -> None:
    """The venue takes the G up only after the order was filled and reported."""
    stage.venue.inject(Fault(do="slow", on="G", ms=(200, 200)))
    engine.replace(order_id, size=2 * LOT)
    await stage.until(lambda: stage.venue.faults.done.get("slow") == 1, "the G", engine)
    stage.venue.desk.fill_by_hand(stage.ledger, there(stage), LOT, BID)


async def cancelled_at_the_venue(stage: Stage, engine: Engine, order_id: str) -> None:
    """The venue ends the order while the G is on its way."""
    engine.replace(order_id, size=2 * LOT)
    stage.venue.desk.cancel_by_hand(stage.ledger, there(stage), "Cancelled by the broker")


RACES: dict[Race, tuple[str, int]] = {
    filled_first: ("FILLED", LOT),
    part_filled_first: ("PARTIALLY_FILLED", LOT * 4 // 10),
    more_than_is_wanted: ("PARTIALLY_FILLED", LOT * 6 // 10),
    all_that_is_wanted: ("FILLED", LOT // 2),
    filled_behind: ("PARTIALLY_FILLED", 2 * LOT),
    first_fill_lost: ("PARTIALLY_FILLED", 2 * LOT),
    refused_late: ("FILLED", LOT),
    cancelled_at_the_venue: ("CANCELLED", 0),
}


@pytest.mark.parametrize("venue", ["ctrader", "fix-lp"])
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_a_fill_that_races_a_replace_is_booked_by_what_was_executed(race: Race, venue: str) -> None:
    """Whichever came first at the venue; the other one decides nothing."""
    state, executed = RACES[race]

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        await race(stage, engine, order_id)
        await stage.until(
            lambda: (
                engine.order(order_id).state == state
                and engine.order(order_id).cum_size == executed
            ),
            f"{state}: {engine.order(order_id)}",
            engine,
        )
        await settled(stage, engine, order_id)
        await asyncio.sleep(0.3)  # what is late, such as a refusal, comes to an end that stands
        assert engine.order(order_id).state == state
        assert sum(fill.size for fill in engine.journal.events(ev.Fill)) == executed
        stage.agree(engine)

    run(story, **AT[venue])


AT: dict[str, dict[str, Any]] = {
    "ctrader": {},
    "fix-lp": {
        "made": profile("fix-lp"),
        "login": "A1",
        "sender_comp_id": "THFT",
        "target_comp_id": "LP",
        "username": "thft",
        "account": "A1",
    },
}


# ---- words that go wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault(do="swallow", on="8"),
        Fault(do="repeat", on="8", times=2),
        Fault(do="lag", on="8", ms=(900, 900)),
        Fault(do="drop", on="8"),
        Fault(do="slow", on="G", ms=(900, 900)),
    ],
    ids=["lost", "repeated", "late", "dropped", "slow"],
)
def test_a_replace_is_found_out_about_and_never_sent_again(fault: Fault) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        stage.venue.inject(fault)
        engine.replace(order_id, size=2 * LOT, price=LOWER)
        await settled(stage, engine, order_id)
        assert (engine.order(order_id).size, engine.order(order_id).price) == (2 * LOT, LOWER)
        assert sum(kind == "replace" for kind, _ in engine.effects) == 1
        stage.agree(engine)

    run(story)


def test_a_refusal_leaves_the_order_as_it_was() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        stage.venue.inject(Fault(do="reject", on="G", text="not today"))
        engine.replace(order_id, size=2 * LOT)
        await settled(stage, engine, order_id)
        assert told(engine) == [("refused", 1)]
        assert engine.order(order_id).reason == "replace refused: not today"
        assert engine.order(order_id).state == "ACCEPTED"
        engine.replace(order_id, size=3 * LOT)  # and it may be tried again
        await settled(stage, engine, order_id)
        assert engine.order(order_id).size == 3 * LOT
        assert there(stage).client_id == f"{order_id}_r2"
        stage.agree(engine)

    run(story)


def test_a_replace_that_got_lost_is_disproven_by_a_new_session_alone() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        stage.venue.inject(Fault(do="ignore", on="G"))
        engine.replace(order_id, size=2 * LOT)
        await stage.until(lambda: engine.order(order_id).doubtful, "doubt", engine)
        assert engine.order(order_id).state == "PENDING_REPLACE"
        denied = engine.submit()
        assert engine.kernel.state.order(denied) is None  # no new risk beside it
        await settled(stage, engine, order_id)
        assert engine.account_states[-1][2] == 2
        assert (engine.order(order_id).state, engine.order(order_id).size) == ("ACCEPTED", LOT)
        await stage.until(lambda: engine.account == "READY", "READY", engine)
        stage.agree(engine)

    run(story, ack_ms=150)


def test_a_refusal_in_unknown_words_decides_nothing() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        stage.venue.inject(Fault(do="slow", on="G", ms=(300, 300)))
        engine.replace(order_id, size=2 * LOT)
        await stage.until(lambda: stage.venue.faults.done.get("slow") == 1, "the G", engine)
        (client,) = (one for one in stage.venue.clients if one.terms.name == "trade")
        client.say("j", [(58, "SOMETHING_NEW:who knows"), (379, f"{order_id}_r1"), (380, "0")])
        await settled(stage, engine, order_id)
        assert engine.order(order_id).size == 2 * LOT
        stage.agree(engine)

    run(story)


def test_while_it_is_open_the_venue_may_say_so_under_the_new_id() -> None:
    """150=E names the request in 11 and has the old terms: it answers nothing."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        stage.venue.inject(Fault(do="slow", on="G", ms=(300, 300)))
        engine.replace(order_id, size=2 * LOT)
        await stage.until(lambda: stage.venue.faults.done.get("slow") == 1, "the G", engine)
        (client,) = (one for one in stage.venue.clients if one.terms.name == "trade")
        ids = [(37, there(stage).order_id), (11, f"{order_id}_r1"), (41, order_id)]
        numbers = [(38, "10000"), (44, "1.1"), (14, "0"), (151, "10000")]
        client.say("8", [*ids, (150, "E"), (39, "E"), (55, "1"), (54, "1"), *numbers])
        await asyncio.sleep(0.1)
        assert engine.order(order_id).state == "PENDING_REPLACE"
        await settled(stage, engine, order_id)
        assert engine.order(order_id).size == 2 * LOT
        stage.agree(engine)

    run(story)


def test_what_is_changed_by_hand_at_the_venue_is_taken_over() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        order = there(stage)
        said = stage.ledger.change(order, "", changed(order, size=2 * LOT), 1)
        stage.venue._said(stage.ledger, said)
        await stage.until(lambda: engine.order(order_id).size == 2 * LOT, "the size", engine)
        stage.venue.desk.fill_by_hand(stage.ledger, order, LOT, BID)
        await stage.until(lambda: engine.order(order_id).cum_size == LOT, "the fill", engine)
        assert engine.order(order_id).state == "PARTIALLY_FILLED"
        stage.agree(engine)

    run(story)


# ---- what cannot be said -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "reason"),
    [
        ({"replace": "none"}, "the venue changes no orders: cancel it and submit another"),
        ({"changes": ("price",)}, "the venue does not change the size of an order"),
    ],
)
def test_a_venue_that_cannot_is_not_asked_and_nothing_is_emulated(
    orders: dict[str, Any], reason: str
) -> None:
    made = profile("ctrader")
    terms = msgspec.structs.replace(made.dialect.orders, **orders)
    dialect = msgspec.structs.replace(made.dialect, orders=terms)

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        engine.replace(order_id, size=2 * LOT)
        await settled(stage, engine, order_id)
        assert told(engine) == [("denied", 1)]
        assert engine.order(order_id).reason == f"replace denied: {reason}"
        assert engine.order(order_id).state == "ACCEPTED"
        assert len(stage.ledger.reports) == 1  # no cancel, no second order
        stage.agree(engine)

    run(story, made=changed(made, dialect=dialect))


def test_a_replace_without_a_session_is_denied() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        channel = engine.client.orders.channel
        assert channel is not None
        stage.venue.inject(Fault(do="cut", link="trade"))
        await stage.until(lambda: not channel.logged_on, "the cut", engine)
        engine.kernel.state.accounts["acc"].state = "READY"  # it was when the strategy looked
        engine.replace(order_id, size=2 * LOT)
        await settled(stage, engine, order_id)
        assert ("denied", 1) in told(engine)
        await stage.until(lambda: engine.account == "READY", "READY", engine)
        stage.agree(engine)

    run(story)


# ---- kills ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", ["arrived", "lost", "filled"])
def test_a_killed_engine_finds_out_about_its_replace(fate: str) -> None:
    """The next engine has the journal alone; it sends nothing again."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = await resting(stage, engine)
        if fate == "lost":
            stage.venue.inject(Fault(do="ignore", on="G"))
        stage.venue.inject(Fault(do="swallow", on="8", times=0, for_s=3.0))
        engine.replace(order_id, size=2 * LOT)
        if fate != "lost":
            await stage.until(lambda: there(stage).size == 2 * LOT, "the replace", engine)
        await stage.over(engine)
        engine.client.stop()
        if fate == "filled":
            stage.venue.desk.fill_by_hand(stage.ledger, there(stage), 2 * LOT, BID)
        stage.venue.faults.armed.clear()
        kernel = Kernel(catalogue(Hand), 1)
        fold(kernel, engine.journal.frames)
        after = stage.engine(kernel=kernel, journal=engine.journal)
        order = after.order(order_id)
        assert (order.state, order.wanted, order.replaces) == ("PENDING_REPLACE", (2 * LOT, BID), 1)
        await stage.until(lambda: after.account == "READY", "READY", after)
        await settled(stage, after, order_id)
        ends = {"arrived": ("ACCEPTED", 2 * LOT), "lost": ("ACCEPTED", LOT)}
        assert (order.state, order.size) == ends.get(fate, ("FILLED", 2 * LOT))
        assert {kind for kind, _ in after.effects} == {"query"}
        stage.agree(after)

    run(story, timing=changed(QUICK, answer_s=2.0))

"""A hedging account at the simulated cTrader provider: positions are opened, kept and closed by id.

The venue's ledger says which positions there are; the engine must know each of them, not their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.venue.fix_engine import ACCOUNT, LOT, Engine, Stage, run

from thft.model import event as ev
from thft.model.codec import decode
from thft.model.fixed import parse_price
from thft.model.order import TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.orders.ledger import VenueOrder
from thft.sim.fix.profile import PASSWORD, profile
from thft.state.fold import State

pytestmark = pytest.mark.alone

LOGIN = "1000001"
Story = Callable[[Stage], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


def hedged(story: Story, *faults: Fault, model: str = "hedging", **how: Any) -> None:
    """Tells a story of the provider's hedged account."""
    who = {"sender_comp_id": "demo.thft.1000001", "username": LOGIN}
    run(story, *faults, login=LOGIN, model=model, **{**who, **how})


async def ended(stage: Stage, engine: Engine, order_id: str) -> str:
    """Returns how an order ended."""
    await stage.until(
        lambda: engine.order(order_id).state in TERMINAL, f"end of {order_id}", engine
    )
    return engine.order(order_id).state


async def opened(stage: Stage, engine: Engine, side: int, size: int = LOT) -> str:
    """Opens a position at the market; returns its id."""
    order_id = engine.submit(side, size)
    assert await ended(stage, engine, order_id) == "FILLED"
    position_id = engine.order(order_id).position_id
    assert position_id and held(engine)[position_id] == side * size
    return position_id


def held(engine: Engine) -> dict[str, int]:
    """Returns what the engine has booked, by position."""
    return {one.position_id: one.size for one in engine.kernel.state.legs(ACCOUNT, 1)}


async def halted(stage: Stage, engine: Engine) -> str:
    """Returns why the account was halted."""
    await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
    return engine.kernel.state.accounts[ACCOUNT].reason


async def looked(stage: Stage, engine: Engine) -> None:
    """Waits until the account was looked at once more and found equal."""
    states = len(engine.account_states)
    asked = engine.client.orders._readiness.snapshot._numbers
    await stage.until(
        lambda: engine.client.orders._readiness.snapshot._numbers > asked + 2, "a look", engine
    )
    assert engine.account == "READY" and len(engine.account_states) == states


def folded(engine: Engine) -> None:
    """The journal alone makes the same positions."""
    state = State()
    for frame in engine.journal.frames:
        event = decode(frame.type, frame.version, frame.payload)
        state.apply(event, frame.seq, frame.recv_ts_ns)
    assert state.positions == engine.kernel.state.positions


def test_two_sides_are_two_positions_which_are_closed_each_by_its_id() -> None:
    """Opens both ways, closes a part, is killed, goes on, closes the rest."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long, short = await opened(stage, engine, 1, 2 * LOT), await opened(stage, engine, -1, LOT)
        assert held(engine) == {long: 2 * LOT, short: -LOT}
        part = engine.submit(-1, LOT // 2, position_id=long)
        assert await ended(stage, engine, part) == "FILLED"
        assert held(engine) == {long: 3 * LOT // 2, short: -LOT}
        await looked(stage, engine)
        stage.agree(engine)
        await stage.over(engine)
        engine.client.stop()
        after = stage.engine(kernel=engine.kernel, journal=engine.journal)
        await stage.until(lambda: after.account == "READY", "READY", after)
        await stage.until(lambda: after.feed == "READY", "prices", after)
        for position_id, size in held(after).items():
            side = -1 if size > 0 else 1
            order_id = after.submit(side, abs(size), position_id=position_id)
            assert await ended(stage, after, order_id) == "FILLED"
        assert held(after) == {} and not after.kernel.state.positions
        assert not stage.ledger.positions
        await looked(stage, after)
        stage.agree(after)
        folded(after)

    hedged(story)


def test_what_is_not_open_or_not_so_large_is_never_sent() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long = await opened(stage, engine, 1)
        for how in (
            {"side": -1, "size": 2 * LOT, "position_id": long},
            {"side": 1, "size": LOT, "position_id": long},
            {"side": -1, "size": LOT, "position_id": "77"},
        ):
            assert engine.kernel.state.order(engine.submit(**how)) is None
        reasons = [one.reason for one in engine.journal.events(ev.OrderDenied)]
        assert reasons == [
            f"position {long} has 10000: 20000 more cannot be",
            f"position {long} is long: buying does not close it",
            "position 77 is not open",
        ]
        assert len(stage.ledger.orders) == 1

    hedged(story)


def by_hand(stage: Stage, side: int, size: int = LOT, position_id: str = "") -> None:
    stage.venue.trade_by_hand(LOGIN, "EURUSD", side, size, position_id)


@pytest.mark.parametrize("what", ["a pair", "another one"])
def test_positions_that_differ_one_by_one_halt_although_their_sum_is_equal(what: str) -> None:
    """Done by hand while the engine is away, so no report tells of it."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long = await opened(stage, engine, 1)
        await stage.over(engine)
        engine.client.stop()
        by_hand(stage, -1, LOT, long if what == "another one" else "")
        by_hand(stage, 1)
        await stage.until(
            lambda: not any(one.executing for one in stage.ledger.orders.values()), "the hand"
        )
        assert stage.ledger.net("EURUSD") == LOT
        after = stage.engine(kernel=engine.kernel, journal=engine.journal)
        said = await halted(stage, after)
        for position_id, one in stage.ledger.positions.items():
            sign = "-" if one.size < 0 else ""
            told = f"EURUSD position {position_id}: {sign}10000 at the venue, 0 booked here"
            assert (told in said) == (position_id != long)
        gone = f"EURUSD position {long}: 0 at the venue, 10000 booked here" in said
        assert gone == (what == "another one")
        assert held(after) == {long: LOT}

    hedged(story)


def test_a_position_closed_by_hand_while_our_order_closes_it_is_not_turned_round() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long = await opened(stage, engine, 1)
        closing = engine.submit(-1, LOT, position_id=long)
        await stage.until(lambda: len(stage.ledger.orders) == 2, "the order", engine)
        (_, ours) = stage.ledger.orders.values()
        assert ours.executing and ours.closes
        stage.venue.desk.fill_by_hand(
            stage.ledger, _by_hand_order(stage, long), LOT, parse_price("1.17000")
        )
        assert await ended(stage, engine, closing) == "CANCELLED"
        assert "never sent" in await halted(stage, engine)
        assert not stage.ledger.positions and ours.filled == 0
        assert held(engine) == {long: LOT}

    hedged(story, made=profile("ctrader").with_quirks(fill_ms=(120, 120)))


def _by_hand_order(stage: Stage, position_id: str) -> Any:
    """Returns an order of the broker's own screen that has reached the market already."""
    order = VenueOrder("hand", "", "EURUSD", -1, "market", "IOC", LOT, position_id=position_id)
    stage.ledger.accept(order, 1)
    return order


def test_a_close_of_a_position_that_is_gone_is_rejected_and_the_difference_found() -> None:
    """The report of the hand's trade gets lost: the venue's words end our order."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long = await opened(stage, engine, 1)
        stage.venue.inject(Fault(do="swallow", on="8", times=2))
        by_hand(stage, -1, LOT, long)
        await stage.until(lambda: not stage.ledger.positions, "the hand", engine)
        closing = engine.submit(-1, LOT, position_id=long)
        assert await ended(stage, engine, closing) == "REJECTED"
        assert "POSITION_NOT_FOUND" in engine.order(closing).reason
        said = await halted(stage, engine)
        assert f"EURUSD position {long}: 0 at the venue, 10000 booked here" in said

    hedged(story)


@pytest.mark.parametrize("closing", [False, True], ids=["opening", "closing"])
def test_a_fill_nobody_heard_of_is_booked_on_its_position_after_a_kill(closing: bool) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long = await opened(stage, engine, 1)
        short = await opened(stage, engine, -1)
        stage.venue.inject(Fault(do="swallow", on="8", times=0, for_s=1.0))
        how = {"position_id": long} if closing else {}
        order_id = engine.submit(-1, LOT // 2, **how)
        await stage.until(lambda: _filled(stage, 3), "the execution", engine)
        assert held(engine) == {long: LOT, short: -LOT}
        await stage.over(engine)
        engine.client.stop()
        after = stage.engine(kernel=engine.kernel, journal=engine.journal)
        await stage.until(lambda: after.account == "READY", "READY", after)
        assert after.order(order_id).state == "FILLED"
        assert set(after.effects) == {("query", order_id)}
        assert len(held(after)) == (2 if closing else 3)
        assert held(after)[long] == (LOT // 2 if closing else LOT)
        stage.agree(after)
        folded(after)

    hedged(story)


def _filled(stage: Stage, orders: int) -> bool:
    return [one.state for one in stage.ledger.orders.values()] == ["filled"] * orders


def test_two_positions_of_one_symbol_are_never_summed_on_a_netting_account() -> None:
    """The venue hedges, the configuration says it nets: their sum is what is booked, and halts."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        for side in (1, -1):
            order_id = engine.submit(side)
            assert await ended(stage, engine, order_id) == "FILLED"
        ids = ", ".join(stage.ledger.positions)
        said = await halted(stage, engine)
        assert f"EURUSD: 2 positions at the venue ({ids}), this account is a netting one" in said
        assert engine.kernel.state.net_size(ACCOUNT, 1) == stage.ledger.net("EURUSD") == 0

    hedged(story, model="netting")


def test_an_account_that_nets_there_and_hedges_here_is_halted_by_its_first_report() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long = await opened(stage, engine, 1)
        engine.submit(-1, LOT // 2)
        said = await halted(stage, engine)
        assert f"the venue took it off {long}: the account is a netting one there" in said
        await stage.until(lambda: held(engine) == {long: LOT // 2}, "the booking", engine)

    run(story, model="hedging")


def test_an_execution_without_its_position_is_booked_and_halts() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = engine.submit()
        assert "names no position" in await halted(stage, engine)
        assert await ended(stage, engine, order_id) == "FILLED"
        assert held(engine) == {"": LOT}

    made = profile("ctrader")
    hedged(story, made=made.with_quirks(omits=made.quirks.omits | {721}))


def test_a_report_that_moves_an_order_to_another_position_halts() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        long, other = await opened(stage, engine, 1), await opened(stage, engine, 1)
        stage.venue.inject(Fault(do="ignore"))
        closing = engine.submit(-1, LOT, position_id=long)
        await stage.until(lambda: stage.venue.faults.done.get("ignore") == 1, "the order", engine)
        order = _by_hand_order(stage, other)
        order.client_id = closing
        stage.venue.desk.fill_by_hand(stage.ledger, order, LOT, parse_price("1.17000"))
        said = await halted(stage, engine)
        assert f"order {closing} is of position {long}, the venue says {other}" in said
        assert held(engine) == {long: LOT}

    hedged(story)


def test_many_orders_at_once_end_with_equal_books() -> None:
    """Parts, cuts and lost reports, positions opened and closed side by side."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        for at in range(14):
            if at % 3 == 0:
                stage.venue.inject(Fault(do="swallow", on="8", times=1))
            if at % 4 == 1:
                stage.venue.inject(Fault(do="partial", size_percent=30, rest="fill"))
            if at % 5 == 4:
                stage.venue.inject(Fault(do="cut", link="trade"))
            orders = [engine.submit(1 if at % 2 else -1, (1 + at % 3) * LOT)]
            for position_id, size in list(held(engine).items())[: at % 3]:
                side = -1 if size > 0 else 1
                orders.append(engine.submit(side, abs(size) // 2, position_id=position_id))
            for order_id in orders:
                await stage.until(
                    lambda one=order_id: (  # type: ignore[misc]
                        engine.kernel.state.order(one) is None
                        or engine.order(one).state in TERMINAL
                    ),
                    f"end of {order_id}",
                    engine,
                )
            await stage.until(lambda: engine.account == "READY", "READY", engine)
        assert len(held(engine)) >= 5
        await looked(stage, engine)
        stage.agree(engine)
        folded(engine)

    hedged(story, ack_ms=100)


def test_a_venue_with_a_tag_of_its_own_for_the_position() -> None:
    """FXCM says 9041, names symbols EUR/USD, and answers AN with AO when there is nothing."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready(names={"EUR/USD": 1, "GBP/USD": 2})
        long, short = await opened(stage, engine, 1, 2 * LOT), await opened(stage, engine, -1)
        part = engine.submit(-1, LOT, position_id=long)
        assert await ended(stage, engine, part) == "FILLED"
        assert held(engine) == {long: LOT, short: -LOT}
        await looked(stage, engine)
        stage.agree(engine)

    made = profile("fxcm")
    how: dict[str, Any] = {
        "sender_comp_id": "D1000001_client1",
        "target_comp_id": made.comp_id,
        "target_sub_id": "U100D1",
        "username": "D1000001",
        "account": "01000001",
    }
    run(story, made=made, login="01000001", model="hedging", **how)

"""Orders through the MetaTrader bridge; a real kernel books, the terminal knows the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.venue.fix_engine import Engine
from tests.venue.metatrader_stage import KEY, MICRO, Stage, run

from thft.gateway.metatrader.commands import magic_of
from thft.model import event as ev
from thft.model.fixed import SIZE_ONE, parse_price
from thft.model.order import TERMINAL
from thft.sim.metatrader.faults import Fault
from thft.sim.metatrader.terminal import Terminal


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    yield


async def ended(stage: Stage, engine: Engine, order_id: str, state: str) -> None:
    await stage.until(
        lambda: engine.order(order_id).state in TERMINAL, f"end of {order_id}", engine
    )
    assert engine.order(order_id).state == state, engine.order(order_id)


def limit(price: str) -> dict[str, Any]:
    return {"type": "limit", "tif": "GTC", "price": parse_price(price)}


def test_a_market_order_is_executed_and_booked_once() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        order_id = engine.submit(size=MICRO)
        await ended(stage, engine, order_id, "FILLED")
        (fill,) = engine.journal.events(ev.Fill)
        assert (fill.size, fill.price) == (MICRO, parse_price("1.17004"))
        assert fill.exec_id == str(stage.terminal.deals[0].ticket)
        stage.agree(engine)

    run(story)


def test_a_part_is_booked_and_the_rest_is_cancelled() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        stage.terminal.faults.arm(Fault(do="partial", size_percent=30))
        order_id = engine.submit(size=10 * MICRO, tif="IOC")
        await ended(stage, engine, order_id, "CANCELLED")
        assert engine.order(order_id).cum_size == 3 * MICRO
        stage.agree(engine)

    run(story)


def test_a_limit_order_rests_moves_and_is_cancelled_or_filled() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        first, second = (engine.submit(size=MICRO, **limit("1.10000")) for _ in range(2))
        await stage.until(lambda: engine.order(second).state == "ACCEPTED", "acceptance", engine)
        engine.replace(second, price=parse_price("1.16990"))
        await stage.until(lambda: engine.order(second).revision == 1, "the new price", engine)
        engine.cancel(first)
        await ended(stage, engine, first, "CANCELLED")
        stage.tick(bid="1.16980", ask="1.16985")
        await ended(stage, engine, second, "FILLED")
        stage.agree(engine)

    run(story)


@pytest.mark.parametrize(("fault", "said"), [("requote", "Requote"), ("reject", "rejected")])
def test_what_the_broker_refuses_is_rejected_with_its_words(fault: Any, said: str) -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        stage.terminal.faults.arm(Fault(do=fault))
        order_id = engine.submit(size=MICRO)
        await ended(stage, engine, order_id, "REJECTED")
        assert said in engine.order(order_id).reason
        stage.agree(engine)

    run(story)


def test_a_size_that_is_no_whole_step_never_leaves() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        order_id = engine.submit(size=MICRO + SIZE_ONE)
        await ended(stage, engine, order_id, "DENIED")
        assert "lots" in engine.order(order_id).reason
        assert stage.terminal.sends == 0

    run(story)


def test_a_time_out_that_was_executed_is_found_and_not_sent_again() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        stage.terminal.faults.arm(Fault(do="timeout"))
        order_id = engine.submit(size=MICRO)
        await ended(stage, engine, order_id, "FILLED")
        assert "unknown_outcome" in [fault for _, fault, _ in engine.faults]
        assert stage.terminal.sends == 1
        stage.agree(engine)

    run(story)


@pytest.mark.parametrize("model", ["netting", "hedging"])
def test_an_ea_that_dies_after_ordersend_trades_once(model: str) -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        stage.terminal.faults.arm(Fault(do="lost"))
        order_id = engine.submit(size=MICRO)
        await ended(stage, engine, order_id, "FILLED")
        await stage.settled(engine)
        assert (stage.terminal.sends, expert.connections) == (1, 2)
        stage.agree(engine)

    run(story, Terminal(hedging=model == "hedging"), model=model)


def test_an_ea_that_dies_before_ordersend_never_sent_it() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        stage.terminal.faults.arm(Fault(do="unheard"))
        order_id = engine.submit(size=MICRO)
        await ended(stage, engine, order_id, "NEVER_ARRIVED")
        assert stage.terminal.sends == 0
        await stage.settled(engine)
        stage.agree(engine)

    run(story)


def test_an_engine_that_dies_with_an_order_under_way_asks_for_it() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        order_id = engine.submit(size=MICRO)
        engine.client.flush()
        await stage.over(engine)
        await stage.until(lambda: len(stage.terminal.deals) == 1, "the deal")
        after = await stage.engine(engine)
        await ended(stage, after, order_id, "FILLED")
        await stage.settled(after)
        assert stage.terminal.sends == 1
        stage.agree(after)

    run(story)


@pytest.mark.parametrize("platform", ["5", "4"])
def test_positions_of_a_hedging_account_stand_and_close_one_by_one(platform: str) -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        buy, sell = engine.submit(size=MICRO), engine.submit(side=-1, size=2 * MICRO)
        for one in (buy, sell):
            await ended(stage, engine, one, "FILLED")
        stage.agree(engine)
        legs = {one.size: one.position_id for one in engine.kernel.state.legs("acc", 1)}
        assert sorted(legs) == [-2 * MICRO, MICRO]
        close = engine.submit(side=-1, size=MICRO, position_id=legs[MICRO])
        await ended(stage, engine, close, "FILLED")
        stage.agree(engine)
        (left,) = engine.kernel.state.legs("acc", 1)
        assert left.size == -2 * MICRO
        await stage.settled(engine)

    run(story, Terminal(platform=platform, hedging=True), model="hedging")


def test_trading_switched_off_in_the_terminal_is_said_and_passes() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        stage.terminal.allowed = False
        await stage.until(lambda: engine.account == "DEGRADED", "DEGRADED", engine)
        assert "Algo Trading" in engine.account_states[-1][1]
        stage.terminal.allowed = True
        await stage.settled(engine)

    run(story)


def test_history_of_another_engine_is_left_alone() -> None:
    async def story(stage: Stage) -> None:
        stage.tick()
        other = "zz99-1-1"
        for side in ("buy", "sell"):
            stage.terminal.manual("EURUSD", side, SIZE_ONE // 100)
        stage.terminal.deals = [
            deal._replace(comment=other, magic=magic_of(other)) for deal in stage.terminal.deals
        ]
        engine, _ = await stage.ready()
        stage.terminal.faults.arm(Fault(do="lost"))
        order_id = engine.submit(size=MICRO)
        await ended(stage, engine, order_id, "FILLED")
        await stage.settled(engine)
        assert len(engine.journal.events(ev.Fill)) == 1

    run(story)


def test_a_trade_by_hand_halts_the_account_and_is_named_after_a_cut() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        stage.terminal.manual("EURUSD", "buy", SIZE_ONE // 100)
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
        engine.submit(size=MICRO)
        assert stage.terminal.sends == 0
        expert.cut()
        await stage.until(lambda: expert.connections == 2, "the next connection")
        await stage.until(lambda: "booked here" in engine.account_states[-1][1], "why", engine)

    run(story)

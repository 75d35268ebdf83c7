"""A hedging account on paper: what opens, what closes, what a strategy and the risk gate see."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine import EURUSD, FAST, MILLION, POINT, SLOW, Engine, catalogue, feed

from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.kernel.strategy import Strategy
from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.model.position import Position


class Hand(Strategy):
    """Does what the test does through its context."""

    kind = "hand"


class Account:
    """A hand on an account at 1.39000 / 1.39010."""

    def __init__(self, model: str = "hedging") -> None:
        self.engine = Engine(Hand, model=model, latency_ms=(5, 5))
        self.engine.quote(SLOW, 139_000, 139_010)
        self.engine.load("h", "hand")
        self.ctx = self.engine.kernel.slots["h"].ctx

    def order(self, side: int, size: int = MILLION, **how: Any) -> str:
        """Asks for an order and lets it execute; returns why it was denied."""
        denied = len(self.events(ev.OrderDenied))
        self.ctx.submit("acc", EURUSD, side, size, **how)
        self.engine.process(ev.MetricSnapshot(0, "test", "", ()))
        self.engine.wait(10)
        reasons: list[str] = [one.reason for one in self.events(ev.OrderDenied)[denied:]]
        return "; ".join(reasons)

    def events(self, kind: type[ev.Event]) -> list[Any]:
        return self.engine.recorder.events(kind)

    @property
    def legs(self) -> list[Position]:
        return self.ctx.positions("acc", EURUSD)

    @property
    def sizes(self) -> list[int]:
        return [one.size for one in self.legs]


def test_an_opposite_order_opens_a_second_position_and_an_id_closes_one() -> None:
    account = Account()
    assert account.order(1) == account.order(-1, MILLION // 2) == ""
    assert account.sizes == [MILLION, -MILLION // 2]
    long, short = (one.position_id for one in account.legs)
    assert long and short and long != short
    assert account.order(-1, MILLION // 4, position_id=long) == ""
    assert account.sizes == [3 * MILLION // 4, -MILLION // 2]
    assert account.order(1, MILLION // 2, position_id=short) == ""
    assert account.sizes == [3 * MILLION // 4]
    assert [key[2] for key in account.engine.kernel.state.positions] == [long]
    assert [one.position_id for one in account.events(ev.Fill)] == [long, short, long, short]


def test_average_and_net_are_those_of_the_larger_side() -> None:
    account = Account()
    assert account.ctx.entry_price("acc", EURUSD) == ABSENT
    account.order(1)
    account.engine.quote(SLOW, 139_100, 139_110)
    account.order(1)
    account.order(-1, MILLION // 2)
    assert account.ctx.position("acc", EURUSD) == 3 * MILLION // 2
    assert account.ctx.entry_price("acc", EURUSD) == 139_060 * POINT


@pytest.mark.parametrize("model", ["netting", "hedging"])
def test_only_what_closes_by_id_is_reducing_where_positions_stand_apart(model: str) -> None:
    account = Account(model)
    account.order(1)
    account.engine.process(ev.KillSwitchSet(1, True, "test"))
    said = account.order(-1, MILLION // 2)
    assert said == ("kill switch: test" if model == "hedging" else "")


def test_closing_orders_under_way_are_counted_and_opening_ones_not() -> None:
    account = Account()
    account.order(1)
    (leg,) = account.legs
    far: dict[str, Any] = {"type": "limit", "tif": "GTC", "price": 140_000 * POINT}
    assert account.order(-1, 6 * MILLION // 10, position_id=leg.position_id, **far) == ""
    assert account.order(-1, 6 * MILLION // 10, **far) == ""
    closing = account.order(-1, 5 * MILLION // 10, position_id=leg.position_id)
    assert closing == (
        f"position {leg.position_id} has 1000000, of which 600000 are being closed: "
        "500000 more cannot be"
    )
    assert account.order(-1, 4 * MILLION // 10, position_id=leg.position_id) == ""
    order_id, opening = account.engine.kernel.state.orders
    account.ctx.replace(order_id, size=7 * MILLION // 10)
    account.engine.process(ev.MetricSnapshot(0, "test", "", ()))
    (refused,) = account.events(ev.ReplaceReport)
    assert "replace denied: position" in refused.text and refused.outcome == "denied"
    assert opening in account.engine.kernel.state.orders


def test_each_side_has_the_position_limit_to_itself() -> None:
    account = Account()
    account.engine.process(ev.RiskLimitsSet(0, 2 * MILLION, 0, 0))
    assert account.order(1) == account.order(1) == account.order(-1) == account.order(-1) == ""
    assert account.order(1) == "max_position 3000000 > 2000000"
    assert account.order(-1, 1 * POINT * 100_000_000) == "max_position 2010000 > 2000000"
    assert account.ctx.position("acc", EURUSD) == 0 and len(account.sizes) == 4


def test_a_netting_account_has_no_positions_by_id() -> None:
    account = Account("netting")
    account.order(1)
    said = account.order(-1, position_id="77")
    assert said == "account acc is a netting one: its positions have no id"
    assert [one.position_id for one in account.legs] == [""]


def test_rows_of_the_strategy_keep_to_their_own_positions_and_replay() -> None:
    engine = Engine(model="hedging", seed=5)
    engine.load_arbitrage(diff_to_open_points=3, tp_points=4)
    for name, hold_ms in (("la2", 900), ("la3", 1_700)):
        engine.load(
            name, "latency_arbitrage", symbol="EURUSD", fast_feed="fast", slow_feed="slow",
            account="acc", delta_mode="standard", offset_mode="off", trade_pause_ms=0,
            diff_to_open_points=4, min_order_lifetime_ms=hold_ms,
        )  # fmt: skip
    engine.random_market(5, 1_500)
    opened: dict[str, tuple[str, int]] = {}
    most = closed = 0
    for fill in engine.recorder.events(ev.Fill):
        strategy, size = opened.pop(fill.position_id, (fill.strategy, 0))
        assert strategy == fill.strategy
        closed += size * fill.side < 0
        if size + fill.side * fill.size:
            opened[fill.position_id] = strategy, size + fill.side * fill.size
        most = max(most, len(opened))
    assert closed > 20 and most >= 3
    held = engine.kernel.state.legs("acc")
    assert {one.position_id: one.size for one in held} == {
        position_id: size for position_id, (_, size) in opened.items()
    }
    again = Kernel(catalogue(), 5)
    feed(Replay(again, 1), engine.recorder.frames)
    assert again.state_hash() == engine.kernel.state_hash()
    assert engine.kernel.book(FAST, EURUSD).tradable

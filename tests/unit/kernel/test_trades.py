"""Public trades through kernel, strategy, snapshot and replay."""

from __future__ import annotations

import pytest
from msgspec import Struct
from tests.engine import EURUSD, FAST, MILLION, POINT, SLOW, Engine, Recorder, catalogue, feed

from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay, ReplayMismatch
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.fixed import INT64_MAX, trade_id


class Heard(Struct):
    prices: list[int] = []


class Follower(Strategy):
    """Buys after a buyer's trade, keeps what it heard, fails at a price of 13 points."""

    kind = "trade_follower"
    State = Heard

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FAST, EURUSD)]

    def on_trade(self, ctx: Context, trade: ev.TradePrint) -> None:
        if trade.price == 13 * POINT:
            raise ValueError("unlucky")
        self.state.prices.append(trade.price)
        if trade.aggressor > 0:
            ctx.submit("acc", EURUSD, 1, MILLION)


def printed(engine: Engine, feed: int, points: int, aggressor: int, id: int = 0) -> None:
    trade = ev.TradePrint(feed, EURUSD, points * POINT, 7, aggressor, engine.now_ns, id)
    engine.process(trade, 1)


def told() -> Engine:
    engine = Engine(Follower, hash_every=10)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("f", "trade_follower")
    for points, aggressor in ((139_001, -1), (139_002, 0), (139_003, 1)):
        printed(engine, FAST, points, aggressor, points)
    printed(engine, SLOW, 139_004, 1)
    engine.wait(10)
    return engine


def test_a_strategy_hears_the_trades_of_its_books_and_may_act() -> None:
    engine = told()
    heard = engine.kernel.slots["f"].strategy.state.prices
    assert heard == [139_001 * POINT, 139_002 * POINT, 139_003 * POINT]
    assert [one.side for one in engine.recorder.events(ev.OrderSubmitted)] == [1]
    assert len(engine.recorder.events(ev.Fill)) == 1


def test_the_book_keeps_the_last_trade_and_counts() -> None:
    engine = told()
    fast, slow = engine.kernel.book(FAST, EURUSD), engine.kernel.book(SLOW, EURUSD)
    assert (fast.trade_price, fast.trade_size, fast.trade_aggressor) == (139_003 * POINT, 7, 1)
    assert (fast.trade_id, fast.trades, slow.trades, slow.trade_id) == (139_003, 3, 1, 0)
    assert engine.kernel.state.counters.trades == 4
    assert slow.quotes == 1 and slow.ask == 139_010 * POINT, "a trade is no quote"


def test_a_handler_that_fails_at_a_trade_disables_its_strategy() -> None:
    engine = told()
    printed(engine, FAST, 13, 1)
    printed(engine, FAST, 139_005, 1)
    disabled = engine.recorder.events(ev.StrategyDisabled)
    assert [(one.reason, one.by) for one in disabled] == [("ValueError: unlucky", "error")]
    assert len(engine.recorder.events(ev.OrderSubmitted)) == 1


def test_trades_are_in_the_snapshot_and_replayed_exactly() -> None:
    engine = told()
    restored = Kernel(catalogue(Follower), 9)
    snapshot.restore(restored, snapshot.sections(engine.kernel))
    assert restored.state_hash() == engine.kernel.state_hash()
    assert restored.state.book(FAST, EURUSD).trade_price == 139_003 * POINT
    again = Kernel(catalogue(Follower), 1, 10)
    feed(Replay(again, 1), engine.recorder.frames)
    assert again.state_hash() == engine.kernel.state_hash()
    printed(engine, FAST, 139_006, 0)
    assert again.state_hash() != engine.kernel.state_hash()


def test_a_trade_that_was_recorded_otherwise_is_found() -> None:
    recorded = told().recorder.frames
    at = next(i for i, one in enumerate(recorded) if one.type == ev.TradePrint.TYPE) + 2
    assert recorded[at].type == ev.TradePrint.TYPE
    sold = bytearray(recorded[at].payload)
    sold[34:36] = b"\xff\xff"
    recorded[at] = recorded[at]._replace(payload=bytes(sold))
    with pytest.raises(ReplayMismatch):
        feed(Replay(Kernel(catalogue(Follower), 1, 10), 1), recorded)


def test_a_frame_of_a_trade_has_72_bytes() -> None:
    recorder = Recorder()
    kernel = Kernel(catalogue(), 1)
    kernel.attach(recorder.buffer, recorder.buffer)
    kernel.process(ev.TradePrint(1, 1, 5, 6), 1, 1)
    assert recorder.buffer.used == 72


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("000123", 123), ("9" * 18, 10**18 - 1)],
)
def test_a_numeric_trade_id_is_itself(text: str, number: int) -> None:
    assert trade_id(text) == number


@pytest.mark.parametrize("text", ["", "-5", "9" * 19, "d6b1-77", "1.0"])
def test_any_other_trade_id_is_a_digest(text: str) -> None:
    assert 10**10 < trade_id(text) <= INT64_MAX
    assert trade_id(text) == trade_id(text) != trade_id(text + "x")


def test_the_digest_is_the_same_in_every_run() -> None:
    assert trade_id("d6b1-77") == 7_560_954_032_389_148_786

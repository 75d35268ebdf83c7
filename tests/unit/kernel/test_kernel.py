"""The kernel's decisions: orders, denials, switches, failures, commands, snapshots and replay."""

from __future__ import annotations

import json

import pytest
from msgspec import Struct
from tests.engine import EURUSD, FAST, MILLION, POINT, SLOW, Engine, Recorder, catalogue, feed

from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay, ReplayMismatch
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.codec import decode, encode
from thft.model.fixed import ABSENT
from thft.model.order import DENIED, NEVER_ARRIVED, UNKNOWN, Order


class Buyer(Strategy):
    """Buys 1,000,000 at market on each fast quote while flat, or does what `wish` says."""

    kind = "buyer"
    wish = "buy"

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FAST, EURUSD)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        if self.wish == "raise":
            ctx.submit("acc", EURUSD, 1, MILLION)
            raise ValueError("no")
        if self.wish == "buy" and not ctx.working_orders() and not ctx.position("acc", EURUSD):
            ctx.submit("acc", EURUSD, 1, MILLION)
        if self.wish == "limit" and not ctx.working_orders():
            ctx.submit("acc", EURUSD, 1, MILLION, type="limit", tif="GTC", price=139_000 * POINT)


class Runaway(Buyer):
    """Answers every denial with another order."""

    kind = "runaway"

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        ctx.submit("acc", EURUSD, 1, 1)

    def on_order(self, ctx: Context, order: Order) -> None:
        if order.state == DENIED:
            ctx.submit("acc", EURUSD, 1, 1)


class Rememberer(Buyer):
    """Keeps the ids that its orders were said to have."""

    kind = "rememberer"

    def __init__(self, params: Struct) -> None:
        super().__init__(params)
        self.promised: list[str] = []

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        self.promised.append(ctx.submit("acc", EURUSD, 1, MILLION))


class Raiser(Buyer):
    kind = "raiser"
    wish = "raise"


class Limiter(Buyer):
    kind = "limiter"
    wish = "limit"


def command(engine: Engine, kind: str, body: object, id: str = "c1") -> ev.CommandDone:
    payload = json.dumps(body).encode()
    engine.process(ev.CommandReceived(1, id, kind, payload, "operator"))
    done: ev.CommandDone = engine.recorder.events(ev.CommandDone)[-1]
    return done


def test_an_order_fills_one_latency_later_at_the_price_shown_then() -> None:
    engine = Engine(Buyer, latency_ms=(5, 5))
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("b", "buyer")
    engine.quote(FAST, 139_000, 139_002)
    engine.quote(SLOW, 139_020, 139_030, after_ms=3)
    engine.wait(5)
    fills = engine.recorder.events(ev.Fill)
    assert [(fill.size, fill.price) for fill in fills] == [(MILLION, 139_030 * POINT)]
    assert engine.kernel.state.net_size("acc", EURUSD) == MILLION


def test_intent_stands_in_the_journal_before_its_report() -> None:
    engine = Engine(Buyer)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("b", "buyer")
    engine.quote(FAST, 139_000, 139_002)
    engine.wait(5)
    kinds = [frame.type for frame in engine.recorder.frames]
    assert kinds.index(ev.OrderSubmitted.TYPE) < kinds.index(ev.ExecutionReport.TYPE)


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_resting_order_executes_because_of_the_quote_that_reaches_it(looked_at: bool) -> None:
    engine = Engine(Limiter, latency_ms=(5, 5))
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("l", "limiter")
    engine.quote(FAST, 139_000, 139_002)
    engine.wait(5)
    engine.quote(FAST, 139_000, 139_002)
    if looked_at:
        engine.kernel.state_hash()  # as a snapshot does: nothing may follow from it
    engine.quote(SLOW, 138_980, 138_990)
    quote, report, fill = engine.recorder.frames[-4:-1]
    executed = decode(report.type, report.version, report.payload)
    assert isinstance(executed, ev.ExecutionReport)
    assert (executed.exec_type, executed.last_price) == ("trade", 139_000 * POINT)
    assert (executed.cause, executed.venue_ts_ns) == (quote.seq, engine.now_ns)
    assert fill.type == ev.Fill.TYPE


def test_denied_is_not_rejected() -> None:
    engine = Engine(Buyer)
    engine.load("b", "buyer")
    engine.quote(FAST, 139_000, 139_002)  # slow has no price yet
    assert [denied.reason for denied in engine.recorder.events(ev.OrderDenied)] == [
        "no tradable quote"
    ]
    assert engine.recorder.events(ev.ExecutionReport) == []
    assert engine.kernel.state.counters.denied == 1


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ev.RiskLimitsSet(MILLION - 1, 0, 0, 0), "max_order_size 1000000 > 999999.99999999"),
        (ev.RiskLimitsSet(0, MILLION - 1, 0, 0), "max_position 1000000 > 999999.99999999"),
    ],
)
def test_a_limit_denies_and_names_itself(limits: ev.RiskLimitsSet, reason: str) -> None:
    engine = Engine(Buyer)
    engine.process(limits)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("b", "buyer")
    engine.quote(FAST, 139_000, 139_002)
    assert engine.recorder.events(ev.OrderDenied)[0].reason == reason


def test_orders_per_second_slide() -> None:
    engine = Engine(Raiser, Limiter)
    engine.process(ev.RiskLimitsSet(0, 0, 1, 0))
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("l", "limiter")
    engine.quote(FAST, 139_000, 139_002)
    engine.wait(5)
    order_id = engine.recorder.events(ev.OrderSubmitted)[0].client_order_id
    command(engine, "kill_switch", {"on": True}, "k1")
    engine.wait(5)
    command(engine, "kill_switch", {"on": False}, "k2")
    assert engine.kernel.state.closed_orders[order_id].state == "CANCELLED"
    engine.quote(FAST, 139_000, 139_002)
    assert engine.recorder.events(ev.OrderDenied)[-1].reason == "max_orders_per_s 2 > 1"
    engine.quote(FAST, 139_000, 139_002, after_ms=1_000)
    assert len(engine.recorder.events(ev.OrderSubmitted)) == 2


def test_kill_switch_blocks_risk_and_holds_across_a_restart() -> None:
    engine = Engine(Buyer)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("b", "buyer")
    assert command(engine, "kill_switch", {"on": True, "reason": "test"}).status == "done"
    engine.quote(FAST, 139_000, 139_002)
    assert engine.recorder.events(ev.OrderDenied)[-1].reason == "kill switch: test"

    restarted = Kernel(catalogue(Buyer), 1)
    snapshot.restore(restarted, snapshot.sections(engine.kernel))
    assert restarted.state.kill.on
    assert restarted.state_hash() == engine.kernel.state_hash()


def test_a_strategy_that_raises_is_disabled_and_leaves_nothing() -> None:
    engine = Engine(Raiser)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("r", "raiser")
    engine.quote(FAST, 139_000, 139_002)
    disabled = engine.recorder.events(ev.StrategyDisabled)
    assert [(one.strategy, one.reason, one.by) for one in disabled] == [
        ("r", "ValueError: no", "error")
    ]
    assert engine.recorder.events(ev.OrderSubmitted) == []
    engine.quote(FAST, 139_000, 139_002)
    assert len(engine.recorder.events(ev.StrategyDisabled)) == 1


class Hoard(Struct):
    """Grows with every quote."""

    kept: list[bytes] = []


class Leaker(Strategy):
    """Keeps a quarter of a mebibyte for every quote."""

    kind = "leaker"
    State = Hoard

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FAST, EURUSD)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        self.state.kept.append(bytes(1 << 18))


def test_an_order_has_the_id_that_its_strategy_was_told() -> None:
    engine = Engine(Rememberer, Raiser)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("one", "rememberer")
    engine.load("failing", "raiser")
    engine.load("two", "rememberer")
    for _ in range(3):
        engine.quote(FAST, 139_000, 139_002)
    submitted = engine.recorder.events(ev.OrderSubmitted)
    for name in ("one", "two"):
        strategy = engine.kernel.slots[name].strategy
        assert isinstance(strategy, Rememberer)
        ids = [order.client_order_id for order in submitted if order.strategy == name]
        assert strategy.promised == ids
    assert [order.client_order_id for order in submitted] == [f"ab-1-{n}" for n in range(1, 7)]
    again = Kernel(catalogue(Rememberer, Raiser), 1)
    feed(Replay(again, 1), engine.recorder.frames)
    assert again.state_hash() == engine.kernel.state_hash()


def test_a_leaking_strategy_is_disabled_within_a_second() -> None:
    engine = Engine(Leaker)
    engine.load("l", "leaker")
    for _ in range(30):
        engine.quote(FAST, 139_000, 139_002, after_ms=50)
    engine.wait(1_000)
    (disabled,) = engine.recorder.events(ev.StrategyDisabled)
    assert disabled.by == "limit" and "4096 KiB are allowed" in disabled.reason
    assert len(engine.kernel.slots["l"].state_bytes()) < 100


def test_a_runaway_strategy_is_stopped_within_one_input() -> None:
    engine = Engine(Runaway)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("r", "runaway")
    engine.quote(FAST, 139_000, 139_002)
    (disabled,) = engine.recorder.events(ev.StrategyDisabled)
    assert disabled.by == "limit"
    assert len(engine.recorder.events(ev.OrderDenied)) <= 8


def test_a_repeated_command_gets_the_first_answer() -> None:
    engine = Engine()
    first = command(engine, "kill_switch", {"on": True}, "same")
    again = command(engine, "kill_switch", {"on": False}, "same")
    assert (first.status, first.reason) == (again.status, again.reason) == ("done", "on")
    assert engine.kernel.state.kill.on


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("fly", {}, "unknown command kind 'fly'"),
        ("kill_switch", {"on": "yes"}, "kill_switch needs on: true or false"),
        ("strategy_enable", {"strategy": "zz", "enabled": True}, "no strategy 'zz' is loaded"),
        (
            "kill_switch",
            [1],
            "the command's body is no JSON object: Expected `object`, got `array`",
        ),
    ],
)
def test_a_bad_command_is_refused_in_words(kind: str, body: object, reason: str) -> None:
    assert command(Engine(), kind, body).reason == reason


def test_hot_parameters_apply_between_events_and_cold_ones_are_refused() -> None:
    engine = Engine()
    engine.load_arbitrage()
    changed = {"strategy": "la1", "params": {"diff_to_open_points": 7}, "expected_revision": 1}
    assert command(engine, "strategy_params", changed, "a").reason == "revision 2"
    assert engine.kernel.slots["la1"].strategy.params.diff_to_open_points == 7
    stale = command(engine, "strategy_params", changed, "b")
    assert stale.reason == "revision is 2, not 1: reload and try again"
    cold = {"strategy": "la1", "params": {"account": "other"}}
    answer = command(engine, "strategy_params", cold, "c")
    assert answer.reason == "account changes only while the strategy is stopped: disable it first"
    wrong = {"strategy": "la1", "params": {"diff_to_open_points": 0}}
    assert "Expected `int` >= 1" in command(engine, "strategy_params", wrong, "d").reason


def test_an_unanswered_order_is_asked_for_and_never_sent_again() -> None:
    engine = Engine(Buyer, account_kind="venue")
    engine.process(ev.AccountState("acc", "READY", "test", 1))
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("b", "buyer")
    engine.quote(FAST, 139_000, 139_002)
    ((kind, order),) = engine.kernel.take_effects()
    assert kind == "send"
    engine.wait(1_000)
    assert order.state == UNKNOWN
    engine.wait(60_000)
    effects = engine.kernel.take_effects()
    assert {kind for kind, _ in effects} == {"query"}
    engine.quote(FAST, 139_000, 139_002)
    assert len(engine.recorder.events(ev.OrderSubmitted)) == 1


def answer(order: Order, exec_type: str, cum: int = 0, session: int = 0) -> ev.ExecutionReport:
    return ev.ExecutionReport(
        0,
        "acc",
        order.client_order_id,
        "v1",
        "",
        exec_type,
        0,
        ABSENT,
        cum,
        139_010 * POINT,
        0,
        "",
        ABSENT,
        "",
        session,
    )


def test_not_found_counts_only_from_a_newer_session() -> None:
    engine = Engine(Buyer, account_kind="venue")
    engine.process(ev.AccountState("acc", "READY", "test", 1))
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("b", "buyer")
    engine.quote(FAST, 139_000, 139_002)
    ((_, order),) = engine.kernel.take_effects()
    engine.wait(1_000)
    engine.process(answer(order, "not_found", session=1))
    assert order.state == UNKNOWN
    engine.process(ev.AccountState("acc", "SYNCING", "test", 2))
    assert ("query", order) in engine.kernel.take_effects()
    engine.process(answer(order, "not_found", session=2))
    assert order.state == NEVER_ARRIVED


def test_a_report_about_a_foreign_order_halts_the_account() -> None:
    engine = Engine(account_kind="venue")
    engine.process(ev.AccountState("acc", "READY", "test", 1))
    foreign = ev.ExecutionReport(
        0, "acc", "zz-1-1", "v", "e", "new", 0, ABSENT, 0, ABSENT, 0, "", ABSENT, "", 1
    )
    engine.process(foreign)
    assert engine.kernel.state.accounts["acc"].state == "HALTED"


def test_timers_fire_before_the_input_they_precede() -> None:
    engine = Engine(Buyer, latency_ms=(5, 5))
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("b", "buyer")
    engine.quote(FAST, 139_000, 139_002)
    engine.quote(SLOW, 139_050, 139_060, after_ms=50)
    fired = [f for f in engine.recorder.frames if f.type == ev.TimerFired.TYPE]
    assert fired[0].recv_ts_ns == engine.now_ns - 45_000_000
    assert engine.recorder.events(ev.Fill)[0].price == 139_010 * POINT


def trading_engine(quotes: int = 3_000) -> Engine:
    engine = Engine(latency_ms=(1, 9), hash_every=1_000)
    engine.load_arbitrage()
    engine.random_market(seed=11, quotes=quotes)
    return engine


def test_replay_comes_to_the_same_decisions_and_hash() -> None:
    engine = trading_engine()
    assert engine.kernel.state.accounts["acc"].round_trips > 20
    assert len(engine.recorder.events(ev.StateHashed)) > 3
    again = Kernel(catalogue(), 1, 1_000)
    replay = Replay(again, 1)
    feed(replay, engine.recorder.frames)
    assert again.state_hash() == engine.kernel.state_hash()
    assert replay.events == len(engine.recorder.frames)


def test_replay_names_the_first_frame_that_differs() -> None:
    engine = trading_engine(1_000)
    frames = list(engine.recorder.frames)
    index = next(i for i, f in enumerate(frames) if f.type == ev.OrderSubmitted.TYPE)
    original = engine.recorder.events(ev.OrderSubmitted)[0]
    fields = [getattr(original, name) for name in original.__struct_fields__]
    fields[8] += 1
    frames[index] = frames[index]._replace(payload=encode(ev.OrderSubmitted(*fields)))
    with pytest.raises(ReplayMismatch) as caught:
        feed(Replay(Kernel(catalogue(), 1, 1_000), 1), frames)
    assert caught.value.seq == frames[index].seq


def test_replay_finds_a_missing_outcome() -> None:
    engine = trading_engine(1_000)
    frames = list(engine.recorder.frames)
    index = next(i for i, f in enumerate(frames) if f.type == ev.OrderSubmitted.TYPE)
    del frames[index]
    with pytest.raises(ReplayMismatch):
        feed(Replay(Kernel(catalogue(), 1, 1_000), 1), frames)


def test_a_snapshot_goes_on_like_the_engine_it_was_taken_of() -> None:
    engine = trading_engine(1_500)
    restored = Kernel(catalogue(), 99, 1_000)
    snapshot.restore(restored, snapshot.sections(engine.kernel))
    recorder = Recorder(engine.kernel.lane.seq + 1)
    restored.attach(recorder.buffer, recorder.buffer)
    before = len(engine.recorder.frames)
    other = Engine.__new__(Engine)
    other.kernel, other.recorder, other.now_ns = restored, recorder, engine.now_ns
    for one in (engine, other):
        one.random_market(seed=5, quotes=500)
    assert restored.state_hash() == engine.kernel.state_hash()
    if recorder.frames:
        assert recorder.frames == engine.recorder.frames[before:]

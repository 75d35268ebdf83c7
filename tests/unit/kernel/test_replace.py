"""Another size or price for a working order: asked, judged, answered, asked for, replayed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.engine import EURUSD, FAST, MILLION, POINT, SLOW, Engine, catalogue, feed

from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.fixed import ABSENT
from thft.model.order import ACCEPTED, DENIED, FILLED, PARTIAL, PENDING_REPLACE, Order

LIMIT = 138_990 * POINT


class Follower(Strategy):
    """Keeps one buy order at the fast bid, half a million larger each time."""

    kind = "follower"

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FAST, EURUSD)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        working = ctx.working_orders()
        if not working:
            how: dict[str, Any] = {"type": "limit", "tif": "GTC", "price": book.bid}
            ctx.submit("acc", EURUSD, 1, MILLION, **how)
        elif working[0].price != book.bid:
            size = working[0].size + MILLION // 2
            ctx.replace(working[0].client_order_id, size=size, price=book.bid)


class Hand(Strategy):
    """Does what the test does through its context; notes what its orders were at each answer."""

    kind = "hand"

    def on_order(self, ctx: Context, order: Order) -> None:
        heard.append((order.state, order.reason))


heard: list[tuple[str, str]] = []


class Desk:
    """An engine with one resting order to buy a million."""

    def __init__(self, kind: str = "paper", size: int = MILLION) -> None:
        heard.clear()
        self.engine = Engine(Hand, account_kind=kind, latency_ms=(5, 5))
        if kind == "venue":
            self.process(ev.AccountState("acc", "READY", "test", 1))
        self.engine.quote(SLOW, 139_000, 139_010)
        self.engine.load("h", "hand")
        how: dict[str, Any] = {"type": "limit", "tif": "GTC", "price": LIMIT}
        self.id = self.ctx.submit("acc", EURUSD, 1, size, **how)
        self.settle()
        if kind == "venue":
            self.report("new")
        self.engine.wait(5)
        self.kernel.take_effects()
        assert self.order.state == ACCEPTED

    @property
    def kernel(self) -> Kernel:
        return self.engine.kernel

    @property
    def ctx(self) -> Context:
        return self.kernel.slots["h"].ctx

    @property
    def order(self) -> Order:
        order = self.kernel.state.order(self.id)
        assert order is not None
        return order

    def process(self, event: ev.Event) -> None:
        self.engine.process(event)

    def settle(self) -> None:
        self.process(ev.MetricSnapshot(0, "test", "", ()))

    def replace(self, **terms: int) -> None:
        self.ctx.replace(self.id, **terms)
        self.settle()

    def report(self, kind: str, cum: int = 0, session: int = 1) -> None:
        average = LIMIT if cum else ABSENT
        self.process(
            ev.ExecutionReport(
                0, "acc", self.id, "v1", "", kind, 0, ABSENT, cum, average, 0, "", 1, "", session
            )
        )

    def terms(self, outcome: str, number: int, size: int, price: int, session: int = 1) -> None:
        said = ev.ReplaceReport(
            0, "acc", self.id, number, outcome, size, price, 1, f"{outcome} there", session
        )
        self.process(said)

    def events(self, kind: type[ev.Event]) -> list[Any]:
        return self.engine.recorder.events(kind)


# ---- the paper venue -----------------------------------------------------------------------------


def test_a_resting_order_moves_and_executes_at_its_new_price() -> None:
    desk = Desk()
    desk.replace(price=LIMIT - 10 * POINT)
    assert desk.order.state == PENDING_REPLACE and desk.order.price == LIMIT
    desk.engine.wait(5)
    assert (desk.order.state, desk.order.price) == (ACCEPTED, LIMIT - 10 * POINT)
    desk.engine.quote(SLOW, 138_975, 138_985)
    assert desk.order.state == ACCEPTED  # the old price is reached, the new one is not
    desk.engine.quote(SLOW, 138_970, 138_980)
    assert [fill.price for fill in desk.events(ev.Fill)] == [138_980 * POINT]


def test_a_price_within_reach_executes_at_the_market() -> None:
    desk = Desk()
    desk.replace(price=139_020 * POINT, size=3 * MILLION // 2)
    desk.engine.wait(5)
    assert [(fill.size, fill.price) for fill in desk.events(ev.Fill)] == [
        (MILLION, 139_010 * POINT)  # what is shown
    ]
    assert (desk.order.state, desk.order.leaves) == (PARTIAL, MILLION // 2)
    desk.engine.quote(SLOW, 139_000, 139_015)
    assert desk.order.state == FILLED


def test_a_fill_on_the_way_refuses_a_size_that_is_gone() -> None:
    desk = Desk()
    desk.engine.quote(SLOW, 138_980, 138_985, size=MILLION // 4)
    assert desk.order.cum_size == MILLION // 4
    desk.replace(size=MILLION // 2)
    desk.engine.quote(SLOW, 138_980, 138_985, size=MILLION // 4)
    assert desk.order.cum_size == MILLION // 2 and desk.order.state == PENDING_REPLACE
    desk.engine.wait(5)
    assert (desk.order.state, desk.order.size) == (PARTIAL, MILLION)
    assert heard[-1] == (PARTIAL, "replace refused: so much has been executed meanwhile")


# ---- the gate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "terms", "reason"),
    [
        ((0, 0, 0, 0), {}, "nothing would change"),
        ((0, 0, 0, 0), {"size": 0}, "0 is executed already: cancel the rest instead"),
        ((0, 0, 0, 0), {"size": MILLION + 1}, "size 1000000.00000001 is no multiple of 1"),
        ((MILLION, 0, 0, 0), {"size": 2 * MILLION}, "max_order_size 2000000 > 1000000"),
        ((0, MILLION, 0, 0), {"size": 2 * MILLION}, "max_position 2000000 > 1000000"),
        ((0, 0, 1, 0), {"price": LIMIT - POINT}, "max_orders_per_s 2 > 1"),
    ],
)
def test_a_replace_is_denied_in_words_and_the_order_goes_on(
    limits: tuple[int, int, int, int], terms: dict[str, int], reason: str
) -> None:
    desk = Desk()
    desk.process(ev.RiskLimitsSet(*limits))
    desk.replace(**terms)
    assert heard[-1] == (ACCEPTED, f"replace denied: {reason}")
    assert desk.events(ev.ReplaceRequested) == []
    (denied,) = desk.events(ev.ReplaceReport)
    assert (denied.outcome, denied.number) == ("denied", 0)
    assert (desk.order.size, desk.order.price) == (MILLION, LIMIT)


def test_open_orders_do_not_limit_changes_and_less_may_always_be_wanted() -> None:
    desk = Desk(size=2 * MILLION)
    desk.process(ev.RiskLimitsSet(MILLION, MILLION, 1, 1))
    desk.replace(size=3 * MILLION // 2)
    desk.engine.wait(5)
    assert desk.order.size == 3 * MILLION // 2


def test_while_it_is_open_a_replace_counts_with_the_larger_size() -> None:
    desk = Desk("venue")
    desk.process(ev.RiskLimitsSet(0, 3 * MILLION, 0, 0))
    desk.replace(size=2 * MILLION)
    another = {"type": "limit", "tif": "GTC", "price": LIMIT}
    desk.ctx.submit("acc", EURUSD, 1, 2 * MILLION, **another)
    desk.settle()
    assert heard[-1] == (DENIED, "max_position 4000000 > 3000000")
    desk.terms("refused", 1, MILLION, LIMIT)
    desk.ctx.submit("acc", EURUSD, 1, 2 * MILLION, **another)
    desk.settle()
    assert len(desk.events(ev.OrderSubmitted)) == 2


@pytest.mark.parametrize("state", ["SUBMITTED", "UNKNOWN", "PENDING_REPLACE", "FILLED"])
def test_only_an_order_that_works_is_changed(state: str) -> None:
    desk = Desk("venue")
    desk.order.state = state
    desk.replace(size=2 * MILLION)
    assert heard[-1][1] == f"replace denied: the order is {state}"


def test_an_order_whose_cancellation_is_under_way_is_not_changed() -> None:
    desk = Desk("venue")
    desk.ctx.cancel(desk.id, "test")
    desk.settle()
    desk.replace(size=2 * MILLION)
    assert heard[-1] == (ACCEPTED, "replace denied: its cancellation is under way")


# ---- a venue -------------------------------------------------------------------------------------


def test_without_an_answer_a_replace_is_asked_for_and_blocks_new_risk() -> None:
    desk = Desk("venue")
    desk.replace(size=2 * MILLION)
    assert [kind for kind, _ in desk.kernel.take_effects()] == ["replace"]
    desk.engine.wait(1_000)
    assert (desk.order.state, desk.order.doubtful) == (PENDING_REPLACE, True)
    assert desk.order.reason == "no answer to replace 1 within 1000 ms"
    desk.report("status")  # that it lives says nothing of the replace
    desk.terms("stands", 0, MILLION, LIMIT)
    desk.engine.wait(30_000)
    assert desk.order.state == PENDING_REPLACE
    assert {kind for kind, _ in desk.kernel.take_effects()} == {"query"}
    desk.ctx.submit("acc", EURUSD, 1, MILLION)
    desk.settle()
    assert heard[-1] == (DENIED, f"order {desk.id} is UNKNOWN")
    desk.process(ev.AccountState("acc", "SYNCING", "test", 2))
    desk.terms("stands", 0, MILLION, LIMIT, session=2)
    assert (desk.order.state, desk.order.size, desk.order.wanted) == (ACCEPTED, MILLION, None)
    desk.kernel.take_effects()
    desk.engine.wait(60_000)
    assert desk.kernel.take_effects() == []  # answered: nobody asks any more


def test_the_kill_switch_cancels_again_what_a_replace_came_before() -> None:
    desk = Desk("venue")
    desk.replace(size=2 * MILLION)
    body = msgspec.json.encode({"on": True})
    desk.process(ev.CommandReceived(1, "k", "kill_switch", body, "operator"))
    assert [kind for kind, _ in desk.kernel.take_effects()] == ["replace", "cancel"]
    desk.terms("replaced", 1, 2 * MILLION, LIMIT)
    assert [kind for kind, _ in desk.kernel.take_effects()] == ["cancel"]
    assert [one.reason for one in desk.events(ev.CancelRequested)] == [
        "kill switch: operator",
        "asked again: a replace came between",
    ]
    desk.terms("replaced", 1, 2 * MILLION, LIMIT)  # said twice
    desk.report("cancelled", MILLION)
    assert desk.kernel.take_effects() == []
    assert (desk.order.state, desk.order.cum_size) == ("CANCELLED", MILLION)


def test_a_refused_replace_under_the_kill_switch_needs_no_second_cancel() -> None:
    desk = Desk("venue")
    desk.replace(size=2 * MILLION)
    body = msgspec.json.encode({"on": True})
    desk.process(ev.CommandReceived(1, "k", "kill_switch", body, "operator"))
    desk.kernel.take_effects()
    desk.terms("refused", 1, MILLION, LIMIT)
    assert desk.kernel.take_effects() == []


def test_a_replay_comes_to_the_same_replaces() -> None:
    engine = Engine(Follower, latency_ms=(1, 9), hash_every=500)
    engine.load("f", "follower")
    engine.process(ev.RiskLimitsSet(0, 20 * MILLION, 0, 0))
    engine.random_market(seed=4, quotes=1_500)
    asked = engine.recorder.events(ev.ReplaceRequested)
    outcomes = {one.outcome for one in engine.recorder.events(ev.ReplaceReport)}
    assert len(asked) > 30 and outcomes >= {"replaced", "denied"}
    again = Kernel(catalogue(Follower), 1, 500)
    feed(Replay(again, 1), engine.recorder.frames)
    assert again.state_hash() == engine.kernel.state_hash()
    restored = Kernel(catalogue(Follower), 1, 500)
    snapshot.restore(restored, snapshot.sections(engine.kernel))
    assert restored.state_hash() == engine.kernel.state_hash()

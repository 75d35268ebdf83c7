"""Parts of the kernel: the risk gate's limits, the order of timers, the generator, snapshots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.engine import EURUSD, MS, SLOW, Engine

from thft.base.prng import Prng
from thft.kernel.strategy import Intent
from thft.kernel.timers import NEVER_NS, Timers
from thft.model import event as ev
from thft.model.fixed import ABSENT, SIZE_ONE
from thft.state.section import restore_state, state_section

MAX_ORDER, MAX_POSITION, MAX_RATE, MAX_OPEN = 50, 120, 6, 4


def intent(side: int, units: int) -> Intent:
    return Intent(
        "ab-1-1", "acc", EURUSD, side, units * SIZE_ONE, "market", "IOC", ABSENT, "", ABSENT,
        ABSENT, ABSENT,
    )  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from((1, -1)),
            st.integers(1, 60),
            st.sampled_from(("submit", "submit", "fill", "wait", "kill", "release")),
        ),
        max_size=30,
    )
)
def test_no_limit_is_ever_passed(steps: list[tuple[int, int, str]]) -> None:
    engine = Engine(account_kind="venue")
    engine.process(ev.AccountState("acc", "READY", "test", 1))
    engine.process(
        ev.RiskLimitsSet(MAX_ORDER * SIZE_ONE, MAX_POSITION * SIZE_ONE, MAX_RATE, MAX_OPEN)
    )
    engine.quote(SLOW, 139_000, 139_004)
    kernel, state = engine.kernel, engine.kernel.state
    for number, (side, units, what) in enumerate(steps, 1):
        if what == "fill" and state.orders:
            order = next(iter(state.orders.values()))
            engine.process(
                ev.ExecutionReport(
                    0, "acc", order.client_order_id, "V", f"X{number}", "trade", order.leaves,
                    139_000, order.size, 139_000, 0, "", 1, "", 1,
                )
            )  # fmt: skip
        elif what == "wait":
            engine.wait(units * 30)
        elif what in ("kill", "release"):
            engine.process(ev.KillSwitchSet(1, what == "kill", "test"))
        elif what == "submit":
            held = state.net_size("acc", EURUSD)
            reason = kernel.risk.refusal(intent(side, units), kernel.now_ns)
            if not reason:
                _send(engine, side, units, number)
                reduces = held * side < 0
                assert units <= MAX_ORDER
                assert not state.kill.on or reduces
        exposed = _worst(engine)
        assert exposed <= MAX_POSITION * SIZE_ONE
        adding = [when for when in kernel.risk.sent_ns if when > kernel.now_ns - 1_000 * MS]
        assert len(adding) <= MAX_RATE + MAX_OPEN + len(steps)
        assert kernel.risk.refusal(intent(1, MAX_ORDER + 1), kernel.now_ns)


def _send(engine: Engine, side: int, units: int, number: int) -> None:
    order = f"ab-1-{number}"
    engine.process(
        ev.OrderSubmitted(
            1, order, "s", "acc", EURUSD, side, "market", "IOC", units * SIZE_ONE, ABSENT, "",
            ABSENT, ABSENT, ABSENT,
        )
    )  # fmt: skip
    engine.kernel.risk.sent(engine.kernel.now_ns)


def _worst(engine: Engine) -> int:
    """Returns the largest exposure that fills of working orders could make."""
    state = engine.kernel.state
    held = state.net_size("acc", EURUSD)
    working = list(state.orders.values())
    longest = held + sum(order.leaves for order in working if order.side > 0)
    shortest = held - sum(order.leaves for order in working if order.side < 0)
    return max(abs(held), longest, -shortest)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=40))
def test_timers_fire_by_due_time_then_by_age(armed: list[tuple[int, bool]]) -> None:
    timers = Timers()
    wanted = []
    for due_ns, cancelled in armed:
        timer = timers.arm(due_ns, "test", "")
        if cancelled:
            timers.cancel(timer)
        else:
            wanted.append((due_ns, timer))
    copy = Timers()
    copy.restore(timers.record())
    for each in (timers, copy):
        fired = []
        while each.next_due_ns != NEVER_NS:
            due_ns, timer, _, _ = each.pop()
            fired.append((due_ns, timer))
        assert fired == sorted(wanted)


@given(st.integers(0, 2**64 - 1), st.integers(-100, 100), st.integers(0, 1_000))
def test_the_generator_stays_in_its_bounds_and_goes_on_from_its_state(
    seed: int, low: int, width: int
) -> None:
    prng = Prng(seed)
    drawn = [prng.between(low, low + width) for _ in range(20)]
    assert all(low <= number <= low + width for number in drawn)
    again = Prng(seed)
    assert [again.between(low, low + width) for _ in range(10)] == drawn[:10]
    resumed = Prng(again.state)
    assert [resumed.between(low, low + width) for _ in range(10)] == drawn[10:]


@given(st.integers(0, 2**32), st.integers(1, 120))
def test_a_restored_state_has_the_same_bytes(seed: int, quotes: int) -> None:
    engine = Engine(seed=seed)
    engine.load_arbitrage(diff_to_open_points=3, tp_points=4)
    engine.random_market(seed, quotes)
    state = engine.kernel.state
    section = state_section(state)
    restored = restore_state(section)
    assert state_section(restored) == section
    summed = sum(position.size for position in state.positions.values())
    assert restored.net_size("acc", EURUSD) == state.net_size("acc", EURUSD) == summed

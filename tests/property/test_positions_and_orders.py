"""Positions and orders: sums against exact fractions; every state with every report."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thft.model.event import ExecutionReport, OrderSubmitted
from thft.model.fixed import ABSENT, SIZE_ONE
from thft.model.order import TERMINAL, TRANSITIONS, Order, UnknownTransition
from thft.model.position import Position

FILLS = st.lists(
    st.tuples(st.sampled_from((1, -1)), st.integers(1, 500), st.integers(900_000, 1_100_000)),
    max_size=40,
)
STATES = sorted({state for state, _ in TRANSITIONS})
TYPES = ("new", "trade", "cancelled", "rejected", "expired", "status", "not_found", "denied")


@given(FILLS)
def test_a_position_is_the_sum_of_its_fills(fills: list[tuple[int, int, int]]) -> None:
    position = Position("paper", 1, "")
    size = cash = Fraction(0)
    realised = 0
    for number, (side, units, price) in enumerate(fills, 1):
        expected = position.realises(side, units * SIZE_ONE, price * 1_000)
        booked = position.fold(side, units * SIZE_ONE, price * 1_000, 3, number)
        assert booked == expected
        realised += booked
        size += side * units
        cash -= side * units * Fraction(price, 1_000_000)
    assert position.size == size * SIZE_ONE
    assert position.realised == realised
    assert position.fees == 3 * len(fills)
    open_cost = Fraction(position.avg_price, 10**9) * size if position.size else Fraction(0)
    slack = Fraction(len(fills) * 600 * 500, 10**9)  # each average price is rounded to 1e-9
    assert abs(Fraction(position.realised, 10**9) - (cash + open_cost)) <= slack


@given(FILLS)
def test_a_hedging_position_never_changes_its_side(fills: list[tuple[int, int, int]]) -> None:
    position = Position("paper", 1, "ticket")
    for number, (side, units, price) in enumerate(fills, 1):
        held = position.size
        if held and (held > 0) != (side > 0):
            units = min(units, abs(held) // SIZE_ONE)
        position.fold(side, units * SIZE_ONE, price * 1_000, 0, number)
        assert held * position.size >= 0


def order(size: int = 1_000) -> Order:
    submitted = OrderSubmitted(
        1, "ab-1-1", "s", "acc", 1, 1, "market", "IOC", size, ABSENT, "", ABSENT, ABSENT, ABSENT
    )
    return Order.from_intent(submitted, 1, 1, 1)


def report(exec_type: str, cum: int, last: int = 0, price: int = 5) -> ExecutionReport:
    average = price if cum else ABSENT
    return ExecutionReport(
        0, "acc", "ab-1-1", "V1", "X", exec_type, last, price, cum, average, 0, "", 1, "", 2
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("exec_type", TYPES)
def test_every_state_knows_every_report_or_says_so(state: str, exec_type: str) -> None:
    known = order()
    known.state = state
    if (state, exec_type) not in TRANSITIONS:
        with pytest.raises(UnknownTransition, match=f"from {state} on '{exec_type}'"):
            known.fold(report(exec_type, 0), 2)
        return
    known.fold(report(exec_type, 0), 2)
    if state in TERMINAL and state not in ("NEVER_ARRIVED", "DENIED"):
        assert known.state == state


def test_an_unheard_of_report_is_an_error() -> None:
    with pytest.raises(UnknownTransition):
        order().fold(report("teleported", 0), 2)


@given(
    st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 1_000)), max_size=25),
    st.randoms(use_true_random=False),
)
def test_executions_are_booked_once_whatever_the_order(reports, shuffle) -> None:  # type: ignore[no-untyped-def]
    """Lost, repeated and overtaken reports: the sum of increments is the largest total seen."""
    told = [*reports, *shuffle.sample(reports, len(reports) // 2)]
    shuffle.shuffle(told)
    known, booked, largest = order(), 0, 0
    for exec_type, cum in told:
        if (known.state, exec_type) not in TRANSITIONS:
            continue
        before = known.cum_size
        cum = 0 if exec_type == "not_found" else cum
        increment, price = known.fold(report(exec_type, cum, cum), 2)
        largest = max(largest, cum)
        assert increment >= 0 and known.cum_size >= before
        assert price == ABSENT or increment
        booked += increment
    assert booked == known.cum_size == largest
    assert known.cum_size <= known.size

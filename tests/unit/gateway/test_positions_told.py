"""What counts as an answer about positions, and where those of venue and engine differ."""

from __future__ import annotations

import pytest
from tests.unit.fix.frames import message

from thft.gateway.dialects import load
from thft.gateway.fix.snapshot import Snapshot
from thft.gateway.fix.symbols import SymbolMap
from thft.model.fixed import SIZE_ONE
from thft.model.position import Position

DIALECT = load("ctrader")
SYMBOLS = SymbolMap(DIALECT, {"EURUSD": 1, "GBPUSD": 2}, {})
SYMBOLS.ids = {1: "1", 2: "7"}

Told = tuple[str, str, int, int]
"""Symbol, position id, long, short."""


def asked(hedged: bool, *told: Told) -> tuple[Snapshot, list[str]]:
    """Returns an answer as it was taken, and what was wrong with each part."""
    snapshot = Snapshot(DIALECT, hedged)
    head = f"35=AP|710={snapshot.next_positions()}|728=0|727={len(told)}|"
    trouble = []
    for symbol, position_id, long, short in told:
        named = f"721={position_id}|" if position_id else ""
        said = f"{head}{named}55={symbol}|730=1.1|702=1|704={long}|705={short}|"
        trouble.append(snapshot.position(message(said)))
    return snapshot, trouble


def booked(*held: tuple[int, str, int]) -> list[Position]:
    return [Position("acc", one, name, size * SIZE_ONE) for one, name, size in held]


def differences(hedged: bool, told: list[Told], held: list[Position]) -> list[str]:
    snapshot, trouble = asked(hedged, *told)
    assert snapshot.positions_complete and not any(trouble)
    return snapshot.compare(SYMBOLS, held)


def test_positions_of_a_hedging_account_are_equal_one_by_one() -> None:
    told = [("1", "A", 5, 0), ("1", "B", 0, 5), ("7", "C", 3, 0)]
    held = [(1, "A", 5), (1, "B", -5), (2, "C", 3)]
    assert differences(True, told, booked(*held)) == []
    assert differences(True, told, booked(*held[:1], *held[2:])) == [
        "EURUSD position B: -5 at the venue, 0 booked here"
    ]
    assert differences(True, told[:1], booked(*held)) == [
        "EURUSD position B: 0 at the venue, -5 booked here",
        "GBPUSD position C: 0 at the venue, 3 booked here",
    ]


def test_what_cancels_out_is_not_equal_to_nothing() -> None:
    assert len(differences(True, [("1", "A", 5, 0), ("1", "B", 0, 5)], [])) == 2
    assert differences(False, [("1", "A", 5, 0), ("1", "B", 0, 5)], []) == [
        "EURUSD: 2 positions at the venue (A, B), this account is a netting one here"
    ]


def test_the_same_sum_under_another_id_is_not_equal() -> None:
    assert len(differences(True, [("1", "B", 5, 0)], booked((1, "A", 5)))) == 2
    assert differences(False, [("1", "B", 5, 0)], booked((1, "", 5))) == []


def test_a_position_told_twice_does_not_stand_for_another() -> None:
    said = differences(True, [("1", "A", 5, 0), ("1", "A", 5, 0)], booked((1, "A", 5), (1, "B", 5)))
    assert said[0] == "EURUSD position A: 10 at the venue, 5 booked here" and len(said) == 2


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (("1", "", 5, 0), "a position without its id (721) on a hedging account"),
        (("1", "A", 5, 5), "position A is long and short at once"),
        (("1", "A", 5, 4), "position A is long and short at once"),
    ],
)
def test_what_cannot_be_told_apart_is_no_answer(told: Told, words: str) -> None:
    snapshot, trouble = asked(True, told)
    assert trouble == [words] and not snapshot.positions_complete
    snapshot, trouble = asked(False, told)
    assert trouble == [""] and snapshot.positions_complete


def test_a_position_that_is_over_and_still_told_is_nothing() -> None:
    assert differences(True, [("1", "A", 0, 0)], []) == []
    assert differences(False, [("1", "A", 0, 0), ("1", "B", 5, 0)], booked((1, "", 5))) == []

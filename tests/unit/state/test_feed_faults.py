"""What a gateway's fault does to the state: counted, and a dropped book is not tradable."""

from __future__ import annotations

import pytest

from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.state.fold import State

BIDS, ASKS = ((1_000, 5),), ((1_010, 5),)


@pytest.fixture
def state() -> State:
    state = State()
    for seq, event in enumerate(
        (
            ev.FeedDefined(1, "slow", "kraken", "slow", ((1, "EUR/USD"), (2, "GBP/USD"))),
            ev.FeedState(1, "READY", "test"),
            ev.Depth(1, 1, True, BIDS, ASKS),
            ev.Depth(1, 2, True, BIDS, ASKS),
        ),
        1,
    ):
        state.apply(event, seq, seq)
    assert state.book(1, 1).tradable
    return state


@pytest.mark.parametrize("fault", ["checksum", "gap", "crossed_book", "malformed"])
def test_a_dropped_book_is_not_traded_until_its_snapshot(state: State, fault: str) -> None:
    state.apply(ev.FeedFault(1, 1, fault, "why"), 5, 5)
    assert not state.book(1, 1).tradable and state.book(1, 2).tradable
    state.apply(ev.Depth(1, 1, True, BIDS, ASKS), 6, 6)
    assert state.book(1, 1).tradable
    assert state.feeds[1].faults == {fault: 1}


def test_other_faults_are_counted_only(state: State) -> None:
    for seq, fault in enumerate(("unknown_message", "oversize", "unknown_message"), 5):
        state.apply(ev.FeedFault(1, 0, fault, "why"), seq, seq)
    assert state.book(1, 1).tradable
    assert state.feeds[1].faults == {"unknown_message": 2, "oversize": 1}


def test_a_crossed_quote_waits_for_an_uncrossed_one(state: State) -> None:
    for seq, (bid, ask, tradable) in enumerate(
        ((20, 10, False), (10, 10, False), (10, 20, True), (ABSENT, 20, False)), 5
    ):
        state.apply(ev.Quote(1, 1, bid, 5, ask, 5), seq, seq)
        assert state.book(1, 1).tradable is tradable

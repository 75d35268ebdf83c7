"""Replaces against a venue of a few lines, whose words get lost, late, twice and out of order.

The venue's truth is compared with what the order makes of the words that arrive.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thft.model.event import (
    AccountDefined,
    AccountState,
    ExecutionReport,
    OrderSubmitted,
    ReplaceReport,
    ReplaceRequested,
)
from thft.model.fixed import ABSENT
from thft.model.order import ACCEPTED, PARTIAL, PENDING_REPLACE, REPLACEABLE, Order
from thft.state.fold import State

Message = tuple[ReplaceReport, ExecutionReport | None]
SIZE, PRICE = 1_000, 50


def order() -> Order:
    submitted = OrderSubmitted(
        1, "ab-1-1", "s", "acc", 1, 1, "limit", "GTC", SIZE, PRICE, "", ABSENT, ABSENT, ABSENT
    )
    known = Order.from_intent(submitted, 1, 1, 1)
    known.state = ACCEPTED
    return known


def asked(known: Order, size: int, price: int, session: int = 1) -> int:
    """What the state makes of a ReplaceRequested."""
    known.replaces += 1
    known.wanted = size, price
    known.replace_session = session
    known.state = PENDING_REPLACE
    return known.replaces


def terms(
    number: int, outcome: str, size: int = SIZE, price: int = PRICE, session: int = 1
) -> ReplaceReport:
    return ReplaceReport(0, "acc", "ab-1-1", number, outcome, size, price, 1, "", session)


def said(kind: str, cum: int, session: int = 1) -> ExecutionReport:
    average = 5 if cum else ABSENT
    return ExecutionReport(
        0, "acc", "ab-1-1", "V1", "X", kind, 0, ABSENT, cum, average, 0, "", 1, "", session
    )


@dataclass
class Venue:
    """One order as the venue has it; every word says all it knows."""

    size: int = SIZE
    price: int = PRICE
    filled: int = 0
    revision: int = 0
    lives: bool = True
    words: list[Message] = field(default_factory=list)

    @property
    def leaves(self) -> int:
        return self.size - self.filled if self.lives else 0

    def say(self, kind: str, outcome: str = "stands", session: int = 1) -> Message:
        word = (
            terms(self.revision, outcome, self.size, self.price, session),
            said(kind, self.filled, session),
        )
        self.words.append(word)
        return word

    def fill(self, size: int) -> None:
        size = min(size, self.leaves)
        if size:
            self.filled += size
            self.lives = self.filled < self.size
            self.say("trade")

    def replace(self, number: int, size: int, price: int) -> None:
        if not self.lives or size <= self.filled:
            self.words.append((terms(number, "refused", self.size, self.price), None))
            return
        self.size, self.price, self.revision = size, price, number
        self.say("status", "replaced")


def take(known: Order, word: Message) -> int:
    known.fold_replace(word[0], 2)
    return known.fold(word[1], 2)[0] if word[1] is not None else 0


@settings(max_examples=400)
@given(st.integers(0, 2**32))
def test_whatever_happens_to_the_words_exposure_is_never_less_than_the_venues(seed: int) -> None:
    """Fills race replaces; half of the words is lost or late; a new session tells the rest."""
    draw = random.Random(seed)
    known, venue, booked = order(), Venue(), 0
    requests: list[tuple[int, int, int]] = []
    heard: list[Message] = []
    for _ in range(draw.randint(1, 25)):
        match draw.randint(0, 4):
            case 0 if known.state in REPLACEABLE:
                size, price = draw.randint(1, 3_000), draw.randint(40, 60)
                if size > known.cum_size and (size, price) != (known.size, known.price):
                    requests.append((asked(known, size, price), size, price))
            case 1 if requests:
                request = requests.pop()
                if draw.random() < 0.8:
                    venue.replace(*request)
            case 2:
                venue.fill(draw.randint(1, 600))
            case _ if venue.words:
                word = venue.words.pop(draw.randrange(len(venue.words)))
                heard.append(word)
                for one in (word, draw.choice(heard)):
                    booked += take(known, one)
        assert known.exposure >= venue.leaves
        assert booked == known.cum_size <= venue.filled
        assert known.state not in ("REJECTED", "CANCELLED", "UNKNOWN")
    booked += take(known, venue.say("trade" if not venue.lives else "status", session=2))
    assert booked == known.cum_size == venue.filled
    assert known.working == venue.lives
    assert known.exposure == venue.leaves
    if venue.lives:
        assert (known.size, known.price, known.wanted) == (venue.size, venue.price, None)
        assert known.state == (PARTIAL if venue.filled else ACCEPTED)


def test_a_fill_said_before_the_replace_that_made_room_for_it_is_no_end() -> None:
    known = order()
    number = asked(known, 3_000, 51)
    take(known, (terms(number, "stands", 3_000, 51), said("trade", 1_000)))
    assert (known.state, known.size, known.leaves) == (PARTIAL, 3_000, 2_000)


def test_more_executed_than_the_old_size_proves_the_replace() -> None:
    known = order()
    asked(known, 3_000, 51)
    assert known.fold(said("trade", 1_500), 2)[0] == 1_500
    assert (known.state, known.size, known.price, known.wanted) == (PARTIAL, 3_000, 51, None)


def test_an_order_believed_filled_goes_on_when_it_was_larger() -> None:
    """The venue that names no size in its fills: what comes later is right."""
    known = order()
    number = asked(known, 3_000, 51)
    known.fold(said("trade", 1_000), 2)
    assert known.state == "FILLED"
    assert known.fold_replace(terms(number, "replaced", 3_000, 51), 2)
    assert (known.state, known.leaves) == (PARTIAL, 2_000)


def test_a_reduction_to_what_was_executed_ends_the_order() -> None:
    known = order()
    known.fold(said("trade", 400), 2)
    number = asked(known, 500, PRICE)
    known.fold(said("trade", 500), 2)
    assert known.state == PENDING_REPLACE  # 500 of 1,000, or all of it
    known.fold_replace(terms(number, "replaced", 500), 2)
    assert known.state == "FILLED" and known.exposure == 0


@pytest.mark.parametrize(
    ("word", "open_still"),
    [
        (terms(0, "stands"), True),  # the session it was sent in proves nothing
        (terms(0, "stands", session=2), False),
        (terms(0, "stands", 2_000, 51), False),  # its very terms, under the old id
        (terms(1, "stands", 2_000, 51), False),
        (terms(1, "stands", 2_000, 52), False),  # its price as the venue rounded it
        (terms(1, "refused"), False),
        (terms(1, "denied"), False),
        (terms(7, "refused"), True),
        (terms(-1, "replaced", 1_000, 52), True),  # by hand, at the venue
    ],
)
def test_what_answers_a_replace(word: ReplaceReport, open_still: bool) -> None:
    known = order()
    asked(known, 2_000, 51)
    known.fold_replace(word, 2)
    assert (known.state == PENDING_REPLACE) is open_still
    assert known.exposure == (2_000 if open_still or word.size == 2_000 else 1_000)


def test_old_words_do_not_undo_a_replace() -> None:
    known = order()
    first = asked(known, 2_000, 51)
    known.fold_replace(terms(first, "replaced", 2_000, 51), 2)
    second = asked(known, 1_000, 50)  # back to what it was at first
    assert not known.fold_replace(terms(0, "stands", 1_000, 50), 2)
    assert not known.fold_replace(terms(first, "replaced", 2_000, 51), 2)
    assert known.wanted == (1_000, 50)
    assert known.fold_replace(terms(second, "replaced", 1_000, 50), 2)
    assert (known.revision, known.size, known.price) == (2, 1_000, 50)


def test_the_state_asks_as_these_tests_do() -> None:
    known, state = order(), State()
    state.orders["ab-1-1"] = known
    state.apply(AccountDefined("acc", "venue", "netting", "USD", 1, 0, 0, 0, 1), 1, 1)
    state.apply(AccountState("acc", "READY", "", 4), 2, 2)
    state.apply(ReplaceRequested(3, "ab-1-1", 1, 2_000, 51), 3, 3)
    assert (known.state, known.wanted, known.replaces) == (PENDING_REPLACE, (2_000, 51), 1)
    assert (known.replace_session, known.exposure, known.doubtful) == (4, 2_000, False)

"""The books of all venues with checksums or chains, after random changes with random faults."""

from __future__ import annotations

import random

import pytest
from tests.venue.book_campaign import DEPTHS, campaign


@pytest.mark.parametrize("name", DEPTHS)
def test_books_are_the_venues_at_every_point_of_agreement(name: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    one = campaign(name, 2_000, seed)
    assert one.proven > 1_500
    kinds = {fault for _, fault, _ in one.inbox.faults}
    assert kinds <= {"gap", "checksum", "out_of_order"}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEPTHS)
def test_a_million_updates_of_all_venues_together(name: str) -> None:
    one = campaign(name, 1_000_000 // len(DEPTHS) + 1, 20_260)
    assert one.proven > 300_000
    assert {fault for _, fault, _ in one.inbox.faults} >= {"checksum"}

"""The books of all venues with checksums or chains, after random changes with random faults.

`THFT_BOOKS=1000000 THFT_LEDGER=1` is the long campaign.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from tests.ledger import note
from tests.seeds import seed_of_test
from tests.venue.book_campaign import DEPTHS, campaign

UPDATES = int(os.environ.get("THFT_BOOKS", "2000"))


@pytest.mark.parametrize("name", DEPTHS)
def test_books_are_the_venues_at_every_point_of_agreement(name: str) -> None:
    seed = seed_of_test()
    one = campaign(name, UPDATES, seed)
    assert one.proven > UPDATES * 3 // 4
    kinds = Counter(fault for _, fault, _ in one.inbox.faults)
    assert kinds.keys() <= {"gap", "checksum", "out_of_order"}
    note(
        "books",
        venue=name,
        updates=UPDATES,
        seed=seed,
        proofs=one.proven,
        connections=one.connections,
        faults=dict(kinds),
        failures=0,
    )

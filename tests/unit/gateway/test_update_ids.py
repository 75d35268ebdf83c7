"""Update ids of a book: the first X overlaps its W, the others follow one another."""

from __future__ import annotations

import pytest

from thft.gateway.fix.books import BookFault, DepthOfBook
from thft.model.fixed import ABSENT


def test_what_the_snapshot_has_is_passed_over_and_what_is_missing_is_a_fault() -> None:
    book = DepthOfBook(by_id=False)
    book.begins_at(100)
    assert not book.follows(90, 100)
    assert book.follows(95, 103)  # holds 101
    assert book.follows(104, 104)
    assert not book.follows(104, 104)
    with pytest.raises(BookFault, match="updates 105 to 106 are missing"):
        book.follows(107, 108)
    with pytest.raises(BookFault, match="without update ids"):
        book.follows(ABSENT, ABSENT)
    book.begins_at(108)
    assert book.follows(109, 110)

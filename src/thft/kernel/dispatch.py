"""The lane of market data: native or twin, chosen here; the kernel is its only caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thft import _native
from thft.kernel._dispatch_py import LEVELS_A_FRAME
from thft.model.book import Levels, pairs
from thft.model.codec import LEVEL_BYTES
from thft.model.fixed import pack_pairs

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.kernel._dispatch_py import QuoteLane
else:
    from thft.kernel._dispatch import QuoteLane

__all__ = ["LEVELS_A_FRAME", "Levels", "QuoteLane", "levels_in", "portions"]

PORTION = LEVELS_A_FRAME // 2


def portions(bids: Levels, asks: Levels) -> Iterator[tuple[bool, Levels, Levels]]:
    """Yields (first, bids, asks) that fit a frame each, the best levels first.

    So the top of the book is right from the first one on.
    """
    best_bids = sorted(dict(pairs(bids)).items(), reverse=True)
    best_asks = sorted(dict(pairs(asks)).items())
    for at in range(0, max(len(best_bids), len(best_asks)), PORTION):
        end = at + PORTION
        yield not at, pack_pairs(best_bids[at:end]), pack_pairs(best_asks[at:end])


def levels_in(levels: Levels) -> int:
    """Returns how many levels there are, whichever form they have."""
    return len(levels) // LEVEL_BYTES if isinstance(levels, bytes) else len(levels)

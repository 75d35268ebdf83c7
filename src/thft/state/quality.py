"""How far a feed can be trusted: a venue's clock against ours, faults by symbol; folded by `fold`.

A venue's stamp and our receive stamp differ by the way a message took and by how the two clocks
differ. The least difference of some seconds holds the shortest way; half of the shortest round trip
is taken off for it. What that may be wrong by is told with it: the other half, and the resolution
of the venue's stamps. Which of the two clocks is wrong it does not say: how far ours may be from
UTC is measured apart (`ClockMeasured`).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

from msgspec import Struct

from thft.model.fixed import ABSENT

BUCKET_NS = 10_000_000_000
BUCKETS = 30
"""Five minutes of least differences."""
SKEW_BUCKETS = 6
"""A drift is told from a minute on."""
MILLISECOND_NS, MICROSECOND_NS = 1_000_000, 1_000

SILENT_NS = 30_000_000_000
"""A price older than that is said to be."""

Bucket = tuple[int, int]
"""(begin ns, least value in ns)."""


class ClockOffset(NamedTuple):
    """Ours minus the venue's clock, ns, ± `uncertainty_ns`; drift in parts per 1e9 or ABSENT."""

    offset_ns: int
    uncertainty_ns: int
    skew_ppb: int


class FeedClock(Struct):
    """Least differences of stamps and least round trips of the last minutes."""

    delays: list[Bucket] = []
    round_trips: list[Bucket] = []
    resolution_ns: int = MILLISECOND_NS
    """Of the venue's stamps: becomes finer when one is seen that is."""

    def stamped(self, ts_ns: int, delay_ns: int, venue_ts_ns: int) -> None:
        """Takes what one message shows: received minus stamped by the venue."""
        self.delays = _least(self.delays, ts_ns, delay_ns)
        if venue_ts_ns % MILLISECOND_NS and self.resolution_ns > MICROSECOND_NS:
            self.resolution_ns = MICROSECOND_NS
        if venue_ts_ns % MICROSECOND_NS:
            self.resolution_ns = 1

    def round_trip(self, ts_ns: int, ns: int) -> None:
        """Takes a measured round trip."""
        self.round_trips = _least(self.round_trips, ts_ns, ns)

    def delay_ns(self) -> int:
        """Returns the least difference of the last minutes, ABSENT without any."""
        return min((ns for _, ns in self.delays), default=ABSENT)

    def offset(self) -> ClockOffset | None:
        """Returns the estimate, None as long as stamps or round trips are missing."""
        if not self.delays or not self.round_trips:
            return None
        half = min(ns for _, ns in self.round_trips) // 2
        slope = _slope(self.delays)
        return ClockOffset(self.delay_ns() - half, half + self.resolution_ns, slope)


class Quality(NamedTuple):
    """What a strategy may ask of a book before it trusts it."""

    state: str
    """Of the feed."""
    reason: str
    age_ns: int
    """Since the last price, ABSENT when there was none."""
    silent_alone: bool
    """The symbol has been silent for long while others of its feed have moved."""
    bad: bool
    """The book was dropped, or the feed is not there; not tradable."""
    faults: Mapping[str, int]
    """By kind, of this symbol since the journal began."""
    crossed: int
    locked: int
    clock: ClockOffset | None


def _least(buckets: list[Bucket], ts_ns: int, ns: int) -> list[Bucket]:
    begin_ns = ts_ns - ts_ns % BUCKET_NS
    if buckets and buckets[-1][0] == begin_ns:
        return [*buckets[:-1], (begin_ns, min(ns, buckets[-1][1]))]
    young = [one for one in buckets if one[0] > begin_ns - BUCKETS * BUCKET_NS]
    return [*young, (begin_ns, ns)]


def _slope(buckets: list[Bucket]) -> int:
    """Returns the median slope of all pairs (Theil and Sen), in parts per 1e9."""
    if len(buckets) < SKEW_BUCKETS:
        return ABSENT
    slopes = sorted(
        (later - sooner) * 1_000_000_000 // (after_ns - before_ns)
        for (before_ns, sooner), (after_ns, later) in combinations(buckets, 2)
    )
    return slopes[len(slopes) // 2]

"""A venue's clock against ours from stamps and round trips; what a strategy sees of a book."""

from __future__ import annotations

import random

from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.state.fold import State
from thft.state.quality import BUCKETS, SILENT_NS, FeedClock
from thft.state.section import restore_state, state_section

SECOND_NS = 1_000_000_000


def test_offset_and_skew_are_found_within_what_is_told() -> None:
    seed = 11
    print(f"seed {seed}")
    chance = random.Random(seed)
    for offset_ns in (-40_000_000, 0, 2_500_000):
        for skew_ppb in (-20_000, 0, 35_000):
            clock = FeedClock()
            way_ns = 3_000_000
            for second in range(300):
                ours_ns = second * SECOND_NS
                apart_ns = offset_ns + second * skew_ppb
                there_ns = way_ns + int(chance.expovariate(1 / 2e6))
                back_ns = way_ns + int(chance.expovariate(1 / 2e6))
                sent_ns = ours_ns - there_ns - apart_ns
                venue_ts_ns = sent_ns // 1_000_000 * 1_000_000
                clock.stamped(ours_ns, ours_ns - venue_ts_ns, venue_ts_ns)
                clock.round_trip(ours_ns, there_ns + back_ns)
            found = clock.offset()
            assert found is not None
            drift_ns = 300 * abs(skew_ppb)
            assert abs(found.offset_ns - offset_ns) <= found.uncertainty_ns + drift_ns
            assert 3_000_000 <= found.uncertainty_ns <= 5_500_000
            assert abs(found.skew_ppb - skew_ppb) < 12_000
            assert clock.resolution_ns == 1_000_000


def test_nothing_is_told_without_round_trips_and_old_values_go() -> None:
    clock = FeedClock()
    clock.stamped(0, 5, 1_000_001)
    assert clock.offset() is None and clock.resolution_ns == 1
    clock.round_trip(0, 2)
    first = clock.offset()
    assert first is not None and (first.offset_ns, first.uncertainty_ns) == (4, 2)
    assert first.skew_ppb == ABSENT
    for second in range(10, 10 * (BUCKETS + 2), 10):
        clock.stamped(second * SECOND_NS, 50, 1_000_001)
    assert clock.delay_ns() == 50 and len(clock.delays) == BUCKETS


def test_a_book_tells_its_faults_ages_and_silence() -> None:
    state = State()
    symbols = ((1, "EURUSD"), (2, "GBPUSD"))
    events: list[tuple[ev.Event, int]] = [
        (ev.FeedDefined(4, "fast", "binance", "fast", symbols), 1),
        (ev.FeedState(4, "READY", "test"), 1),
        (ev.Quote(4, 1, 10, 1, 9, 1), 1),
        (ev.FeedFault(4, 1, "gap", "why"), 2),
        (ev.FeedFault(4, 0, "malformed", "why"), 2),
        (ev.Quote(4, 2, 9, 1, 10, 1), SILENT_NS + 1),
        (ev.MetricSnapshot(0, "websocket", "4", (("round_trip_ns", 100),)), SILENT_NS + 2),
        (
            ev.MetricSnapshot(0, "delay", "4", (("delay_ns", 70), ("venue_ts_ns", 1_001))),
            SILENT_NS + 2,
        ),
        (ev.MetricSnapshot(0, "feed", "fast", (("quotes", 2),)), SILENT_NS + 2),
    ]
    for seq, (event, ts_ns) in enumerate(events, 1):
        state.apply(event, seq, ts_ns)
    quiet = state.quality(4, 1, SILENT_NS + 2)
    assert (quiet.age_ns, quiet.silent_alone, quiet.crossed) == (SILENT_NS + 1, True, 1)
    assert quiet.faults == {"gap": 1} and quiet.clock is not None
    assert quiet.clock.offset_ns == 20
    lively = state.quality(4, 2, SILENT_NS + 2)
    assert (lively.age_ns, lively.silent_alone, lively.faults) == (1, False, {})
    section = state_section(state)
    again = restore_state(section)
    assert again.quality(4, 1, SILENT_NS + 2) == quiet and state_section(again) == section

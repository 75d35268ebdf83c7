"""Depth and trades in the lane: the same frames, state and decisions as by `process`."""

from __future__ import annotations

import random

import pytest
from tests.engine import EURUSD, FAST, MILLION, POINT, SLOW, Engine, catalogue, feed
from tests.seeds import seeded

from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.fixed import pack_pairs

Pairs = list[tuple[int, int]]


class Taker(Strategy):
    """Buys when the spread of the book is one point, sells what it holds at two, fails at seven."""

    kind = "taker"

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(SLOW, EURUSD)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        spread, held = book.ask - book.bid, ctx.position("acc", EURUSD)
        if book.tradable and not ctx.working_orders():
            if spread == POINT and not held:
                ctx.submit("acc", EURUSD, 1, MILLION)
            elif spread == 2 * POINT and held:
                ctx.submit("acc", EURUSD, -1, held)
        if spread == 7 * POINT and (held or not book.venue_seq):
            raise ValueError("unlucky")


def engine() -> Engine:
    made = Engine(Taker, hash_every=97)
    made.load("t", "taker")
    return made


def levels(choose: random.Random, best: int, step: int) -> Pairs:
    count = choose.randint(0, 4)
    return [(best + step * i * POINT, choose.choice((0, MILLION))) for i in range(count)]


@pytest.mark.parametrize("packed", [False, True])
def test_the_lane_writes_what_process_writes(packed: bool) -> None:
    choose = seeded()
    lane, slow = engine(), engine()
    mid = 139_000 * POINT
    for number in range(1_500):
        mid += choose.randint(-1, 1) * POINT
        reset = choose.random() < 0.1
        bids, asks = levels(choose, mid, -1), levels(choose, mid + choose.randint(1, 3) * POINT, 1)
        lane.now_ns = slow.now_ns = lane.now_ns + choose.randint(0, 3_000_000)
        if choose.random() < 0.2:
            side = choose.choice((-1, 0, 1))
            lane.kernel.trade(SLOW, EURUSD, mid, 5, side, number, number, lane.now_ns)
            trade = ev.TradePrint(SLOW, EURUSD, mid, 5, side, number, number)
            slow.kernel.process(trade, slow.now_ns, SLOW)
            continue
        sides = (pack_pairs(bids), pack_pairs(asks)) if packed else (bids, asks)
        lane.kernel.depth(SLOW, EURUSD, reset, sides[0], sides[1], number, number, lane.now_ns)
        batch = ev.Depth(SLOW, EURUSD, reset, tuple(bids), tuple(asks), number, number)
        slow.kernel.process(batch, slow.now_ns, SLOW)
    assert lane.recorder.events(ev.OrderSubmitted)
    assert lane.recorder.events(ev.StateHashed)
    assert lane.recorder.frames == slow.recorder.frames
    assert lane.kernel.state_hash() == slow.kernel.state_hash()
    again = Kernel(catalogue(Taker), 1, 97)
    feed(Replay(again, 1), lane.recorder.frames)
    assert again.state_hash() == lane.kernel.state_hash()
    restored = Kernel(catalogue(Taker), 9)
    snapshot.restore(restored, snapshot.sections(lane.kernel))
    assert restored.state_hash() == lane.kernel.state_hash()
    restored.attach(lane.recorder.buffer, lane.recorder.buffer)
    restored.depth(SLOW, EURUSD, False, [(mid - 90 * POINT, 1)], [], 0, 0, lane.now_ns)
    assert (mid - 90 * POINT, 1) in restored.state.depths[SLOW, EURUSD].bids()


def test_a_message_of_too_many_levels_goes_in_several_frames_the_best_first() -> None:
    one = engine()
    bids = [(price * POINT, MILLION) for price in range(100, 5_100)]
    asks = [(price * POINT, MILLION) for price in range(6_000, 7_000)]
    random.Random(1).shuffle(bids)
    one.kernel.depth(SLOW, EURUSD, True, pack_pairs(bids), asks, 0, 7, one.now_ns)
    batches = one.recorder.events(ev.Depth)
    assert [(len(batch.bids), len(batch.asks)) for batch in batches] == [
        (2_000, 1_000),
        (2_000, 0),
        (1_000, 0),
    ]
    assert [batch.reset for batch in batches] == [True, False, False]
    assert batches[0].bids[0][0] == 5_099 * POINT
    assert one.kernel.book(SLOW, EURUSD).bid == 5_099 * POINT
    book = one.kernel.state.depths[SLOW, EURUSD]
    assert book.bids() == sorted(bids, reverse=True) and book.asks() == asks


def test_a_book_marked_bad_is_good_again_with_a_reset() -> None:
    one = engine()
    sides = [(139_000 * POINT, 1)], [(139_009 * POINT, 1)]
    one.kernel.depth(SLOW, EURUSD, True, *sides, 0, 1, one.now_ns)
    one.process(ev.FeedFault(SLOW, EURUSD, "checksum", "why"))
    one.kernel.depth(SLOW, EURUSD, False, *sides, 0, 2, one.now_ns)
    assert not one.kernel.book(SLOW, EURUSD).tradable
    one.kernel.depth(SLOW, EURUSD, True, *sides, 0, 3, one.now_ns)
    assert one.kernel.book(SLOW, EURUSD).tradable


def test_a_failed_handler_in_the_lane_disables_its_strategy() -> None:
    one = engine()
    sides = [(139_000 * POINT, 1)], [(139_007 * POINT, 1)]
    for number in range(2):
        one.kernel.depth(SLOW, EURUSD, True, *sides, 0, number, one.now_ns)
    assert [e.reason for e in one.recorder.events(ev.StrategyDisabled)] == ["ValueError: unlucky"]


def test_depth_counts_as_quotes_and_trades_apart() -> None:
    one = engine()
    before = one.kernel.state.counters.events
    one.kernel.depth(FAST, EURUSD, True, [], [], 0, 0, one.now_ns)
    one.kernel.trade(FAST, EURUSD, 5, 1, 0, 0, 0, one.now_ns)
    one.kernel.sync_state()
    counters = one.kernel.state.counters
    assert (counters.quotes, counters.trades, counters.events - before) == (1, 1, 2)

"""Folds of what feeds bring: prices, depth, trades, states, faults, clocks; called by `fold`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from thft.model import event as ev
from thft.model.book import DepthBook, TopBook

if TYPE_CHECKING:
    from thft.state.fold import State

ATTEMPTS_KEPT, ATTEMPTS_KEPT_NS = 512, 3_600_000_000_000
"""More and longer than any venue's connect budget."""


def quote(state: State, event: ev.Quote, ts_ns: int) -> None:
    state.counters.quotes += 1
    state.book(event.feed, event.instrument).update(
        event.bid,
        event.bid_size,
        event.ask,
        event.ask_size,
        event.venue_ts_ns,
        event.venue_seq,
        ts_ns,
    )


def depth(state: State, event: ev.Depth, ts_ns: int) -> None:
    key = (event.feed, event.instrument)
    depth = state.depths.get(key)
    if depth is None:
        depth = state.depths[key] = DepthBook()
    depth.apply(event.reset, event.bids, event.asks)
    state.counters.quotes += 1
    book = state.book(*key)
    if event.reset:
        book.mark_bad(False)
    book.update(*depth.top(), event.venue_ts_ns, event.venue_seq, ts_ns)


def trade(state: State, event: ev.TradePrint, ts_ns: int) -> None:
    state.counters.trades += 1
    state.book(event.feed, event.instrument).take_trade(
        event.price, event.size, event.aggressor, event.venue_ts_ns, event.venue_trade_id, ts_ns
    )


WORKING_STATES = ("READY", "DEGRADED")
"""A feed that lacks some of its symbols still prices the others."""


def feed_state(state: State, event: ev.FeedState, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is None:
        return
    if event.state == "CONNECTING" and feed.state not in ("DISABLED", "CONNECTING", "CLOSED"):
        feed.reconnects += 1
    feed.state = event.state
    feed.reason = event.reason
    feed.since_ns = ts_ns
    for (owner, _), book in state.books.items():
        if owner == event.feed:
            judge(book, event.state in WORKING_STATES)


def judge(book: TopBook, healthy: bool) -> None:
    """A feed that is not READY has no prices: the next quote after READY is the first one."""
    if not healthy:
        book.blank()
    book.mark_bad(not healthy)


BOOK_FAULTS = ("checksum", "gap", "crossed_book", "malformed")
"""Faults after which a gateway has dropped the book of that instrument."""


def feed_fault(state: State, event: ev.FeedFault, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is not None:
        feed.count_fault(event.instrument, event.fault)
    key = (event.feed, event.instrument)
    if key in state.depths and event.fault in BOOK_FAULTS:
        state.books[key].mark_bad(True)  # until the venue's next snapshot resets the book


def feed_stamps(state: State, event: ev.FeedStamps, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is not None:
        feed.stamps = event.source


def connect_attempted(state: State, event: ev.ConnectAttempted, ts_ns: int) -> None:
    feed = state.feeds.get(event.feed)
    if feed is not None:
        young = [one for one in feed.attempts if one[1] > ts_ns - ATTEMPTS_KEPT_NS]
        feed.attempts = [*young, (event.link, ts_ns)][-ATTEMPTS_KEPT:]


MEASURED = ("websocket", "fix", "metatrader", "delay")
"""Kinds of metrics whose ids begin with the number of a feed."""


def metric(state: State, event: ev.MetricSnapshot, ts_ns: int) -> None:
    """Folds what is measured of feeds: round trips, and how stamps differ."""
    known = event.kind in MEASURED and event.id.partition("/")[0]
    feed = state.feeds.get(int(known)) if known and known.isdecimal() else None
    if feed is None:
        return
    values = dict(event.values)
    if (ns := values.get("round_trip_ns")) is not None:
        feed.clock.round_trip(ts_ns, ns)
    if (ns := values.get("delay_ns")) is not None:
        feed.clock.stamped(ts_ns, ns, values["venue_ts_ns"])


FOLDS: dict[type[ev.Event], Callable[[State, Any, int], None]] = {
    ev.Quote: quote,
    ev.Depth: depth,
    ev.TradePrint: trade,
    ev.FeedState: feed_state,
    ev.FeedFault: feed_fault,
    ev.FeedStamps: feed_stamps,
    ev.ConnectAttempted: connect_attempted,
    ev.MetricSnapshot: metric,
}

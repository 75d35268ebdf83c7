"""The engine state as rows of JSON: decimal texts, null when absent; called by the replica."""

from __future__ import annotations

from typing import Any

import msgspec

from thft.host.disk_space import days_left
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.fixed import ABSENT, MONEY_DIGITS, PRICE_DIGITS, SIZE_DIGITS, format_scaled
from thft.model.order import DENIED, Order
from thft.model.position import Position
from thft.state.fold import State
from thft.state.quality import SILENT_NS
from thft.state.records import AccountRecord, FeedRecord, StrategyRecord

Row = dict[str, Any]
SIDES = {1: "buy", -1: "sell"}


def price_text(value: int) -> str | None:
    """Returns a price (1e-9) as decimal text, None when absent."""
    return None if value == ABSENT else format_scaled(value, PRICE_DIGITS)


def size_text(value: int) -> str | None:
    """Returns a size (1e-8) as decimal text, None when absent."""
    return None if value == ABSENT else format_scaled(value, SIZE_DIGITS)


def money_text(value: int) -> str:
    """Returns money (1e-9) as decimal text with two decimals, cents rounded half-even."""
    cents, rest = divmod(abs(value), 10 ** (MONEY_DIGITS - 2))
    half = 5 * 10 ** (MONEY_DIGITS - 3)
    cents += rest > half or (rest == half and cents & 1)
    sign = "-" if value < 0 and cents else ""
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def symbol_of(state: State, instrument: int) -> str:
    """Returns the canonical symbol of an instrument."""
    known = state.instruments.get(instrument)
    return known.symbol if known is not None else f"#{instrument}"


def quote_row(state: State, book: TopBook) -> Row:
    """Returns one top of book."""
    feed = state.feeds.get(book.feed)
    return {
        "feed": feed.definition.name if feed is not None else str(book.feed),
        "symbol": symbol_of(state, book.instrument),
        "bid": price_text(book.bid),
        "bid_size": size_text(book.bid_size),
        "ask": price_text(book.ask),
        "ask_size": size_text(book.ask_size),
        "recv_ts_ns": book.recv_ts_ns or None,
        "quality": _quality(book, state.ts_ns),
        "crossed": book.crossed_count,
        "locked": book.locked_count,
        "faults": feed.faults_of(book.instrument) if feed is not None else {},
    }


def _quality(book: TopBook, now_ns: int) -> str:
    if book.bad or book.bid == ABSENT or book.ask == ABSENT:
        return "bad"
    if book.bid > book.ask:
        return "crossed"
    if book.bid == book.ask:
        return "locked"
    return "stale" if now_ns - book.recv_ts_ns > SILENT_NS else "good"


def _clock(record: FeedRecord) -> Row | None:
    """Returns how the venue's clock stands to ours, ns and parts per 1e9; None when not known."""
    offset = record.clock.offset()
    if offset is None:
        return None
    return {
        "offset_ns": offset.offset_ns,
        "uncertainty_ns": offset.uncertainty_ns,
        "skew_ppb": None if offset.skew_ppb == ABSENT else offset.skew_ppb,
        "round_trip_ns": min(ns for _, ns in record.clock.round_trips),
    }


def feed_row(state: State, record: FeedRecord, ticks_per_s: int | None) -> Row:
    """Returns one feed with its state in words."""
    definition = record.definition
    books = [book for (feed, _), book in state.books.items() if feed == definition.feed]
    return {
        "feed": definition.feed,
        "name": definition.name,
        "venue": definition.venue,
        "role": definition.role,
        "state": record.state,
        "reason": record.reason,
        "since_ns": record.since_ns or None,
        "quotes": sum(book.quotes for book in books),
        "faults": record.faults,
        "last_ns": max((book.recv_ts_ns for book in books), default=0) or None,
        "reconnects": record.reconnects,
        "stamps": record.stamps,
        "clock": _clock(record),
        "ticks_per_s": ticks_per_s,
        "blocked": [
            {"symbol": symbol_of(state, instrument), "reason": one.blocked}
            for (feed, instrument), one in state.symbols.items()
            if feed == definition.feed and one.blocked
        ],
    }


def order_row(state: State, order: Order) -> Row:
    """Returns one order."""
    return {
        "client_order_id": order.client_order_id,
        "strategy": order.strategy,
        "account": order.account,
        "symbol": symbol_of(state, order.instrument),
        "side": SIDES[order.side],
        "type": order.type,
        "tif": order.tif,
        "size": size_text(order.size),
        "price": price_text(order.price),
        "state": order.state,
        "filled": size_text(order.cum_size),
        "avg_price": price_text(order.avg_price),
        "reason": order.reason,
        "submitted_ns": order.submitted_ns,
        "updated_ns": order.updated_ns,
        "seq": order.seq,
    }


def denied_row(state: State, event: ev.OrderDenied, seq: int, ts_ns: int) -> Row:
    """Returns an order that we refused ourselves; it never left."""
    return {
        "client_order_id": event.client_order_id,
        "strategy": event.strategy,
        "account": event.account,
        "symbol": symbol_of(state, event.instrument),
        "side": SIDES[event.side],
        "type": None,
        "tif": None,
        "size": size_text(event.size),
        "price": None,
        "state": DENIED,
        "filled": "0",
        "avg_price": None,
        "reason": event.reason,
        "submitted_ns": ts_ns,
        "updated_ns": ts_ns,
        "seq": seq,
    }


def fill_row(state: State, fill: ev.Fill, seq: int, ts_ns: int) -> Row:
    """Returns one execution."""
    account = state.accounts.get(fill.account)
    return {
        "exec_id": fill.exec_id,
        "client_order_id": fill.client_order_id,
        "strategy": fill.strategy,
        "account": fill.account,
        "symbol": symbol_of(state, fill.instrument),
        "side": SIDES[fill.side],
        "size": size_text(fill.size),
        "price": price_text(fill.price),
        "fee": money_text(fill.fee),
        "ts_ns": ts_ns,
        "realised_pnl": money_text(fill.realised),
        "currency": account.definition.currency if account is not None else "",
        "seq": seq,
    }


def position_row(state: State, position: Position) -> Row:
    """Returns one position, priced at the executable side of its account's feed."""
    account = state.accounts[position.account].definition
    book = state.books.get((account.feed, position.instrument))
    priced = book is not None and ABSENT not in (book.bid, book.ask)
    unrealised = position.unrealised(book.bid, book.ask) if book is not None and priced else None
    return {
        "account": position.account,
        "symbol": symbol_of(state, position.instrument),
        "position_id": position.position_id,
        "side": "long" if position.size > 0 else "short" if position.size < 0 else "flat",
        "size": size_text(abs(position.size)),
        "avg_price": price_text(position.avg_price),
        "realised_pnl": money_text(position.realised),
        "unrealised_pnl": None if unrealised is None else money_text(unrealised),
        "currency": account.currency,
        "updated_ns": position.updated_ns,
    }


def strategy_row(record: StrategyRecord, counters: dict[str, int]) -> Row:
    """Returns one strategy with its parameters and what it counted."""
    state = "DISABLED" if not record.enabled else "DEGRADED" if record.degraded else "ENABLED"
    return {
        "strategy": record.strategy,
        "kind": record.kind,
        "state": state,
        "reason": record.reason,
        "revision": record.revision,
        "params": msgspec.json.decode(record.params),
        "counters": {
            "orders": record.orders,
            "denied": record.denied,
            "fills": record.fills,
            **counters,
        },
        "pnl": money_text(record.realised - record.fees),
        "round_trips": record.round_trips,
        "wins": record.wins,
        "losses": record.losses,
    }


BROKER_MONEY = ("balance", "equity", "margin", "margin_free")


def account_row(state: State, record: AccountRecord, broker: dict[str, int] | None) -> Row:
    """Returns one account: whether it may be traded, why not, and what its broker has said last."""
    definition = record.definition
    feed = state.feeds.get(definition.feed)
    return {
        "account": definition.account,
        "kind": definition.kind,
        "feed": feed.definition.name if feed is not None else str(definition.feed),
        "state": record.state,
        "reason": record.reason,
        "logons": record.session,
        "currency": definition.currency,
        "broker": None if broker is None else _told(broker),
    }


def _told(broker: dict[str, int]) -> Row:
    return {
        name: money_text(value) if name in BROKER_MONEY else value for name, value in broker.items()
    }


def totals_row(state: State) -> Row:
    """Returns the sums over all accounts; currency is empty when they differ."""
    accounts = list(state.accounts.values())
    currencies = {account.definition.currency for account in accounts}
    positions = [position_row(state, position) for position in state.positions.values()]
    unpriced = any(row["unrealised_pnl"] is None for row in positions if row["side"] != "flat")
    return {
        "realised_pnl": money_text(sum(account.realised for account in accounts)),
        "unrealised_pnl": None if unpriced else money_text(_unrealised(state)),
        "fees": money_text(sum(account.fees for account in accounts)),
        "round_trips": sum(account.round_trips for account in accounts),
        "wins": sum(account.wins for account in accounts),
        "losses": sum(account.losses for account in accounts),
        "currency": currencies.pop() if len(currencies) == 1 else "",
    }


def _unrealised(state: State) -> int:
    total = 0
    for position in state.positions.values():
        feed = state.accounts[position.account].definition.feed
        book = state.books.get((feed, position.instrument))
        if book is not None and position.size:
            total += position.unrealised(book.bid, book.ask)
    return total


def kill_row(state: State) -> Row:
    """Returns the kill switch."""
    kill = state.kill
    return {"on": kill.on, "reason": kill.reason, "since_ns": kill.since_ns or None}


def disk_row(state: State) -> Row:
    """Returns the room on the journal's disk, null before it was measured."""
    disk = state.disk
    growth = disk.bytes_a_day if disk.bytes_a_day != ABSENT else None
    days = days_left(disk.free_bytes, growth or 0)
    return {
        "level": disk.level,
        "reason": disk.reason,
        "free_bytes": disk.free_bytes if disk.free_bytes != ABSENT else None,
        "bytes_a_day": growth,
        "days_left": round(days, 1) if days is not None else None,
    }


def clock_row(state: State) -> Row:
    """Returns how far the wall clock may be from UTC, null where nobody says."""
    clock = state.clock
    known = clock.max_error_ns != ABSENT
    return {
        "synchronised": clock.synchronised if known else None,
        "max_error_ns": clock.max_error_ns if known else None,
        "estimated_error_ns": clock.estimated_error_ns if known else None,
    }

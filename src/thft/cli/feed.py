"""`thft feed decode VENUE`: what a venue's messages mean, one JSON object an event."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from cyclopts import App

from thft.base.errors import LocalError
from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.venues import VENUES
from thft.model.book import Levels, pairs
from thft.model.event import ExecutionReport, ReplaceReport
from thft.model.fixed import ABSENT, PRICE_DIGITS, SIZE_DIGITS, format_scaled
from thft.model.position import Position

app = App(name="feed", help="Look at market data feeds.")
AGGRESSORS = {1: "buy", -1: "sell", 0: None}
Row = dict[str, Any]


@app.command
def decode(venue: str) -> int:
    """Reads messages of a venue from standard input, one a line, and prints what each means.

    Every message is looked at by itself: gaps and checksums prove nothing here. A line that cannot
    be read becomes {"error", "line"}; the exit code is 1 if there was one.
    """
    if venue not in VENUES:
        known = ", ".join(VENUES)
        raise LocalError(f"no WebSocket venue is called {venue!r}", f"name one of {known}")
    broken = False
    for row in decoded(venue, sys.stdin.buffer):
        broken = broken or "error" in row
        print(json.dumps(row, ensure_ascii=False))
    return 1 if broken else 0


def decoded(venue: str, lines: Iterable[bytes]) -> Iterator[Row]:
    """Yields one row for every event that the lines bring."""
    symbols = _Symbols()
    inbox = _Printer(venue, symbols)
    dialect = VENUES[venue].dialect(inbox, Wanted(1, symbols, "depth", trades=True))
    dialect.loose = True
    for number, line in enumerate(lines, 1):
        payload = line.strip()
        if not payload:
            continue
        dialect.received(payload, 0)
        dialect.fetches.clear()
        for row in inbox.taken():
            yield {**row, "line": number} if "error" in row else row


class _Symbols(dict[str, int]):
    """Every symbol is known, and numbered as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = [""]

    def get(self, symbol: str, default: Any = None) -> Any:
        """Returns the symbol's number."""
        if symbol not in self:
            self[symbol] = len(self.names)
            self.names.append(symbol)
        return self[symbol]


class _Printer:
    """Stands where the engine stands, and keeps rows instead."""

    def __init__(self, venue: str, symbols: _Symbols) -> None:
        self._venue = venue
        self._symbols = symbols
        self._rows: list[Row] = []

    def taken(self) -> list[Row]:
        """Returns what has come since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _row(self, type: str, instrument: int, **values: Any) -> None:
        name = self._symbols.names[instrument]
        head = {"type": type, "venue": self._venue, "venue_symbol": name, "symbol": None}
        self._rows.append({**head, **values})

    # ---- EngineInbox ---------------------------------------------------------------------------

    def now_ns(self) -> int:
        return 0

    def market_time(self, ns: int) -> None:
        """Nothing has a time here."""

    def quote(
        self,
        feed: int,
        instrument: int,
        bid: int,
        bid_size: int,
        ask: int,
        ask_size: int,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        self._row(
            "quote",
            instrument,
            bid=_price(bid),
            bid_size=_size(bid_size),
            ask=_price(ask),
            ask_size=_size(ask_size),
            venue_ts_ns=_absent(venue_ts_ns),
            seq=venue_seq,
        )

    def depth(
        self,
        feed: int,
        instrument: int,
        reset: bool,
        bids: Levels,
        asks: Levels,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        sides = [[[_price(one), _size(size)] for one, size in pairs(side)] for side in (bids, asks)]
        self._row(
            "depth",
            instrument,
            reset=reset,
            bids=sides[0],
            asks=sides[1],
            venue_ts_ns=_absent(venue_ts_ns),
            seq=venue_seq,
        )

    def trade(
        self,
        feed: int,
        instrument: int,
        price: int,
        size: int,
        aggressor: int,
        venue_ts_ns: int,
        venue_trade_id: int,
        recv_ts_ns: int,
    ) -> None:
        self._row(
            "trade",
            instrument,
            price=_price(price),
            size=_size(size),
            aggressor=AGGRESSORS[aggressor],
            venue_ts_ns=_absent(venue_ts_ns),
            trade_id=venue_trade_id or None,
        )

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        self._rows.append({"error": f"{fault}: {detail}"})

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        """There is no connection."""

    def last_price_ns(self, feed: int) -> int:
        return 0

    def connect_attempt(self, feed: int, link: str) -> None:
        """There is no connection."""

    def feed_stamps(self, feed: int, source: str) -> None:
        """Nothing is stamped."""

    def execution(self, report: ExecutionReport | ReplaceReport) -> None:
        """A feed has no orders."""

    def account_state(self, account: str, state: str, reason: str, session: int) -> None:
        """A feed has no account."""

    def booked(self, account: str) -> list[Position]:
        return []

    def metric(self, kind: str, id: str, values: tuple[tuple[str, int], ...]) -> None:
        """Nothing is measured."""

    def turn_end(self) -> None:
        """Nothing is written."""


def _price(price: int) -> str | None:
    return None if price == ABSENT else format_scaled(price, PRICE_DIGITS)


def _size(size: int) -> str | None:
    return None if size == ABSENT else format_scaled(size, SIZE_DIGITS)


def _absent(ns: int) -> int | None:
    return None if ns == ABSENT else ns

"""`thft feed decode VENUE`: what a venue's messages mean, one JSON object an event."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App

from thft.base.errors import LocalError
from thft.core.config import VenueConfig, load
from thft.gateway.port import PartialInbox
from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.generic.dialect import GenericDialect
from thft.gateway.ws.generic.mapping import FeedMapping
from thft.gateway.ws.venues import VENUES, generic_venue
from thft.model.book import Levels, pairs
from thft.model.fixed import ABSENT, PRICE_DIGITS, SIZE_DIGITS, format_scaled
from thft.model.symbology.resolver import Resolver, Verdict

app = App(name="feed", help="Look at market data feeds.")
UNKNOWN = "unknown_message"
MOST_LINES = 100_000
"""Of one message that is spread over lines."""
AGGRESSORS = {1: "buy", -1: "sell", 0: None}
Row = dict[str, Any]


@app.command
def decode(venue: str, *, config: Path | None = None) -> int:
    """Reads messages of a venue from standard input and prints what each means.

    A message is a line, or a block of lines of which all but the first are indented or closing
    brackets. Every message is looked at by itself: gaps prove nothing here. One that cannot be
    read becomes {"error", "line"}; the exit code is 1 if there was one.

    With a configuration VENUE is one of its names: so a mapping of one's own is tried.
    """
    told = None if config is None else _told(venue, config)
    if told is None and venue not in VENUES:
        known = ", ".join(VENUES)
        raise LocalError(
            f"no WebSocket venue is called {venue!r}",
            f"name one of {known}, or one of a configuration with --config",
        )
    broken = False
    for row in decoded(venue, sys.stdin.buffer, told):
        broken = broken or "error" in row
        print(json.dumps(row, ensure_ascii=False))
    return 1 if broken else 0


def _told(name: str, config: Path) -> VenueConfig:
    """Returns a WebSocket venue of a configuration; raises LocalError when there is none."""
    venues = {
        venue.name: venue
        for venue in load(config).venues
        if venue.fix is None and venue.metatrader is None
    }
    if name not in venues:
        known = ", ".join(venues) or "none"
        raise LocalError(f"{config}: no WebSocket venue is called {name!r}", f"there are: {known}")
    return venues[name]


def decoded(venue: str, lines: Iterable[bytes], told: VenueConfig | None = None) -> Iterator[Row]:
    """Yields one row for every event that the lines bring; `told` is the venue as configured."""
    symbols = _Symbols(None if told is None else told.symbols)
    inbox = _Printer(venue, symbols)
    wanted = Wanted(1, symbols, "depth", trades=True)
    name = venue if told is None else told.dialect
    if told is not None and told.websocket is not None:
        dialect = generic_venue(told.url or "", told.websocket).dialect(inbox, wanted)
    else:
        dialect = VENUES[name].dialect(inbox, wanted)
    dialect.loose = True
    mapping = _other_channels().get(name)
    others = GenericDialect(mapping, inbox, wanted) if mapping is not None else None
    if others is not None:
        others.loose = True
    for number, payload in payloads(lines):
        dialect.received(payload, 0)
        dialect.fetches.clear()
        rows = inbox.taken()
        if others is not None and rows and rows[0].get("error", "").startswith(UNKNOWN):
            others.received(payload, 0)
            rows = [row for row in inbox.taken() if "error" not in row] or rows
        for row in rows:
            yield {**row, "line": number} if "error" in row else row


def _other_channels() -> dict[str, FeedMapping]:
    """Returns the mappings of channels that no dialect asks for, by venue."""
    text = files("thft.cli").joinpath("other_channels.toml").read_text()
    return msgspec.convert(tomllib.loads(text), dict[str, FeedMapping])


def payloads(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yields (number of its first line, message); one that is no JSON too, for its dialect."""
    begun, begun_at = list[bytes](), 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if begun and text and not (line[:1].isspace() or text[:1] in b"]}"):
            yield begun_at, b"\n".join(begun)  # the next message begins, this one never ended
            begun = []
        if not text:
            continue
        if not begun:
            begun_at = number
        begun.append(text)
        if len(begun) == MOST_LINES or (text[-1:] in b"]}" and _is_json(b"\n".join(begun))):
            yield begun_at, b"\n".join(begun)
            begun = []
    if begun:
        yield begun_at, b"\n".join(begun)


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


class _Symbols(dict[str, int]):
    """Symbols and their numbers: those a configuration has, else every one, as it comes."""

    def __init__(self, carried: dict[str, str] | None) -> None:
        """`carried`: canonical symbol → the venue's."""
        super().__init__()
        self.names: list[str] = [""]
        self._canonical: dict[str, str | None] = {}
        for canonical, symbol in (carried or {}).items():
            self._canonical[symbol] = canonical
            self.__missing__(symbol)
        self._any = carried is None
        self._resolver = Resolver()

    def __missing__(self, symbol: str) -> int:
        self[symbol] = len(self.names)
        self.names.append(symbol)
        return self[symbol]

    def get(self, symbol: str, default: Any = None) -> Any:
        """Returns the symbol's number."""
        return self[symbol] if self._any or symbol in self else default

    def canonical(self, symbol: str) -> str | None:
        """Returns the canonical symbol, None when the name alone does not say it."""
        if symbol not in self._canonical:
            found = self._resolver.resolve(symbol)
            known = found.answer if found.verdict is Verdict.FOUND else None
            self._canonical[symbol] = known
        return self._canonical[symbol]


class _Printer(PartialInbox):
    """Stands where the engine stands, and keeps rows instead; what is no event is dropped."""

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
        symbol = self._symbols.canonical(name)
        head: Row = {
            "type": type,
            "venue": self._venue,
            "venue_symbol": name or None,
            "symbol": symbol,
        }
        self._rows.append({**head, **values})

    def now_ns(self) -> int:
        """See EngineInbox; nothing has a time here."""
        return 0

    def quote(self, feed: int, instrument: int, *values: int) -> None:
        """See EngineInbox."""
        bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, _ = values
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
        self, feed: int, instrument: int, reset: bool, bids: Levels, asks: Levels, *values: int
    ) -> None:
        """See EngineInbox."""
        venue_ts_ns, venue_seq, _ = values
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

    def trade(self, feed: int, instrument: int, *values: int) -> None:
        """See EngineInbox."""
        price, size, aggressor, venue_ts_ns, venue_trade_id, _ = values
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
        """See EngineInbox."""
        self._rows.append({"error": f"{fault}: {detail}"})


def _price(price: int) -> str | None:
    return None if price == ABSENT else format_scaled(price, PRICE_DIGITS)


def _size(size: int) -> str | None:
    return None if size == ABSENT else format_scaled(size, SIZE_DIGITS)


def _absent(ns: int) -> int | None:
    return None if ns == ABSENT else ns

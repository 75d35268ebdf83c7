"""The Kraken v2 dialect: `book` depth 10 to depth batches, `trade` to prints; made by venues.

The checksum is over number texts, which carry the digits of their pair: they are learned from a
message's first level, and proven by the checksum itself. A book whose checksum differs, or
that is crossed after a complete message, is dropped and subscribed anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from thft.gateway.port import EngineInbox
from thft.gateway.ws import times
from thft.gateway.ws.dialect import VenueDialect, Wanted
from thft.gateway.ws.proof.book import decimals, flaw, padded_checksum
from thft.gateway.ws.proof.renewal import Key
from thft.gateway.ws.reader import Field, Shape, Track, each, only, said
from thft.model.fixed import (
    PRICE_DIGITS,
    SIZE_DIGITS,
    BadNumber,
    pack_json,
    parse_price,
    parse_size,
)

BOOK, TRADES = "book", "trade"
DEPTH = 10
RATE_WORDS = "msg rate"
"""In the venue's words for too many requests."""
TRADES_KEPT = 64
SILENT_CHANNELS = ("heartbeat",)
NO_MATCHING = ("maintenance", "cancel_only", "post_only")
"""States of the venue in which nothing is matched: what stands in its books is no price."""
NO_LEVELS = msgspec.Raw(b"[]")


class _Level(Struct):
    price: msgspec.Raw
    qty: msgspec.Raw


class _Book(Struct):
    symbol: str
    bids: msgspec.Raw = NO_LEVELS
    asks: msgspec.Raw = NO_LEVELS
    checksum: int = -1
    timestamp: str = ""


class _Trade(Struct):
    symbol: str
    side: str
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: int
    timestamp: str = ""


class _Result(Struct, frozen=True):
    symbol: str = ""
    channel: str = ""


class _Notice(Struct):
    title: str = ""
    expected_start_utc: str = ""


class _Status(Struct):
    system: str = ""
    upcoming_maintenance: list[_Notice] = []
    emergency: list[_Notice] = []


class _Message(Struct):
    channel: str = ""
    type: str = ""
    method: str = ""
    success: bool = True
    error: str = ""
    failure: str = msgspec.field(default="", name="Error")
    """What concerns no request: that too many messages came."""
    result: _Result = _Result()
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Message).decode
_decode_books = msgspec.json.Decoder(list[_Book]).decode
_decode_levels = msgspec.json.Decoder(list[_Level]).decode
_decode_trades = msgspec.json.Decoder(list[_Trade]).decode
_decode_status = msgspec.json.Decoder(list[_Status]).decode


LEVEL = {"price": Field("price"), "qty": Field("size")}
BOOK_SHAPE = Shape(
    {
        "channel": said(BOOK),
        "type": said("update"),
        "data": only(
            {
                "symbol": Field("symbol"),
                "bids": each("bids", LEVEL),
                "asks": each("asks", LEVEL),
                "checksum": Field("checksum"),
                "timestamp": Field("iso"),
            }
        ),
    },
    emits="depth",
    chain="count",
    cut=DEPTH,
    checksum="padded",
    checksum_levels=DEPTH,
)


def _proven(track: Track, update: _Book) -> bool:
    """Says whether the checksum holds, with the digits as known or else as this message has."""
    if _checksum(track) == update.checksum:
        return True
    if levels := _decode_levels(update.bids) or _decode_levels(update.asks):
        price, size = bytes(levels[0].price), bytes(levels[0].qty)
        track.price_decimals = min(decimals(price), PRICE_DIGITS)
        track.size_decimals = min(decimals(size), SIZE_DIGITS)
    return _checksum(track) == update.checksum


def _checksum(track: Track) -> int:
    return padded_checksum(track.book, DEPTH, track.price_decimals, track.size_decimals)


class KrakenDialect(VenueDialect):
    """Depth-10 books; a symbol counts as synced after its acknowledged snapshot."""

    venue = "kraken"

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted, BOOK_SHAPE)
        self._books: dict[str, Track] = {}
        self._told: dict[str, deque[int]] = {}
        """The numbers of a symbol's last trades: the venue counts them by book."""
        self.reader.last = 0
        self._paused = False

    def opened(self) -> list[bytes]:
        """Returns one subscription a channel, for all symbols."""
        channels = (BOOK, TRADES) if self.wanted.trades else (BOOK,)
        keys = [(channel, symbol) for channel in channels for symbol in self.symbols]
        return self._subscribe(keys)

    def probe(self) -> bytes | None:
        """The venue's own ping."""
        return b'{"method":"ping"}'

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        message = _decode(payload)
        if message.channel == BOOK:
            for update in _decode_books(message.data):
                self._book(message.type, update, recv_ts_ns)
        elif message.channel == TRADES:
            trades = _decode_trades(message.data)
            if message.type == "update":  # a snapshot brings trades of before
                self._trades(trades, recv_ts_ns)
        elif message.channel == "status":
            return [
                frame for status in _decode_status(message.data) for frame in self._status(status)
            ]
        elif message.method or message.error or message.failure:
            self._answer(message)
        elif message.channel not in SILENT_CHANNELS:
            self.unknown_message(payload)
        return self._renewed(recv_ts_ns)

    # ---- what the venue says of the connection -------------------------------------------------

    def _status(self, status: _Status) -> list[bytes]:
        if status.system != "online":
            self.fault(0, "venue_status", f"the venue is in {status.system[:40]!r}")
        for one in status.upcoming_maintenance:
            told = f"maintenance is expected at {one.expected_start_utc}: {one.title}"
            self.fault(0, "venue_status", told)
        for one in status.emergency:
            self.fault(0, "venue_status", f"incident: {one.title}")
        if self.loose:
            return []
        paused, self._paused = self._paused, status.system in NO_MATCHING
        if self._paused:
            for symbol in self._books:
                self.reader.leave(symbol)
            self._books.clear()
            self.waiting |= {(BOOK, symbol) for symbol in self.symbols}
        if self._paused or not paused:
            return []
        self.renewals.due.clear()
        return self._anew([(BOOK, symbol) for symbol in self.symbols])

    def _answer(self, message: _Message) -> None:
        words = message.error or message.failure
        if message.success and not words:
            if message.method == "subscribe":
                channel, symbol = message.result.channel, message.result.symbol
                self.waiting.discard(("subscribe " + channel, symbol))
        elif RATE_WORDS in words:
            self.fault(0, "rate_limited", words)
            self.leave = f"the venue refused too many requests: {words[:80]}"
        else:
            self.fault(0, "refused", words)

    # ---- trades --------------------------------------------------------------------------------

    def _trades(self, trades: list[_Trade], recv_ts_ns: int) -> None:
        for trade in trades:
            symbol, id = trade.symbol, str(trade.trade_id)
            instrument = self.instrument(symbol)
            if not instrument:
                continue
            try:
                price = parse_price(bytes(trade.price).decode(), symbol)
                size = parse_size(bytes(trade.qty).decode(), symbol)
                ts_ns = times.of_iso(trade.timestamp)
            except BadNumber as error:
                self.bad_trade(symbol, error.cause)
                continue
            told = self._told.setdefault(symbol, deque(maxlen=TRADES_KEPT))
            if trade.trade_id in told and not self.loose:
                self.fault(instrument, "out_of_order", f"trade {id[:40]} came again")
                continue
            told.append(trade.trade_id)
            self.traded(instrument, price, size, trade.side, id, ts_ns, recv_ts_ns)

    # ---- books ---------------------------------------------------------------------------------

    def _book(self, type: str, update: _Book, recv_ts_ns: int) -> None:
        symbol = update.symbol
        instrument = self.instrument(symbol)
        if not instrument or self._paused:
            return
        reset = type == "snapshot"
        if reset or (self.loose and symbol not in self._books):
            track = self._books[symbol] = Track(instrument)
            track.partial = self.loose or not reset
            self.reader.follow(symbol, track)
            self.waiting.discard((BOOK, symbol))
        found = self._books.get(symbol)
        if found is None:
            return  # what still arrives of a dropped book until its new snapshot
        track = found
        try:
            bids = pack_json(update.bids, symbol, "price", "qty")
            asks = pack_json(update.asks, symbol, "price", "qty")
            ts_ns = times.of_iso(update.timestamp)
        except (BadNumber, msgspec.DecodeError) as error:
            words = error.cause if isinstance(error, BadNumber) else f"{symbol}: {error}"
            self._drop(symbol, instrument, "malformed", words, recv_ts_ns)
            return
        track.book.apply(False, bids, asks)
        gone_bids, gone_asks = track.book.cut(DEPTH)
        track.messages += 1
        if not track.partial and not _proven(track, update):
            detail = f"{symbol}: book differs from venue"
            self._drop(symbol, instrument, "checksum", detail, recv_ts_ns)
        elif crossed := flaw(track.book):
            self._drop(symbol, instrument, "crossed_book", f"{symbol}: {crossed}", recv_ts_ns)
        else:
            self.reader.last += 1
            sides, number = (bids + gone_bids, asks + gone_asks), self.reader.last
            self.inbox.depth(self.feed, instrument, reset, *sides, ts_ns, number, recv_ts_ns)

    def _drop(self, symbol: str, instrument: int, fault: str, detail: str, now_ns: int) -> None:
        track = self._books.pop(symbol)
        self.reader.leave(symbol)
        self.waiting.add((BOOK, symbol))
        self.fault(instrument, fault, detail)
        self.renewals.failed((BOOK, symbol), track.messages, now_ns)

    # ---- subscriptions -------------------------------------------------------------------------

    def _renewed(self, now_ns: int) -> list[bytes]:
        if not self.renewals.due or self._paused:  # afterwards all books are asked for again
            return []
        return self._anew(self.renewals.take(now_ns))

    def _anew(self, keys: list[Key]) -> list[bytes]:
        return [*_requests("unsubscribe", keys), *self._subscribe(keys)]

    def _subscribe(self, keys: list[Key]) -> list[bytes]:
        self.waiting |= {("subscribe " + channel, symbol) for channel, symbol in keys}
        self.waiting |= {key for key in keys if key[0] == BOOK}
        return _requests("subscribe", keys)


def _requests(method: str, keys: Iterable[Key]) -> list[bytes]:
    """Returns one request a channel."""
    symbols: dict[str, list[str]] = {}
    for channel, symbol in keys:
        symbols.setdefault(channel, []).append(symbol)
    return [
        msgspec.json.encode({"method": method, "params": _params(channel, named)})
        for channel, named in symbols.items()
    ]


def _params(channel: str, symbols: list[str]) -> dict[str, object]:
    own: dict[str, object] = {"depth": DEPTH} if channel == BOOK else {"snapshot": False}
    return {"channel": channel, "symbol": symbols, **own}

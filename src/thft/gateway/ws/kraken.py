"""The Kraken v2 dialect: `book` depth 10 with checksum to depth batches; made by core.

The checksum is over number texts as the venue sent them, so every level keeps its digits. A book
whose checksum differs, or that is crossed after a complete message, is dropped and subscribed anew.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import datetime
from zlib import crc32

import msgspec
from msgspec import Struct

from thft.gateway.port import EngineInbox, Level
from thft.gateway.ws.dialect import VenueDialect, Wanted
from thft.model.fixed import ABSENT, BadNumber, parse_price, parse_size

DEPTH = 10


class _Level(Struct):
    price: msgspec.Raw
    qty: msgspec.Raw


class _Book(Struct):
    symbol: str
    bids: list[_Level] = []
    asks: list[_Level] = []
    checksum: int = -1
    timestamp: str = ""


class _Result(Struct, frozen=True):
    symbol: str = ""
    channel: str = ""


class _Status(Struct):
    system: str = ""


class _Message(Struct):
    channel: str = ""
    type: str = ""
    method: str = ""
    success: bool = True
    error: str = ""
    result: _Result = _Result()
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Message).decode
_decode_books = msgspec.json.Decoder(list[_Book]).decode
_decode_status = msgspec.json.Decoder(list[_Status]).decode


class CheckedBook:
    """The venue's book with the digits of every level, to prove the checksum."""

    def __init__(self) -> None:
        self._digits: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self._prices: tuple[list[int], list[int]] = ([], [])

    def apply(self, side: int, levels: list[_Level], symbol: str) -> list[Level]:
        """Applies one side's levels (0 bids, 1 asks); returns them with what fell out of depth."""
        digits, prices = self._digits[side], self._prices[side]
        applied: list[Level] = []
        for level in levels:
            price_text, size_text = bytes(level.price).decode(), bytes(level.qty).decode()
            price, size = parse_price(price_text, symbol), parse_size(size_text, symbol)
            applied.append((price, size))
            if size:
                if price not in digits:
                    insort(prices, price)
                digits[price] = _digits_of(price_text) + _digits_of(size_text)
            elif price in digits:
                del digits[price]
                del prices[bisect_left(prices, price)]
        surplus = prices[DEPTH:] if side else prices[: max(len(prices) - DEPTH, 0)]
        for price in surplus:
            del digits[price]
            del prices[bisect_left(prices, price)]
            applied.append((price, 0))
        return applied

    def checksum(self) -> int:
        """Returns CRC-32 over the top ten asks, then the top ten bids, best first."""
        bid_digits, ask_digits = self._digits
        bids, asks = self._prices
        text = "".join([ask_digits[price] for price in asks[:DEPTH]])
        text += "".join([bid_digits[price] for price in bids[: -DEPTH - 1 : -1]])
        return crc32(text.encode())

    @property
    def crossed(self) -> bool:
        """True when the best bid is at or above the best ask."""
        bids, asks = self._prices
        return bool(bids and asks) and bids[-1] >= asks[0]


def _digits_of(text: str) -> str:
    return text.replace(".", "").lstrip("0")


class KrakenDialect(VenueDialect):
    """Depth-10 books; a symbol counts as synced after its acknowledged snapshot."""

    venue = "kraken"

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted)
        self._books: dict[str, CheckedBook] = {}
        self._sequence = 0

    def opened(self) -> list[bytes]:
        """Returns one subscription for all symbols."""
        self.waiting = {("book", symbol) for symbol in self.symbols}
        return [_subscription("subscribe", list(self.symbols))]

    def probe(self) -> bytes | None:
        """The venue's own ping."""
        return b'{"method":"ping"}'

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        message = _decode(payload)
        if message.channel == "book":
            answers: list[bytes] = []
            for book in _decode_books(message.data):
                answers += self._book(message.type, book, recv_ts_ns)
            return answers
        if message.channel == "status":
            self._status(_decode_status(message.data))
        elif message.method and not message.success:
            self.fault(0, "refused", message.error)
        elif not message.method and message.channel != "heartbeat":
            self.unknown_message(payload)
        return []

    def _status(self, statuses: list[_Status]) -> None:
        for status in statuses:
            if status.system != "online":
                self.fault(0, "venue_status", f"the venue is in {status.system[:40]!r}")

    def _book(self, type: str, update: _Book, recv_ts_ns: int) -> list[bytes]:
        symbol = update.symbol
        instrument = self.instrument(symbol)
        if not instrument:
            return []
        reset = type == "snapshot"
        if reset:
            self._books[symbol] = CheckedBook()
            self.waiting.discard(("book", symbol))
        book = self._books.get(symbol)
        if book is None:
            return []  # what still arrives of a dropped book until its new snapshot
        try:
            bids = book.apply(0, update.bids, symbol)
            asks = book.apply(1, update.asks, symbol)
        except BadNumber as error:
            return self._drop(symbol, instrument, "malformed", error.cause)
        if book.checksum() != update.checksum:
            return self._drop(symbol, instrument, "checksum", f"{symbol}: book differs from venue")
        if book.crossed:
            return self._drop(symbol, instrument, "crossed_book", f"{symbol}: bid at or above ask")
        self._sequence += 1
        self.inbox.depth(
            self.feed,
            instrument,
            reset,
            bids,
            asks,
            _time_ns(update.timestamp),
            self._sequence,
            recv_ts_ns,
        )
        return []

    def _drop(self, symbol: str, instrument: int, fault: str, detail: str) -> list[bytes]:
        del self._books[symbol]
        self.waiting.add(("book", symbol))
        self.fault(instrument, fault, detail)
        return [_subscription("unsubscribe", [symbol]), _subscription("subscribe", [symbol])]


def _subscription(method: str, symbols: list[str]) -> bytes:
    params = {"channel": "book", "symbol": symbols, "depth": DEPTH}
    return msgspec.json.encode({"method": method, "params": params})


def _time_ns(text: str) -> int:
    """Returns an ISO 8601 UTC time as ns, ABSENT when there is none or it is malformed."""
    if not text:
        return ABSENT
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ABSENT
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000

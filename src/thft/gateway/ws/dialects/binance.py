"""The Binance dialect: `bookTicker` to quotes, `depth` to books, `trade` to prints; made by venues.

A book begins with a snapshot fetched by HTTP once its stream is confirmed. Events are kept until it
is there; the first that is newer must begin at its number or before, and from then on every event
follows the one before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from thft.gateway.port import EngineInbox, Level
from thft.gateway.ws import times
from thft.gateway.ws.dialect import Fetch, Number, VenueDialect, Wanted
from thft.gateway.ws.reader import Field, Shape, Track, said
from thft.model.fixed import ABSENT, BadNumber, pack_json, parse_price, parse_size

QUOTES, BOOKS, TRADES = "bookTicker", "depth@100ms", "trade"
SNAPSHOT_LEVELS = 1_000
EVENTS_KEPT = 1_000
"""Behind a snapshot that is under way: a hundred seconds, more is no book to wait for."""
OLD_SNAPSHOTS = 3
"""So many may be older than what has come; then the book waits like every other that failed."""
REQUEST_BYTES, REQUEST_HEAD = 4_000, 60
"""A message of more than 4 KiB is never answered; what stands in it beside the streams."""


class _Ticker(Struct):
    u: Number
    s: str
    b: str
    B: str
    a: str
    A: str
    T: int = 0
    """Futures say it."""


class _Depth(Struct):
    s: str
    U: Number
    u: Number
    b: Raw
    a: Raw
    E: int = 0


class _Trade(Struct):
    s: str
    t: Number
    p: str
    q: str
    m: bool
    T: int = 0


class _Snapshot(Struct):
    lastUpdateId: Number
    bids: Raw
    asks: Raw


class _Message(Struct):
    """What says of which kind a message is."""

    e: str = ""
    u: Number = -1
    id: int | None = None
    error: Raw = Raw()
    code: int | None = None
    """Of an error without an object of its own."""
    stream: str = ""
    data: Raw = Raw()
    lastUpdateId: int = 0


_decode = msgspec.json.Decoder(_Message).decode
_decode_ticker = msgspec.json.Decoder(_Ticker).decode
_decode_depth = msgspec.json.Decoder(_Depth).decode
_decode_trade = msgspec.json.Decoder(_Trade).decode
_decode_snapshot = msgspec.json.Decoder(_Snapshot).decode


QUOTE_SHAPE = Shape(
    {
        "u": Field("seq"),
        "s": Field("symbol"),
        "b": Field("bid"),
        "B": Field("bid_size"),
        "a": Field("ask"),
        "A": Field("ask_size"),
        "T": Field("ms", needed=False),
    },
    emits="ticker",
    chain="rising",
)
BOOK_SHAPE = Shape(
    {
        "e": said("depthUpdate"),
        "E": Field("ms"),
        "s": Field("symbol"),
        "U": Field("first"),
        "u": Field("seq"),
        "b": Field("bid_rows"),
        "a": Field("ask_rows"),
    },
    emits="depth",
    chain="spans",
)


class _Book(Track):
    """One book on its way to be in step: `last` is absent until its snapshot has come."""

    def __init__(self, instrument: int) -> None:
        super().__init__(instrument)
        self.bridged = False
        """An event has taken up the snapshot: from here on they follow one another."""
        self.kept: deque[_Depth] = deque()
        self.old_snapshots = 0


class BinanceDialect(VenueDialect):
    """The venue's update ids order the quotes of a symbol, and prove its book."""

    venue = "binance"

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted, QUOTE_SHAPE if wanted.book == "quotes" else BOOK_SHAPE)
        self._quoted: dict[str, Track] = {}
        self._books: dict[str, _Book] = {}
        self._asked_for: dict[int, list[str]] = {}
        """The streams of each unanswered request."""
        self._channel = QUOTES if wanted.book == "quotes" else BOOKS

    def opened(self) -> list[bytes]:
        """Returns requests for all streams, as many in one as it may hold."""
        channels = (self._channel, TRADES) if self.wanted.trades else (self._channel,)
        streams = [f"{one.lower()}@{channel}" for channel in channels for one in self.symbols]
        requests = []
        self.waiting = {(self._channel, symbol) for symbol in self.symbols}
        for number, some in enumerate(_parts(streams), 1):
            self.waiting.add(("SUBSCRIBE", str(number)))
            self._asked_for[number] = some
            request = {"method": "SUBSCRIBE", "params": some, "id": number}
            requests.append(msgspec.json.encode(request))
        return requests

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        if self._channel == QUOTES:
            try:
                self._ticker(_decode_ticker(payload), recv_ts_ns)
                return []  # nearly always
            except msgspec.ValidationError:
                pass  # something else, or broken: see below
        message = _decode(payload)
        stream = message.stream
        if stream:
            payload = bytes(message.data)
            message = _decode(payload)
        if message.e == "depthUpdate":
            self._depth(_decode_depth(payload), recv_ts_ns)
        elif message.e == "trade":
            self._trade(_decode_trade(payload), recv_ts_ns)
        elif message.e == "serverShutdown":
            self.leave = "the venue announced its shutdown"
        elif bytes(message.error):
            self.refused(bytes(message.error).decode(errors="replace"))
        elif message.code is not None:
            self.refused(payload.decode())
        elif message.id is not None:
            self._confirmed(message.id)
        elif message.u >= 0 and message.e in ("", "bookTicker"):
            self._ticker(_decode_ticker(payload), recv_ts_ns)
        elif self.loose and message.lastUpdateId:
            self._alone(stream.partition("@")[0].upper(), payload, recv_ts_ns)
        else:
            self.unknown_message(payload)
        for _, symbol in self.renewals.take(recv_ts_ns) if self.renewals.due else ():
            self._ask(symbol)
        return []

    def _confirmed(self, request: int) -> None:
        self.waiting.discard(("SUBSCRIBE", str(request)))
        for stream in self._asked_for.pop(request, []):
            symbol, _, channel = stream.upper().partition("@")
            if channel == BOOKS.upper() and symbol not in self._books:
                self._ask(symbol)

    # ---- quotes and trades ---------------------------------------------------------------------

    def _ticker(self, ticker: _Ticker, recv_ts_ns: int) -> None:
        symbol = ticker.s
        instrument = self.instrument(symbol)
        if not instrument:
            return
        track = self._quoted.get(symbol)
        if track is not None and ticker.u <= track.last and not self.loose:
            self.fault(instrument, "out_of_order", f"update id {ticker.u} came again or late")
            return
        try:
            bid, bid_size = _side(ticker.b, ticker.B, symbol)
            ask, ask_size = _side(ticker.a, ticker.A, symbol)
            ts_ns = times.of_ms(ticker.T) if ticker.T else ABSENT
        except BadNumber as error:
            self.fault(instrument, "malformed", error.cause)
            return
        if track is None:
            track = self._quoted[symbol] = Track(instrument)
            self.reader.follow(symbol, track)
            self.waiting.discard((QUOTES, symbol))
        track.last = ticker.u
        self.inbox.quote(
            self.feed, instrument, bid, bid_size, ask, ask_size, ts_ns, ticker.u, recv_ts_ns
        )

    def _trade(self, trade: _Trade, recv_ts_ns: int) -> None:
        instrument = self.instrument(trade.s)
        if not instrument:
            return
        try:
            price, size = parse_price(trade.p, trade.s), parse_size(trade.q, trade.s)
            ts_ns = times.of_ms(trade.T)
        except BadNumber as error:
            self.bad_trade(trade.s, error.cause)
            return
        side = "sell" if trade.m else "buy"  # m: the buyer's order was there before
        self.traded(instrument, price, size, side, str(trade.t), ts_ns, recv_ts_ns)

    # ---- books ---------------------------------------------------------------------------------

    def _depth(self, event: _Depth, recv_ts_ns: int) -> None:
        instrument = self.instrument(event.s)
        if not instrument:
            return
        book = self._books.get(event.s)
        if book is None and self.loose:
            book = self._books[event.s] = _Book(instrument)
            book.last = event.U - 1
        if book is None:
            return  # what still arrives of a dropped book until its new snapshot
        if book.last == ABSENT and len(book.kept) >= EVENTS_KEPT:
            detail = f"{event.s}: no snapshot within {EVENTS_KEPT} events"
            self._drop(event.s, instrument, "snapshot", detail, recv_ts_ns)
        elif book.last == ABSENT:
            book.kept.append(event)
        else:
            self._follow(event.s, instrument, book, event, recv_ts_ns)

    def _ask(self, symbol: str) -> None:
        """Begins a book: from here on its events are kept."""
        self._books[symbol] = _Book(self.symbols[symbol])
        self._fetch(symbol)

    def _fetch(self, symbol: str) -> None:
        path = f"/api/v3/depth?symbol={symbol}&limit={SNAPSHOT_LEVELS}"
        self.fetches.append(Fetch(symbol, path))

    def fetched(self, fetch: Fetch, body: bytes | None, error: str) -> list[bytes]:
        """Takes a snapshot, and the events that are newer."""
        symbol, now_ns = fetch.key, self.inbox.now_ns()
        instrument, book = self.symbols[symbol], self._books.get(symbol)
        if book is None or book.last != ABSENT:
            return []
        try:
            snapshot = _decode_snapshot(body) if body is not None else None
            if snapshot is None:
                self._drop(symbol, instrument, "snapshot", error, now_ns)
            else:
                self._begin(symbol, instrument, book, snapshot, now_ns)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadNumber) as broken:
            self._drop(symbol, instrument, "malformed", f"snapshot: {broken}", now_ns)
        return []

    def _alone(self, symbol: str, payload: bytes, now_ns: int) -> None:
        """Takes a snapshot that nobody has asked for."""
        instrument = self.instrument(symbol)
        self._begin(symbol, instrument, _Book(instrument), _decode_snapshot(payload), now_ns)

    def _begin(
        self, symbol: str, instrument: int, book: _Book, snapshot: _Snapshot, now_ns: int
    ) -> None:
        if book.kept and snapshot.lastUpdateId + 1 < book.kept[0].U:
            self._older(symbol, instrument, book, now_ns)
            return
        bids, asks = pack_json(snapshot.bids, symbol), pack_json(snapshot.asks, symbol)
        book.book.apply(True, bids, asks)
        book.last = snapshot.lastUpdateId
        self.waiting.discard((BOOKS, symbol))
        self.inbox.depth(self.feed, instrument, True, bids, asks, ABSENT, book.last, now_ns)
        kept, book.kept = book.kept, deque()
        for event in kept:
            if symbol not in self._books:
                return  # it did not hold
            self._follow(symbol, instrument, book, event, now_ns)

    def _older(self, symbol: str, instrument: int, book: _Book, now_ns: int) -> None:
        """Asks for another snapshot in the place of one that is older than what has come."""
        book.old_snapshots += 1
        if book.old_snapshots < OLD_SNAPSHOTS:
            self._fetch(symbol)
        else:
            detail = f"{symbol}: {OLD_SNAPSHOTS} snapshots were older than the stream"
            self._drop(symbol, instrument, "snapshot", detail, now_ns)

    def _follow(
        self, symbol: str, instrument: int, book: _Book, event: _Depth, recv_ts_ns: int
    ) -> None:
        if self.loose:
            book.last = event.U - 1
        if event.u <= book.last:
            return  # older than the snapshot, or come again
        if book.last + 1 < event.U or (book.bridged and book.last + 1 != event.U):
            detail = f"{symbol}: update {event.U} follows {book.last}"
            self._drop(symbol, instrument, "gap", detail, recv_ts_ns)
            return
        try:
            ts_ns = times.of_ms(event.E)
            bids, asks = pack_json(event.b, symbol), pack_json(event.a, symbol)
        except BadNumber as error:
            self._drop(symbol, instrument, "malformed", error.cause, recv_ts_ns)
            return
        book.book.apply(False, bids, asks)
        if not book.bridged and not self.loose:
            book.bridged = True
            self.reader.follow(symbol, book)
        book.last = event.u
        book.messages += 1
        bid, _, ask, _ = book.book.top()
        if ABSENT != ask <= bid:
            detail = f"{symbol}: bid at or above ask"
            self._drop(symbol, instrument, "crossed_book", detail, recv_ts_ns)
            return
        self.inbox.depth(self.feed, instrument, False, bids, asks, ts_ns, event.u, recv_ts_ns)

    def _drop(self, symbol: str, instrument: int, fault: str, detail: str, now_ns: int) -> None:
        book = self._books.pop(symbol)
        self.reader.leave(symbol)
        self.waiting.add((BOOKS, symbol))
        self.fault(instrument, fault, detail)
        self.renewals.failed((BOOKS, symbol), book.messages, now_ns)


def _parts(streams: list[str]) -> Iterator[list[str]]:
    """Yields lists of streams, each of which fits one request."""
    some, size = list[str](), REQUEST_HEAD
    for stream in streams:
        more = len(stream.encode()) + 3
        if size + more > REQUEST_BYTES:
            yield some
            some, size = [], REQUEST_HEAD
        some.append(stream)
        size += more
    if some:
        yield some


def _side(price_text: str, size_text: str, symbol: str) -> Level:
    """Returns one side of a quote; at price 0, as the venue shows it, there is no order."""
    price, size = parse_price(price_text, symbol), parse_size(size_text, symbol)
    if price < 0 or size < 0:
        raise BadNumber(f"{symbol}: a negative price or size", "check the venue's frame")
    return (price, size) if price else (ABSENT, ABSENT)

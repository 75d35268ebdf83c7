"""The Bybit v5 dialect: `orderbook.1` to quotes, `orderbook.50` to depth, `publicTrade` to prints.

A book is proven by its numbers: a delta's `u` is one more than the message before. A snapshot
replaces the book at any time; with `u` 1 the venue's service has restarted. The first level is sent
again after three seconds without a change, under the same `u`: a sign of life, and no quote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from thft.gateway.port import EngineInbox
from thft.gateway.ws import times
from thft.gateway.ws.dialect import Number, VenueDialect, Wanted
from thft.gateway.ws.proof.book import flaw
from thft.gateway.ws.proof.renewal import Key
from thft.gateway.ws.reader import Field, Shape, Track, said, within
from thft.model.fixed import BadNumber, pack_json, parse_price, parse_size

QUOTES, TRADES = "orderbook.1", "publicTrade"
ARGS = 10
"""Topics in one request, as the spot market takes them."""
SIDES = {"Buy": "buy", "Sell": "sell"}


NO_LEVELS = msgspec.Raw(b"[]")


class _Book(Struct):
    u: Number
    b: msgspec.Raw = NO_LEVELS
    a: msgspec.Raw = NO_LEVELS


class _Trade(Struct):
    s: str
    p: str
    v: str
    i: str
    T: int
    S: str = ""


class _Message(Struct):
    topic: str = ""
    type: str = ""
    ts: int = 0
    cts: int = 0
    data: msgspec.Raw = msgspec.Raw()
    op: str = ""
    success: bool = True
    ret_msg: str = ""
    req_id: str = ""


_decode = msgspec.json.Decoder(_Message).decode
_decode_book = msgspec.json.Decoder(_Book).decode
_decode_trades = msgspec.json.Decoder(list[_Trade]).decode


def _shape(channel: str, depth: int) -> Shape:
    """Returns what mostly comes: whole books of the first level, which are quotes; or changes."""
    quotes = channel == QUOTES
    book = {"u": Field("seq"), "b": Field("bid_rows"), "a": Field("ask_rows")}
    fields = {
        "topic": Field("symbol", channel + "."),
        "type": said("snapshot" if quotes else "delta"),
        "ts": Field("ms"),
        "data": within(book),
        "cts": Field("ms_best", needed=False),
    }
    if quotes:
        return Shape(fields, "top", "rising", cut=depth, whole=True)
    return Shape(fields, "depth", "next", cut=depth)


class BybitDialect(VenueDialect):
    """A symbol counts as synced with its acknowledgement and its first snapshot."""

    venue = "bybit"
    ping_every_s = 20.0
    books = "orderbook.50"
    """The channel of depth; its last part says how many levels."""

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        self._channel = QUOTES if wanted.book == "quotes" else self.books
        self._depth = int(self._channel.rpartition(".")[2])
        super().__init__(inbox, wanted, _shape(self._channel, self._depth))
        self._books: dict[str, Track] = {}
        self._requests = 0
        self._asked_for: dict[str, list[Key]] = {}
        """What each unanswered request asks for."""

    def opened(self) -> list[bytes]:
        """Returns one request for every ten topics."""
        channels = (self._channel, TRADES) if self.wanted.trades else (self._channel,)
        keys = [(channel, symbol) for channel in channels for symbol in self.symbols]
        self.waiting = {key for key in keys if key[0] != TRADES}
        return list(self._ask("subscribe", keys))

    def probe(self) -> bytes | None:
        """The venue's own ping."""
        return b'{"op":"ping"}'

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        message = _decode(payload)
        channel, _, symbol = message.topic.rpartition(".")
        if self.loose and channel.startswith("orderbook."):
            self._channel, self._depth = channel, int(channel.rpartition(".")[2])
        if channel == self._channel:
            self._book(message, symbol, recv_ts_ns)
        elif channel == TRADES:
            self._trades(symbol, _decode_trades(message.data), recv_ts_ns)
        elif not message.topic and message.op:
            return [*self._answered(message, payload), *self._renewed(recv_ts_ns)]
        else:
            self.unknown_message(payload)
        return self._renewed(recv_ts_ns)

    def _answered(self, message: _Message, payload: bytes) -> list[bytes]:
        """Takes an answer; what was refused together is asked for again one by one."""
        asked = self._asked_for.pop(message.req_id, [])
        self.waiting.discard((message.op, message.req_id))
        if not message.success:
            named = f" ({asked[0][0]}.{asked[0][1]} …)" if asked else ""
            self.refused(message.ret_msg + named)
            if message.op == "subscribe" and len(asked) > 1 and not self.leave:
                return [request for key in asked for request in self._ask("subscribe", [key])]
        elif message.op not in ("subscribe", "unsubscribe", "ping", "pong"):
            self.unknown_message(payload)
        return []

    # ---- books ---------------------------------------------------------------------------------

    def _book(self, message: _Message, symbol: str, recv_ts_ns: int) -> None:
        instrument = self.instrument(symbol)
        if not instrument:
            return
        update, reset = _decode_book(message.data), message.type == "snapshot"
        track = self._books.get(symbol)
        before = (track.last, track.book.top()) if track is not None else None
        if self.loose and track is not None and update.u != track.last + 1:
            track = None  # a message of another time
        if track is None and (reset or self.loose):
            track = self._books[symbol] = Track(instrument)
            track.partial = self.loose or not reset
            self.reader.follow(symbol, track)
            self.waiting.discard((self._channel, symbol))
        elif track is None:
            return  # what still arrives of a dropped book until its new snapshot
        elif not reset and update.u != track.last + 1 and not track.partial:
            detail = f"{symbol}: update {update.u} follows {track.last}"
            self._drop(symbol, instrument, "gap", detail, recv_ts_ns)
            return
        try:
            ts_ns = times.of_ms(message.cts or message.ts)
            bids, asks = pack_json(update.b, symbol), pack_json(update.a, symbol)
        except BadNumber as error:
            self._drop(symbol, instrument, "malformed", error.cause, recv_ts_ns)
            return
        track.book.apply(reset, bids, asks)
        gone_bids, gone_asks = track.book.cut(self._depth)
        track.last = update.u
        track.messages += 1
        if self._channel == QUOTES:
            top = track.book.top()
            if not reset or (track.last, top) != before:  # else a sign of life
                self.inbox.quote(self.feed, instrument, *top, ts_ns, track.last, recv_ts_ns)
        elif crossed := flaw(track.book):
            self._drop(symbol, instrument, "crossed_book", f"{symbol}: {crossed}", recv_ts_ns)
        else:
            sides, stamps = (bids + gone_bids, asks + gone_asks), (ts_ns, track.last, recv_ts_ns)
            self.inbox.depth(self.feed, instrument, reset, *sides, *stamps)

    def _drop(self, symbol: str, instrument: int, fault: str, detail: str, now_ns: int) -> None:
        track = self._books.pop(symbol)
        self.reader.leave(symbol)
        self.waiting.add((self._channel, symbol))
        self.fault(instrument, fault, detail)
        self.renewals.failed((self._channel, symbol), track.messages, now_ns)

    # ---- trades --------------------------------------------------------------------------------

    def _trades(self, symbol: str, trades: list[_Trade], recv_ts_ns: int) -> None:
        instrument = self.instrument(symbol)
        for trade in trades if instrument else ():
            try:
                price, size = parse_price(trade.p, symbol), parse_size(trade.v, symbol)
                ts_ns = times.of_ms(trade.T)
            except BadNumber as error:
                self.bad_trade(symbol, error.cause)
                continue
            side = SIDES.get(trade.S, trade.S)
            self.traded(instrument, price, size, side, trade.i, ts_ns, recv_ts_ns)

    # ---- requests ------------------------------------------------------------------------------

    def _renewed(self, now_ns: int) -> list[bytes]:
        keys = self.renewals.take(now_ns) if self.renewals.due else []
        return [*self._ask("unsubscribe", keys), *self._ask("subscribe", keys)]

    def _ask(self, op: str, keys: list[Key]) -> Iterator[bytes]:
        for some in _parts(keys):
            self._requests += 1
            request = f"{op[0]}{self._requests}"
            self._asked_for[request] = some
            if op == "subscribe":
                self.waiting.add((op, request))
            topics = [f"{channel}.{symbol}" for channel, symbol in some]
            yield msgspec.json.encode({"req_id": request, "op": op, "args": topics})


def _parts(keys: list[Key]) -> Iterable[list[Key]]:
    return (keys[begin : begin + ARGS] for begin in range(0, len(keys), ARGS))

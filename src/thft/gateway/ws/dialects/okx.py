"""The OKX v5 dialect: `bbo-tbt` to quotes, `books` to depth, `trades` to prints; made by venues.

A book is proven by the chain prevSeqId → seqId, and by its checksum where the venue sends one;
since June 2026 that is 0, which proves nothing.
After maintenance the venue may number from the start again: the chain says so, and holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from thft.gateway.port import EngineInbox, Level
from thft.gateway.ws import times
from thft.gateway.ws.dialect import SignedNumber, VenueDialect, Wanted
from thft.gateway.ws.proof.book import flaw, paired_checksum
from thft.gateway.ws.proof.renewal import Key
from thft.gateway.ws.reader import Field, Fields, Shape, Track, only, said, within
from thft.model.fixed import (
    ABSENT,
    BadNumber,
    pack_json,
    parse_price,
    parse_size,
    unpack_pairs,
)

QUOTES, BOOKS, TRADES = "bbo-tbt", "books", "trades"
CHECKSUM_LEVELS = 25
REQUEST_BYTES = 60_000
"""The venue takes requests of 64 KiB."""
RATE_CODES = ("60014", "60023")
"""Requests too frequent."""
UPGRADE = "64008"
"""A notice: the connection will be closed for an upgrade of the service."""
SILENT_EVENTS = ("unsubscribe", "channel-conn-count", "login")


NO_LEVELS = msgspec.Raw(b"[]")


class _Book(Struct):
    bids: msgspec.Raw = NO_LEVELS
    asks: msgspec.Raw = NO_LEVELS
    ts: str = ""
    checksum: int = 0
    prevSeqId: SignedNumber = ABSENT
    seqId: SignedNumber = ABSENT


class _Trade(Struct):
    tradeId: str
    px: str
    sz: str
    side: str
    ts: str = ""


class _Arg(Struct):
    channel: str = ""
    instId: str = ""


class _Message(Struct):
    arg: _Arg = msgspec.field(default_factory=_Arg)
    event: str = ""
    action: str = ""
    code: str = ""
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Message).decode
_decode_books = msgspec.json.Decoder(list[_Book]).decode
_decode_trades = msgspec.json.Decoder(list[_Trade]).decode


def _shape(channel: str) -> Shape:
    arg = {"channel": said(channel), "instId": Field("symbol")}
    book: Fields = {
        "asks": Field("ask_rows"),
        "bids": Field("bid_rows"),
        "ts": Field("ms_text"),
        "seqId": Field("seq"),
    }
    if channel == QUOTES:
        return Shape({"arg": within(arg), "data": only(book)}, "first", "rising")
    book |= {"checksum": Field("checksum", needed=False), "prevSeqId": Field("prev")}
    fields = {"arg": within(arg), "action": said("update"), "data": only(book)}
    levels = CHECKSUM_LEVELS
    return Shape(fields, "depth", "follows", checksum="paired", checksum_levels=levels)


class OkxDialect(VenueDialect):
    """A symbol counts as synced with its acknowledgement and the first quote or snapshot."""

    venue = "okx"

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        self._channel = QUOTES if wanted.book == "quotes" else BOOKS
        super().__init__(inbox, wanted, _shape(self._channel))
        self._books: dict[str, Track] = {}
        self._quoted: dict[str, Track] = {}
        self._unconfirmed: set[Key] = set()
        """What was asked for and is neither confirmed nor refused by name."""

    def opened(self) -> list[bytes]:
        """Returns as few requests as the venue's limit on their size allows."""
        channels = (self._channel, TRADES) if self.wanted.trades else (self._channel,)
        keys = [(channel, symbol) for channel in channels for symbol in self.symbols]
        self._unconfirmed = set(keys)
        self.waiting = {("subscribe " + channel, symbol) for channel, symbol in keys}
        self.waiting |= {key for key in keys if key[0] != TRADES}
        return list(_requests("subscribe", keys))

    def probe(self) -> bytes | None:
        """The venue's ping is a text."""
        return b"ping"

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        if payload == b"pong":
            return self._renewed(recv_ts_ns)
        message = _decode(payload)
        channel, symbol = message.arg.channel, message.arg.instId
        if message.event:
            return [*self._event(message, payload), *self._renewed(recv_ts_ns)]
        if channel.startswith(BOOKS) and message.data:
            for update in _decode_books(message.data):
                self._book(symbol, message.action, update, recv_ts_ns)
        elif channel == QUOTES and message.data:
            for update in _decode_books(message.data):
                self._quote(symbol, update, recv_ts_ns)
        elif channel == TRADES and message.data:
            self._trades(symbol, _decode_trades(message.data), recv_ts_ns)
        else:
            self.unknown_message(payload)
        return self._renewed(recv_ts_ns)

    # ---- what the venue says of the connection -------------------------------------------------

    def _event(self, message: _Message, payload: bytes) -> list[bytes]:
        words = f"{message.code} {message.msg}".strip() or payload.decode()
        if message.event == "subscribe":
            key = message.arg.channel, message.arg.instId
            self.waiting.discard(("subscribe " + key[0], key[1]))
            self._unconfirmed.discard(key)
        elif message.event == "notice":
            self.fault(0, "venue_status", words)
            if message.code == UPGRADE:
                self.leave = f"the venue announced a service upgrade: {words}"
        elif message.event == "error" and message.code in RATE_CODES:
            self.fault(0, "rate_limited", words)
            self.leave = f"the venue refused too many requests: {words}"
        elif message.event in ("error", "channel-conn-count-error"):
            self.fault(0, "refused", words)
            return self._without(f"{words} ")
        elif message.event not in SILENT_EVENTS:
            self.unknown_message(payload)
        return []

    def _without(self, words: str) -> list[bytes]:
        """Asks again for what is not confirmed: one wrong symbol may refuse a whole request."""
        asked = {key for key in self._unconfirmed if f"instId:{key[1]} " not in words}
        if asked == self._unconfirmed:
            return []  # none of ours is named
        self._unconfirmed = asked
        return list(_requests("subscribe", sorted(asked)))

    # ---- quotes and trades ---------------------------------------------------------------------

    def _quote(self, symbol: str, update: _Book, recv_ts_ns: int) -> None:
        instrument = self.instrument(symbol)
        if not instrument:
            return
        try:
            bid, bid_size = _best(update.bids, symbol)
            ask, ask_size = _best(update.asks, symbol)
            ts_ns = times.of_ms_text(update.ts)
        except BadNumber as error:
            self.fault(instrument, "malformed", error.cause)
            return
        seq, track = update.seqId, self._quoted.get(symbol)
        if (
            track is not None
            and not self.loose
            and (seq == track.last or (seq < track.last and ts_ns < track.last_ts_ns))
        ):
            # a smaller number with a later time is the venue's new count after maintenance
            self.fault(instrument, "out_of_order", f"quote {seq} came again or late")
            return
        if seq != ABSENT:
            if track is None:
                track = self._quoted[symbol] = Track(instrument)
                self.reader.follow(symbol, track)
            track.last, track.last_ts_ns = seq, ts_ns
        self.waiting.discard((QUOTES, symbol))
        self.inbox.quote(
            self.feed, instrument, bid, bid_size, ask, ask_size, ts_ns, max(seq, 0), recv_ts_ns
        )

    def _trades(self, symbol: str, trades: list[_Trade], recv_ts_ns: int) -> None:
        instrument = self.instrument(symbol)
        if not instrument:
            return
        self.waiting.discard(("subscribe " + TRADES, symbol))
        for trade in trades:
            try:
                price, size = parse_price(trade.px, symbol), parse_size(trade.sz, symbol)
                ts_ns = times.of_ms_text(trade.ts)
            except BadNumber as error:
                self.bad_trade(symbol, error.cause)
                continue
            self.traded(instrument, price, size, trade.side, trade.tradeId, ts_ns, recv_ts_ns)

    # ---- books ---------------------------------------------------------------------------------

    def _book(self, symbol: str, action: str, update: _Book, recv_ts_ns: int) -> None:
        instrument = self.instrument(symbol)
        if not instrument:
            return
        reset = action != "update"
        if reset or (self.loose and symbol not in self._books):
            track = self._books[symbol] = Track(instrument)
            track.partial = self.loose or not reset
            self.reader.follow(symbol, track)
            self.waiting.discard((BOOKS, symbol))
        found = self._books.get(symbol)
        if found is None:
            return  # what still arrives of a dropped book until its new snapshot
        track = found
        if not reset and not track.partial and update.prevSeqId != track.last:
            detail = f"{symbol}: {update.prevSeqId} follows {track.last}"
            self._drop(symbol, instrument, "gap", detail, recv_ts_ns)
            return
        try:
            bids, asks = pack_json(update.bids, symbol), pack_json(update.asks, symbol)
            ts_ns = times.of_ms_text(update.ts)
        except BadNumber as error:
            self._drop(symbol, instrument, "malformed", error.cause, recv_ts_ns)
            return
        track.book.apply(False, bids, asks)
        track.last = update.seqId
        track.messages += 1
        proof = 0 if track.partial else update.checksum
        if proof and paired_checksum(track.book, CHECKSUM_LEVELS) != proof:
            detail = f"{symbol}: book differs from venue"
            self._drop(symbol, instrument, "checksum", detail, recv_ts_ns)
        elif crossed := flaw(track.book):
            self._drop(symbol, instrument, "crossed_book", f"{symbol}: {crossed}", recv_ts_ns)
        elif reset or bids or asks:  # without a change it is a sign of life
            seq = max(update.seqId, 0)
            self.inbox.depth(self.feed, instrument, reset, bids, asks, ts_ns, seq, recv_ts_ns)

    def _drop(self, symbol: str, instrument: int, fault: str, detail: str, now_ns: int) -> None:
        track = self._books.pop(symbol)
        self.reader.leave(symbol)
        self.waiting.add((BOOKS, symbol))
        self.fault(instrument, fault, detail)
        self.renewals.failed((BOOKS, symbol), track.messages, now_ns)

    def _renewed(self, now_ns: int) -> list[bytes]:
        keys = self.renewals.take(now_ns) if self.renewals.due else []
        if not keys:
            return []
        self.waiting |= {("subscribe " + channel, symbol) for channel, symbol in keys}
        return [*_requests("unsubscribe", keys), *_requests("subscribe", keys)]


def _requests(op: str, keys: Iterable[Key]) -> Iterator[bytes]:
    """Yields requests for all of these, as many in one as it may hold."""
    head, args, size = f'{{"op":"{op}","args":['.encode(), list[bytes](), 0
    for channel, symbol in keys:
        arg = msgspec.json.encode({"channel": channel, "instId": symbol})
        if size + len(arg) > REQUEST_BYTES:
            yield head + b",".join(args) + b"]}"
            args, size = [], 0
        args.append(arg)
        size += len(arg) + 1
    if args:
        yield head + b",".join(args) + b"]}"


def _best(levels: msgspec.Raw, symbol: str) -> Level:
    packed = pack_json(levels, symbol)
    return unpack_pairs(packed)[0] if packed else (ABSENT, ABSENT)

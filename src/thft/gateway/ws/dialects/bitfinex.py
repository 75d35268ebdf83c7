"""The Bitfinex v2 dialect: `book` P0 F0 25 to depth, `trades` to prints; made by venues.

All messages of a connection are numbered. A number that is missing may have been any book's, so all
books are asked for again; a checksum that differs concerns its book alone.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from thft.gateway.port import EngineInbox, Level
from thft.gateway.ws.dialect import Number, VenueDialect, Wanted
from thft.gateway.ws.proof.book import amount_checksum, flaw
from thft.gateway.ws.proof.renewal import Key
from thft.gateway.ws.reader import Shape, Track
from thft.model.fixed import ABSENT, BadNumber, parse_price, parse_size

BOOK, TRADES = "book", "trades"
LEVELS = 25
CHANNELS = 25
"""The venue's limit on the channels of one connection."""
TIMESTAMP, SEQ_ALL, OB_CHECKSUM = 32_768, 65_536, 131_072
FLAGS = TIMESTAMP | SEQ_ALL | OB_CHECKSUM
HELD_MESSAGES = 200
"""So many messages of channels that are not acknowledged yet are held."""
VERSION = 2
RESTART, MAINTENANCE, MAINTENANCE_OVER = 20_051, 20_060, 20_061
RATE_LIMIT = 11_010
HEARTBEAT = b'"hb"'


class _Level(Struct, array_like=True):
    price: Raw
    count: int
    amount: Raw


class _Trade(Struct, array_like=True):
    id: int
    ts_ms: int
    amount: Raw
    price: Raw


class _Frame(Struct, array_like=True):
    """A numbered message: `[channel, levels, number, ms]`, or a tag, mostly with a value."""

    channel: int
    body: Raw
    second: Raw
    third: Raw = Raw()
    fourth: Raw = Raw()


class _Platform(Struct):
    status: int = 1


class _Event(Struct):
    event: str = ""
    channel: str = ""
    chanId: int = 0
    symbol: str = ""
    status: str = ""
    flags: int = 0
    version: int = VERSION
    platform: _Platform = msgspec.field(default_factory=_Platform)
    code: int = 0
    msg: str = ""


BOOK_SHAPE = Shape({}, "depth", "next_of_all", checksum="amount", checksum_levels=LEVELS)

_decode_event = msgspec.json.Decoder(_Event).decode
_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_level = msgspec.json.Decoder(_Level).decode
_decode_levels = msgspec.json.Decoder(list[_Level]).decode
_decode_trade = msgspec.json.Decoder(_Trade).decode
_decode_int = msgspec.json.Decoder[int](Number).decode


class BitfinexDialect(VenueDialect):
    """A symbol counts as synced after its acknowledgement and the snapshot of its book."""

    venue = "bitfinex"

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted, BOOK_SHAPE)
        self._channels: dict[int, Key] = {}
        self._closing: dict[int, Key] = {}
        """Channels that were left and are asked for again when the venue has confirmed it."""
        self._books: dict[str, Track] = {}
        self._held: list[tuple[_Frame, int]] = []
        self.reader.last = 0
        self._paused = False

    def opened(self) -> list[bytes]:
        """Returns the wanted properties of the connection and one request a channel."""
        channels = (BOOK, TRADES) if self.wanted.trades else (BOOK,)
        keys = [(channel, symbol) for symbol in self.symbols for channel in channels]
        self.waiting = {("conf", "")}
        return [
            msgspec.json.encode({"event": "conf", "flags": FLAGS}),
            *(self._subscribe(key) for key in keys),
        ]

    def probe(self) -> bytes | None:
        """The venue's own ping."""
        return b'{"event":"ping"}'

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        if payload.startswith(b"["):
            frame = _decode_frame(payload)
            number, ts_ms = frame.second, frame.third
            body = bytes(frame.body)
            if body.startswith(b'"') and body != HEARTBEAT:
                number, ts_ms = frame.third, frame.fourth
            fresh = self.loose or self._numbered(_decode_int(number), recv_ts_ns)
            if fresh and not self._paused:
                self._frame(frame, _decode_int(ts_ms) if ts_ms else 0, recv_ts_ns)
            return self._renewed(recv_ts_ns)
        event = _decode_event(payload)
        if event.event == "subscribed":
            self._subscribed(event, recv_ts_ns)
        elif event.event == "unsubscribed":
            key = self._closing.pop(event.chanId, None)
            return [self._subscribe(key)] if key else []
        elif event.event == "info":
            return self._info(event)
        elif event.event == "error":
            self._error(event)
        elif event.event == "conf":
            self._conf(event)
        elif event.event != "pong":
            self.unknown_message(payload)
        return self._renewed(recv_ts_ns)

    # ---- what the venue says of the connection -------------------------------------------------

    def _conf(self, event: _Event) -> None:
        self.waiting.discard(("conf", ""))
        if event.status != "OK" or event.flags & FLAGS != FLAGS:
            self.fault(0, "refused", f"conf {event.status} {event.flags}: no proof of the books")
            self.leave = "the venue does not number its messages"

    def _info(self, event: _Event) -> list[bytes]:
        words = f"{event.code} {event.msg}"
        if event.version != VERSION:
            self.fault(0, "refused", f"the venue speaks version {event.version}")
            self.leave = f"the venue speaks version {event.version}"
        elif event.code == RESTART:
            self.leave = f"the venue announced its restart: {words}"
        elif event.code == MAINTENANCE_OVER:
            self._paused = False
            return self._leave_channels(list(self._channels))
        elif event.code == MAINTENANCE or not event.platform.status:
            self._paused = True
            self.fault(0, "venue_status", f"the venue is in maintenance: {words}")
            self._books.clear()
            for id in self._channels:
                self.reader.leave(str(id))
            self.waiting |= {key for key in self._channels.values() if key[0] == BOOK}
        elif event.code:
            self.fault(0, "venue_status", words)
        return []

    def _error(self, event: _Event) -> None:
        words = f"{event.code} {event.msg} {event.symbol}".rstrip()
        if event.code == RATE_LIMIT:
            self.fault(0, "rate_limited", words)
            self.leave = f"the venue refused too many requests: {words}"
        else:
            self.fault(0, "refused", words)

    def _subscribed(self, event: _Event, recv_ts_ns: int) -> None:
        if not self.instrument(event.symbol):
            return
        key = event.channel, event.symbol
        self._channels[event.chanId] = key
        self.waiting.discard(("subscribe " + event.channel, event.symbol))
        held, self._held = self._held, []
        for frame, ts_ms in held:
            self._frame(frame, ts_ms, recv_ts_ns)

    # ---- numbered messages ---------------------------------------------------------------------

    def _numbered(self, number: int, now_ns: int) -> bool:
        """Takes a message's number; returns whether the message is a new one."""
        last = self.reader.last
        if number <= last:
            self.fault(0, "out_of_order", f"message {number} came again or late")
            return False
        self.reader.last = number
        if last and number != last + 1:
            detail = f"{number - last - 1} messages before {number} are missing"
            if not self._books:
                self.fault(0, "gap", detail)
            for symbol in list(self._books):
                self._drop(symbol, "gap", detail, now_ns)
        return True

    def _frame(self, frame: _Frame, ts_ms: int, recv_ts_ns: int) -> None:
        key = self._channels.get(frame.channel)
        body = bytes(frame.body)
        tag = body if body.startswith(b'"') else b""
        if tag == HEARTBEAT or frame.channel in self._closing:
            return
        if key is None:
            self._hold(frame, ts_ms)
        elif key[0] == BOOK and tag == b'"cs"':
            self._checksum(key[1], _decode_int(frame.second), recv_ts_ns)
        elif key[0] == BOOK and not tag:
            self._book(frame.channel, key[1], body, ts_ms, recv_ts_ns)
        elif key[0] == TRADES and tag == b'"te"':  # "tu" says the same trade again
            self._trade(key[1], _decode_trade(frame.second), recv_ts_ns)
        elif key[0] != TRADES or tag not in (b"", b'"tu"'):  # without a tag: trades of before
            self.fault(0, "unknown_message", f"{key[0]} {tag.decode()}")

    def _hold(self, frame: _Frame, ts_ms: int) -> None:
        """Keeps a message that came before its channel's acknowledgement."""
        if len(self._held) < HELD_MESSAGES:
            self._held.append((frame, ts_ms))
        else:
            self.fault(0, "unknown_message", f"channel {frame.channel} was never acknowledged")

    def _trade(self, symbol: str, trade: _Trade, recv_ts_ns: int) -> None:
        instrument, amount = self.symbols[symbol], bytes(trade.amount).decode()
        try:
            price = parse_price(bytes(trade.price).decode(), symbol)
            size = parse_size(amount.removeprefix("-"), symbol)
        except BadNumber as error:
            self.fault(instrument, "malformed", error.cause)
            return
        side = "sell" if amount.startswith("-") else "buy"
        ts_ns = trade.ts_ms * 1_000_000
        self.traded(instrument, price, size, side, str(trade.id), ts_ns, recv_ts_ns)

    # ---- books ---------------------------------------------------------------------------------

    def _book(self, channel: int, symbol: str, body: bytes, ts_ms: int, recv_ts_ns: int) -> None:
        reset = body[1:].lstrip()[:1] in (b"[", b"]")
        levels = _decode_levels(body) if reset else [_decode_level(body)]
        if reset or (self.loose and symbol not in self._books):
            track = self._books[symbol] = Track(self.symbols[symbol])
            track.partial = not reset
            self.reader.follow(str(channel), track)
            self.waiting.discard((BOOK, symbol))
        found = self._books.get(symbol)
        if found is None:
            return  # what still arrives of a dropped book until its new snapshot
        try:
            bids, asks = _sides(levels, symbol)
        except BadNumber as error:
            self._drop(symbol, "malformed", error.cause, recv_ts_ns)
            return
        found.book.apply(False, bids, asks)
        found.messages += 1
        if crossed := flaw(found.book):
            self._drop(symbol, "crossed_book", f"{symbol}: {crossed}", recv_ts_ns)
            return
        ts_ns = ts_ms * 1_000_000 if ts_ms else ABSENT
        instrument, number = self.symbols[symbol], self.reader.last
        self.inbox.depth(self.feed, instrument, reset, bids, asks, ts_ns, number, recv_ts_ns)

    def _checksum(self, symbol: str, checksum: int, recv_ts_ns: int) -> None:
        track = self._books.get(symbol)
        if track is None or track.partial:
            return
        if amount_checksum(track.book, LEVELS) != checksum:
            self._drop(symbol, "checksum", f"{symbol}: book differs from venue", recv_ts_ns)

    def _drop(self, symbol: str, fault: str, detail: str, now_ns: int) -> None:
        track = self._books.pop(symbol)
        for id in [id for id, key in self._channels.items() if key == (BOOK, symbol)]:
            self.reader.leave(str(id))
        self.waiting.add((BOOK, symbol))
        self.fault(self.symbols[symbol], fault, detail)
        self.renewals.failed((BOOK, symbol), track.messages, now_ns)

    # ---- channels ------------------------------------------------------------------------------

    def _renewed(self, now_ns: int) -> list[bytes]:
        keys = self.renewals.take(now_ns) if self.renewals.due else []
        if not keys or self._paused:  # after maintenance all channels are asked for again
            return []
        return self._leave_channels([id for id, key in self._channels.items() if key in keys])

    def _leave_channels(self, ids: list[int]) -> list[bytes]:
        for id in ids:
            self.reader.leave(str(id))
            self._closing[id] = self._channels.pop(id)
        return [msgspec.json.encode({"event": "unsubscribe", "chanId": id}) for id in ids]

    def _subscribe(self, key: Key) -> bytes:
        channel, symbol = key
        request = {"event": "subscribe", "channel": channel, "symbol": symbol}
        self.waiting.add(("subscribe " + channel, symbol))
        if channel == BOOK:
            self.waiting.add(key)
            request |= {"prec": "P0", "freq": "F0", "len": str(LEVELS)}
        return msgspec.json.encode(request)


def _sides(levels: list[_Level], symbol: str) -> tuple[list[Level], list[Level]]:
    """Returns bids and asks; the sign of an amount says the side, a count of 0 removes."""
    bids: list[Level] = []
    asks: list[Level] = []
    for level in levels:
        amount = bytes(level.amount).decode()
        price = parse_price(bytes(level.price).decode(), symbol)
        size = parse_size(amount.removeprefix("-"), symbol) if level.count else 0
        (asks if amount.startswith("-") else bids).append((price, size))
    return bids, asks

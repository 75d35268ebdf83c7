"""The Bitfinex v2 simulator: numbered books with checksums, trades; run by `thft venue`.

Quirks: a number over all messages of a connection, checksums and times if a client asks for them,
channel ids, heartbeats a channel, 25 channels at most, maintenance that is announced and ended,
arrays that are longer than documented.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from decimal import Decimal
from zlib import crc32

import msgspec

from thft.sim.ws.book import Change, SimBook, difference, script_text
from thft.sim.ws.server import VenueServer, VenueSession

DEPTH = 25
CHANNELS = 25
TIMESTAMP, SEQ_ALL, OB_CHECKSUM = 32_768, 65_536, 131_072
PAIR = re.compile(r"t([A-Z0-9]{6}|[A-Z0-9]+:[A-Z0-9]+)")
LEVELS = {"prec": "P0", "freq": "F0", "len": "25"}
HEARTBEAT_S = 15.0
ONE = Decimal(1)


@dataclass
class _Line:
    """One client's connection: its numbers and channels."""

    flags: int = 0
    number: int = 0
    channels: dict[tuple[str, str], int] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)


class BitfinexVenue(VenueServer):
    """Books of single-level messages, each with its checksum behind the last one of a change."""

    name = "bitfinex"

    def __init__(self) -> None:
        super().__init__()
        self._books: dict[str, SimBook] = {}
        self._lines: dict[VenueSession, _Line] = {}
        self._channel_id = 200_000
        self._trade_id = 5_690_221_200
        self._closed = False

    # ---- what clients say ----------------------------------------------------------------------

    def connected(self, session: VenueSession) -> None:
        """Says the version and begins the heartbeats."""
        self._lines[session] = _Line()
        platform = f'"platform":{{"status":{int(not self._closed)}}}'
        session.send(f'{{"event":"info","version":2,"serverId":"x",{platform}}}'.encode())
        session.task = asyncio.ensure_future(self._heartbeat(session))

    async def _heartbeat(self, session: VenueSession) -> None:
        while session.transport is not None:
            await asyncio.sleep(HEARTBEAT_S)
            for id in self._lines[session].channels.values():
                self._say(session, f'{id},"hb"')
        del self._lines[session]

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers conf, ping, subscribe and unsubscribe."""
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(_error(10_000, "unknown event"))
            return
        match request.get("event"):
            case "conf":
                flags = request.get("flags")
                self._lines[session].flags = flags if isinstance(flags, int) else 0
                session.send(msgspec.json.encode({"event": "conf", "status": "OK", "flags": flags}))
            case "ping":
                session.send(b'{"event":"pong","ts":1}')
            case "subscribe":
                self._subscribe(session, request)
            case "unsubscribe":
                self._unsubscribe(session, request.get("chanId"))
            case _:
                session.send(_error(10_000, "unknown event"))

    def _subscribe(self, session: VenueSession, request: dict[str, object]) -> None:
        line = self._lines[session]
        channel, symbol = str(request.get("channel")), str(request.get("symbol"))
        if self.refused(False):
            session.send(_error(11_010, "ratelimit: error"))
        elif channel not in ("book", "trades"):
            session.send(_error(10_302, "channel: unknown"))
        elif not PAIR.fullmatch(symbol) or symbol in self.absent:
            session.send(_error(10_300, "symbol: invalid", symbol))
        elif channel == "book" and any(str(request.get(key)) != one for key, one in LEVELS.items()):
            session.send(_error(10_300, "book: this simulator has P0 F0 25", symbol))
        elif (channel, symbol) in line.channels:
            session.send(_error(10_301, "subscribe: dup"))
        elif len(line.channels) >= CHANNELS:
            session.send(_error(10_305, "channel: limit"))
        else:
            self._channel_id += 1
            line.channels[channel, symbol] = self._channel_id
            self._note(session, line, symbol)
            session.send(
                f'{{"event":"subscribed","channel":"{channel}","chanId":{self._channel_id},'
                f'"symbol":"{symbol}","prec":"P0","freq":"F0","len":"25"}}'.encode()
            )
            self._snapshot(session, channel, symbol)

    def _note(self, session: VenueSession, line: _Line, symbol: str) -> None:
        """Books what a connection has subscribed as one subscription that grows."""
        if not line.noted:
            self.note_subscription(session, line.noted)
        if symbol not in line.noted:
            line.noted.append(symbol)
        session.symbols.add(symbol)

    def _snapshot(self, session: VenueSession, channel: str, symbol: str) -> None:
        id = self._lines[session].channels[channel, symbol]
        if channel == "trades":
            self._say(session, f"{id},[[1,1580268444802,11.1998,1.3],[2,1580268484802,-5,1.29]]")
        else:
            bids, asks = self.book(symbol).best(DEPTH)
            levels = [_level(*level) for level in bids] + [_level(*level, -ONE) for level in asks]
            self._say(session, f"{id},[{','.join(levels)}]")
            self._say_checksum(session, id, symbol)

    def _unsubscribe(self, session: VenueSession, id: object) -> None:
        channels = self._lines[session].channels
        key = next((key for key, one in channels.items() if one == id), None)
        if key is None:
            session.send(_error(10_400, "unsubscribe: invalid"))
            return
        del channels[key]
        session.send(f'{{"event":"unsubscribed","status":"OK","chanId":{id}}}'.encode())

    # ---- the market ----------------------------------------------------------------------------

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Makes these the only levels of the book, removals first."""
        change = self.book(symbol).only(bid, bid_size, ask, ask_size)
        self._changed(symbol, change)

    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None:
        """Publishes a change of the book, as far as it shows."""
        book = self.book(symbol)
        before = book.best(DEPTH)
        book.apply(change)
        self._changed(symbol, difference(before, book.best(DEPTH)))

    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None:
        """Publishes a print, executed and then updated; `side` is the aggressor's."""
        self._trade_id += 1
        amount = size if side == "buy" else f"-{size}"
        trade = f"[{self._trade_id},{ts_ns // 1_000_000},{amount},{price}]"
        for session, id in self._takers("trades", symbol):
            self._say(session, f'{id},"te",{trade}')
            self._say(session, f'{id},"tu",{trade}')

    def book(self, symbol: str) -> SimBook:
        """Returns the true book."""
        return self._books.setdefault(symbol, SimBook())

    def announce_restart(self) -> None:
        """Says that the server will restart."""
        self.send_raw(b'{"event":"info","code":20051,"msg":"Stopping. Please try to reconnect"}')

    def maintenance(self, on: bool) -> None:
        """Says that maintenance begins, or that it is over."""
        self._closed = on
        code, words = (20_060, "Entering in Maintenance") if on else (20_061, "Maintenance ended")
        self.send_raw(f'{{"event":"info","code":{code},"msg":"{words}"}}'.encode())

    def _takers(self, channel: str, symbol: str) -> list[tuple[VenueSession, int]]:
        found = []
        for session in self.sessions:
            id = self._lines[session].channels.get((channel, symbol))
            if id is not None:
                found.append((session, id))
        return found

    def _changed(self, symbol: str, change: Change) -> None:
        self.counts.ticks_sent += 1
        levels = [_level(*level) for level in change.bids]
        levels += [_level(*level, -ONE) for level in change.asks]
        levels.sort(key=lambda level: level.split(",")[1] != "0")  # what goes, goes first
        for session, id in self._takers("book", symbol):
            for level in levels:
                self._say(session, f"{id},{level}")
            self._say_checksum(session, id, symbol)

    def _say_checksum(self, session: VenueSession, id: int, symbol: str) -> None:
        if not self._lines[session].flags & OB_CHECKSUM:
            return
        checksum = book_checksum(self._books[symbol]) ^ self.wrong("checksum")
        self._say(session, f'{id},"cs",{checksum}')

    def _say(self, session: VenueSession, content: str) -> None:
        """Sends a message with what the client has asked for, unless it gets lost."""
        line = self._lines[session]
        line.number += 1 + self.wrong("sequence")
        numbered = f",{line.number}" if line.flags & SEQ_ALL else ""
        timed = ",1767000000123,null" if line.flags & TIMESTAMP else ""
        message = f"[{content}{numbered}{timed}]".encode()
        if self.faults.skip:
            self.faults.skip -= 1
            return
        session.send(message)
        if self.faults.repeat:
            self.faults.repeat -= 1
            session.send(message)


def book_checksum(book: SimBook) -> int:
    """Returns the signed CRC-32 over prices and amounts, bid and ask in turns."""
    bids, asks = book.best(DEPTH)
    texts: list[str] = []
    for place in range(DEPTH):
        if place < len(bids):
            texts += map(script_text, bids[place])
        if place < len(asks):
            texts += script_text(asks[place][0]), script_text(-asks[place][1])
    value = crc32(":".join(texts).encode())
    return value - (1 << 32) if value >= 1 << 31 else value


def _level(price: Decimal, size: Decimal, side: Decimal = ONE) -> str:
    count, amount = (1, size * side) if size else (0, side)
    return f"[{script_text(price)},{count},{script_text(amount)}]"


def _error(code: int, text: str, symbol: str = "") -> bytes:
    said = {"event": "error", "msg": text, "code": code}
    return msgspec.json.encode(said | ({"symbol": symbol} if symbol else {}))

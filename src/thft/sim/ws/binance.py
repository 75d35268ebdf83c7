"""The Binance simulator: `bookTicker`, `depth`, `trade`, HTTP snapshots; run by `thft venue`.

Quirks: no stream says anything before the market moves, no snapshot comes by the stream, requests
beyond five a second end the connection, as the venue documents it; a request of more than 4 KiB is
never answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import msgspec

from thft.sim.ws.book import Change, Levels, SimBook
from thft.sim.ws.server import TOO_MANY, VenueServer, VenueSession

MESSAGE_BYTES = 4_088
"""A message that is longer, header aside, is never answered: nobody says why."""
STREAMS = 1_024
"""A connection has no more of them."""
CHANNELS = ("bookTicker", "depth@100ms", "trade")


class BinanceVenue(VenueServer):
    """Numbers every change of a book; a depth event tells the numbers it stands for."""

    name = "binance"
    has_rest = True
    requests_a_second = 5
    snapshots_a_minute = 120
    """Each weighs 50 of the 6,000 in a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._books: dict[str, SimBook] = {}
        self._numbers: dict[str, int] = {}
        self._trade_id = 40_756_029
        self._snapshots: deque[float] = deque()
        self._heard: dict[VenueSession, list[float]] = {}

    # ---- what clients say ----------------------------------------------------------------------

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers SUBSCRIBE and UNSUBSCRIBE; anything else is an error as the venue words it."""
        if len(payload) > MESSAGE_BYTES:
            return
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(b'{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}')
            return
        method, streams = request.get("method"), request.get("params")
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE") or not isinstance(streams, list):
            number = msgspec.json.encode(request.get("id")).decode()
            session.send(f'{{"code":0,"msg":"Unknown property","id":{number}}}'.encode())
            return
        if self.refused(self._too_many(session)):
            session.send(b'{"error":{"code":4,"msg":"Too many requests"}}')
            if session.transport is not None:
                session.transport.disconnect()
            return
        parts = (str(stream).partition("@") for stream in streams)
        keys = [(channel, name.upper()) for name, _, channel in parts]
        wrong = [key for key in keys if key[0] not in CHANNELS]
        if wrong:
            session.send(b'{"error":{"code":2,"msg":"Invalid request: unknown stream"}}')
            return
        if method == "SUBSCRIBE" and len(session.channels.union(keys)) > STREAMS:
            session.send(b'{"error":{"code":4,"msg":"Too many subscriptions"}}')
            return
        session.send(msgspec.json.encode({"result": None, "id": request.get("id")}))
        if method == "UNSUBSCRIBE":
            session.channels.difference_update(keys)
            return
        keys = [key for key in keys if key[1] not in self.absent]  # and nobody hears of it
        self.note_subscription(session, list(dict.fromkeys(symbol for _, symbol in keys)))
        session.channels.update(keys)
        for channel, symbol in keys:
            if channel == "bookTicker" and symbol in self._books:
                session.send(self._ticker(symbol))

    def _too_many(self, session: VenueSession) -> bool:
        now = asyncio.get_running_loop().time()
        heard = [one for one in self._heard.get(session, []) if one > now - 1.0]
        self._heard[session] = [*heard, now]
        return 0 < self.requests_a_second <= len(heard)

    def _too_heavy(self) -> bool:
        now = asyncio.get_running_loop().time()
        while self._snapshots and self._snapshots[0] <= now - 60.0:
            self._snapshots.popleft()
        self._snapshots.append(now)
        return 0 < self.snapshots_a_minute < len(self._snapshots)

    def rest(self, path: str) -> tuple[int, bytes]:
        """Answers GET /api/v3/depth?symbol=…&limit=…"""
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        symbol = query.get("symbol", [""])[0]
        listed = symbol in self._books or self._listened("depth@100ms", symbol)
        if parts.path != "/api/v3/depth" or not listed:
            return 400, b'{"code":-1121,"msg":"Invalid symbol."}'
        if self.refused(self._too_heavy()):
            return TOO_MANY, b'{"code":-1003,"msg":"Too many requests."}'
        bids, asks = self.book(symbol).best(int(query.get("limit", ["100"])[0]))
        number = self._numbers[symbol]
        body = f'{{"lastUpdateId":{number},"bids":[{_levels(bids)}],"asks":[{_levels(asks)}]}}'
        return 200, body.encode()

    # ---- the market ----------------------------------------------------------------------------

    def book(self, symbol: str) -> SimBook:
        """Returns the true book."""
        self._numbers.setdefault(symbol, 499_869_750)
        return self._books.setdefault(symbol, SimBook())

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Makes these the only levels of the book."""
        self._changed(symbol, self.book(symbol).only(bid, bid_size, ask, ask_size), ts_ns)

    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None:
        """Publishes a change of the book."""
        self.book(symbol).apply(change)
        self._changed(symbol, change, ts_ns)

    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None:
        """Publishes a print; `side` is the aggressor's, buy or sell."""
        self._trade_id += 1
        ms, maker = ts_ns // 1_000_000, "true" if side == "sell" else "false"
        message = (
            f'{{"e":"trade","E":{ms + 5},"s":"{symbol}","t":{self._trade_id},"p":"{price}",'
            f'"q":"{size}","b":88,"a":50,"T":{ms},"m":{maker},"M":true}}'
        )
        self.publish(symbol, message.encode(), "trade")

    def _changed(self, symbol: str, change: Change, ts_ns: int) -> None:
        levels = max(len(change.bids) + len(change.asks), 1)
        first = self._numbers[symbol] + 1
        self._numbers[symbol] += levels
        wrong = self.wrong("sequence") if self._listened("depth@100ms", symbol) else 0
        message = (
            f'{{"e":"depthUpdate","E":{ts_ns // 1_000_000},"s":"{symbol}","U":{first + wrong},'
            f'"u":{self._numbers[symbol]},"b":[{_levels(change.bids)}],"a":[{_levels(change.asks)}]}}'
        )
        self.publish(symbol, message.encode(), "depth@100ms")
        self.publish(symbol, self._ticker(symbol), "bookTicker")

    def _listened(self, channel: str, symbol: str) -> bool:
        return any((channel, symbol) in session.channels for session in self.sessions)

    def _ticker(self, symbol: str) -> bytes:
        bids, asks = self._books[symbol].best(1)
        (bid, bid_size), (ask, ask_size) = (bids or NOTHING)[0], (asks or NOTHING)[0]
        return (
            f'{{"u":{self._numbers[symbol]},"s":"{symbol}","b":"{bid:f}","B":"{bid_size:f}",'
            f'"a":"{ask:f}","A":"{ask_size:f}"}}'
        ).encode()


NOTHING: Levels = [(Decimal(0), Decimal(0))]
"""How the venue shows a side without orders."""


def _levels(levels: Levels) -> str:
    return ",".join(f'["{price:f}","{size:f}"]' for price, size in levels)

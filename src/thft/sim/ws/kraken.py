"""The Kraken v2 simulator: depth-10 books with checksums, trades; run by `thft venue`.

Quirks: numbers with all digits of their pair, no removal of what falls out of the depth, an answer
for each symbol (XBT and XDG are those of another version), heartbeats, a status line.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from decimal import Decimal
from zlib import crc32

import msgspec

from thft.sim.ws.book import Change, Levels, SimBook
from thft.sim.ws.server import SOME_NS, VenueServer, VenueSession

DEPTH = 10
CHANNELS = ("book", "trade")
HEARTBEAT_S = 1.0
PAIR = re.compile(r"(?!XBT/|XDG/)[A-Za-z0-9.]+/(?!XBT$|XDG$)[A-Za-z0-9.]+")


class KrakenVenue(VenueServer):
    """Keeps a real book per symbol; each tick is one update message with its checksum."""

    name = "kraken"

    def __init__(self) -> None:
        super().__init__()
        self._books: dict[str, _Pair] = {}
        self._trade_id = 110_763_304
        self._system = "online"

    def connected(self, session: VenueSession) -> None:
        """Sends the status line and begins the heartbeat."""
        session.send(_status(self._system))
        session.task = asyncio.ensure_future(self._heartbeat(session))

    async def _heartbeat(self, session: VenueSession) -> None:
        while session.transport is not None:
            await asyncio.sleep(HEARTBEAT_S)
            session.send(b'{"channel":"heartbeat"}')

    # ---- what clients say ----------------------------------------------------------------------

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers subscribe, unsubscribe and ping."""
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(b'{"error":"Malformed request","success":false,"method":"unknown"}')
            return
        method, params = request.get("method"), request.get("params")
        if method == "ping":
            now = _timestamp(0)
            session.send(f'{{"method":"pong","time_in":"{now}","time_out":"{now}"}}'.encode())
        elif method not in ("subscribe", "unsubscribe") or not isinstance(params, dict):
            session.send(b'{"error":"Method not found","success":false,"method":"unknown"}')
        elif self.refused(False):
            session.send(b'{"error":"Exceeded msg rate","success":false,"method":"subscribe"}')
        elif params.get("channel") not in CHANNELS:
            session.send(b'{"error":"Channel not found","success":false,"method":"subscribe"}')
        elif params["channel"] == "book" and params.get("depth", DEPTH) != DEPTH:
            session.send(b'{"error":"Depth not supported","success":false,"method":"subscribe"}')
        else:
            channel, symbols = str(params["channel"]), []
            for symbol in map(str, params["symbol"]):
                if wrong := self._wrong(session, str(method), channel, symbol):
                    refusal = {"method": method, "success": False, "error": wrong, "symbol": symbol}
                    session.send(msgspec.json.encode(refusal))
                else:
                    symbols.append(symbol)
            self._subscription(session, str(method), channel, symbols)

    def _wrong(self, session: VenueSession, method: str, channel: str, symbol: str) -> str:
        """Returns why a symbol of a request is refused, empty when it is not."""
        if not PAIR.fullmatch(symbol) or symbol in self.absent:
            return f"Currency pair not supported {symbol}"
        if ((channel, symbol) in session.channels) == (method == "subscribe"):
            return "Already subscribed" if method == "subscribe" else "Subscription Not Found"
        return ""

    def _subscription(
        self, session: VenueSession, method: str, channel: str, symbols: list[str]
    ) -> None:
        for symbol in symbols:
            result = {"channel": channel, "symbol": symbol, "snapshot": channel == "book"}
            answer = {"method": method, "success": True, "result": result}
            session.send(msgspec.json.encode(answer))
        keys = [(channel, symbol) for symbol in symbols]
        if method == "unsubscribe":
            session.channels.difference_update(keys)
            return
        session.channels.update(keys)
        if channel == "book" and symbols:
            self.note_subscription(session, symbols)
            for symbol in symbols:
                session.send(self._message(symbol, "snapshot", self.book(symbol).best(DEPTH), 0))

    # ---- the market ----------------------------------------------------------------------------

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Makes these the only levels by one update message; a repeated top is sent again."""
        change = self._pair(symbol).only(bid, bid_size, ask, ask_size)
        self.publish(symbol, self._message(symbol, "update", change, ts_ns), "book")

    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None:
        """Publishes a change of the book, as far as it is among the first ten."""
        pair = self._pair(symbol)
        before = pair.best(DEPTH)
        pair.apply(change)
        after = pair.best(DEPTH)
        shown = Change(
            _shown(before.bids, after.bids, pair.bids), _shown(before.asks, after.asks, pair.asks)
        )
        if shown.bids or shown.asks:
            self.publish(symbol, self._message(symbol, "update", shown, ts_ns), "book")

    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None:
        """Publishes a print; `side` is the aggressor's, buy or sell."""
        self._trade_id += 1
        message = (
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"{side}",'
            f'"price":{price},"qty":{size},"ord_type":"limit","trade_id":{self._trade_id},'
            f'"timestamp":"{_timestamp(ts_ns)}"}}]}}'
        )
        self.publish(symbol, message.encode(), "trade")

    def book(self, symbol: str) -> SimBook:
        """Returns the true book."""
        return self._pair(symbol)

    def maintenance(self, on: bool) -> None:
        """Says that the venue is in maintenance, or online again."""
        self.set_system("maintenance" if on else "online")

    def set_system(self, system: str) -> None:
        """Says what is possible now: online, maintenance, cancel_only, post_only."""
        self._system = system
        self.send_raw(_status(system))

    def _pair(self, symbol: str) -> _Pair:
        return self._books.setdefault(symbol, _Pair())

    def _message(self, symbol: str, type: str, change: Change, ts_ns: int) -> bytes:
        pair = self._books[symbol]
        pair.widen(change)
        checksum = pair.checksum() ^ self.wrong("checksum")
        return (
            f'{{"channel":"book","type":"{type}","data":[{{"symbol":"{symbol}",'
            f'"bids":[{pair.levels(change.bids)}],"asks":[{pair.levels(change.asks)}],'
            f'"checksum":{checksum},"timestamp":"{_timestamp(ts_ns)}"}}]}}'
        ).encode()


class _Pair(SimBook):
    """A book and the digits its numbers are written with, which only grow."""

    def __init__(self) -> None:
        super().__init__()
        self._price_digits, self._size_digits = 1, 8

    def widen(self, change: Change) -> None:
        """Has room for the digits of all prices of a change."""
        for price, _ in (*change.bids, *change.asks):
            self._price_digits = max(self._price_digits, _digits(price))

    def levels(self, levels: Levels) -> str:
        """Returns levels as the venue writes them."""
        return ",".join(
            f'{{"price":{price:.{self._price_digits}f},"qty":{size:.{self._size_digits}f}}}'
            for price, size in levels
        )

    def checksum(self) -> int:
        """Returns the CRC-32 over the first ten asks and bids, without points and leading zeros."""
        bids, asks = self.best(DEPTH)
        texts: list[str] = []
        for price, size in (*asks, *bids):
            texts += f"{price:.{self._price_digits}f}", f"{size:.{self._size_digits}f}"
        return crc32("".join(text.replace(".", "").lstrip("0") for text in texts).encode())


def _digits(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _shown(before: Levels, after: Levels, whole: dict[Decimal, Decimal]) -> Levels:
    """Returns what changed among the first ten; what only fell out behind them is not said."""
    old = dict(before)
    removed = [(price, Decimal(0)) for price, _ in before if price not in whole]
    return removed + [(price, size) for price, size in after if old.get(price) != size]


def _status(system: str) -> bytes:
    return f'{{"channel":"status","type":"update","data":[{{"system":"{system}"}}]}}'.encode()


def _timestamp(ts_ns: int) -> str:
    moment = datetime.fromtimestamp((ts_ns or SOME_NS) / 1e9, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

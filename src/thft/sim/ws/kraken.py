"""The Kraken v2 simulator: depth-10 books with checksums and heartbeats; run by `thft venue`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from zlib import crc32

import msgspec

from thft.sim.ws.server import VenueServer, VenueSession

Side = dict[str, str]
"""Price text to size text."""


class KrakenVenue(VenueServer):
    """Keeps a real book per symbol; each tick is one update message with its checksum."""

    name = "kraken"

    def __init__(self) -> None:
        super().__init__()
        self._books: dict[str, tuple[Side, Side]] = {}

    def connected(self, session: VenueSession) -> None:
        """Sends the status line and begins the heartbeat."""
        session.send(b'{"channel":"status","type":"update","data":[{"system":"online"}]}')
        session.task = asyncio.ensure_future(self._heartbeat(session))

    async def _heartbeat(self, session: VenueSession) -> None:
        while session.transport is not None:
            await asyncio.sleep(1.0)
            session.send(b'{"channel":"heartbeat"}')

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers subscribe, unsubscribe and ping."""
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(b'{"error":"Malformed request","success":false,"method":"unknown"}')
            return
        method, params = request.get("method"), request.get("params")
        if method == "ping":
            session.send(b'{"method":"pong"}')
        elif method in ("subscribe", "unsubscribe") and isinstance(params, dict):
            self._subscription(session, str(method), [str(name) for name in params["symbol"]])
        else:
            session.send(b'{"error":"Method not found","success":false,"method":"unknown"}')

    def _subscription(self, session: VenueSession, method: str, symbols: list[str]) -> None:
        for symbol in symbols:
            result = {"channel": "book", "symbol": symbol, "depth": 10, "snapshot": True}
            answer = {"method": method, "success": True, "result": result}
            session.send(msgspec.json.encode(answer))
        if method == "unsubscribe":
            session.symbols.difference_update(symbols)
            return
        self.note_subscription(session, symbols)
        for symbol in symbols:
            bids, asks = self._books.setdefault(symbol, ({}, {}))
            session.send(_message(symbol, "snapshot", bids, asks, (bids, asks), _timestamp(0)))

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Replaces the top of the book by one update message; a repeated top is sent again."""
        bids, asks = self._books.setdefault(symbol, ({}, {}))
        bid_changes = _replace(bids, bid, bid_size)
        ask_changes = _replace(asks, ask, ask_size)
        message = _message(
            symbol, "update", bid_changes, ask_changes, (bids, asks), _timestamp(ts_ns)
        )
        self.publish(symbol, message)


def _replace(side: Side, price: str, size: str) -> Side:
    """Makes `price` the side's only level; returns the changes, removals first."""
    changes = {old: "0.00000000" for old in side if old != price}
    side.clear()
    side[price] = changes[price] = size
    return changes


def _message(
    symbol: str, type: str, bids: Side, asks: Side, book: tuple[Side, Side], timestamp: str
) -> bytes:
    return (
        f'{{"channel":"book","type":"{type}","data":[{{"symbol":"{symbol}",'
        f'"bids":[{_levels(bids)}],"asks":[{_levels(asks)}],'
        f'"checksum":{_checksum(*book)},"timestamp":"{timestamp}"}}]}}'
    ).encode()


def _levels(side: Side) -> str:
    return ",".join(f'{{"price":{price},"qty":{size}}}' for price, size in side.items())


def _checksum(bids: Side, asks: Side) -> int:
    best_asks = sorted(asks, key=float)[:10]
    best_bids = sorted(bids, key=float, reverse=True)[:10]
    text = "".join(_digits(price) + _digits(asks[price]) for price in best_asks)
    text += "".join(_digits(price) + _digits(bids[price]) for price in best_bids)
    return crc32(text.encode())


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


def _timestamp(ts_ns: int) -> str:
    moment = datetime.fromtimestamp(ts_ns / 1e9, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

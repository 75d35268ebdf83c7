"""The Coinbase Advanced Trade simulator: `level2`, `market_trades`, `heartbeats`; by `thft venue`.

Quirks: one number for all messages of a connection, asks are offers, data has another name than
its channel, products in USDC are sent as those in USD, trades begin with those of before, one wrong
product refuses a whole request, as do more than 30 books; a client that asks for nothing within
five seconds is cut, and channels without heartbeats that bring nothing for a minute are closed.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

import msgspec

from thft.sim.ws.book import Change, SimBook
from thft.sim.ws.server import SOME_NS, VenueServer, VenueSession

CHANNELS = ("level2", "market_trades", "heartbeats")
PATIENCE_S = 5.0
QUIET_S = 60.0
BOOKS = 30
OWN_BOOKS = ("USDT-USDC", "EURC-USDC")


class CoinbaseVenue(VenueServer):
    """Numbers what it sends by connection."""

    name = "coinbase"
    requests_a_second = 8

    def __init__(self) -> None:
        super().__init__()
        self.snapshot_levels = 1_000
        self._books: dict[str, SimBook] = {}
        self._numbers: dict[VenueSession, int] = {}
        self._beats: dict[VenueSession, int] = {}
        self._trade_id = 995_098_699
        self._asked: dict[VenueSession, list[float]] = {}
        self._said_s: dict[VenueSession, float] = {}
        """When a connection was last told something."""

    # ---- what clients say ----------------------------------------------------------------------

    def connected(self, session: VenueSession) -> None:
        """Begins the numbers of a connection, and waits for its first request."""
        self._numbers[session], self._beats[session], self._asked[session] = 0, 0, []
        session.task = asyncio.ensure_future(self._beat(session))

    async def _beat(self, session: VenueSession) -> None:
        await asyncio.sleep(PATIENCE_S)
        if not session.channels and session.transport is not None:
            session.transport.disconnect()
        while session.transport is not None:
            if ("heartbeats", "") in session.channels:
                self._beats[session] += 1
                now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f000+00:00")
                event = f'{{"current_time":"{now}","heartbeat_counter":{self._beats[session]}}}'
                self._say(session, "heartbeats", event, 0)
            elif asyncio.get_running_loop().time() - self._said_s.get(session, 0.0) > QUIET_S:
                session.channels.clear()
            await asyncio.sleep(1.0)
        for kept in (self._numbers, self._beats, self._asked, self._said_s):
            kept.pop(session, None)

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers subscribe and unsubscribe."""
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(b'{"type":"error","message":"failed to parse request"}')
            return
        what, channel = str(request.get("type")), str(request.get("channel"))
        products = request.get("product_ids", [])
        if what not in ("subscribe", "unsubscribe") or not isinstance(products, list):
            session.send(b'{"type":"error","message":"invalid request"}')
        elif self.refused(self._too_many(session)):
            session.send(b'{"type":"error","message":"rate limit exceeded"}')
        elif channel not in CHANNELS:
            said = {"type": "error", "message": f"channel {channel} is not supported"}
            session.send(msgspec.json.encode(said))
        elif wrong := self._wrong(session, what, channel, products):
            session.send(msgspec.json.encode({"type": "error", "message": wrong}))
        else:
            self._subscription(session, what, channel, [_delivered(one) for one in products])

    def _wrong(self, session: VenueSession, what: str, channel: str, products: list[object]) -> str:
        """Returns why a request is refused, empty when it is not."""
        if channel != "heartbeats" and not products:
            return "no product ids provided"
        for one in products:
            if not re.fullmatch(r"[A-Z0-9]+-[A-Z0-9]+", str(one)) or one in self.absent:
                return f"{one} is not a valid product"
        books = {product for name, product in session.channels if name == "level2"}
        if what == "subscribe" and channel == "level2" and len(books.union(products)) > BOOKS:
            return "too many L2 streams requested in a single session"
        return ""

    def _too_many(self, session: VenueSession) -> bool:
        now = asyncio.get_running_loop().time()
        asked = [one for one in self._asked.get(session, []) if one > now - 1.0]
        self._asked[session] = [*asked, now]
        return 0 < self.requests_a_second <= len(asked)

    def _subscription(
        self, session: VenueSession, what: str, channel: str, products: list[str]
    ) -> None:
        keys = {(channel, product) for product in products or [""]}
        if what == "unsubscribe":
            session.channels.difference_update(keys)
        else:
            session.channels.update(keys)
            if channel == "level2":
                self.note_subscription(session, products)
        have: dict[str, list[str]] = {}
        for one, product in sorted(session.channels):
            have.setdefault(one, []).extend([product] if product else [])
        subscriptions = msgspec.json.encode({"subscriptions": have}).decode()
        self._say(session, "subscriptions", subscriptions, 0)
        if what == "subscribe" and channel == "level2":
            for product in products:
                best = self.book(product).best(self.snapshot_levels)
                self._say(session, "l2_data", _event("snapshot", product, best, 0), 0)
        elif what == "subscribe" and channel == "market_trades":
            for product in products:
                before = _trade(2, product, "1.3", "7", "BUY", 0)
                before += "," + _trade(1, product, "1.2", "5", "SELL", 0)
                event = f'{{"type":"snapshot","trades":[{before}]}}'
                self._say(session, "market_trades", event, 0)

    # ---- the market ----------------------------------------------------------------------------

    def book(self, symbol: str) -> SimBook:
        """Returns the true book."""
        return self._books.setdefault(_delivered(symbol), SimBook())

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Makes these the only levels of the book."""
        change = self.book(symbol).only(bid, bid_size, ask, ask_size)
        self._publish("level2", symbol, "l2_data", _event("update", symbol, change, ts_ns), ts_ns)

    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None:
        """Publishes a change of the book."""
        self.book(symbol).apply(change)
        self._publish("level2", symbol, "l2_data", _event("update", symbol, change, ts_ns), ts_ns)

    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None:
        """Publishes a print."""
        self._trade_id += 1
        trade = _trade(self._trade_id, _delivered(symbol), price, size, side.upper(), ts_ns)
        event = f'{{"type":"update","trades":[{trade}]}}'
        self._publish("market_trades", symbol, "market_trades", event, ts_ns)

    def _publish(self, channel: str, symbol: str, name: str, event: str, ts_ns: int) -> None:
        """Sends an event to those who have its channel, each under its own number."""
        key = channel, _delivered(symbol)
        takers = [session for session in self.sessions if key in session.channels]
        if not takers:
            return
        self.counts.ticks_sent += 1
        skipped = min(self.faults.skip, 1)
        self.faults.skip -= skipped
        for session in takers:
            if skipped:
                self._numbers[session] += 1
                continue
            self._numbers[session] += self.wrong("sequence")
            self._say(session, name, event, ts_ns)
            if self.faults.repeat:
                self._numbers[session] -= 1
                self._say(session, name, event, ts_ns)
        self.faults.repeat = max(self.faults.repeat - 1, 0)

    def _say(self, session: VenueSession, channel: str, event: str, ts_ns: int) -> None:
        number = self._numbers.get(session, 0)
        self._numbers[session] = number + 1
        self._said_s[session] = asyncio.get_running_loop().time()
        message = (
            f'{{"channel":"{channel}","client_id":"","timestamp":"{_iso(ts_ns)}",'
            f'"sequence_num":{number},"events":[{event}]}}'
        )
        session.send(message.encode())


def _delivered(symbol: object) -> str:
    name = str(symbol)
    in_usdc = name.endswith("-USDC") and name not in OWN_BOOKS
    return name.removesuffix("C") if in_usdc else name


def _trade(id: int, product: str, price: str, size: str, side: str, ts_ns: int) -> str:
    return (
        f'{{"trade_id":"{id}","product_id":"{product}","price":"{price}","size":"{size}",'
        f'"side":"{side}","time":"{_iso(ts_ns)}"}}'
    )


def _event(kind: str, symbol: str, change: Change, ts_ns: int) -> str:
    updates = ",".join(
        f'{{"side":"{side}","event_time":"{_iso(ts_ns)}","price_level":"{price:f}",'
        f'"new_quantity":"{size:f}"}}'
        for side, levels in (("bid", change.bids), ("offer", change.asks))
        for price, size in levels
    )
    return f'{{"type":"{kind}","product_id":"{_delivered(symbol)}","updates":[{updates}]}}'


def _iso(ts_ns: int) -> str:
    ts_ns = ts_ns or SOME_NS
    moment = datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC)
    fraction = f".{ts_ns % 1_000_000_000:09d}".rstrip("0")  # without zeros at its end, or none
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction.removesuffix('.')}Z"

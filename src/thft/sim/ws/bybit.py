"""The Bybit v5 simulator: `orderbook.1`, `orderbook.50`, `publicTrade`; run by `thft venue`.

Quirks: at most ten topics a request, one answer for all of them, none where one is wrong, the
first level sent again under its number, snapshots out of the blue (`restart` numbers them from 1).
"""

from __future__ import annotations

import msgspec

from thft.sim.ws.book import Change, Levels, SimBook, difference
from thft.sim.ws.server import VenueServer, VenueSession

ARGS = 10
DEPTHS = {"orderbook.1": 1, "orderbook.50": 50}
CONN = "cejreaspqfm9se7usbrg-2xh"


class BybitVenue(VenueServer):
    """Numbers every book of every depth by itself."""

    name = "bybit"

    def __init__(self) -> None:
        super().__init__()
        self._books: dict[str, SimBook] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._seq = 7_961_638_724
        self._trade_id = 0

    # ---- what clients say ----------------------------------------------------------------------

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers ping, subscribe and unsubscribe."""
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(_answer(False, "Invalid request", "", "unknown"))
            return
        op, args, number = request.get("op"), request.get("args"), str(request.get("req_id", ""))
        if op == "ping":
            session.send(_answer(True, "pong", number, "ping"))
        elif op not in ("subscribe", "unsubscribe") or not isinstance(args, list):
            session.send(_answer(False, "Request is invalid", number, str(op)))
        elif len(args) > ARGS:
            session.send(_answer(False, "args size >10", number, op))
        elif self.refused(False):
            session.send(_answer(False, "Too many visits!", number, op))
        else:
            self._subscription(session, op, [str(topic) for topic in args], number)

    def _subscription(self, session: VenueSession, op: str, topics: list[str], number: str) -> None:
        keys = [(channel, symbol) for channel, _, symbol in (one.rpartition(".") for one in topics)]
        for channel, symbol in keys:
            if channel not in (*DEPTHS, "publicTrade") or symbol in self.absent:
                said = f"error:handler not found,topic:{channel}.{symbol}"
                session.send(_answer(False, said, number, op))
                return
        session.send(_answer(True, "", number, op))
        if op == "unsubscribe":
            session.channels.difference_update(keys)
            return
        self.note_subscription(session, list(dict.fromkeys(symbol for _, symbol in keys)))
        session.channels.update(keys)
        for channel, symbol in keys:
            if symbol in self._books and channel in DEPTHS:
                session.send(self._snapshot(channel, symbol, 0))

    # ---- the market ----------------------------------------------------------------------------

    def book(self, symbol: str) -> SimBook:
        """Returns the true book."""
        return self._books.setdefault(symbol, SimBook())

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Makes these the only levels of the book."""
        before = {depth: self.book(symbol).best(depth) for depth in DEPTHS.values()}
        self.book(symbol).only(bid, bid_size, ask, ask_size)
        self._changed(symbol, before, ts_ns)

    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None:
        """Publishes a change of the book, as far as it shows."""
        before = {depth: self.book(symbol).best(depth) for depth in DEPTHS.values()}
        self.book(symbol).apply(change)
        self._changed(symbol, before, ts_ns)

    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None:
        """Publishes a print; `side` is the aggressor's, buy or sell."""
        self._trade_id += 1
        ms = ts_ns // 1_000_000
        body = (
            f'[{{"T":{ms},"s":"{symbol}","S":"{side.capitalize()}","v":"{size}","p":"{price}",'
            f'"L":"PlusTick","i":"0cbf2330-952d-5d03-a462-{self._trade_id:012x}","BT":false}}]'
        )
        message = f'{{"topic":"publicTrade.{symbol}","type":"snapshot","ts":{ms},"data":{body}}}'
        self.publish(symbol, message.encode(), "publicTrade")

    def restart(self, symbol: str) -> None:
        """Sends the snapshots whose number is 1: the venue's service has restarted."""
        for channel in DEPTHS:
            self._numbers[channel, symbol] = 1
            self.publish(symbol, self._snapshot(channel, symbol, 0), channel)

    def keep_alive(self, symbol: str) -> None:
        """Sends the first level again, under its number."""
        self.publish(symbol, self._snapshot("orderbook.1", symbol, 0), "orderbook.1")

    def _changed(self, symbol: str, before: dict[int, Change], ts_ns: int) -> None:
        self._seq += 1
        for channel, depth in DEPTHS.items():
            change = difference(before[depth], self._books[symbol].best(depth))
            first = (channel, symbol) not in self._numbers
            if not (change.bids or change.asks):
                continue
            self._numbers.setdefault((channel, symbol), 18_521_288)
            self._numbers[channel, symbol] += 1
            if first or channel == "orderbook.1":
                message = self._snapshot(channel, symbol, ts_ns)
            else:
                message = self._message(channel, symbol, "delta", change, ts_ns)
            self.publish(symbol, message, channel)

    def _snapshot(self, channel: str, symbol: str, ts_ns: int) -> bytes:
        self._numbers.setdefault((channel, symbol), 18_521_288)
        best = self._books[symbol].best(DEPTHS[channel])
        return self._message(channel, symbol, "snapshot", best, ts_ns)

    def _message(self, channel: str, symbol: str, kind: str, change: Change, ts_ns: int) -> bytes:
        number = self._numbers[channel, symbol]
        number += self.wrong("sequence") if kind == "delta" else 0
        ms = ts_ns // 1_000_000
        return (
            f'{{"topic":"{channel}.{symbol}","type":"{kind}","ts":{ms},"data":{{"s":"{symbol}",'
            f'"b":[{_levels(change.bids)}],"a":[{_levels(change.asks)}],"u":{number},'
            f'"seq":{self._seq}}},"cts":{ms}}}'
        ).encode()


def _levels(levels: Levels) -> str:
    return ",".join(f'["{price:f}","{size:f}"]' for price, size in levels)


def _answer(success: bool, text: str, number: str, op: str) -> bytes:
    said = {"success": success, "ret_msg": text, "conn_id": CONN, "req_id": number, "op": op}
    return msgspec.json.encode(said)

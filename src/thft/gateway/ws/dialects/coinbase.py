"""The Coinbase Advanced Trade dialect: `level2` to depth, `market_trades` to prints; by venues.

Every message of a connection has the next number, whatever its channel, and so have heartbeats
among themselves: after a jump every book is dropped and subscribed again. `heartbeats` keep quiet
channels open. Which side of a trade its
`side` names is not documented, so prints say none.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from thft.gateway.port import EngineInbox, Level
from thft.gateway.ws import times
from thft.gateway.ws.dialect import Number, VenueDialect, Wanted
from thft.gateway.ws.proof.book import flaw
from thft.gateway.ws.reader import Field, Shape, Track, each, only, said
from thft.model.fixed import ABSENT, BadNumber, parse_price, parse_size

BOOKS, TRADES, HEARTBEATS = "level2", "market_trades", "heartbeats"
DATA = {"l2_data": BOOKS, "market_trades": TRADES}
"""The name under which a channel's data comes, and that under which it is subscribed."""
OWN_BOOKS = ("USDT-USDC", "EURC-USDC")
"""All other products in USDC are delivered under the name of the one in USD."""


class _Update(Struct, gc=False):
    side: str
    price_level: str
    new_quantity: str


class _Trade(Struct, gc=False):
    trade_id: str
    product_id: str
    price: str
    size: str
    time: str = ""


class _Event(Struct):
    type: str = ""
    product_id: str = ""
    updates: list[_Update] = []
    trades: list[_Trade] = []
    subscriptions: dict[str, list[str]] = {}
    heartbeat_counter: Number = -1


class _Message(Struct):
    channel: str = ""
    sequence_num: Number = -1
    timestamp: str = ""
    events: list[_Event] = []
    type: str = ""
    message: str = ""


_decode = msgspec.json.Decoder(_Message).decode

TEXT = "quoted"
UPDATE = {
    "side": Field("side"),
    "price_level": Field("price", TEXT),
    "new_quantity": Field("size", TEXT),
}
EVENT = {
    "type": said("update"),
    "product_id": Field("symbol"),
    "updates": each("updates", UPDATE),
}
BOOK_SHAPE = Shape(
    {
        "channel": said("l2_data"),
        "timestamp": Field("iso"),
        "sequence_num": Field("seq"),
        "events": only(EVENT),
    },
    emits="depth",
    chain="next_of_all",
)


class CoinbaseDialect(VenueDialect):
    """A symbol counts as synced with its acknowledgement and its snapshot."""

    venue = "coinbase"

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted, BOOK_SHAPE)
        self._products: dict[str, list[int]] = {}
        """The venue's name of a product in its data → the instruments it is."""
        for symbol, instrument in self.symbols.items():
            self._products.setdefault(_delivered(symbol), []).append(instrument)
        self._books: dict[str, Track] = {}
        self._heartbeat = -1
        """The number of the last one."""

    def opened(self) -> list[bytes]:
        """Returns one request for each channel; the first within the venue's five seconds."""
        channels = (BOOKS, TRADES) if self.wanted.trades else (BOOKS,)
        products = list(self._products)
        self.waiting = {(f"subscribe {one}", product) for one in channels for product in products}
        self.waiting |= {(BOOKS, product) for product in products}
        requests = [_request("subscribe", channel, products) for channel in channels]
        return [_request("subscribe", HEARTBEATS, []), *requests]

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        message = _decode(payload)
        if self.loose:
            self.reader.last = max(message.sequence_num, 0)
        elif message.sequence_num >= 0:
            self._count(message.sequence_num, recv_ts_ns)
        channel = message.channel
        if channel == "l2_data":
            for event in message.events:
                self._book(event, message, recv_ts_ns)
        elif channel == TRADES:
            for event in message.events:
                self._trades(event.trades, recv_ts_ns)
        elif channel == "subscriptions":
            for event in message.events:
                self._confirmed(event.subscriptions)
        elif message.type == "error":
            self.refused(message.message)
        elif channel == HEARTBEATS:
            for event in message.events:
                self._beat(event.heartbeat_counter, recv_ts_ns)
        else:
            self.unknown_message(payload)
        return self._renewed(recv_ts_ns)

    def _count(self, number: int, recv_ts_ns: int) -> None:
        """Drops every book when a message was lost: nobody knows whose it was."""
        expected = self.reader.last + 1
        if self.reader.last == ABSENT or number == expected:
            self.reader.last = number
            return
        detail = f"message {number} of the connection follows {self.reader.last}"
        self.reader.last = max(number, self.reader.last)
        if number < expected:
            self.fault(0, "out_of_order", detail)
        for product in list(self._books):
            self._drop(product, "gap", detail, recv_ts_ns)

    def _beat(self, counter: int, recv_ts_ns: int) -> None:
        """Takes the number of a heartbeat: after a jump nothing is known of what was between."""
        before, self._heartbeat = self._heartbeat, counter
        if before < 0 or counter < 0 or counter == before + 1 or self.loose:
            return
        for product in list(self._books):
            self._drop(product, "gap", f"heartbeat {counter} follows {before}", recv_ts_ns)

    def _confirmed(self, subscriptions: dict[str, list[str]]) -> None:
        for channel, products in subscriptions.items():
            for product in products:
                self.waiting.discard((f"subscribe {channel}", _delivered(product)))

    # ---- books and trades ----------------------------------------------------------------------

    def _book(self, event: _Event, message: _Message, recv_ts_ns: int) -> None:
        product = event.product_id
        if not self._known(product):
            return
        reset = event.type == "snapshot"
        if reset or (self.loose and product not in self._books):
            track = self._books[product] = Track(self._products[product][0])
            if len(self._products[product]) == 1 and not self.loose:
                self.reader.follow(product, track)
            self.waiting.discard((BOOKS, product))
        found = self._books.get(product)
        if found is None:
            return  # what still arrives of a dropped book until its new snapshot
        try:
            ts_ns = times.of_iso(message.timestamp)
            bids, asks = _sides(event.updates, product)
        except BadNumber as error:
            self._drop(product, "malformed", error.cause, recv_ts_ns)
            return
        found.book.apply(reset, bids, asks)
        found.messages += 1
        if crossed := flaw(found.book):
            self._drop(product, "crossed_book", f"{product}: {crossed}", recv_ts_ns)
            return
        for instrument in self._products[product]:
            self.inbox.depth(
                self.feed, instrument, reset, bids, asks, ts_ns, self.reader.last, recv_ts_ns
            )

    def _trades(self, trades: list[_Trade], recv_ts_ns: int) -> None:
        for trade in reversed(trades):  # the venue sends the newest first
            product = trade.product_id
            if not self._known(product):
                continue
            for instrument in self._products[product]:
                try:
                    price, size = parse_price(trade.price, product), parse_size(trade.size, product)
                    ts_ns = times.of_iso(trade.time)
                except BadNumber as error:
                    self.fault(instrument, "malformed", error.cause)
                    continue
                self.traded(instrument, price, size, "", trade.trade_id, ts_ns, recv_ts_ns)

    def _known(self, product: str) -> bool:
        if product not in self._products and (instrument := self.instrument(product)):
            self._products[product] = [instrument]
        return product in self._products

    def _drop(self, product: str, fault: str, detail: str, now_ns: int) -> None:
        track = self._books.pop(product)
        self.reader.leave(product)
        self.waiting.add((BOOKS, product))
        for instrument in self._products[product]:
            self.fault(instrument, fault, detail)
        self.renewals.failed((BOOKS, product), track.messages, now_ns)

    def _renewed(self, now_ns: int) -> list[bytes]:
        keys = self.renewals.take(now_ns) if self.renewals.due else []
        if not keys:
            return []
        products = [product for _, product in keys]
        return [_request(what, BOOKS, products) for what in ("unsubscribe", "subscribe")]


def _delivered(symbol: str) -> str:
    """Returns the name under which the venue delivers a product's data."""
    in_usdc = symbol.endswith("-USDC") and symbol not in OWN_BOOKS
    return symbol.removesuffix("C") if in_usdc else symbol


def _request(what: str, channel: str, products: list[str]) -> bytes:
    request: dict[str, object] = {"type": what, "channel": channel}
    if products:
        request["product_ids"] = products
    return msgspec.json.encode(request)


def _sides(updates: Iterable[_Update], product: str) -> tuple[list[Level], list[Level]]:
    """Returns bids and asks of updates in one list; raises BadNumber."""
    bids: list[Level] = []
    asks: list[Level] = []
    for one in updates:
        level = parse_price(one.price_level, product), parse_size(one.new_quantity, product)
        if one.side == "bid":
            bids.append(level)
        elif one.side == "offer":
            asks.append(level)
        else:
            raise BadNumber(f"{product}: side {one.side[:40]!r}", "check the venue's frame")
    return bids, asks

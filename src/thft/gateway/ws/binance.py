"""The Binance dialect: `bookTicker` streams to quotes; made by core, driven by `connection`."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from thft.gateway.port import EngineInbox
from thft.gateway.ws.dialect import VenueDialect, Wanted
from thft.model.fixed import ABSENT, BadNumber, parse_price, parse_size


class _Message(Struct):
    """Any message of the stream; which fields are there says which kind it is."""

    u: int = -1
    s: str = ""
    b: str = ""
    B: str = ""
    a: str = ""
    A: str = ""
    e: str = ""
    id: int | None = None
    error: msgspec.Raw = msgspec.Raw()
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Message).decode


class BinanceDialect(VenueDialect):
    """Top of book by `<symbol>@bookTicker`; the venue's update id orders the quotes of a symbol."""

    venue = "binance"

    def __init__(self, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted)
        self._last_update: dict[str, int] = {}

    def opened(self) -> list[bytes]:
        """Returns one SUBSCRIBE for all symbols."""
        streams = [f"{symbol.lower()}@bookTicker" for symbol in self.symbols]
        self.waiting = {("bookTicker", symbol) for symbol in self.symbols} | {("SUBSCRIBE", "1")}
        return [msgspec.json.encode({"method": "SUBSCRIBE", "params": streams, "id": 1})]

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        message = _decode(payload)
        if message.stream:
            message = _decode(message.data)
        if message.u >= 0 and message.s:
            self._book_ticker(message, recv_ts_ns)
        elif message.e == "serverShutdown":
            self.leave = "the venue announced its shutdown"
        elif bytes(message.error):
            self.fault(0, "refused", bytes(message.error).decode(errors="replace"))
        elif message.id is not None:
            self.waiting.discard(("SUBSCRIBE", str(message.id)))
        else:
            self.unknown_message(payload)
        return []

    def _book_ticker(self, message: _Message, recv_ts_ns: int) -> None:
        symbol = message.s
        instrument = self.instrument(symbol)
        if not instrument:
            return
        if message.u <= self._last_update.get(symbol, -1):
            self.fault(instrument, "out_of_order", f"update id {message.u} came again or late")
            return
        try:
            bid, bid_size = parse_price(message.b, symbol), parse_size(message.B, symbol)
            ask, ask_size = parse_price(message.a, symbol), parse_size(message.A, symbol)
        except BadNumber as error:
            self.fault(instrument, "malformed", error.cause)
            return
        self._last_update[symbol] = message.u
        self.waiting.discard(("bookTicker", symbol))
        self.inbox.quote(
            self.feed, instrument, bid, bid_size, ask, ask_size, ABSENT, message.u, recv_ts_ns
        )

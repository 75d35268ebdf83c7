"""The Binance dialect: `bookTicker` streams to quotes; made by core, driven by `websocket`."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from thft.gateway.port import EngineInbox
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


class BinanceDialect:
    """Top of book by `<symbol>@bookTicker`; the venue's update id orders the quotes of a symbol."""

    venue = "binance"

    def __init__(self, inbox: EngineInbox, feed: int, symbols: dict[str, int]) -> None:
        """`symbols` maps the venue's symbol (EURUSD) to the instrument."""
        self._inbox = inbox
        self._feed = feed
        self._symbols = {symbol.upper(): instrument for symbol, instrument in symbols.items()}
        self._last_update: dict[str, int] = {}
        self._waiting = set(self._symbols)
        self._confirmed = False
        self.leave = ""

    @property
    def synced(self) -> bool:
        """True after the subscription was confirmed and every symbol has quoted."""
        return self._confirmed and not self._waiting

    def opened(self) -> list[bytes]:
        """Returns one SUBSCRIBE for all symbols."""
        streams = [f"{symbol.lower()}@bookTicker" for symbol in self._symbols]
        return [msgspec.json.encode({"method": "SUBSCRIBE", "params": streams, "id": 1})]

    def probe(self) -> bytes | None:
        """A WebSocket ping: the venue has no message of its own for it."""
        return None

    def received(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one frame."""
        try:
            message = _decode(payload)
            if message.stream:
                message = _decode(message.data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._fault(0, "malformed", str(error))
            return []
        if message.u >= 0 and message.s:
            self._book_ticker(message, recv_ts_ns)
        elif message.e == "serverShutdown":
            self.leave = "the venue announced its shutdown"
        elif bytes(message.error):
            self._fault(0, "refused", bytes(message.error).decode(errors="replace")[:200])
        elif message.id is not None:
            self._confirmed = True
        else:
            self._fault(0, "unknown_message", payload[:120].decode(errors="replace"))
        return []

    def _book_ticker(self, message: _Message, recv_ts_ns: int) -> None:
        symbol = message.s
        instrument = self._symbols.get(symbol)
        if instrument is None:
            self._fault(0, "unknown_symbol", symbol[:40])
            return
        if message.u <= self._last_update.get(symbol, -1):
            self._fault(instrument, "out_of_order", f"update id {message.u} came again or late")
            return
        try:
            bid, bid_size = parse_price(message.b, symbol), parse_size(message.B, symbol)
            ask, ask_size = parse_price(message.a, symbol), parse_size(message.A, symbol)
        except BadNumber as error:
            self._fault(instrument, "malformed", error.cause)
            return
        self._last_update[symbol] = message.u
        self._waiting.discard(symbol)
        self._inbox.quote(
            self._feed, instrument, bid, bid_size, ask, ask_size, ABSENT, message.u, recv_ts_ns
        )

    def _fault(self, instrument: int, fault: str, detail: str) -> None:
        self._inbox.feed_fault(self._feed, instrument, fault, detail)

"""The floor of `thft bench ws`: picows and msgspec alone, messages decoded into numbers; no more.

What every message is decoded into is typed, texts of numbers become floats; nothing is kept,
checked or written.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from thft.cli.bench_ws_forms import REQUESTS


class Pair(Struct, array_like=True):
    """A level told as an array."""

    price: float
    size: float


class Ticker(Struct):
    """Binance: a bookTicker."""

    u: int = 0
    s: str = ""
    b: float = 0.0
    B: float = 0.0
    a: float = 0.0
    A: float = 0.0


class Top(Struct):
    """Bybit: one book of a message."""

    s: str = ""
    b: list[Pair] = []
    a: list[Pair] = []
    u: int = 0
    seq: int = 0


class TopMessage(Struct):
    """Bybit: a message of a book."""

    topic: str = ""
    type: str = ""
    ts: int = 0
    cts: int = 0
    data: Top | None = None


class Update(Struct):
    """Coinbase: a level."""

    side: str
    price_level: float
    new_quantity: float


class Event(Struct):
    """Coinbase: what a message tells of a product."""

    type: str = ""
    product_id: str = ""
    updates: list[Update] = []


class EventMessage(Struct):
    """Coinbase: a message."""

    channel: str = ""
    timestamp: str = ""
    sequence_num: int = 0
    events: list[Event] = []


class Level(Struct):
    """Kraken: a level."""

    price: float
    qty: float


class Book(Struct):
    """Kraken: one book of a message."""

    symbol: str = ""
    bids: list[Level] = []
    asks: list[Level] = []
    checksum: int = 0
    timestamp: str = ""


class BookMessage(Struct):
    """Kraken: a message of the book channel, or another one without its fields."""

    channel: str = ""
    type: str = ""
    data: list[Book] = []


class Arg(Struct):
    """OKX: what a message is of."""

    channel: str = ""
    instId: str = ""


class Best(Struct):
    """OKX: a bbo-tbt."""

    asks: list[Pair] = []
    bids: list[Pair] = []
    ts: int = 0
    seqId: int = 0


class BestMessage(Struct):
    """OKX: a message of a channel."""

    arg: Arg | None = None
    data: list[Best] = []


class Numbered(Struct, array_like=True):
    """Bitfinex: a level, a checksum or a snapshot, with the message's number."""

    channel: int
    body: list[float | list[float]] | str
    second: int
    third: int
    fourth: int | None


DECODERS: dict[str, Callable[[memoryview], object]] = {
    "binance": msgspec.json.Decoder(Ticker, strict=False).decode,
    "bybit": msgspec.json.Decoder(TopMessage, strict=False).decode,
    "coinbase": msgspec.json.Decoder(EventMessage, strict=False).decode,
    "kraken": msgspec.json.Decoder(BookMessage).decode,
    "okx": msgspec.json.Decoder(BestMessage, strict=False).decode,
    "bitfinex": msgspec.json.Decoder(Numbered | dict[str, object]).decode,
}


class Bare(WSListener):
    """The least that takes the messages: decodes each and counts it."""

    def __init__(self, name: str) -> None:
        self.seen = 0
        self.last: object = None
        self._name = name
        self._decode = DECODERS[name]

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Subscribes."""
        for request in REQUESTS[self._name]:
            transport.send(WSMsgType.TEXT, request)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Takes one message."""
        self.last = self._decode(frame.get_payload_as_memoryview())
        self.seen += 1


async def connected(name: str, port: int) -> tuple[WSTransport, Bare]:
    """Returns a listener that has subscribed."""
    transport, listener = await ws_connect(
        lambda: Bare(name), f"ws://127.0.0.1:{port}/", enable_auto_pong=False
    )
    assert isinstance(listener, Bare)
    return transport, listener

"""What the takers of `thft bench ws` ask for, and the form in which they take the same ticks.

The core and the bare loop take a venue's messages as they are. cryptofeed subscribes otherwise to
four venues: there the same ticks are told in the words that it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

BASES = ("BTC", "ETH", "SOL", "XRP")
SPELLING = {
    "binance": "{}USDT",
    "bybit": "{}USDT",
    "coinbase": "{}-USD",
    "kraken": "{}/USD",
    "okx": "{}-USDT",
    "bitfinex": "t{}USD",
}
SYMBOLS = {
    name: tuple(spelling.format(base) for base in BASES) for name, spelling in SPELLING.items()
}
STAMP = b",1767000000123,null]"
"""What the simulated Bitfinex says of time behind a message's number."""


def _requests() -> dict[str, list[object]]:
    streams = [f"{symbol.lower()}@bookTicker" for symbol in SYMBOLS["binance"]]
    topics = [f"orderbook.1.{symbol}" for symbol in SYMBOLS["bybit"]]
    products = list(SYMBOLS["coinbase"])
    pairs = {"channel": "book", "symbol": list(SYMBOLS["kraken"]), "depth": 10}
    tops = [{"channel": "bbo-tbt", "instId": symbol} for symbol in SYMBOLS["okx"]]
    book = {"event": "subscribe", "channel": "book", "prec": "P0", "freq": "F0", "len": "25"}
    return {
        "binance": [{"method": "SUBSCRIBE", "params": streams, "id": 1}],
        "bybit": [{"req_id": "s1", "op": "subscribe", "args": topics}],
        "coinbase": [
            {"type": "subscribe", "channel": "heartbeats"},
            {"type": "subscribe", "channel": "level2", "product_ids": products},
        ],
        "kraken": [{"method": "subscribe", "params": pairs}],
        "okx": [{"op": "subscribe", "args": tops}],
        "bitfinex": [
            {"event": "conf", "flags": 32_768 | 65_536 | 131_072},
            *({**book, "symbol": symbol} for symbol in SYMBOLS["bitfinex"]),
        ],
    }


REQUESTS = {name: list(map(msgspec.json.encode, said)) for name, said in _requests().items()}
"""What the dialects ask for by default."""


def _as_it_is(message: bytes) -> bytes | None:
    return message


def _in_stream(message: bytes) -> bytes | None:
    """Returns a bookTicker as it comes by a combined stream, which has no answers."""
    if not message.startswith(b'{"u":'):
        return None
    symbol = message.split(b'"s":"', 1)[1].split(b'"', 1)[0].lower()
    return b'{"stream":"' + symbol + b'@bookTicker","data":' + message + b"}"


def _unstamped(message: bytes) -> bytes | None:
    return message.removesuffix(STAMP) + b"]" if message.endswith(STAMP) else message


def _ticker(message: bytes) -> bytes | None:
    """Returns a bbo-tbt as a `tickers` message with no more than the top of the book."""
    said: dict[str, Any] = msgspec.json.decode(message)
    if "data" not in said:
        return message
    top, symbol = said["data"][0], said["arg"]["instId"]
    (bid, bid_size, *_), (ask, ask_size, *_) = top["bids"][0], top["asks"][0]
    ticker = {"instId": symbol, "bidPx": bid, "bidSz": bid_size, "askPx": ask, "askSz": ask_size}
    arg = {"channel": "tickers", "instId": symbol}
    return msgspec.json.encode({"arg": arg, "data": [{**ticker, "ts": top["ts"]}]})


@dataclass(frozen=True)
class Form:
    """How a taker subscribes and what it reads."""

    message: Callable[[bytes], bytes | None] = _as_it_is
    """Makes of the simulator's message the taker's; None: it has none."""
    asked: tuple[bytes, bytes] = (b"", b"")
    """What a request names, and what stands in its place for the simulator."""
    unsaid: tuple[bytes, ...] = ()
    """Requests that the taker makes by its URL."""

    def request(self, payload: bytes) -> bytes:
        """Returns a taker's request as the simulator knows it."""
        return payload.replace(*self.asked) if self.asked[0] else payload


PLAIN, CRYPTOFEED = "plain", "cryptofeed"
FORMS: dict[str, dict[str, Form]] = {
    PLAIN: {name: Form() for name in SPELLING},
    CRYPTOFEED: {
        "binance": Form(_in_stream, unsaid=tuple(REQUESTS["binance"])),
        "bybit": Form(asked=(b"orderbook.200.", b"orderbook.1.")),
        "coinbase": Form(),
        "kraken": Form(),
        "okx": Form(_ticker, asked=(b'"tickers"', b'"bbo-tbt"')),
        "bitfinex": Form(_unstamped),
    },
}

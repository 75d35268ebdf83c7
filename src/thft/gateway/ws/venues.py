"""The WebSocket venues there are: dialect, public address, limits; asked by core and cli."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from thft.base.backoff import ConnectBudget
from thft.gateway.limiter import GUARD_NS, SECOND_NS, Throttle, Window
from thft.gateway.port import EngineInbox
from thft.gateway.ws.dialect import BookSource, VenueDialect, Wanted
from thft.gateway.ws.dialects.binance import BinanceDialect
from thft.gateway.ws.dialects.bitfinex import CHANNELS as BITFINEX_CHANNELS
from thft.gateway.ws.dialects.bitfinex import BitfinexDialect
from thft.gateway.ws.dialects.bybit import BybitDialect
from thft.gateway.ws.dialects.coinbase import CoinbaseDialect
from thft.gateway.ws.dialects.kraken import KrakenDialect
from thft.gateway.ws.dialects.okx import OkxDialect
from thft.gateway.ws.generic.dialect import GenericDialect
from thft.gateway.ws.generic.mapping import FeedMapping

DATA_PER_S = 500
EXECUTIONS_PER_S = 100
"""What goes out to one broker in a second at most, where it says nothing itself."""
SIGNS_OF_LIFE = 2
"""Of a connection's limit so many messages are left to pings and pongs."""


class Rate(NamedTuple):
    """At most so many messages of ours in any window, on one connection."""

    messages: int
    window_s: int


class WebSocketVenue(NamedTuple):
    """One venue as its public documentation describes it."""

    dialect: Callable[[EngineInbox, Wanted], VenueDialect]
    url: str
    books: tuple[BookSource, ...]
    """Where a top of book can come from; the first is taken unless the configuration says."""
    connect: Rate
    """Attempts to connect from one address."""
    rates: tuple[Rate, ...] = ()
    """All our messages, signs of life too."""
    requests: tuple[Rate, ...] = ()
    """Requests alone."""
    of_address: tuple[Rate, ...] = ()
    """All our messages from one address, on whatever connection."""
    rest_url: str = ""
    gets: Rate | None = None
    """GETs beside the WebSocket, from one address."""
    spelling: str = r"\S+"
    """What a symbol of the venue looks like, as an expression, and in words."""
    spelled: str = "without spaces"
    channels: int = 0
    """So many channels a connection may have, one a symbol for books and one for trades; 0: any."""
    symbols: int = 0
    """So many symbols a connection may carry; 0: any."""
    frame_bytes: int = 4 << 20
    """A frame that is larger ends the connection."""

    def symbol_finding(self, symbol: str) -> str:
        """Returns what is wrong with a symbol of the venue; empty when it may be one."""
        good = re.fullmatch(self.spelling, symbol)
        return "" if good else f"{symbol[:40]!r} is no symbol there: {self.spelled}"

    def budget(self) -> ConnectBudget:
        """Returns a fresh connect budget, to be shared by all connections to the venue."""
        return ConnectBudget(self.connect.messages, self.connect.window_s * SECOND_NS + GUARD_NS)

    def shared(self) -> list[Window]:
        """Returns the limits that all connections to the venue share."""
        return [_messages(rate) for rate in self.of_address]

    def get_window(self) -> Window | None:
        """Returns the limit of GETs that all connections to the venue share."""
        return Window(self.gets.messages, self.gets.window_s * SECOND_NS) if self.gets else None

    def windows(self) -> list[Window]:
        """Returns the limits of a new connection."""
        messages = [_messages(rate) for rate in self.rates]
        requests = [
            Window(rate.messages, rate.window_s * SECOND_NS, signs=False) for rate in self.requests
        ]
        return messages + requests


def generic_venue(url: str, mapping: FeedMapping) -> WebSocketVenue:
    """Returns the record of a feed that a mapping tells."""
    return WebSocketVenue(
        partial(GenericDialect, mapping),
        url,
        ("quotes",),
        connect=Rate(mapping.connects_per_minute, 60),
        rates=(Rate(mapping.messages_per_s, 1),),
    )


def _messages(rate: Rate) -> Window:
    return Window(max(rate.messages - SIGNS_OF_LIFE, 1), rate.window_s * SECOND_NS)


def broker_throttle() -> Throttle:
    """Returns the limits of one broker, to be shared by all connections to it."""
    return Throttle(EXECUTIONS_PER_S, DATA_PER_S, {})


CAPITALS = r"(?=.*[A-Z])[^\s/]+", "written in capitals as BTCUSDT"
"""A venue of such symbols is silent about all others."""

VENUES: dict[str, WebSocketVenue] = {
    "binance": WebSocketVenue(
        BinanceDialect,
        "wss://stream.binance.com:9443/ws",
        ("quotes", "depth"),
        connect=Rate(300, 300),
        rates=(Rate(5, 1),),
        rest_url="https://api.binance.com",
        spelling=CAPITALS[0],
        spelled=CAPITALS[1],
        gets=Rate(100, 60),  # a snapshot weighs 50 of the 6,000 in a minute
        channels=1_024,
    ),
    "coinbase": WebSocketVenue(
        CoinbaseDialect,
        "wss://advanced-trade-ws.coinbase.com",
        ("depth",),
        connect=Rate(8, 1),
        of_address=(Rate(8, 1),),
        spelling=r"[A-Z0-9]+-[A-Z0-9]+",
        spelled="spot pairs are written as BTC-USD; futures count contracts, not units",
        symbols=30,
        frame_bytes=16 << 20,  # all levels in one frame: nearly 5 MiB for BTC-USD
    ),
    "kraken": WebSocketVenue(
        KrakenDialect,
        "wss://ws.kraken.com/v2",
        ("depth",),
        connect=Rate(150, 600),
        spelling=r"(?!XBT/|XDG/)[^/\s]+/(?!XBT$|XDG$)[^/\s]+",
        spelled="written as BTC/USD, not XBT, and as DOGE/USD, not XDG",
    ),
    "bybit": WebSocketVenue(
        BybitDialect,
        "wss://stream.bybit.com/v5/public/spot",
        ("quotes", "depth"),
        connect=Rate(500, 300),
        spelling=CAPITALS[0],
        spelled=CAPITALS[1],
    ),
    "okx": WebSocketVenue(
        OkxDialect,
        "wss://ws.okx.com:8443/ws/v5/public",
        ("quotes", "depth"),
        connect=Rate(3, 1),
        requests=(Rate(480, 3_600),),
        spelling=r"[A-Z0-9]+-[A-Z0-9]+",
        spelled="spot pairs are written as BTC-USDT; others count contracts, not units",
    ),
    "bitfinex": WebSocketVenue(
        BitfinexDialect,
        "wss://api-pub.bitfinex.com/ws/2",
        ("depth",),
        connect=Rate(20, 60),
        spelling=r"t([A-Z0-9]{6}|[A-Z0-9]+:[A-Z0-9]+)",
        spelled="written as tBTCUSD, or tDUSK:USD where a name is longer",
        channels=BITFINEX_CHANNELS,
    ),
}
GENERIC = "generic"
"""The dialect whose record is a table of the configuration."""

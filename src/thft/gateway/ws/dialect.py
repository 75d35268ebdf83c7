"""What a venue's WebSocket dialect is to a feed, and what all dialects share; one module a venue.

A dialect is pure: it takes payloads, calls the inbox and returns frames. It is made anew for every
connection, so the wanted subscriptions are restored by being asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec

from thft.gateway.port import EngineInbox
from thft.gateway.ws.proof.renewal import Renewals
from thft.gateway.ws.reader import MarketReader, Shape
from thft.model.fixed import INT64_MAX, BadNumber, pack_json, trade_id, unpack_pairs

TOO_MANY = ("too many", "rate limit", "too frequent")
"""How venues say that."""
USELESS = ("malformed", "unknown_message")
USELESS_MESSAGES = 1_000
"""So many in a row, and nothing else between them: the connection is left, each is a fault kept."""
DETAIL_CHARACTERS = 200
"""So much of what a venue said stands in a fault."""

AGGRESSORS = {"buy": 1, "sell": -1, "": 0}
"""The side that took, as venues say it."""

Number = Annotated[int, msgspec.Meta(ge=-INT64_MAX - 1, le=INT64_MAX)]
"""A venue's number: one beyond 64 bits is broken."""
UpdateId = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]

BookSource = Literal["quotes", "depth"]
"""Where a feed's top of book comes from: the venue's quotes, or the book of its depth messages."""


class Wanted(NamedTuple):
    """What the engine wants of one feed."""

    feed: int
    symbols: Mapping[str, int]
    """The venue's symbol → instrument."""
    book: BookSource = "quotes"
    trades: bool = False


class Fetch(NamedTuple):
    """An HTTP GET a dialect needs beside its WebSocket, relative to the venue's REST address."""

    key: str
    path: str


class VenueDialect:
    """Base of all dialects; a subclass says what is subscribed and what a message means.

    `leave` says why the connection should be given up now, empty otherwise. `fetches` are GETs that
    the feed takes away and answers by `fetched`. Ordinary messages of what is in step may go to
    `reader` instead of `received`; its records wait there until `flush`.
    """

    venue: ClassVar[str] = ""
    max_fetches: ClassVar[int] = 1_000
    ping_every_s: float = 0.0
    """The venue wants a probe so often, also while data comes; 0: on silence alone."""

    def __init__(self, inbox: EngineInbox, wanted: Wanted, shape: Shape | None = None) -> None:
        """`shape`: what an ordinary message looks like."""
        self.inbox = inbox
        self.wanted = wanted
        self.feed = wanted.feed
        self.symbols = wanted.symbols
        self.waiting: set[tuple[str, str]] = set()
        """(channel, symbol) that were asked for and have not brought data yet."""
        self._asked = 0
        self.loose = False
        """Messages are looked at one by one: a book may begin with any, and nothing is proven."""
        self.leave = ""
        self._useless = 0
        self.fetches: list[Fetch] = []
        self.reader = MarketReader(shape, wanted.feed)
        self.renewals = Renewals()

    @property
    def synced(self) -> bool:
        """True while every subscription is confirmed and has brought its first data."""
        return not self.waiting

    @property
    def unanswered(self) -> bool:
        """True while not one subscription was confirmed or has brought data."""
        return len(self.waiting) >= self._asked > 0

    def begin(self) -> list[bytes]:
        """Returns the frames that subscribe everything wanted, on a new connection."""
        frames = self.opened()
        self._asked = len(self.waiting)
        return frames

    def opened(self) -> list[bytes]:
        """Returns the frames of `begin`; fills `waiting`."""
        raise NotImplementedError

    def probe(self) -> bytes | None:
        """Returns the frame that asks for a sign of life, None for a WebSocket ping."""
        return None

    def received(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one text frame, calls the inbox, returns frames to answer with."""
        self.flush(recv_ts_ns)
        before = self._useless
        frames = self._taken(payload, recv_ts_ns)
        if self._useless == before:
            self._useless = 0
        elif self._useless >= USELESS_MESSAGES:
            self.leave = self.leave or f"{USELESS_MESSAGES} messages in a row were of no use"
        return frames

    def _taken(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        try:
            return self.message(payload, recv_ts_ns)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.fault(0, "malformed", str(error))
        return []

    def flush(self, recv_ts_ns: int) -> bool:
        """Gives the inbox what the reader has made; it must not have come at different times.

        Returns whether effects wait for the end of the turn.
        """
        if not self.reader.waiting:
            return False
        self._useless = 0
        return self.inbox.market(self.reader.records(), recv_ts_ns)

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message; raises DecodeError for what is none."""
        raise NotImplementedError

    def fetched(self, fetch: Fetch, body: bytes | None, error: str) -> list[bytes]:
        """Takes the answer to a GET, or why there is none; returns frames to send."""
        raise NotImplementedError

    def fault(self, instrument: int, fault: str, detail: str) -> None:
        """Reports an integrity fault; instrument 0 when it concerns the whole feed."""
        self._useless += not instrument and fault in USELESS
        self.inbox.feed_fault(self.feed, instrument, fault, detail[:DETAIL_CHARACTERS])

    def refused(self, words: str) -> None:
        """Reports a refused request; after too many of them the connection is left for a while."""
        if any(one in words.lower() for one in TOO_MANY):
            self.fault(0, "rate_limited", words)
            self.leave = f"the venue refused too many requests: {words[:DETAIL_CHARACTERS]}"
        else:
            self.fault(0, "refused", words)

    def traded(
        self,
        instrument: int,
        price: int,
        size: int,
        side: str,
        id: str,
        venue_ts_ns: int,
        recv_ts_ns: int,
    ) -> None:
        """Takes a print; `side` is the aggressor's as the venue says it, empty when it does not."""
        aggressor = AGGRESSORS.get(side)
        if aggressor is None:
            self.fault(instrument, "malformed", f"trade {id[:40]}: side {side[:40]!r}")
        elif price <= 0 or size < 0:
            self.fault(instrument, "malformed", f"trade {id[:40]}: price or size below nothing")
        else:
            number = trade_id(id)
            self.inbox.trade(
                self.feed, instrument, price, size, aggressor, venue_ts_ns, number, recv_ts_ns
            )

    def unknown_message(self, payload: bytes) -> None:
        """Reports a message this dialect does not know."""
        self.fault(0, "unknown_message", payload[:120].decode(errors="replace"))

    def instrument(self, symbol: str) -> int:
        """Returns the instrument of a venue's symbol; 0, and a fault, when nobody asked for it."""
        instrument = self.symbols.get(symbol, 0)
        if not instrument:
            self.fault(0, "unknown_symbol", symbol[:40])
        return instrument


def levels(raw: msgspec.Raw, symbol: str) -> bytes:
    """Returns packed levels of `[price, size, …]` rows; raises BadNumber, for negative ones too."""
    packed = pack_json(raw, symbol)
    if packed and min(map(min, unpack_pairs(packed))) < 0:
        raise BadNumber(f"{symbol}: a level with a negative number", "check the venue's frame")
    return packed

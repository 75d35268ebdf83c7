"""What a venue's WebSocket dialect is to a feed, and what all dialects share; one module a venue.

A dialect is pure: it takes payloads, calls the inbox and returns frames. It is made anew for every
connection, so the wanted subscriptions are restored by being asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Meta

from thft.gateway.port import EngineInbox
from thft.gateway.ws.proof.renewal import Renewals
from thft.gateway.ws.reader import MarketReader, Shape
from thft.model.fixed import INT64_MAX, BadNumber, trade_id

TOO_MANY = ("too many", "rate limit", "too frequent")
"""How venues say that."""
LATE_IN_A_ROW = 20
"""After so many messages with old numbers the venue has begun to count anew."""
Number = Annotated[int, Meta(ge=0, le=INT64_MAX)]
"""What a venue counts its messages with; more fits no event."""
SignedNumber = Annotated[int, Meta(ge=-(2**63), le=INT64_MAX)]
STRANGERS_KEPT = 1_000
"""So many symbols that nobody wants are told once a connection, further ones every time."""
USELESS = ("malformed", "unknown_message")
USELESS_MESSAGES = 1_000
"""So many in a row, and nothing else between them: the connection is left, each is a fault kept."""
DETAIL_CHARACTERS = 200
"""So much of what a venue said stands in a fault."""

AGGRESSORS = {"buy": 1, "sell": -1, "": 0}
"""The side that took, as venues say it."""

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
        """Messages are looked at one by one: a book may begin with any, nothing is proven, and what
        does not say whose it is belongs to the symbol ""."""
        self.leave = ""
        self._useless = 0
        self.fetches: list[Fetch] = []
        self.reader = MarketReader(shape, wanted.feed)
        self.renewals = Renewals()
        self._late, self._late_after = 0, 0
        self._strangers: set[str] = set()

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
        except BadNumber as error:
            self.fault(0, "malformed", error.cause)
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

    def came_late(self, number: int, last: int) -> None:
        """Reports a message whose number is not above the last one; it is not to be taken."""
        self.fault(0, "out_of_order", f"message {number} came again or late")
        self._late = self._late + 1 if last == self._late_after else 1
        self._late_after = last
        if self._late >= LATE_IN_A_ROW:
            self.leave = f"the venue counts its messages anew: {number} after {last}"

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
        if aggressor is None or price <= 0 or size < 0:
            symbol = next((name for name, one in self.symbols.items() if one == instrument), "")
            wrong = f"side {side[:40]!r}" if aggressor is None else "price or size below nothing"
            self.bad_trade(symbol, f"number {id[:40]}: {wrong}")
        else:
            number = trade_id(id)
            self.inbox.trade(
                self.feed, instrument, price, size, aggressor, venue_ts_ns, number, recv_ts_ns
            )

    def bad_trade(self, symbol: str, words: str) -> None:
        """Reports a print that cannot be read; it says nothing against the symbol's book."""
        self.fault(0, "malformed", f"trade of {symbol}: {words}")

    def unknown_message(self, payload: bytes) -> None:
        """Reports a message this dialect does not know."""
        self.fault(0, "unknown_message", payload[:120].decode(errors="replace"))

    def instrument(self, symbol: str) -> int:
        """Returns the instrument of a venue's symbol; 0, and a fault, when nobody asked for it.

        A feed may bring all symbols there are: each is told once.
        """
        instrument, named = self.symbols.get(symbol, 0), symbol[:40]
        if not instrument and named not in self._strangers:
            self.fault(0, "unknown_symbol", named)
            if len(self._strangers) < STRANGERS_KEPT and not self.loose:
                self._strangers.add(named)
        return instrument

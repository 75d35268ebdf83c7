"""The reader of ordinary market messages against the dialects: taken or declined, the same outcome.

Two dialects of a venue get the same messages, many of them damaged; one has the reader before it.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from tests.seeds import seed_of_test
from tests.venue.book_campaign import DEPTHS, STEP_NS, Campaign

from thft import _native
from thft.gateway.port import PartialInbox
from thft.gateway.ws.dialect import BookSource, VenueDialect
from thft.model.book import Levels
from thft.model.fixed import pack_pairs
from thft.sim.ws.server import VenueFaults

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not _native.USE_NATIVE, reason="the twin leaves all to dialects"),
]

QUOTES = ("binance", "bybit", "okx")
UPDATES = 1_500
PIECES = (b"1e-7", b" ", b"\\u0031", b"-", b".", b"0", b'"', b",", b"null", b"\xff", b'"x":[{}],')


class Calls(PartialInbox):
    """Writes down what a dialect calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.ns = 0

    def now_ns(self) -> int:
        return self.ns

    def quote(self, *values: int) -> None:
        self.calls.append(("quote", *values))

    def depth(
        self,
        feed: int,
        instrument: int,
        reset: bool,
        bids: Levels,
        asks: Levels,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        sides = [one if isinstance(one, bytes) else pack_pairs(one) for one in (bids, asks)]
        self.calls.append(
            ("depth", feed, instrument, reset, *sides, venue_ts_ns, venue_seq, recv_ts_ns)
        )

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        self.calls.append(("fault", feed, instrument, fault, detail))


class Both(Campaign):
    """Delivers everything twice, a part of it damaged."""

    def __init__(self, name: str, book: BookSource, seed: int, harm_every: int) -> None:
        super().__init__(name, seed)
        self.book = book
        self.harm_every = harm_every
        self.quick, self.slow = Calls(), Calls()
        self.inbox = self.quick  # type: ignore[assignment]
        self.shadow: VenueDialect
        self.taken = self.messages = 0

    def _connect(self) -> VenueDialect:
        self.shadow = self.made(self.slow)
        self.shadow.begin()
        return super()._connect()

    def _say(self, dialect: VenueDialect, frames: list[bytes]) -> None:
        for fetch in dialect.fetches:
            assert self.shadow.fetched(fetch, *self._got(fetch)) == []
        self.shadow.fetches.clear()
        super()._say(dialect, frames)

    def _deliver(self, dialect: VenueDialect, message: bytes) -> None:
        self.quick.ns = self.slow.ns = self.now_ns
        if self.random.randrange(self.harm_every) == 0:
            message = self._harmed(message)
        self.messages += 1
        expected = self.shadow.received(message, self.now_ns)
        answers: list[bytes] = []
        if dialect.renewals.due or not dialect.reader.take(message):
            answers = dialect.received(message, self.now_ns)
        else:
            self.taken += 1
        dialect.flush(self.now_ns)
        assert (answers, dialect.leave) == (expected, self.shadow.leave), message
        assert self.quick.calls == self.slow.calls, message
        assert dialect.waiting == self.shadow.waiting
        assert dialect.fetches == self.shadow.fetches
        self.quick.calls.clear()
        self.slow.calls.clear()
        self._say(dialect, answers)

    def _harmed(self, message: bytes) -> bytes:
        at, many = self.random.randrange(len(message)), self.random.randrange(4)
        piece = (
            self.random.choice(PIECES) if self.random.random() < 0.7 else message[at : at + many]
        )
        return message[:at] + piece + message[at + many :]

    async def ticks(self, updates: int) -> None:
        """Moves the top of the books."""
        dialect, cents = self._connect(), 10_000
        for update in range(updates):
            if self.random.randrange(self.fault_every) == 0:
                self._fault()
            cents += self.random.randint(-30, 30)
            symbol = self.random.choice(list(self.case.symbols))
            sizes = [str(self.random.choice((Decimal("0.01"), Decimal(7)))) for _ in range(2)]
            bid, ask = f"{cents / 100:.2f}", f"{(cents + self.random.randint(1, 9)) / 100:.2f}"
            self.venue.tick(symbol, bid, sizes[0], ask, sizes[1], (update + 1) * STEP_NS)
            dialect = self._pump(dialect)

    async def changes(self, updates: int) -> None:
        """Changes the books."""
        dialect = self._connect()
        for update in range(updates):
            if self.random.randrange(self.fault_every) == 0:
                self._fault()
            if update % 100 == 99:
                self.venue.faults = VenueFaults()
            dialect = self._update(dialect, self.random.choice(list(self.case.symbols)))


class Spaced(Both):
    """The damage is white space before the message: none."""

    def _harmed(self, message: bytes) -> bytes:
        return b" \n" + message


def tried(name: str, book: BookSource, harm_every: int, kind: type[Both] = Both) -> Both:
    both = kind(name, book, seed_of_test(), harm_every)

    async def told() -> None:
        await (both.ticks(UPDATES) if book == "quotes" else both.changes(UPDATES))

    asyncio.run(told())
    return both


@pytest.mark.parametrize("harm_every", [6, 1_000])
@pytest.mark.parametrize("name", QUOTES)
def test_quotes_by_reader_and_by_dialect(name: str, harm_every: int) -> None:
    both = tried(name, "quotes", harm_every)
    assert both.taken > both.messages // (4 if harm_every < 100 else 2)


@pytest.mark.parametrize("harm_every", [30, 1_000])
@pytest.mark.parametrize("name", DEPTHS)
def test_depth_by_reader_and_by_dialect(name: str, harm_every: int) -> None:
    both = tried(name, "depth", harm_every)
    assert harm_every < 100 or both.taken > both.messages // 4


@pytest.mark.parametrize("name", DEPTHS)
def test_white_space_before_messages_changes_nothing(name: str) -> None:
    assert tried(name, "depth", 1, Spaced).taken > 0

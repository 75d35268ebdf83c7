"""Messages of every venue with numbers, times and nestings that no engine can hold.

Whatever a venue says is a fault or an event that fits its frame; nothing of it leaves a dialect as
an exception.
"""

from __future__ import annotations

import asyncio
import re
from random import Random

import pytest
from tests.seeds import seed_of_test
from tests.venue.book_campaign import Campaign
from tests.venue.cases import CASES
from tests.venue.wire import FEED, Recorder

from thft.gateway.ws.dialect import VenueDialect, Wanted
from thft.model.book import Levels, pairs
from thft.model.codec import DEPTH_HEAD, QUOTE_LAYOUT, TRADE_LAYOUT

NUMBER = re.compile(rb"(?<![\w.])-?\d+(\.\d+)?(?![\w.])")
TIME = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z")
NUMBERS = (
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"1" + b"0" * 40,
    b"-1",
    b"-9223372036854775809",
    b"1e400",
    b"NaN",
    b"-Infinity",
    b"1e-400",
    b"9300000000000",
    b"null",
    b"true",
    b"9" * 5_000,
    b'"' + b"9" * 5_000 + b'"',
    b'"0.' + b"0" * 5_000 + b'"',
)
TIMES = (
    b"9999-12-31T23:59:59Z",
    b"0001-01-01T00:00:00Z",
    b"1969-12-31T23:59:59.9Z",
    b"2262-04-12T00:00:00Z",
    b"2026-02-30T00:00:00Z",
)
DEEP = (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 900 + b"]" * 900)


class Packing(Recorder):
    """Packs what it is given, as the journal does."""

    def quote(self, *values: int) -> None:
        feed, instrument, *prices, venue_ts_ns, venue_seq, _ = values
        QUOTE_LAYOUT.pack(*prices, venue_ts_ns, venue_seq, feed, 0, instrument)

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
        for price, size in [*pairs(bids), *pairs(asks)]:
            assert 0 <= price < 1 << 63 and 0 <= size < 1 << 63
        DEPTH_HEAD.pack(venue_ts_ns, venue_seq, feed, reset, 0, instrument, 0, 0)

    def trade(self, *values: int) -> None:
        feed, instrument, price, size, aggressor, venue_ts_ns, id, _ = values
        assert size >= 0
        TRADE_LAYOUT.pack(price, size, venue_ts_ns, id, feed, aggressor, instrument)


class Listening(Campaign):
    """Keeps what the venue says."""

    said: list[bytes]

    def _pump(self, dialect: VenueDialect) -> VenueDialect:
        assert self.line is not None
        self.said += self.line.queue
        return super()._pump(dialect)


def _conversation(name: str, seed: int) -> list[bytes]:
    """Returns what a venue says to a client in a while, trades among it."""
    one = Listening(name, seed, fault_every=1 << 30)
    one.said = []

    async def told() -> None:
        dialect = one._connect()
        for number in range(40):
            symbol = one.random.choice(list(one.case.symbols))
            if hasattr(one.venue, "change"):
                dialect = one._update(dialect, symbol)
            else:
                one.venue.tick(symbol, f"1.1{number}", "5", f"1.2{number}", "6", number + 1)
            if hasattr(one.venue, "trade"):
                one.venue.trade(symbol, "1.17", "0.5", "buy", 1_767_000_000_000_000_000 + number)
            dialect = one._pump(dialect)

    asyncio.run(told())
    return one.said


@pytest.mark.parametrize("name", CASES)
def test_no_number_time_or_nesting_leaves_a_dialect(name: str) -> None:
    seed = seed_of_test()
    chance = Random(seed)
    case = CASES[name]
    said = _conversation(name, seed)
    assert len(said) > 20
    for _ in range(25):
        inbox = Packing()
        wanted = Wanted(FEED, case.symbols, case.book or case.venue_record().books[0], True)
        dialect = case.venue_record().dialect(inbox, wanted)
        dialect.begin()
        for message in said:
            if chance.random() < 0.3:
                message = _hostile(message, chance)
            if dialect.renewals.due or not dialect.reader.take(message):
                dialect.received(message, 1)
            dialect.flush(1)
            dialect.fetches.clear()


def _hostile(message: bytes, chance: Random) -> bytes:
    """Returns a message with one of its numbers or times replaced, or nested deeply."""
    if chance.random() < 0.05:
        return chance.choice(DEEP)
    found: list[tuple[re.Match[bytes], tuple[bytes, ...]]]
    found = [(place, NUMBERS) for place in NUMBER.finditer(message)]
    found += [(place, TIMES) for place in TIME.finditer(message)]
    if not found:
        return message
    place, choices = chance.choice(found)
    return message[: place.start()] + chance.choice(choices) + message[place.end() :]

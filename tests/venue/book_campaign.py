"""Random books with random faults, a dialect against its simulator without a socket; for tests.

Time is counted, not waited for. Whenever the dialect says that all is there, its books must be the
simulator's true ones; run as a program it takes the number of updates and a seed for all venues.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from tests.venue.cases import CASES
from tests.venue.wire import FEED, Recorder

from thft.gateway.port import EngineInbox
from thft.gateway.ws.dialect import BookSource, Fetch, VenueDialect, Wanted
from thft.sim.ws.book import Change, SimBook
from thft.sim.ws.server import VenueFaults, VenueServer, VenueSession

STEP_NS = 20_000_000
FAULTS = ("skip", "repeat", "checksum", "drop", "sequence")
TICK = Decimal("0.5")


class BookVenue(Protocol):
    """A simulated venue whose books can be changed at will."""

    faults: VenueFaults

    def book(self, symbol: str) -> SimBook: ...
    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None: ...


class Line(VenueSession):
    """A connection that is a queue."""

    def __init__(self, venue: VenueServer) -> None:
        super().__init__(venue)
        self.queue: deque[bytes] = deque()
        self.on_ws_connected(self)  # type: ignore[arg-type]

    def _send_now(self, message: bytes) -> None:
        self.queue.append(message)

    def disconnect(self, graceful: bool = True) -> None:
        self.on_ws_disconnected(self)  # type: ignore[arg-type]


class Campaign:
    """One venue, two symbols, one dialect at a time."""

    book: BookSource = "depth"

    def __init__(self, name: str, seed: int, fault_every: int = 150) -> None:
        self.case = CASES[name]
        self.record = self.case.venue_record()
        self.random = Random(seed)
        self.fault_every = fault_every
        self.venue: Any = self.case.venue()
        self.venue.requests_a_second = 0  # time is counted here, not waited for
        self.venue.snapshots_a_minute = 0
        self.inbox = Recorder()
        self.depth = DEPTHS.get(name, 0)
        self.now_ns = STEP_NS
        self.proven = 0
        """How often books were compared."""
        self.connections = 0
        self.line: Line | None = None
        self.doubtful: set[str] = set()

    def _connect(self) -> VenueDialect:
        dialect = self.made(self.inbox)
        self.line = Line(self.venue)
        self.connections += 1
        self._say(dialect, dialect.begin())
        return dialect

    def made(self, inbox: EngineInbox) -> VenueDialect:
        """Returns a fresh dialect."""
        return self.record.dialect(inbox, Wanted(FEED, self.case.symbols, self.book))

    def _say(self, dialect: VenueDialect, frames: list[bytes]) -> None:
        assert self.line is not None
        for frame in frames:
            self.venue.received(self.line, frame)
        while dialect.fetches:
            fetch = dialect.fetches.pop(0)
            self._say(dialect, dialect.fetched(fetch, *self._got(fetch)))

    def _got(self, fetch: Fetch) -> tuple[bytes | None, str]:
        """Returns what a connection would: a body, or none and the error."""
        status, body = self.venue.rest(fetch.path)
        return (body, "") if status == 200 else (None, f"HTTP {status}")

    async def run(self, updates: int) -> None:
        """Changes the books so often; raises AssertionError when one is not the venue's."""
        for symbol in self.case.symbols:
            self.venue.change(symbol, Change([(Decimal(100), TICK)], [(Decimal(101), TICK)]))
        dialect = self._connect()
        for update in range(updates):
            if self.random.randrange(self.fault_every) == 0:
                self._fault()
            dialect = self._update(dialect, self.random.choice(list(self.case.symbols)))
            if dialect.synced:
                self._compare(update)
        self.venue.faults = VenueFaults()
        for _ in range(100_000):
            for symbol in self.case.symbols:
                dialect = self._update(dialect, symbol)
            if dialect.synced:
                break
        assert dialect.synced, dialect.waiting
        self._compare(updates)

    def _update(self, dialect: VenueDialect, symbol: str) -> VenueDialect:
        """Changes one book; what was lost of it shows with the symbol's next message."""
        to_lose = self.venue.faults.skip
        self.venue.change(symbol, self._change(self.venue.book(symbol)))
        if to_lose and not self.venue.faults.skip:
            self.doubtful.add(symbol)
        elif self.line is not None and self.line.queue:
            self.doubtful.discard(symbol)
        return self._pump(dialect)

    def _fault(self) -> None:
        kind = self.random.choice(FAULTS[: 4 if self.case.name == "kraken" else 5])
        if kind == "drop":
            assert self.line is not None
            self.line.disconnect()
        else:
            setattr(self.venue.faults, kind, 1)

    def _pump(self, dialect: VenueDialect) -> VenueDialect:
        """Delivers until nothing is on its way."""
        self.now_ns += STEP_NS
        assert self.line is not None
        while self.line.queue:
            self._deliver(dialect, self.line.queue.popleft())
            if dialect.leave:
                self.line.disconnect()
                break
        return dialect if self.line.transport is not None else self._connect()

    def _deliver(self, dialect: VenueDialect, message: bytes) -> None:
        """Delivers as a connection does: to the reader first."""
        if dialect.renewals.due or not dialect.reader.take(message):
            self._say(dialect, dialect.received(message, self.now_ns))
        dialect.flush(self.now_ns)

    def _change(self, book: SimBook) -> Change:
        """Returns a change that leaves the book uncrossed: sizes, removals, moves of the top."""
        random = self.random
        best_bid = max(book.bids, default=Decimal(100))
        best_ask = min(book.asks, default=best_bid + 2)
        bids, asks = {}, {}
        for _ in range(random.randint(1, 4)):
            size = random.choice(SIZES) * random.randint(1, 999) if random.random() < 0.7 else 0
            if random.random() < 0.5:
                price = best_ask - TICK * random.randint(1, 40)
                bids[price] = Decimal(size)
            else:
                price = best_bid + TICK * random.randint(1, 40)
                asks[price] = Decimal(size)
        if bids and asks and max(bids) >= min(asks):
            asks.clear()
        return Change(
            [
                (price, size)
                for price, size in bids.items()
                if price > 0 and (size or price in book.bids)
            ],
            [(price, size) for price, size in asks.items() if size or price in book.asks],
        )

    def _compare(self, update: int) -> None:
        for symbol in self.case.symbols.keys() - self.doubtful:
            instrument = self.case.symbols[symbol]
            mine, (bids, asks) = (
                self.inbox.books[instrument],
                self.venue.book(symbol).truth(self.depth),
            )
            assert mine.bids()[: self.depth] == bids, (update, symbol)
            assert mine.asks()[: self.depth] == asks, (update, symbol)
        self.proven += 1


SIZES = (Decimal("0.00000001"), Decimal("0.0001"), Decimal(1), Decimal("12.5"))
DEPTHS = {
    "binance_depth": 1_000,
    "bybit_depth": 50,
    "coinbase": 1_000,
    "kraken": 10,
    "okx_depth": 400,
    "bitfinex": 25,
}


def campaign(name: str, updates: int, seed: int) -> Campaign:
    """Runs one campaign to its end."""
    one = Campaign(name, seed)

    async def told() -> None:
        await one.run(updates)

    asyncio.run(told())
    return one


def main(show: Callable[[str], object] = print) -> None:
    """Runs all venues; arguments: updates, seed."""
    updates, seed = int(sys.argv[1]), int(sys.argv[2])
    for name in DEPTHS:
        one = campaign(name, updates, seed)
        kinds: dict[str, int] = {}
        for _, fault, _ in one.inbox.faults:
            kinds[fault] = kinds.get(fault, 0) + 1
        show(
            f"{name}: {updates} updates, {one.proven} proofs, "
            f"{one.connections} connections, {kinds}"
        )


if __name__ == "__main__":
    main()

"""What a gateway gives the engine, and what the engine gives a gateway; core implements the one.

All calls are synchronous: a socket callback ends in the kernel without a queue between.
"""

from __future__ import annotations

from typing import Protocol

from thft.model.book import Levels
from thft.model.codec import DEPTH_HEAD, LEVEL_BYTES, QUOTE_LAYOUT, QUOTE_TYPE, records_of
from thft.model.event import ExecutionReport, ReplaceReport, SymbolSpecified
from thft.model.order import Order
from thft.model.position import Position

Level = tuple[int, int]
"""(price 1e-9, size 1e-8); size 0 removes the level."""


class EngineInbox(Protocol):
    """The engine as a gateway sees it."""

    def now_ns(self) -> int:
        """Engine time, ns."""
        ...

    def market_time(self, ns: int) -> None:
        """Moves engine time to a simulator's market time (lock-step playback only)."""
        ...

    def quote(
        self,
        feed: int,
        instrument: int,
        bid: int,
        bid_size: int,
        ask: int,
        ask_size: int,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        """Takes a top of book."""
        ...

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
        """Takes one verified batch of levels; packed (`fixed.pack_json`) they are taken fastest."""
        ...

    def trade(
        self,
        feed: int,
        instrument: int,
        price: int,
        size: int,
        aggressor: int,
        venue_ts_ns: int,
        venue_trade_id: int,
        recv_ts_ns: int,
    ) -> None:
        """Takes one public trade: price 1e-9, size 1e-8, aggressor 1 buy, -1 sell, 0 not said."""
        ...

    def market(self, records: bytes, recv_ts_ns: int) -> bool:
        """Takes quotes and depth that came at one time, packed (`codec.records_of`).

        Returns whether effects wait for the end of the turn.
        """
        ...

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        """Takes a session state and why."""
        ...

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        """Takes one integrity fault; instrument 0 when it concerns the whole feed."""
        ...

    def last_price_ns(self, feed: int) -> int:
        """Returns when the feed's newest price came, engine time ns; 0 when there was none."""
        ...

    def connect_attempt(self, feed: int, link: str) -> None:
        """Takes the begin of an attempt to connect; it is written when this returns."""
        ...

    def feed_stamps(self, feed: int, source: str) -> None:
        """Takes what stamps a feed's messages from here on: `kernel`, or `user` (as at first)."""
        ...

    def symbol(self, said: SymbolSpecified) -> None:
        """Takes what a venue calls an instrument and deals under that name."""
        ...

    def execution(self, report: ExecutionReport | ReplaceReport) -> None:
        """Takes what a venue says of an order, or of its size and price."""
        ...

    def account_state(self, account: str, state: str, reason: str, session: int) -> None:
        """Takes an account's readiness, why, and how often it has logged on."""
        ...

    def booked(self, account: str) -> list[Position]:
        """Returns the positions that the engine has booked as open."""
        ...

    def metric(self, kind: str, id: str, values: tuple[tuple[str, int], ...]) -> None:
        """Takes measured integers of a session."""
        ...

    def turn_end(self) -> None:
        """Ends a socket turn: what was taken is written, then effects leave."""
        ...


class PartialInbox(EngineInbox):
    """Drops what there is no engine for; base of those that want a part of what gateways say."""

    def market_time(self, ns: int) -> None:
        """Nobody has a clock to move."""
        return

    def trade(
        self,
        feed: int,
        instrument: int,
        price: int,
        size: int,
        aggressor: int,
        venue_ts_ns: int,
        venue_trade_id: int,
        recv_ts_ns: int,
    ) -> None:
        """Nobody wants prints."""
        return

    def market(self, records: bytes, recv_ts_ns: int) -> bool:
        """Takes them one by one."""
        for kind, payload in records_of(records):
            if kind == QUOTE_TYPE:
                bid, bid_size, ask, ask_size, *stamps = QUOTE_LAYOUT.unpack(payload)
                ts_ns, seq, feed, _, instrument = stamps
                self.quote(feed, instrument, bid, bid_size, ask, ask_size, ts_ns, seq, recv_ts_ns)
            else:
                ts_ns, seq, feed, reset, _, instrument, bids, _ = DEPTH_HEAD.unpack_from(payload)
                middle = DEPTH_HEAD.size + bids * LEVEL_BYTES
                sides = payload[DEPTH_HEAD.size : middle], payload[middle:]
                self.depth(feed, instrument, bool(reset), *sides, ts_ns, seq, recv_ts_ns)
        return False

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        """Nobody shows it."""
        return

    def last_price_ns(self, feed: int) -> int:
        """Nobody has taken any."""
        return 0

    def connect_attempt(self, feed: int, link: str) -> None:
        """Nobody counts it."""
        return

    def feed_stamps(self, feed: int, source: str) -> None:
        """Nobody keeps it."""
        return

    def symbol(self, said: SymbolSpecified) -> None:
        """There are no contracts."""
        return

    def execution(self, report: ExecutionReport | ReplaceReport) -> None:
        """There are no orders."""
        return

    def account_state(self, account: str, state: str, reason: str, session: int) -> None:
        """There is no account."""
        return

    def booked(self, account: str) -> list[Position]:
        """There are no positions."""
        return []

    def metric(self, kind: str, id: str, values: tuple[tuple[str, int], ...]) -> None:
        """Nobody measures."""
        return

    def turn_end(self) -> None:
        """Nothing is written."""
        return


class Trading(Protocol):
    """A gateway as the engine sees it: where the effects of one account go."""

    def take(self, kind: str, order: Order) -> None:
        """Takes one effect (send, cancel, replace, query); never calls the inbox meanwhile."""
        ...

    def flush(self) -> None:
        """Lets what was taken leave."""
        ...

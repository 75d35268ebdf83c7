"""The engine's place while prices are certified: keeps what a quote desk makes of messages."""

from __future__ import annotations

from collections.abc import Sequence

from thft.gateway.port import Level
from thft.host import clock
from thft.model.event import ExecutionReport, ReplaceReport, SymbolSpecified
from thft.model.fixed import ABSENT


class Listener:
    """See EngineInbox."""

    def __init__(self) -> None:
        self.state = ("", "")
        self.faults: list[str] = []
        self.quotes: list[tuple[int, int, int]] = []
        """Instrument, bid, offer of every best price."""
        self.levels: list[int] = []
        """Prices of the depth."""

    def now_ns(self) -> int:
        """See EngineInbox."""
        return clock.moment()[1]

    def market_time(self, ns: int) -> None:
        """See EngineInbox."""

    def quote(self, feed: int, instrument: int, *values: int) -> None:
        """See EngineInbox."""
        bid, _, ask, *_ = values
        self.quotes.append((instrument, bid, ask))

    def depth(
        self,
        feed: int,
        instrument: int,
        reset: bool,
        bids: Sequence[Level],
        asks: Sequence[Level],
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None:
        """See EngineInbox."""
        self.levels += [price for price, _ in (*bids, *asks)]

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        """See EngineInbox."""
        self.state = state, reason

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        """See EngineInbox."""
        self.faults.append(f"{fault}: {detail}")

    def last_price_ns(self, feed: int) -> int:
        return 0

    def connect_attempt(self, feed: int, link: str) -> None:
        """See EngineInbox."""

    def feed_stamps(self, feed: int, source: str) -> None:
        """See EngineInbox."""

    def symbol(self, said: SymbolSpecified) -> None:
        """See EngineInbox."""

    def execution(self, report: ExecutionReport | ReplaceReport) -> None:
        """See EngineInbox."""

    def account_state(self, account: str, state: str, reason: str, session: int) -> None:
        """See EngineInbox."""

    def net_position(self, account: str, instrument: int) -> int:
        """See EngineInbox."""
        return 0

    def metric(self, kind: str, id: str, values: tuple[tuple[str, int], ...]) -> None:
        """See EngineInbox."""

    def turn_end(self) -> None:
        """See EngineInbox."""

    def best(self, instrument: int) -> tuple[int, int]:
        """Returns the last complete best prices of an instrument, ABSENT without."""
        for one, bid, ask in reversed(self.quotes):
            if one == instrument and ABSENT not in (bid, ask):
                return bid, ask
        return ABSENT, ABSENT

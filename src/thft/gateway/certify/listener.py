"""The engine's place while prices are certified: keeps what a quote desk makes of messages."""

from __future__ import annotations

from thft.gateway.port import PartialInbox
from thft.host import clock
from thft.model.book import Levels, pairs
from thft.model.fixed import ABSENT


class Listener(PartialInbox):
    """See EngineInbox; what is not taken here is dropped."""

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

    def quote(self, feed: int, instrument: int, *values: int) -> None:
        """See EngineInbox."""
        bid, _, ask, *_ = values
        self.quotes.append((instrument, bid, ask))

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
        """See EngineInbox."""
        self.levels += [price for price, _ in (*pairs(bids), *pairs(asks))]

    def feed_state(self, feed: int, state: str, reason: str) -> None:
        """See EngineInbox."""
        self.state = state, reason

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        """See EngineInbox."""
        self.faults.append(f"{fault}: {detail}")

    def best(self, instrument: int) -> tuple[int, int]:
        """Returns the last complete best prices of an instrument, ABSENT without."""
        for one, bid, ask in reversed(self.quotes):
            if one == instrument and ABSENT not in (bid, ask):
                return bid, ask
        return ABSENT, ABSENT

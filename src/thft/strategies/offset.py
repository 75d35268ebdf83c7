"""The running average of the fast–slow difference of one symbol; used by latency strategies.

Sampled on a fixed time grid, so a burst on one feed does not move the baseline; the mean over the
last `period` samples is exact integer arithmetic (floor of the sum over the count).
"""

from __future__ import annotations

from msgspec import Struct


class Offset(Struct):
    """Samples of (fast bid − slow bid) and (fast ask − slow ask), prices at 1e-9."""

    bids: list[int] = []
    asks: list[int] = []
    bid_sum: int = 0
    ask_sum: int = 0
    at: int = 0
    """Where the next sample overwrites, once the window is full."""

    def sample(self, bid_delta: int, ask_delta: int, window: int) -> None:
        """Adds one sample; beyond `window` samples the oldest leaves."""
        if len(self.bids) < window:
            self.bids.append(bid_delta)
            self.asks.append(ask_delta)
        else:
            self.at %= window
            self.bid_sum -= self.bids[self.at]
            self.ask_sum -= self.asks[self.at]
            self.bids[self.at] = bid_delta
            self.asks[self.at] = ask_delta
            self.at += 1
        self.bid_sum += bid_delta
        self.ask_sum += ask_delta

    def reset(self) -> None:
        """Forgets every sample."""
        self.bids, self.asks = [], []
        self.bid_sum = self.ask_sum = self.at = 0

    @property
    def count(self) -> int:
        """How many samples the mean rests on."""
        return len(self.bids)

    @property
    def bid(self) -> int:
        """Mean of fast bid − slow bid, 1e-9; 0 without samples."""
        return self.bid_sum // len(self.bids) if self.bids else 0

    @property
    def ask(self) -> int:
        """Mean of fast ask − slow ask, 1e-9; 0 without samples."""
        return self.ask_sum // len(self.asks) if self.asks else 0

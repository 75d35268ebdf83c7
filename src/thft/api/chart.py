"""Delta of fast and slow feed per symbol, conflated to 25 Hz; filled by the replica, sent by ticks.

Numbers here are floats: they are drawn, never traded.
"""

from __future__ import annotations

from collections import deque

from thft.model.fixed import ABSENT, PRICE_ONE
from thft.state.fold import State

POINTS_KEPT = 3_000
PERIOD_NS = 40_000_000

Point = tuple[int, float, float, float]
"""t_ns, fast mid, slow mid, delta in pips."""


class DeltaChart:
    """Keeps the last points of every symbol that a fast and a slow feed carry."""

    def __init__(self) -> None:
        self.points: dict[str, deque[Point]] = {}
        self._last_ns: dict[str, int] = {}
        self._unsent: dict[str, list[Point]] = {}

    def sample(self, state: State, instrument: int, ts_ns: int) -> None:
        """Adds a point for an instrument that has just been quoted, at most one a period."""
        known = state.instruments.get(instrument)
        if known is None or ts_ns - self._last_ns.get(known.symbol, 0) < PERIOD_NS:
            return
        fast, slow = _mid(state, "fast", instrument), _mid(state, "slow", instrument)
        if fast is None or slow is None:
            return
        self._last_ns[known.symbol] = ts_ns
        point = (ts_ns, fast / PRICE_ONE, slow / PRICE_ONE, (fast - slow) / known.pip)
        kept = self.points.setdefault(known.symbol, deque(maxlen=POINTS_KEPT))
        kept.append(point)
        self._unsent.setdefault(known.symbol, []).append(point)

    def take(self) -> dict[str, list[Point]]:
        """Returns the points added since last asked, the newest of each symbol only when many."""
        unsent, self._unsent = self._unsent, {}
        return {symbol: points[-50:] for symbol, points in unsent.items()}

    def history(self) -> dict[str, dict[str, list[float]]]:
        """Returns all kept points as columns."""
        return {
            symbol: {
                "t_ns": [point[0] for point in points],
                "fast_mid": [point[1] for point in points],
                "slow_mid": [point[2] for point in points],
                "delta_pips": [point[3] for point in points],
            }
            for symbol, points in self.points.items()
        }


def _mid(state: State, role: str, instrument: int) -> float | None:
    for feed, record in state.feeds.items():
        book = state.books.get((feed, instrument))
        if record.definition.role == role and book is not None:
            if ABSENT in (book.bid, book.ask) or book.bad:
                return None
            return (book.bid + book.ask) / 2
    return None

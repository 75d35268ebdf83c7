"""A seeded market of two venues: the fast one leads, the slow one repeats it late; pure integers.

Called by the demo's venue process in real time and by the whole-engine simulation in virtual time.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from thft.base.prng import Prng

MS_NS = 1_000_000
FAST, SLOW = "fast", "slow"


class ModelSymbol(NamedTuple):
    """One symbol of the model; prices in points of `digits`, size in whole units."""

    symbol: str
    digits: int
    mid: int
    half_spread_fast: int
    half_spread_slow: int
    step: int
    jump: int
    size: str


SYMBOLS = (
    ModelSymbol("EURUSD", 5, 117_250, 1, 4, 1, 24, "1000000"),
    ModelSymbol("GBPUSD", 5, 134_100, 2, 5, 1, 28, "1000000"),
    ModelSymbol("BTCUSD", 1, 914_000, 4, 30, 6, 420, "2.5"),
)


class Tick(NamedTuple):
    """One top of book at one venue; prices as integers of 10**-digits, times ns."""

    venue: str
    symbol: str
    digits: int
    bid: int
    ask: int
    size: str
    ts_ns: int


class MarketModel:
    """Draws the next price of each symbol when its time has come; same seed, same ticks."""

    def __init__(
        self, seed: int, start_ns: int, symbols: tuple[ModelSymbol, ...] = SYMBOLS
    ) -> None:
        self._prng = Prng(seed)
        self._symbols = symbols
        self._mids = [symbol.mid for symbol in symbols]
        self._due: list[tuple[int, int, int, int, int]] = []
        self._order = 0
        self._start_ns = start_ns
        for index in range(len(symbols)):
            self._push(start_ns + MS_NS * (index + 1), 0, index, 0)

    def _push(self, due_ns: int, kind: int, index: int, mid: int) -> None:
        self._order += 1
        heappush(self._due, (due_ns, self._order, kind, index, mid))

    def advance(self, to_ns: int) -> list[Tick]:
        """Returns all ticks up to `to_ns`, in time order."""
        ticks: list[Tick] = []
        while self._due and self._due[0][0] <= to_ns:
            due_ns, _, kind, index, mid = heappop(self._due)
            symbol = self._symbols[index]
            if kind == 0:
                mid = self._move(index)
                ticks.append(_tick(FAST, symbol, mid, symbol.half_spread_fast, due_ns))
                lag_ns = self._prng.between(50, 400) * MS_NS
                if self._prng.between(0, 9) < 4:
                    self._push(due_ns + lag_ns, 1, index, mid)
                self._push(due_ns + self._prng.between(8, 70) * MS_NS, 0, index, 0)
            else:
                ticks.append(_tick(SLOW, symbol, mid, symbol.half_spread_slow, due_ns))
        return ticks

    @property
    def next_ns(self) -> int:
        """When the next tick is due."""
        return self._due[0][0]

    def _move(self, index: int) -> int:
        """A small step most of the time, now and then a jump; drawn back towards the start."""
        symbol, draw = self._symbols[index], self._prng.between(0, 999)
        step = self._prng.between(-symbol.step, symbol.step)
        if draw < 8:
            step += symbol.jump if draw & 1 else -symbol.jump
        pull = (symbol.mid - self._mids[index]) // (symbol.jump * 20)
        self._mids[index] += step + pull
        return self._mids[index]


def _tick(venue: str, symbol: ModelSymbol, mid: int, half_spread: int, ts_ns: int) -> Tick:
    return Tick(
        venue,
        symbol.symbol,
        symbol.digits,
        mid - half_spread,
        mid + half_spread,
        symbol.size,
        ts_ns,
    )


def decimal_text(value: int, digits: int) -> str:
    """Returns value / 10**digits with exactly `digits` decimals."""
    whole, fraction = divmod(value, 10**digits)
    return f"{whole}.{fraction:0{digits}d}" if digits else str(whole)

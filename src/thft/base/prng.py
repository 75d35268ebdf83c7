"""A seeded generator of integers, equal on every machine and Python; owned by kernel and sim."""

from __future__ import annotations

_MASK = (1 << 64) - 1


class Prng:
    """SplitMix64: 64-bit state, one step a draw; the state is one integer, so it snapshots."""

    __slots__ = ("state",)

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK

    def next(self) -> int:
        """Returns the next 64-bit unsigned integer."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def between(self, low: int, high: int) -> int:
        """Returns an integer in [low, high], both included; requires low ≤ high."""
        return low + self.next() % (high - low + 1)

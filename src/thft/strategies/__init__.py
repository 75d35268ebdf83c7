"""Strategies shipped with the product, one file each; loaded by core through `builtin`."""

from __future__ import annotations

from thft.kernel.strategy import Strategy
from thft.strategies.latency_arbitrage import LatencyArbitrage

BUILTIN: tuple[type[Strategy], ...] = (LatencyArbitrage,)

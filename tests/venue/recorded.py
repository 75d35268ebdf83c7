"""Recorded captures and books built from their JSON with Decimal; for the recorded tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.shared_files import shared_file


def scaled(text: object, digits: int) -> int:
    """Returns a number times 10**digits, which must be whole."""
    value = Decimal(str(text)).scaleb(digits)
    assert value == int(value)
    return int(value)


def received(name: str) -> Iterator[tuple[bytes, Any]]:
    """Yields what came in: the bytes, and the JSON with every number as a Decimal."""
    for row in gzip.decompress(shared_file(name).read_bytes()).splitlines():
        _, direction, raw = row.split(b"\t", 2)
        if direction == b"in":
            yield raw, json.loads(raw, parse_float=Decimal, parse_int=Decimal)


class DecimalBook:
    """A book of Decimals."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def set(self, bid: bool, price: Decimal, size: Decimal) -> None:
        side = self.bids if bid else self.asks
        side.pop(price, None)
        if size:
            side[price] = size

    def levels(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Returns both sides as the engine counts, best first."""
        bids = sorted(self.bids.items(), reverse=True)
        return _levels(bids), _levels(sorted(self.asks.items()))


def _levels(levels: list[tuple[Decimal, Decimal]]) -> list[tuple[int, int]]:
    return [(scaled(price, 9), scaled(size, 8)) for price, size in levels]

"""A book as its venue has it, in integers, to prove what the venue says of it; kept by dialects.

Checksums are over number texts. They are made from the integers again: a venue writes a number
either with the digits of its pair or in the shortest way, and its checksum proves which.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from functools import lru_cache
from zlib import crc32

from thft.gateway.port import Level
from thft.model.fixed import PRICE_DIGITS, SIZE_DIGITS, format_scaled

BIDS, ASKS = 0, 1
MOST_LEVELS = 10_000
"""A side with more levels than any venue shows is no book."""
TEXTS_KEPT = 1 << 16

_Pair = Callable[[Level], str]


class VenueBook:
    """Both sides of one book; `depth` 0 keeps every level until the venue removes it."""

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._prices: tuple[list[int], list[int]] = ([], [])
        self._sizes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.partial = False
        """It did not begin with a snapshot: what it holds proves nothing."""
        self.messages = 0
        """How many messages it has taken; the dialect counts them."""

    def apply(self, side: int, levels: Sequence[Level]) -> Sequence[Level]:
        """Applies one side's levels; returns them, and as removed what fell out of the depth."""
        prices, sizes = self._prices[side], self._sizes[side]
        for price, size in levels:
            if size:
                if price not in sizes:
                    insort(prices, price)
                sizes[price] = size
            elif price in sizes:
                del sizes[price]
                del prices[bisect_left(prices, price)]
        return [*levels, *self._cut(side)] if 0 < self._depth < len(prices) else levels

    def _cut(self, side: int) -> list[Level]:
        prices, sizes = self._prices[side], self._sizes[side]
        beyond = slice(self._depth, None) if side else slice(None, len(prices) - self._depth)
        gone = prices[beyond]
        del prices[beyond]
        for price in gone:
            del sizes[price]
        return [(price, 0) for price in gone]

    def best(self, side: int, count: int) -> list[Level]:
        """Returns at most so many levels of a side, the best first."""
        prices, sizes = self._prices[side], self._sizes[side]
        chosen = prices[:count] if side else prices[: -count - 1 : -1]
        return [(price, sizes[price]) for price in chosen]

    def flaw(self) -> str:
        """Returns what no book may be: crossed, locked or endless; empty when it is none."""
        bids, asks = self._prices
        if bids and asks and bids[-1] >= asks[0]:
            return "bid at or above ask"
        if len(bids) > MOST_LEVELS or len(asks) > MOST_LEVELS:
            return f"more than {MOST_LEVELS} levels on a side"
        return ""


# ---- checksums ---------------------------------------------------------------------------------


def padded_checksum(book: VenueBook, depth: int, price_decimals: int, size_decimals: int) -> int:
    """Returns the CRC-32 of digits without points and leading zeros, asks first (Kraken)."""
    price_unit = 10 ** (PRICE_DIGITS - price_decimals)
    size_unit = 10 ** (SIZE_DIGITS - size_decimals)
    levels = [*book.best(ASKS, depth), *book.best(BIDS, depth)]
    text = "".join([f"{price // price_unit}{size // size_unit}" for price, size in levels])
    return crc32(text.encode())


def paired_checksum(book: VenueBook, depth: int) -> int:
    """Returns the signed CRC-32 of `price:size`, bid and ask in turns (OKX)."""
    return _signed(_in_turns(book.best(BIDS, depth), book.best(ASKS, depth), _plain_pair))


def amount_checksum(book: VenueBook, depth: int) -> int:
    """Returns the signed CRC-32 of `price:amount`, bid and ask in turns, asks negative (Bitfinex).

    Numbers are written as JavaScript does: below 1e-6 with an exponent.
    """
    asks = [(price, -size) for price, size in book.best(ASKS, depth)]
    return _signed(_in_turns(book.best(BIDS, depth), asks, _script_pair))


def _in_turns(bids: list[Level], asks: list[Level], pair: _Pair) -> str:
    texts: list[str] = []
    for bid, ask in zip(bids, asks, strict=False):
        texts += pair(bid), pair(ask)
    both = min(len(bids), len(asks))
    texts += map(pair, bids[both:])
    texts += map(pair, asks[both:])
    return ":".join(texts)


def _signed(text: str) -> int:
    value = crc32(text.encode())
    return value - (1 << 32) if value >> 31 else value


@lru_cache(TEXTS_KEPT)
def _plain_pair(level: Level) -> str:
    price, size = level
    return f"{format_scaled(price, PRICE_DIGITS)}:{format_scaled(size, SIZE_DIGITS)}"


@lru_cache(TEXTS_KEPT)
def _script_pair(level: Level) -> str:
    price, size = level
    return f"{script_number(price, PRICE_DIGITS)}:{script_number(size, SIZE_DIGITS)}"


def script_number(value: int, digits: int) -> str:
    """Returns value / 10**digits as JavaScript writes the number."""
    figures = str(abs(value))
    leading = digits - len(figures)
    if not value or leading < 6:
        return format_scaled(value, digits)
    figures = figures.rstrip("0")
    point = f".{figures[1:]}" if figures[1:] else ""
    return f"{'-' if value < 0 else ''}{figures[0]}{point}e-{leading + 1}"


# ---- numbers -----------------------------------------------------------------------------------


def decimals(number: bytes) -> int:
    """Returns how many digits a plain number text has behind its point."""
    point = number.find(b".")
    return len(number) - point - 1 if point >= 0 else 0

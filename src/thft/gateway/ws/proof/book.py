"""What proves a book that is kept as its venue has it: order and checksums; called by dialects.

Checksums are over number texts. They are made from the integers again: a venue writes a number
either with the digits of its pair or in the shortest way, and its checksum proves which.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from zlib import crc32

from thft.gateway.port import Level
from thft.model.book import DepthBook
from thft.model.fixed import ABSENT, PRICE_DIGITS, SIZE_DIGITS, format_scaled

TEXTS_KEPT = 1 << 16

_Pair = Callable[[Level], str]


def flaw(book: DepthBook) -> str:
    """Returns what no book may be: crossed or locked; empty when it is none."""
    bid, _, ask, _ = book.top()
    return "bid at or above ask" if ABSENT != bid >= ask != ABSENT else ""


# ---- checksums ---------------------------------------------------------------------------------


def padded_checksum(book: DepthBook, depth: int, price_decimals: int, size_decimals: int) -> int:
    """Returns the CRC-32 of digits without points and leading zeros, asks first (Kraken)."""
    price_unit = 10 ** (PRICE_DIGITS - price_decimals)
    size_unit = 10 ** (SIZE_DIGITS - size_decimals)
    levels = [*book.asks(depth), *book.bids(depth)]
    text = "".join([f"{price // price_unit}{size // size_unit}" for price, size in levels])
    return crc32(text.encode())


def paired_checksum(book: DepthBook, depth: int) -> int:
    """Returns the signed CRC-32 of `price:size`, bid and ask in turns (OKX)."""
    return _signed(_in_turns(book.bids(depth), book.asks(depth), _plain_pair))


def amount_checksum(book: DepthBook, depth: int) -> int:
    """Returns the signed CRC-32 of `price:amount`, bid and ask in turns, asks negative (Bitfinex).

    Numbers are written as JavaScript does: below 1e-6 with an exponent.
    """
    asks = [(price, -size) for price, size in book.asks(depth)]
    return _signed(_in_turns(book.bids(depth), asks, _script_pair))


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

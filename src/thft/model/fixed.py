"""Scaled-integer prices, sizes and money: parse, format, multiply; used everywhere.

Texts are read by a native leaf or its idiomatic twin, which is also the specification.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from thft import _native
from thft.model._numbers_py import (
    INT64_MAX,
    PRICE_DIGITS,
    SIZE_DIGITS,
    BadNumber,
    pack_json,
    pack_pairs,
    unpack_pairs,
)

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.model._numbers_py import parse_price, parse_scaled, parse_size
else:
    from thft.model._numbers import parse_price, parse_scaled, parse_size

__all__ = [
    "ABSENT",
    "INT64_MAX",
    "MONEY_DIGITS",
    "MONEY_ONE",
    "PRICE_DIGITS",
    "PRICE_ONE",
    "SIZE_DIGITS",
    "SIZE_ONE",
    "BadNumber",
    "divide_half_even",
    "format_scaled",
    "notional",
    "pack_json",
    "pack_pairs",
    "parse_price",
    "parse_scaled",
    "parse_size",
    "trade_id",
    "unpack_pairs",
]

MONEY_DIGITS = 9
PRICE_ONE = 10**PRICE_DIGITS
SIZE_ONE = 10**SIZE_DIGITS
MONEY_ONE = 10**MONEY_DIGITS

ABSENT = -(2**63)
"""The value a missing price or size carries; never a number to calculate with."""


def trade_id(text: str) -> int:
    """Returns a venue's trade id as a positive int64; of one that is no number a 63-bit digest.

    The digest is the begin of SHA-256 of the text: the same in every run and on every machine.
    """
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") & INT64_MAX


def format_scaled(value: int, digits: int) -> str:
    """Returns the shortest plain decimal text of `value` / 10**digits."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**digits)
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{digits}d}".rstrip("0")


def divide_half_even(numerator: int, denominator: int) -> int:
    """Returns numerator / denominator rounded half to even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    double = 2 * rest
    if double > denominator or (double == denominator and quotient & 1):
        quotient += 1
    return quotient


def notional(price: int, size: int) -> int:
    """Returns price (1e-9) × size (1e-8) as money at 1e-9, rounded half-even."""
    return divide_half_even(price * size, SIZE_ONE)

"""Scaled-integer prices, sizes and money: parse, format, multiply; used everywhere."""

from __future__ import annotations

from hashlib import sha256

from thft.base.errors import RemoteError

PRICE_DIGITS = 9
SIZE_DIGITS = 8
MONEY_DIGITS = 9
PRICE_ONE = 10**PRICE_DIGITS
SIZE_ONE = 10**SIZE_DIGITS
MONEY_ONE = 10**MONEY_DIGITS

ABSENT = -(2**63)
"""The value a missing price or size carries; never a number to calculate with."""

INT64_MAX = 2**63 - 1


class BadNumber(RemoteError):
    """A number text that is malformed, too large, or finer than the scale can hold."""


def parse_scaled(text: str, digits: int, name: str = "number") -> int:
    """Returns `text` (plain decimal, optional exponent) times 10**digits, exactly.

    Raises BadNumber naming `name` when the text is no number, carries more precision than
    `digits` can hold, or does not fit a signed 64-bit integer.
    """
    whole, _, fraction = text.partition(".")
    plain = whole + fraction
    if len(plain) <= 18 and len(fraction) <= digits and plain.isascii() and plain.isdigit():
        value: int = int(plain) * 10 ** (digits - len(fraction))
        if value <= INT64_MAX:
            return value
    return _parse_any(text, digits, name)


def _parse_any(text: str, digits: int, name: str) -> int:
    """The whole grammar: sign, exponent, any length; and the words for what is wrong."""
    mantissa, marker, exponent = text.partition("e") if "e" in text else text.partition("E")
    whole, _, fraction = mantissa.partition(".")
    negative = whole.startswith("-")
    unsigned = whole[1:] if whole[:1] in ("-", "+") else whole
    figures = unsigned + fraction
    if not (figures.isascii() and figures.isdigit()):
        raise BadNumber(f"{name}: {text[:40]!r} is not a decimal number", "check the venue's frame")
    power = exponent[1:] if exponent[:1] in ("-", "+") else exponent
    if marker and not (power.isascii() and power.isdigit() and len(power) <= 4):
        raise BadNumber(f"{name}: bad exponent in {text[:40]!r}", "check the venue's frame")
    shift = digits - len(fraction) + (int(exponent) if marker else 0)
    if abs(shift) > 40:
        raise BadNumber(f"{name}: {text[:40]!r} is out of range", "check the venue's frame")
    value: int = int(figures)
    if shift >= 0:
        value *= 10**shift
    else:
        value, rest = divmod(value, 10**-shift)
        if rest:
            raise BadNumber(f"{name}: {text[:40]!r} is finer than 1e-{digits}", "widen the scale")
    if value > INT64_MAX:
        raise BadNumber(f"{name}: {text[:40]!r} does not fit 64 bits at 1e-{digits}", "check it")
    return -value if negative else value


def parse_price(text: str, name: str = "price") -> int:
    """Returns a price at 1e-9; raises BadNumber."""
    return parse_scaled(text, PRICE_DIGITS, name)


def parse_size(text: str, name: str = "size") -> int:
    """Returns a size at 1e-8; raises BadNumber."""
    return parse_scaled(text, SIZE_DIGITS, name)


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

"""Number texts as scaled integers in Python: twin and specification of `_numbers`; see `fixed`.

A price is an int64 at 1e-9, a size an int64 at 1e-8. Packed levels are int64 pairs (price, size),
little-endian and one after the other, as a depth frame has them: a batch of any length is one
object.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from sys import byteorder

import msgspec

from thft.base.errors import RemoteError

PRICE_DIGITS = 9
SIZE_DIGITS = 8
INT64_MAX = 2**63 - 1
MOST_FIGURES = 1_000
"""What is longer is no number: Python itself reads no more than some thousand."""

Text = str | bytes | msgspec.Raw
"""A number as a venue wrote it: the content of a string, or the bytes of a JSON number."""


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
    if not (figures.isascii() and figures.isdigit() and len(figures) <= MOST_FIGURES):
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


def pack_levels(rows: Sequence[Sequence[Text]], name: str = "level") -> bytes:
    """Returns packed levels of rows that begin with price and size; raises BadNumber.

    An element may be a text, or a msgspec.Raw: a JSON string or a JSON number.
    """
    numbers: list[int] = []
    for row in rows:
        if len(row) < 2:
            raise BadNumber(f"{name}: a level without price and size", "check the venue's frame")
        numbers.append(parse_price(_text(row[0]), name))
        numbers.append(parse_size(_text(row[1]), name))
    return _packed(numbers)


def pack_json(
    raw: bytes | msgspec.Raw, name: str = "level", price_key: str = "", size_key: str = ""
) -> bytes:
    """Returns packed levels of a JSON array; raises BadNumber, or DecodeError for what is none.

    Its elements are arrays that begin with price and size or, when keys are given, objects that
    have them; strings or numbers alike.
    """
    if not price_key:
        return pack_levels(msgspec.json.decode(raw, type=list[list[msgspec.Raw]]), name)
    wanted = price_key, size_key
    found = msgspec.json.decode(raw, type=list[dict[str, msgspec.Raw]])
    return pack_levels([[one[key] for key in wanted if key in one] for one in found], name)


def pack_pairs(levels: Sequence[tuple[int, int]]) -> bytes:
    """Returns packed levels of (price, size) integers."""
    return _packed([number for level in levels for number in level])


def unpack_pairs(packed: bytes) -> list[tuple[int, int]]:
    """Returns the (price, size) integers of packed levels."""
    numbers = array("q", packed)
    if byteorder == "big":
        numbers.byteswap()
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _packed(values: list[int]) -> bytes:
    numbers = array("q", values)
    if byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _text(value: Text) -> str:
    if isinstance(value, str):
        return value
    raw = bytes(value)
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str)
    return raw.decode()

"""Values of fields in Python, read and written: numbers and times; part of the twins of `wire`."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from thft.fix.terms import BadValue, Unsendable

NUMBERS = ("int", "price", "size", "timestamp")
KINDS = ("text", *NUMBERS, "char", "bool")
LARGEST_NAMED_TAG = 99_999
"""Of layouts and dictionaries: their tables are as long as their largest tag."""
INT64_MAX = 2**63 - 1
PRICE_DIGITS, SIZE_DIGITS = 9, 8
SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
FRACTION_DIGITS = (0, 3, 6, 9, 12)
FIRST_YEAR, LAST_YEAR = 1970, 2261

_DECIMAL = re.compile(rb"(-?)([0-9]*)(?:\.([0-9]*))?")
_WHOLE = re.compile(rb"(-?)([0-9]+)")
_UTC = re.compile(
    rb"([0-9]{8})-([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)"
    rb"(?:\.([0-9]{3}|[0-9]{6}|[0-9]{9}|[0-9]{12}))?"
)


def scaled(text: bytes, digits: int, tag: int) -> int:
    """Returns a FIX float (`-`, figures, one point; no exponent) times 10**digits, exactly.

    Raises BadValue when it is none, is finer than the scale, or does not fit 64 bits.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise BadValue(tag, text, "is not a decimal number")
    fraction = (match[3] or b"").rstrip(b"0")
    if len(fraction) > digits:
        raise BadValue(tag, text, f"is finer than 1e-{digits}")
    figures = (match[2] + fraction.ljust(digits, b"0")).lstrip(b"0")
    return _bounded(match[1], figures, tag, text)


def whole(text: bytes, tag: int) -> int:
    """Returns a FIX int; raises BadValue when it is none or does not fit 64 bits."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise BadValue(tag, text, "is not an integer")
    return _bounded(match[1], match[2].lstrip(b"0"), tag, text)


def _bounded(sign: bytes, figures: bytes, tag: int, text: bytes) -> int:
    value = int(figures or b"0") if len(figures) < 20 else INT64_MAX + 1
    if value > INT64_MAX:
        raise BadValue(tag, text, "does not fit 64 bits")
    return -value if sign else value


def utc_ns(text: bytes, tag: int) -> int:
    """Returns a UTCTimestamp as ns since 1970; picoseconds are cut off.

    Takes seconds with 0, 3, 6, 9 or 12 digits behind the point. A leap second (`:60`) is the
    first second of the next minute. Raises BadValue.
    """
    match = _UTC.fullmatch(text)
    day = _day(match[1]) if match else None
    if match is None or day is None:
        raise BadValue(tag, text, "is not a UTC time")
    if not 0 <= day < LAST_NS // DAY_NS:
        raise BadValue(tag, text, f"is outside {FIRST_YEAR} to {LAST_YEAR}")
    hour, minute, second = map(int, match.group(2, 3, 4))
    ns = int((match[5] or b"")[:9].ljust(9, b"0"))
    return day * DAY_NS + (hour * 3_600 + minute * 60 + second) * SECOND_NS + ns


def is_utc(text: bytes) -> bool:
    """Returns whether a text is a UTCTimestamp, of any year."""
    match = _UTC.fullmatch(text)
    return match is not None and is_date(match[1])


def is_date(text: bytes) -> bool:
    """Returns whether a text is a day `YYYYMMDD`."""
    return len(text) == 8 and text.isdigit() and _day(text) is not None


@lru_cache(maxsize=64)
def _day(date: bytes) -> int | None:
    """Returns the days from 1970 to a date `YYYYMMDD`, None when there is no such date."""
    year, month, day = int(date[:4]), int(date[4:6]), int(date[6:])
    if 1 <= month <= 12 and 1 <= day <= days_in_month(year, month):
        return _days(year, month) + day - 1
    return None


def days_in_month(year: int, month: int) -> int:
    """Returns how many days a month has."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _days(year: int, month: int) -> int:
    """Returns the days from 1970 to the first of a month: years begin in March, leaps behind."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    leaps = year // 4 - year // 100 + year // 400
    return year * 365 + leaps + (153 * month + 2) // 5 - 719_468


LAST_NS = _days(LAST_YEAR + 1, 1) * DAY_NS


def typed(kind: str, text: bytes, tag: int) -> Any:
    """Returns a value as its kind (terms.Kind) reads; raises BadValue."""
    match kind:
        case "text":
            return text.decode(errors="replace")
        case "price":
            return scaled(text, PRICE_DIGITS, tag)
        case "size":
            return scaled(text, SIZE_DIGITS, tag)
        case "int":
            return whole(text, tag)
        case "timestamp":
            return utc_ns(text, tag)
        case "char" if len(text) == 1 and text.isascii():
            return text.decode()
        case "bool" if text in (b"Y", b"N"):
            return text == b"Y"
    raise BadValue(tag, text, "is not one character" if kind == "char" else "is neither Y nor N")


def format_scaled(value: int, digits: int, tag: int) -> bytes:
    """Returns the shortest plain decimal text of value / 10**digits; raises Unsendable."""
    if not -INT64_MAX <= value <= INT64_MAX:
        raise Unsendable(tag, f"{value} does not fit 64 bits")
    rest, fraction = divmod(abs(value), 10**digits)
    sign = "-" if value < 0 else ""
    if not fraction:
        return b"%s%d" % (sign.encode(), rest)
    return f"{sign}{rest}.{fraction:0{digits}d}".rstrip("0").encode()


def format_price(value: int) -> bytes:
    """Returns the text of a price at 1e-9."""
    return format_scaled(value, PRICE_DIGITS, 0)


def format_size(value: int) -> bytes:
    """Returns the text of a size at 1e-8."""
    return format_scaled(value, SIZE_DIGITS, 0)


def format_timestamp(ns: int, digits: int = 3, tag: int = 0) -> bytes:
    """Returns a UTCTimestamp with 0, 3, 6, 9 or 12 digits behind the point; raises Unsendable."""
    if digits not in FRACTION_DIGITS:
        raise Unsendable(tag, f"{digits} digits behind the second; use 0, 3, 6, 9 or 12")
    if not 0 <= ns < LAST_NS:
        raise Unsendable(tag, f"{ns} ns is outside {FIRST_YEAR} to {LAST_YEAR}")
    seconds, fraction = divmod(ns, SECOND_NS)
    text = _second(seconds)
    return text if digits == 0 else text + (b".%09d000" % fraction)[: digits + 1]


@lru_cache(maxsize=4)
def _second(seconds: int) -> bytes:
    """Returns the timestamp of a whole second since 1970."""
    day, second = divmod(seconds, 86_400)
    era_day = day + 719_468
    era, of_era = divmod(era_day, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    march = (5 * of_year + 2) // 153
    month = march + 3 if march < 10 else march - 9
    date = (era * 400 + year + (month <= 2), month, of_year - (153 * march + 2) // 5 + 1)
    return b"%04d%02d%02d-%02d:%02d:%02d" % (
        *date,
        second // 3_600,
        second // 60 % 60,
        second % 60,
    )


def by_tag(slots: Mapping[int, int]) -> bytes:
    """Returns a table that native code reads: an int16 for each tag from 0 on, -1 for none."""
    table = array("h", [-1]) * (max(slots, default=0) + 1)
    for tag, slot in slots.items():
        if tag >= 0:
            table[tag] = slot
    return table.tobytes()

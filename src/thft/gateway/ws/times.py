"""Venues' times as ns since 1970, ABSENT where they say none; called by dialects."""

from __future__ import annotations

import re
from datetime import datetime

from thft.model.fixed import ABSENT, BadNumber

LATEST_MS = 10**13
"""In the year 2286; what is later than that does not fit as ns."""
ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?")
"""Time to the second, its fraction, and where it is from."""


def of_ms(ms: int) -> int:
    """Returns ms since 1970 as ns; raises BadNumber for what is no time."""
    if not 0 <= ms < LATEST_MS:
        raise BadNumber(f"{ms} is no time in ms", "check the venue's frame")
    return ms * 1_000_000 if ms else ABSENT


def of_ms_text(text: str) -> int:
    """Returns a text of ms since 1970 as ns; raises BadNumber for what is no time."""
    if not text:
        return ABSENT
    if not (text.isascii() and text.isdigit() and len(text) <= 13):
        raise BadNumber(f"{text[:40]!r} is no time in ms", "check the venue's frame")
    return of_ms(int(text))


def of_iso(text: str) -> int:
    """Returns an ISO 8601 time, UTC unless it says so, as ns, all its digits; raises BadNumber."""
    if not text:
        return ABSENT
    parts = ISO.fullmatch(text)
    try:
        moment = datetime.fromisoformat(parts[1] + (parts[3] or "Z")) if parts else None
    except ValueError:
        moment = None
    if parts is None or moment is None or not 0 <= moment.timestamp() * 1_000 < LATEST_MS:
        raise BadNumber(f"{text[:40]!r} is no time", "check the venue's frame")
    return int(moment.timestamp()) * 1_000_000_000 + int((parts[2] or "").ljust(9, "0"))

"""Venues' times as ns since 1970, ABSENT where they say none; called by dialects."""

from __future__ import annotations

from datetime import datetime

from thft.model.fixed import ABSENT, BadNumber

LATEST_MS = 10**13


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
    """Returns an ISO 8601 time in UTC as ns, digits beyond µs too; raises BadNumber."""
    if not text:
        return ABSENT
    whole, _, fraction = text.removesuffix("Z").removesuffix("+00:00").partition(".")
    try:
        moment = datetime.fromisoformat(f"{whole}+00:00")
    except ValueError:
        raise BadNumber(f"{text[:40]!r} is no time", "check the venue's frame") from None
    if fraction and not (fraction.isascii() and fraction.isdigit() and len(fraction) <= 9):
        raise BadNumber(f"{text[:40]!r} is no time", "check the venue's frame")
    return int(moment.timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)

"""Times as people write them on a command line; used by the commands that take a span of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from thft.base.errors import LocalError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
AGO = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
MINUTE_MS = 60_000
UNITS_MS = {"m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": 1_440 * MINUTE_MS, "w": 10_080 * MINUTE_MS}


def utc_ms(option: str, text: str, now_ms: int) -> int:
    """Returns a time in UTC, ms: ISO 8601 (UTC without a zone), or `7d` for seven days ago.

    Raises LocalError naming the option.
    """
    if ago := AGO.fullmatch(text):
        return max(now_ms - int(ago[1]) * UNITS_MS[ago[2]], 0)
    try:
        said = datetime.fromisoformat(text)
        moment = said.replace(tzinfo=UTC) if said.tzinfo is None else said
        inside = EPOCH <= moment < LATEST
    except (ValueError, OverflowError):
        inside = False
    if not inside:
        raise LocalError(
            f"{option} {text!r} is no time",
            "write 2026-11-26, 2026-11-26T09:30, 2026-11-26T09:30+02:00, or 7d, 12h, 30m, 2w ago",
        )
    return (moment - EPOCH) // timedelta(milliseconds=1)

"""How far the wall clock may be from UTC, as the kernel keeps it; read by the core's upkeep."""

from __future__ import annotations

import ctypes
import sys
from typing import NamedTuple

TIME_ERROR = 5
"""What adjtimex returns when nothing disciplines the clock."""


class ClockError(NamedTuple):
    """Bounds in ns; without a time service the first grows by 0.5 ms a second, up to 16 s."""

    synchronised: bool
    max_error_ns: int
    estimated_error_ns: int


class _Timex(ctypes.Structure):
    """struct timex of Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def clock_error() -> ClockError | None:
    """Returns what the kernel knows of the clock's error, None where it does not say.

    Nothing is changed and no right is needed; some containers refuse the call all the same.
    """
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None) if sys.platform == "linux" else None
    if adjtimex is None:
        return None
    timex = _Timex(modes=0)
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        return None
    return ClockError(state != TIME_ERROR, timex.maxerror * 1_000, timex.esterror * 1_000)

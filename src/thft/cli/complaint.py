"""The one line on standard error with which a command ends badly; printed by main and roles."""

from __future__ import annotations

import sys

from thft import DISPLAY_NAME

WRONG, UNUSABLE = 1, 2
"""Exit codes: found wrong; usage or configuration (it can never run like this)."""


def complain(error: object, code: int = UNUSABLE) -> int:
    """Prints an error as one line, whatever it holds; returns the exit code."""
    print(f"{DISPLAY_NAME}: {' '.join(str(error).split())}", file=sys.stderr)
    return code

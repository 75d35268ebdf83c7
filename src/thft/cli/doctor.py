"""`thft doctor`: says what this installation is made of."""

from __future__ import annotations

import platform

from thft import __version__, _native


def doctor() -> int:
    """Shows version, Python and whether native code serves."""
    print(f"thft {__version__} on Python {platform.python_version()} ({platform.machine()})")
    print(f"leaves: {_native.reason}")
    return 0

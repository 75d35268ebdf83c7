"""Chooses between native extensions and their Python twins, for all leaves at once.

The one reader of THFT_PURE; every twin pair asks `USE_NATIVE` here, `thft doctor` shows `reason`.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

EXTENSIONS = (
    "thft.base._frame",
    "thft.fix._layout",
    "thft.fix._rules",
    "thft.fix._wire",
    "thft.gateway.ws._reader",
    "thft.kernel._dispatch",
    "thft.model._book",
    "thft.model._numbers",
    "thft.stream._syncing",
)


def _choose() -> tuple[bool, str]:
    if os.environ.get("THFT_PURE") == "1":
        return False, "Python twins: THFT_PURE=1"
    missing = [name for name in EXTENSIONS if find_spec(name) is None]
    if missing:
        return False, f"Python twins: {', '.join(missing)} not built (no C compiler at install?)"
    return True, "native extensions"


USE_NATIVE = False
reason = "Python twins: while choosing"
# find_spec imports parent packages, which ask USE_NATIVE in turn only through leaves imported later
USE_NATIVE, reason = _choose()

"""Puts a file in place as a whole or not at all; used by the commands that write one."""

from __future__ import annotations

import os
from pathlib import Path

from thft.base.errors import LocalError


def write_whole(path: Path, text: str) -> None:
    """Puts a text in place, durable; raises LocalError, and what was there stays then."""
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        beside.replace(path)
    except OSError as error:
        raise LocalError(f"{path} cannot be written: {error.strerror}", "check it") from error

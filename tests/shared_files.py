"""Where recorded market data lies on a developer's machine; tests that need it say so and skip.

The product ships no market data. A checkout that has a `shared/data` folder beside it (or
THFT_SHARED pointing at one) runs those tests; elsewhere they are not collected at all, so that a
machine without the data is green and says why.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(
    os.environ.get("THFT_SHARED") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


def needs(*names: str) -> pytest.MarkDecorator:
    """Marks a test that needs these files; `conftest` leaves it out where they are absent."""
    return pytest.mark.shared_files(*names)


def shared_file(name: str) -> Path:
    """Returns a file of the data folder."""
    return FOLDER / name


def missing(names: tuple[str, ...]) -> list[str]:
    """Returns the names that are not there."""
    return [name for name in names if not shared_file(name).is_file()]

"""Copies of the project with one bug planted, for tests that prove their gates see it."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def planted_copy(folder: Path, file: str, old: str, new: str) -> Path:
    """Copies sources and tests to `folder`, with `new` where `old` stands in src/thft/`file`."""
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", folder / "src", ignore=skipped)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=skipped)
    for name in ("pyproject.toml", "hatch_build.py"):
        shutil.copy(ROOT / name, folder / name)
    path = folder / "src" / "thft" / file
    text = path.read_text()
    assert text.count(old) == 1, f"{file}: the text to change is not there once: {old!r}"
    path.write_text(text.replace(old, new))
    return folder

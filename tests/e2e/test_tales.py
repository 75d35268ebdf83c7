"""ARCHITECTURE.md's three tales, run: the functions are called in the order in which they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TITLES = {"A quote": "quote", "An order": "order", "A restart": "restart"}
LINE = re.compile(r"\d+\. `([^`:]+:[^`]+)` — ")


def written_tales() -> dict[str, list[str]]:
    """Returns the functions named under each tale's title."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    tales = {}
    for title, name in TITLES.items():
        part = text.split(f"### {title}\n", 1)[1].split("\n#", 1)[0]
        tales[name] = LINE.findall(part)
    return tales


def missing_in_order(wanted: list[str], called: list[str]) -> str:
    """Returns the first function that is not called behind the ones before it, empty if none."""
    at = 0
    for name in wanted:
        while at < len(called) and called[at] != name:
            at += 1
        if at == len(called):
            return name
    return ""


@pytest.mark.alone
def test_the_tales_are_what_happens(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.tale_run", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "THFT_PURE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    called = json.loads(done.stdout)
    tales = written_tales()
    assert [len(lines) for lines in tales.values()] == [18, 27, 20]
    for name, wanted in tales.items():
        assert missing_in_order(wanted, called[name]) == "", name
        assert missing_in_order([*wanted, wanted[0]][::-1], called[name]) != "", name

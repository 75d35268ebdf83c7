"""Appends a line about a long campaign to docs/ledger, when THFT_LEDGER=1; called by campaigns."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from thft import _native

ROOT = Path(__file__).resolve().parents[1]


def note(campaign: str, **figures: object) -> None:
    """Appends figures, commit and kind of leaves to docs/ledger/CAMPAIGN.jsonl."""
    if os.environ.get("THFT_LEDGER") != "1":
        return
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    line = {**figures, "native": _native.USE_NATIVE, "commit": commit.stdout.strip()}
    folder = ROOT / "docs" / "ledger"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{campaign}.jsonl").open("a") as ledger:
        ledger.write(json.dumps(line) + "\n")

"""`thft history` against `thft core` and `thft venue mt5|mt4`, all of them processes."""

from __future__ import annotations

import csv
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fix.programs import Program
from tests.venue.test_metatrader_programs import CONFIG, SECRET, said

pytestmark = pytest.mark.slow
PAPER = '[[accounts]]\nname = "paper"\nfeed = "broker"\n'
FAULTS = "".join(
    f'[[faults]]\ndo = "manual"\nat_s = {at_s}\nlots = "{lots}"\n'
    for at_s, lots in ((0.1, "0.03"), (0.3, "-0.02"))
)


def history(config: Path, *arguments: str) -> tuple[int, str, str]:
    """Runs the command; returns its exit code, output and errors."""
    command = [sys.executable, "-m", "thft", "history", *arguments, "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(params=["mt5", "mt4"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path, Program]]:
    """A core whose terminal has dealt twice by hand: dialect, configuration and the terminal."""
    dialect, log = request.param, tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key, config, faults = (tmp_path / name for name in ("key", "c.toml", "f.toml"))
    key.write_text(f"{SECRET}\n")
    faults.write_text(FAULTS)
    text = CONFIG.format(data=tmp_path / "data", port=port, dialect=dialect, key=key)
    config.write_text(text + PAPER)
    with log.open("w") as out:
        command = [sys.executable, "-m", "thft", "core", "--config", str(config)]
        core = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        said(log, "feed 1 OFFLINE: no EA has connected yet")
        where, options = f"127.0.0.1:{port}", ("--key", f"file:{key}", "--faults", str(faults))
        with Program("venue", dialect, "--connect", where, "--hedging", *options) as terminal:
            said(log, "feed 1 READY")
            yield dialect, config, terminal
    finally:
        core.terminate()
        core.wait(20)
    assert core.returncode == 0
    code, _, errors = history(config, dialect, "acc")
    assert code == 1 and "no core with a MetaTrader account runs in" in errors


def test_history_from_the_command_line(place: tuple[str, Path, Program]) -> None:
    dialect, config, terminal = place
    deadline = time.monotonic() + 30
    while True:
        code, out, errors = history(config, dialect, "acc", "--deals", "--json")
        if (code, out.count("\n")) == (0, 2):
            break
        assert time.monotonic() < deadline, (code, out, errors)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["lots"], row["units"]) for row in rows] == [("0.03", "3000"), ("0.02", "2000")]
    assert [row["side"] for row in rows] == ["buy", "sell"]
    assert "2 rows" in errors
    target = config.with_name("deals.csv")
    day = "--symbol", "EURUSD", "--from", "1d"
    assert history(config, dialect, "acc", *day, "--csv", str(target))[0] == 0
    told = list(csv.DictReader(target.read_text().splitlines()))
    assert [row for row in told if row["kind"] == "deal"] == [
        {**dict.fromkeys(told[0], ""), **row} for row in rows
    ]
    code, out, _ = history(config, dialect, "acc", "--deals")
    assert [line.split("\t")[0] for line in out.splitlines()] == ["kind", "deal", "deal"]
    code, out, _ = history(config, dialect, "acc", "--to", "1h", "--csv", "-")
    assert (code, out.count("\n")) == (0, 1)
    for arguments, expected, words in WRONG:
        asked = [argument.replace("DIALECT", dialect) for argument in arguments]
        code, out, errors = history(config, *asked)
        assert (code, out) == (expected, "") and words in errors, (arguments, code, errors)
    terminal.stop()
    while "offline: connected, then lost" not in (errors := history(config, dialect, "acc")[2]):
        assert time.monotonic() < deadline + 30, errors


WRONG = [
    (("DIALECT", "acc", "--symbol", "XAUUSD"), 1, "has no symbol 'XAUUSD', it has EURUSD"),
    (("DIALECT", "acc", "--from", "1d", "--to", "2d"), 2, "--from 1d is not before --to 2d"),
    (("DIALECT", "acc", "--from", "2150-01-01"), 2, "is not before now"),
    (("DIALECT", "acc", "--from", "yesterday"), 2, "--from 'yesterday' is no time"),
    (("DIALECT", "paper"), 2, "'paper' is no "),
    (("DIALECT", "nobody"), 2, "'nobody' is no account here"),
    (("DIALECT", "acc", "--json", "--csv", "x"), 2, "exclude each other"),
    (("DIALECT", "acc", "--csv", "/nowhere/x.csv"), 2, "cannot be written"),
]

"""`thft symbol`: answers in one line each, and the map as CSV, there and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFIG = """
mode = "paper"
symbol_map = "map.csv"
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[instruments]]
symbol = "XAUUSD"
digits = 2
pip = "0.01"
[[venues]]
name = "broker"
dialect = "bybit"
symbols = { EURUSD = "EUR-USD", XAUUSD = "GOLD.x" }
"""


def thft(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thft", "symbol", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_each_name_is_answered_in_its_line() -> None:
    done = thft("resolve", "EURUSD.m", "tBTCUSD", "FOO", "")
    fields = [line.split("\t") for line in done.stdout.splitlines()]
    assert fields[:2] == [["EURUSD.m", "EURUSD"], ["tBTCUSD", "BTCUSD"]]
    assert [one[:2] for one in fields[2:]] == [["FOO", "UNKNOWN"], ["", "INVALID"]]
    assert all(one[2] for one in fields[2:]) and done.returncode == 1
    assert thft("resolve", "EUR/USD").returncode == 0


def test_an_accounts_affix_is_learned_from_its_names() -> None:
    names = ["EURUSDqq", "GBPUSDqq", "USDJPYqq", "XAUUSDqq"]
    alone, together = thft("resolve", *names), thft("resolve", *names, "--account", "acc")
    assert alone.returncode == 1 and "UNKNOWN" in alone.stdout
    answers = [line.split("\t")[1] for line in together.stdout.splitlines()]
    assert answers == ["EURUSD", "GBPUSD", "USDJPY", "XAUUSD"] and together.returncode == 0


def test_the_map_goes_out_and_comes_back_as_it_was(tmp_path: Path) -> None:
    config = tmp_path / "thft.toml"
    config.write_text(CONFIG)
    (tmp_path / "map.csv").write_text("venue,account,raw,canonical\n")
    out = tmp_path / "out.csv"
    done = thft("export", out, "--config", config)
    assert done.returncode == 0, done.stderr
    first = out.read_text()
    assert "EUR-USD" in first and "GOLD.x" in first
    done = thft("import", out, "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert thft("export", "-", "--config", config).stdout == first


def test_bad_rows_are_named_and_nothing_is_taken(tmp_path: Path) -> None:
    config = tmp_path / "thft.toml"
    config.write_text(CONFIG)
    before = "venue,account,raw,canonical\n"
    (tmp_path / "map.csv").write_text(before)
    rows = before + "broker,,EURUSD.q,EURUSD\nbroker,,EURUSD.q,GBPUSD\n"
    done = thft("import", "-", "--config", config, stdin=rows)
    assert done.returncode == 1
    assert done.stdout.startswith("-:") and "EURUSD.q" in done.stdout
    assert (tmp_path / "map.csv").read_text() == before

"""`thft history`: times people write, cells spreadsheets run, and cores that break off."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from thft.base.errors import LocalError
from thft.base.spreadsheet import defused
from thft.cli.moments import utc_ms
from thft.gateway.metatrader.history.door import open_socket

NOW_MS = 1_790_000_000_000
CONFIG = """
data_dir = "{folder}"
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[venues]]
name = "broker"
dialect = "mt5"
symbols = {{ EURUSD = "EURUSD" }}
[venues.metatrader]
login = "1"
server = "S"
key_id = "k"
key = "env:K"
[[accounts]]
name = "acc"
feed = "broker"
kind = "venue"
"""
ROW = {"kind": "deal", "ticket": "7", "time_server": "2026-11-26T03:00:00.000", "comment": "[b]x"}
END = {"kind": "end", "complete": True, "deals": 1, "orders": 0, "reaches_back_to": ""}
PROGRESS = {"kind": "progress", "done": 256, "total": 700}


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01", 0),
        ("2026-11-26", 1_795_651_200_000),
        ("2026-11-26T00:00:00.123", 1_795_651_200_123),
        ("2026-11-26T00:00Z", 1_795_651_200_000),
        ("2026-11-26T02:00+02:00", 1_795_651_200_000),
        ("30m", NOW_MS - 1_800_000),
        ("12h", NOW_MS - 43_200_000),
        ("7d", NOW_MS - 604_800_000),
        ("2w", NOW_MS - 1_209_600_000),
        ("99999w", 0),
    ],
)
def test_times(text: str, ms: int) -> None:
    assert utc_ms("--from", text, NOW_MS) == ms


@pytest.mark.parametrize(
    "text",
    [
        *("", "0d", "-7d", "7", "7y", "1.5d", "7d ", "٧d", "yesterday", "26.11.2026", "2026-13-01"),
        *("1969-12-31", "2026-02-30", "9999-12-31", "0001-01-01T00:00+14:00", "2026-11-26T25:00"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(LocalError, match=r"--to .* is no time — write 2026-11-26"):
        utc_ms("--to", text, NOW_MS)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\rx", " =1", "＝1", " -2"])
def test_formulas_are_defused(text: str) -> None:
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "ab12-1-7", "a=1", "1-1", "'=1", "3.5"])
def test_other_cells_stay(text: str) -> None:
    assert defused(text) == text


def asked(
    folder: Path, said: list[object], *options: str, raw: bytes = b"", terminal: bool = False
) -> tuple[int, str, str, dict[str, object]]:
    """Asks a core that says these things and breaks off.

    Returns exit code, output, errors, and what it was asked; a terminal shows both as one.
    """
    config, requests = folder / "c.toml", []
    config.write_text(CONFIG.format(folder=folder))
    listening = open_socket(folder)
    listening.setblocking(True)
    listening.listen()

    def serve() -> None:
        guest, _ = listening.accept()
        with guest, guest.makefile("rb") as file:
            requests.append(json.loads(file.readline()))
            guest.sendall(b"".join(json.dumps(one).encode() + b"\n" for one in said) + raw)
            guest.shutdown(socket.SHUT_WR)
            file.read()

    core = threading.Thread(target=serve)
    core.start()
    command = [sys.executable, "-m", "thft", "history", "mt5", "acc", *options]
    code, out, errors = (on_terminal if terminal else piped)([*command, "--config", str(config)])
    core.join(20)
    listening.close()
    return code, out, errors, requests[0]


def piped(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def on_terminal(command: list[str]) -> tuple[int, str, str]:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    running = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while piece := os.read(ours, 65_536):
            shown += piece
    os.close(ours)
    return running.wait(60), shown.decode(), ""


def test_without_a_terminal_progress_is_lines_and_rows_have_tabs(tmp_path: Path) -> None:
    waits = {"kind": "waits"}
    code, out, errors, request = asked(
        tmp_path, [waits, PROGRESS, ROW, END], "--from", "1970-01-02", "--symbol", "A", "B"
    )
    assert (code, errors.splitlines()) == (
        0,
        ["waits for the terminal", "256 of 700 rows", "1 rows"],
    )
    heading, row = (line.split("\t") for line in out.splitlines())
    assert dict(zip(heading, row, strict=True)) == dict.fromkeys(heading, "") | ROW
    assert request == {
        "account": "acc",
        "platform": "5",
        "from_ms": 86_400_000,
        "to_ms": 0,
        "symbols": ["A", "B"],
        "deals": True,
        "orders": True,
    }


def test_on_a_terminal_there_is_a_bar_and_a_table(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "comment": "\x1b[31mred"}]
    code, out, _, _ = asked(tmp_path, [PROGRESS, *rows, END], terminal=True)
    assert code == 0
    assert "256/700" in out and "[b]x" in out
    assert "\\x1b[31mred" in out and "\x1b[31mred" not in out


def test_kinds_and_times_are_asked_for(tmp_path: Path) -> None:
    for option in ("deals", "orders"):
        _, _, _, request = asked(
            tmp_path, [END], f"--{option}", "--to", "2020-01-01", "--from", "2019-01-01T00:00+01:00"
        )
        both = {"deals": request["deals"], "orders": request["orders"]}
        assert both == {"deals": False, "orders": False} | {option: True}
        assert (request["from_ms"], request["to_ms"]) == (1_546_297_200_000, 1_577_836_800_000)


def test_who_breaks_off_is_not_told_that_all_is_well(tmp_path: Path) -> None:
    config, target = tmp_path / "c.toml", tmp_path / "rows.csv"
    config.write_text(CONFIG.format(folder=tmp_path))
    listening = open_socket(tmp_path)
    listening.setblocking(True)
    listening.listen()
    command = [sys.executable, "-m", "thft", "history", "mt5", "acc", "--config", str(config)]
    with listening, subprocess.Popen([*command, "--csv", str(target)], stderr=-1) as asking:
        guest, _ = listening.accept()
        with guest:
            assert guest.recv(65_536).endswith(b"\n")
            asking.send_signal(signal.SIGINT)
            _, errors = asking.communicate(timeout=60)
    assert (asking.returncode, target.exists()) == (1, False)
    assert b"broken off: nothing is written" in errors


@pytest.mark.parametrize(
    ("said", "raw", "words"),
    [
        ([PROGRESS, ROW], b"", "the core ended amid its answer, after 1 rows"),
        ([ROW], b'{"kind": "de', "the core ended amid its answer, after 1 rows"),
        ([], b"", "the core ended amid its answer, after 0 rows"),
        ([{"kind": "failed", "words": "no such symbol"}], b"", "no such symbol"),
    ],
)
def test_what_is_not_whole_is_not_written(
    tmp_path: Path, said: list[object], raw: bytes, words: str
) -> None:
    target = tmp_path / "rows.csv"
    target.write_text("from before")
    code, out, errors, _ = asked(tmp_path, said, "--csv", str(target), raw=raw)
    assert (code, out) == (1, "") and words in errors
    assert target.read_text() == "from before"


def test_what_the_terminal_says_is_not_all_is_written_and_said(tmp_path: Path) -> None:
    end = {**END, "complete": False, "reaches_back_to": "2026-11-20T00:00:00.000Z"}
    code, out, errors, _ = asked(tmp_path, [ROW, end], "--json")
    assert (code, json.loads(out)) == (1, ROW)
    assert "reaches back to 2026-11-20T00:00:00.000Z: the terminal says that it may not" in errors

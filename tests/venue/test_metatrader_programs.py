"""`thft core` and `thft venue mt5|mt4` as processes: it dials, trades by hand, ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.fix.programs import Program

CONFIG = """
mode = "paper"
data_dir = "{data}"
[journal]
min_free_mib = 0
[metatrader]
port = {port}
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[venues]]
name = "broker"
dialect = "{dialect}"
symbols = {{ EURUSD = "EURUSD" }}
[venues.metatrader]
login = "51001234"
server = "Broker-Demo"
key_id = "k1"
key = "file:{key}"
[[accounts]]
name = "acc"
feed = "broker"
kind = "venue"
model = "hedging"
"""
FAULTS = '[[faults]]\ndo = "manual"\nat_s = 0.5\nlots = "-0.03"\n'
SECRET = "5a" * 32


def said(log: Path, words: str) -> str:
    """Waits until the core has said something; returns all it has said."""
    deadline = time.monotonic() + 30
    while words not in (text := log.read_text()):
        assert time.monotonic() < deadline, f"no {words!r} in {text}"
        time.sleep(0.02)
    return text


@pytest.mark.parametrize("dialect", ["mt5", "mt4"])
def test_a_terminal_dials_a_core_and_a_trade_by_hand_halts(tmp_path: Path, dialect: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key, config, faults, log = (tmp_path / name for name in ("key", "c.toml", "f.toml", "log"))
    key.write_text(f"{SECRET}\n")
    faults.write_text(FAULTS)
    config.write_text(CONFIG.format(data=tmp_path / "data", port=port, dialect=dialect, key=key))
    with log.open("w") as out:
        command = [sys.executable, "-m", "thft", "core", "--config", str(config)]
        core = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ})
    try:
        said(log, "feed 1 OFFLINE: no EA has connected yet")
        where, options = f"127.0.0.1:{port}", ("--key", f"file:{key}", "--faults", str(faults))
        with Program("venue", dialect, "--connect", where, "--hedging", *options) as terminal:
            assert json.loads(terminal.ready) == {dialect: where}
            said(log, "feed 1 READY: all symbols with ticks of now")
            said(log, "account acc READY: orders clear, positions equal")
            said(log, "-3000 at the broker, 0 booked here")
            code, text, _ = terminal.stop()
        assert (code, json.loads(text.splitlines()[-1])["deals"]) == (0, 1)
        said(log, "OFFLINE: connected, then lost")
    finally:
        core.terminate()
        core.wait(20)
    assert core.returncode == 0
    written = b"".join(
        path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()
    )
    assert SECRET.encode() not in written + log.read_bytes()

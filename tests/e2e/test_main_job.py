"""The main job on recorded input: two real venues' EURUSD through sockets, strategy and journal."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.demo_process import DemoProcess
from tests.shared_files import needs, shared_file

from thft.base.frame import Frame
from thft.model import event as ev
from thft.model.codec import decode
from thft.stream.reader import read_all

pytestmark = pytest.mark.alone

FAST = "fx/eurusd/fxcm/2014-05-08.csv.gz"
SLOW = "fx/eurusd/oanda/2014-05-08.csv.gz"
NOON_MS, HOUR_MS, DAY_MS = 12 * 3_600_000, 3_600_000, 86_400_000
PRICE_ONE = 10**9


def rows(path: Path) -> list[tuple[int, int, int]]:
    """Returns (ts_ns, bid, ask) of 12:00–13:00 UTC, by a reading of its own."""
    found = []
    with gzip.open(path, "rt") as text:
        for row in csv.DictReader(text):
            ts_ms = int(row["ts_ms"])
            if NOON_MS <= ts_ms % DAY_MS < NOON_MS + HOUR_MS:
                found.append((ts_ms * 1_000_000, scaled(row["bid"]), scaled(row["ask"])))
    return found


def scaled(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(9, "0"))


def events(frames: list[Frame], kind: type[ev.Event]) -> list[tuple[Frame, Any]]:
    return [
        (frame, decode(frame.type, frame.version, frame.payload))
        for frame in frames
        if frame.type == kind.TYPE
    ]


@pytest.mark.slow
@needs(FAST, SLOW)
def test_an_hour_of_two_venues_is_journaled_traded_and_replayed(tmp_path: Path) -> None:
    files = ["--quotes-fast", str(shared_file(FAST)), "--quotes-slow", str(shared_file(SLOW))]
    window = ["--speed", "max", "--since", "12:00", "--until", "13:00"]
    with DemoProcess(tmp_path / "data", *files, *window) as demo:
        assert demo.process.wait(240) == 0, demo.output
    frames = read_all(demo.directory / "core")

    fast, slow = rows(shared_file(FAST)), rows(shared_file(SLOW))
    assert f"ticks sent fast {len(fast)}  slow {len(slow)}" in demo.output
    quotes = [event for _, event in events(frames, ev.Quote)]
    stamps = [frame.recv_ts_ns for frame, _ in events(frames, ev.Quote)]
    assert [(ts, q.bid, q.ask) for ts, q in zip(stamps, quotes, strict=True)] == fast
    updates = [frame for frame, depth in events(frames, ev.Depth) if not depth.reset]
    assert [frame.recv_ts_ns for frame in updates] == [ts for ts, _, _ in slow]

    fills = [event for _, event in events(frames, ev.Fill)]
    position = realised = trips = 0
    for fill in fills:
        before, position = position, position + fill.side * fill.size
        realised += fill.realised
        trips += bool(before) and not position
    assert trips >= 20
    assert f"round trips {trips}" in demo.output
    shown = demo.output.split("realised ")[1].split()[0]
    assert round(float(shown) * 100) == round(realised / PRICE_ONE * 100)

    command = [sys.executable, "-m", "thft", "replay", str(demo.directory), "--verify"]
    replayed = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert f"events={len(frames) - 1} " in replayed.stdout
    hot, sealed = bytes_per_quote(demo.directory)
    print(f"bytes per quote of recorded venues: hot {hot}, sealed {sealed}")
    assert hot <= 96 and sealed <= 24


def bytes_per_quote(data: Path) -> tuple[float, float]:
    """Seals the journal and returns what `journal stats` says a quote takes, before and after."""
    for command in ("seal", "stats"):
        arguments = [sys.executable, "-m", "thft", "journal", command, str(data)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True)
    words = done.stdout.split("bytes per quote: hot ")[1].split()
    return float(words[0].rstrip(",")), float(words[2])


@pytest.mark.slow
@needs(FAST, SLOW)
def test_paced_playback_trades_in_market_time(tmp_path: Path) -> None:
    files = ["--quotes-fast", str(shared_file(FAST)), "--quotes-slow", str(shared_file(SLOW))]
    window = ["--speed", "200", "--since", "12:00", "--until", "12:20"]
    with DemoProcess(tmp_path / "data", *files, *window) as demo:
        assert demo.process.wait(120) == 0, demo.output
    frames = read_all(demo.directory / "core")
    until = NOON_MS + HOUR_MS // 3
    sent = [row for row in rows(shared_file(FAST)) if row[0] // 1_000_000 % DAY_MS < until]
    quotes = [event for _, event in events(frames, ev.Quote)]
    assert [(q.bid, q.ask) for q in quotes] == [(bid, ask) for _, bid, ask in sent]
    assert frames[-1].recv_ts_ns - frames[0].recv_ts_ns > 15 * 60 * 10**9
    assert len(events(frames, ev.Fill)) >= 2

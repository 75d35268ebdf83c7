"""SIGKILL at random moments of the whole core under load; the judge tails the journal from outside.

A venues process plays the seeded market at ten times its pace, a core trades it and is killed and
started again and again while commands arrive through the api's log.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.ledger import note

from thft._native import USE_NATIVE
from thft.api.command_log import CommandLog
from thft.base.frame import LOG_TYPES, Frame
from thft.cli.demo_config import demo_configuration
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.command import CommandRecord
from thft.stream.reader import batches, read_all

KILLS = int(os.environ.get("THFT_ENGINE_KILLS", "100" if USE_NATIVE else "20"))
LIFE_S = (0.05, 0.6)
WAIT_S = 60.0
"""For a core to write, on a machine with other work; not reached while it does."""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A configuration over running venues."""
    command = [sys.executable, "-m", "thft", "venue", "demo", "--seed", "3", "--speed", "10"]
    venues = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert venues.stdout is not None
        ports = json.loads(venues.stdout.readline())
        path = tmp_path / "engine.toml"
        text = demo_configuration(tmp_path / "data", 0, 3, ports)
        busy = 'offset_mode = "off"\ntrade_pause_ms = 0'  # trades from its first quote on
        path.write_text(text.replace('offset_mode = "auto"', busy))
        yield path
    finally:
        venues.terminate()
        venues.wait(10)


class Watcher:
    """Everything ever seen in the journal: it must stay there unchanged."""

    def __init__(self, core: Path) -> None:
        self.core = core
        self.seen: list[Frame] = []

    def look(self) -> int:
        """Takes what is new; returns the last seq."""
        if any(self.core.glob("*.log")):
            for frames in batches(self.core, len(self.seen)):
                assert frames[0].seq == len(self.seen) + 1
                self.seen += frames
        return len(self.seen)


def wait_for(watcher: Watcher, seq: int, core: subprocess.Popen[bytes]) -> None:
    """Returns when the journal has grown behind `seq`."""
    deadline = time.monotonic() + WAIT_S
    while watcher.look() <= seq:
        assert core.poll() is None, f"the core ended by itself with {core.returncode}"
        assert time.monotonic() < deadline, "the core writes nothing"
        time.sleep(0.005)


def command(number: int) -> CommandRecord:
    body = {"strategy": "arb-eurusd", "params": {"tp_points": 300 + number}}
    return CommandRecord(f"c{number}", "strategy_params", msgspec.json.encode(body), "test")


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_a_killed_engine_loses_and_repeats_nothing(tmp_path: Path, config: Path) -> None:
    seed = int(os.environ.get("THFT_SEED", "11"))
    print(f"seed {seed}")
    choose = random.Random(seed)
    watcher = Watcher(tmp_path / "data" / "core")
    log = CommandLog(tmp_path / "data" / "api")
    start = [sys.executable, "-m", "thft", "core", "--config", str(config)]
    with (tmp_path / "core.log").open("w") as output:
        for number in range(KILLS):
            core = subprocess.Popen(start, stdout=output, stderr=output)
            wait_for(watcher, len(watcher.seen), core)
            asyncio.run(log.append(command(number)))
            time.sleep(choose.uniform(*LIFE_S))
            watcher.look()
            core.send_signal(signal.SIGKILL)
            core.wait()
            watcher.look()
        core = subprocess.Popen(start, stdout=output, stderr=output)
        wait_for(watcher, len(watcher.seen), core)
        asyncio.run(log.append(command(KILLS)))
        wait_for_command(watcher, f"c{KILLS}", core)
        core.terminate()
        assert core.wait(20) == 0
    log.close()
    judge(watcher, KILLS)
    replay = [sys.executable, "-m", "thft", "replay", str(tmp_path / "data"), "--verify"]
    replayed = subprocess.run(replay, capture_output=True, text=True, timeout=600, check=False)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    print(f"{KILLS} kills, {len(watcher.seen)} events: {replayed.stdout.strip()}")
    note("kills-engine", seed=seed, kills=KILLS, events=len(watcher.seen), failures=0)


def wait_for_command(watcher: Watcher, command_id: str, core: subprocess.Popen[bytes]) -> None:
    """Returns when the core has answered a command."""
    deadline = time.monotonic() + WAIT_S
    looked = 0
    while time.monotonic() < deadline:
        watcher.look()
        for frame in watcher.seen[looked:]:
            if frame.type == ev.CommandDone.TYPE and command_id.encode() in frame.payload:
                return
        looked = len(watcher.seen)
        assert core.poll() is None
        time.sleep(0.01)
    raise AssertionError(f"no answer to {command_id}")


def judge(watcher: Watcher, kills: int) -> None:
    """Compares what was seen while it ran with what is there now, and folds it independently."""
    watcher.look()
    frames = read_all(watcher.core)
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert frames == watcher.seen, "something that was written has changed or gone"
    counts: Counter[tuple[str, str]] = Counter()
    epochs: list[int] = []
    position: Counter[tuple[str, int]] = Counter()
    shown: dict[tuple[str, int], int] = {}
    for frame in frames:
        if frame.type >= LOG_TYPES:
            continue
        event = decode(frame.type, frame.version, frame.payload)
        if isinstance(event, ev.CoreStarted):
            epochs.append(event.epoch)
        elif isinstance(event, ev.OrderSubmitted):
            counts["order", event.client_order_id] += 1
        elif isinstance(event, ev.CommandDone):
            counts["command", event.command_id] += 1
            assert event.status == "done", event
        elif isinstance(event, ev.Fill):
            counts["fill", event.exec_id] += 1
            position[event.account, event.instrument] += event.side * event.size
        elif isinstance(event, ev.PositionChanged):
            shown[event.account, event.instrument] = event.size
    assert epochs == list(range(1, kills + 2))
    assert [key for key, count in counts.items() if count != 1] == []
    assert {key for key in counts if key[0] == "command"} == {
        ("command", f"c{number}") for number in range(kills + 1)
    }
    assert shown == dict(position)
    assert sum(1 for kind, _ in counts if kind == "fill") > 0

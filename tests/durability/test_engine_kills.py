"""SIGKILL at random moments of the whole core under load; the judge tails the journal from outside.

A venues process plays the seeded market at ten times its pace, a core trades it and is killed and
started again and again while commands arrive through the api's log.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.durability.engine_oracle import fold
from tests.durability.engine_process import (
    command,
    core_command,
    done_commands,
    replay,
    venues,
    wait_until_ended,
)
from tests.ledger import note
from tests.seeds import seed_of_test

from thft._native import USE_NATIVE
from thft.api.command_log import CommandLog
from thft.base.frame import Frame
from thft.stream.reader import batches, read_all

KILLS = int(os.environ.get("THFT_ENGINE_KILLS", "100" if USE_NATIVE else "20"))
LIFE_S = (0.05, 0.6)
WAIT_S = 60.0
"""For a core to write, on a machine with other work; not reached while it does."""


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


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_a_killed_engine_loses_and_repeats_nothing(tmp_path: Path) -> None:
    seed = seed_of_test(11)
    choose = random.Random(seed)
    data = tmp_path / "data"
    watcher = Watcher(data / "core")
    log = CommandLog(data / "api")
    with venues(tmp_path, data) as config, (tmp_path / "core.log").open("w") as output:
        start = core_command(config)
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
        assert wait_until_ended(core) == 0
    log.close()
    judge(watcher, KILLS)
    replayed = replay(data)
    print(f"{KILLS} kills, {len(watcher.seen)} events: {replayed}")
    note("kills-engine", seed=seed, kills=KILLS, events=len(watcher.seen), failures=0)


def wait_for_command(watcher: Watcher, command_id: str, core: subprocess.Popen[bytes]) -> None:
    """Returns when the core has answered a command."""
    deadline = time.monotonic() + WAIT_S
    looked = 0
    while time.monotonic() < deadline:
        watcher.look()
        if command_id in done_commands(watcher.seen[looked:]):
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
    folded = fold(frames)
    folded.assert_applied_once()
    assert folded.of("fill")
    assert folded.epochs == list(range(1, kills + 2))
    assert folded.of("command") == {f"c{number}" for number in range(kills + 1)}

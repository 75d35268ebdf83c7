"""SIGKILL at random moments of a bare journal writer; the judge lives outside the process."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest
from tests.durability.kill_writer import BODY, Told, Writers, group_size, payload
from tests.ledger import note
from tests.seeds import seed_of_test

from thft._native import USE_NATIVE
from thft.base.frame import GROUP_END
from thft.stream.reader import batches
from thft.stream.verify import verify

KILLS = int(os.environ.get("THFT_KILLS", "1000" if USE_NATIVE else "300"))
FRESH_EVERY = 40
LIFE_S = 0.012


class Judge:
    """Reads the log after every kill and knows what may stand there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.seq = 0

    def after_kill(self, told: Told) -> None:
        """Raises AssertionError when something written is lost, changed or there twice."""
        child = told.child
        assert told.recovered == self.seq, f"child {told} recovered less than {self.seq}"
        group = place = found = 0
        for frames in batches(self.directory, self.seq):
            for frame in frames:
                assert frame.seq == self.seq + 1
                assert frame.payload == payload(child, group, place), BODY.unpack_from(
                    frame.payload
                )
                last = place == group_size(child, group) - 1
                assert bool(frame.flags & GROUP_END) is last
                group, place = (group + 1, 0) if last else (group, place + 1)
                self.seq = frame.seq
                found += 1
        assert place == 0, "an open group was read"
        assert group >= told.groups, f"child {told} has {group} groups left"
        assert found >= told.frames


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_killed_writer_loses_and_repeats_nothing(tmp_path: Path) -> None:
    seed = seed_of_test(7)
    choose = random.Random(seed)
    frames = 0
    with Writers(tmp_path) as writers:
        for child in range(KILLS):
            if child % FRESH_EVERY == 0:
                shutil.rmtree(tmp_path / "log", ignore_errors=True)
                judge = Judge(tmp_path / "log")
            writers.start(judge.directory, child + 1)
            writers.wait_begun()
            time.sleep(choose.random() * LIFE_S)
            before = judge.seq
            writers.kill()
            assert writers.told is not None
            judge.after_kill(writers.told)
            frames += judge.seq - before
            if child % FRESH_EVERY == FRESH_EVERY - 1:
                assert verify(judge.directory).last_seq == judge.seq
    print(f"{KILLS} kills, {frames} frames")
    assert frames > KILLS
    note("kills-writer", seed=seed, kills=KILLS, frames=frames, failures=0)

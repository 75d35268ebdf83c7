"""SIGKILL at random moments of a bare journal writer; the judge lives outside the process."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import pytest
from tests.durability.kill_writer import BODY, TOLD_BYTES, group_size, payload
from tests.ledger import note

from thft.base.frame import GROUP_END
from thft.stream.reader import batches
from thft.stream.verify import verify

KILLS = int(os.environ.get("THFT_KILLS", "1000"))
FRESH_EVERY = 40
LIFE_S = 0.012


class Writers:
    """Starts one writer after another from a warm process."""

    def __init__(self, folder: Path) -> None:
        shared = folder / "told"
        shared.write_bytes(bytes(TOLD_BYTES))
        with shared.open("r+b") as file:
            self.told = memoryview(mmap.mmap(file.fileno(), TOLD_BYTES)).cast("Q")
        command = [sys.executable, "-m", "tests.durability.kill_writer", str(shared)]
        self.server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def __enter__(self) -> Writers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait(10)

    def start(self, directory: Path, child: int) -> int:
        """Starts a writer; returns its pid once it writes."""
        assert self.server.stdin is not None
        self.server.stdin.write(f"{directory} {child}\n")
        lines = {self._line(), self._line()} - {"go"}
        return int(lines.pop())

    def kill(self, pid: int) -> tuple[int, int, int]:
        """Kills the writer; returns what it had told."""
        os.kill(pid, signal.SIGKILL)
        assert self._line() == "dead"
        recovered, groups, count = self.told
        return recovered, groups, count

    def _line(self) -> str:
        assert self.server.stdout is not None
        return self.server.stdout.readline().strip()


class Judge:
    """Reads the log after every kill and knows what may stand there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.seq = 0

    def after_kill(self, child: int, recovered: int, groups: int, count: int) -> None:
        """Raises AssertionError when something written is lost, changed or there twice."""
        assert recovered == self.seq, f"child {child} recovered {recovered}, log had {self.seq}"
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
        assert group >= groups, f"child {child} had written {groups} groups, {group} are left"
        assert found >= count


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_killed_writer_loses_and_repeats_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("THFT_SEED", "7"))
    print(f"seed {seed}")
    choose = random.Random(seed)
    frames = 0
    with Writers(tmp_path) as writers:
        for child in range(KILLS):
            if child % FRESH_EVERY == 0:
                shutil.rmtree(tmp_path / "log", ignore_errors=True)
                judge = Judge(tmp_path / "log")
            pid = writers.start(judge.directory, child)
            time.sleep(choose.random() * LIFE_S)
            before = judge.seq
            judge.after_kill(child, *writers.kill(pid))
            frames += judge.seq - before
            if child % FRESH_EVERY == FRESH_EVERY - 1:
                assert verify(judge.directory).last_seq == judge.seq
    print(f"{KILLS} kills, {frames} frames")
    assert frames > KILLS
    note("kills-writer", seed=seed, kills=KILLS, frames=frames, failures=0)

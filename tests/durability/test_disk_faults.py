"""Disks that fail under real writers and a real core: errors, a kill in a call, full, read-only.

Errors and kills are injected into the n-th system call of a kind from outside; full disks are real
ones. Whatever happens: the process ends and says why and what to do, what was written is there at
the next start, and once the disk is well again the log goes on.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.durability.engine_oracle import Oracle, fold
from tests.durability.engine_process import core_command, replay, venues, wait_until_ended
from tests.durability.kill_writer import Writers
from tests.durability.power import INSTALL, WAIT_S
from tests.durability.writer_judge import WriterJudge
from tests.ledger import note
from tests.mounts import mount, read_only, tmpfs
from tests.seeds import seed_of_test, seeded

from thft.stream.reader import read_all

POINTS = int(os.environ.get("THFT_FAULT_POINTS", "3"))
"""How many n are tried of each fault; 500 tries every n up to 500."""
LIVES = 3
LIFE_S = 1.0

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason=f"no strace: {INSTALL}")
pytestmark = pytest.mark.slow


class Fault(NamedTuple):
    """What happens to which call, and what the process must say; it is killed when that is empty.

    `on` is "+" when every later call meets it too.
    """

    name: str
    call: str
    what: str
    says: str = ""
    on: str = ""

    def under(self, number: int) -> list[str]:
        """Returns the program that runs another one with the fault in the n-th call of a thread."""
        inject = f"inject={self.call}:{self.what}:when={number}{self.on}"
        options = ["-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={self.call}", "-e", inject]
        return ["strace", *options]


FULL = "no space left — free disk space"
BROKEN = "Input/output error — check the disk"
RENAME, DELETE = "/^rename", "/^unlink"
FAULTS = (
    Fault("sync fails", "fdatasync", "error=EIO", f"fdatasync .*: {BROKEN}"),
    Fault("no room to write", "pwrite64", "error=ENOSPC", FULL),
    Fault("directory sync fails", "fsync", "error=EIO", f"fsync .*: {BROKEN}", "+"),
    Fault("no room for a segment", "fallocate", "error=ENOSPC", FULL, "+"),
    Fault("write fails", "pwrite64", "error=EIO", f"write .*: {BROKEN}"),
    Fault("rename fails", RENAME, "error=EIO", f"rename .*: {BROKEN}"),
    Fault("delete fails", DELETE, "error=EIO", f"remove .*: {BROKEN}"),
    Fault("killed in a sync", "fdatasync", "signal=SIGKILL"),
    Fault("killed in a directory sync", "fsync", "signal=SIGKILL"),
    Fault("killed in a write", "pwrite64", "signal=SIGKILL"),
    Fault("killed in a rename", RENAME, "signal=SIGKILL"),
    Fault("killed in a delete", DELETE, "signal=SIGKILL"),
)


@pytest.mark.alone
@needs_strace
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_writer_survives_a_fault_in_any_call(tmp_path: Path, fault: Fault) -> None:
    seed = seed_of_test(23)
    choose = random.Random(f"{seed} {fault.name}")
    last = max(POINTS, 60 if fault.call == "pwrite64" else 8)
    points = [1, *sorted(choose.sample(range(2, last + 1), POINTS - 1))]
    judge, log = WriterJudge(), tmp_path / "log"
    child = hit = 0
    with Writers(tmp_path / "well") as well:
        for point in points:
            with Writers(tmp_path / str(point), fault.under(point)) as writers:
                for _ in range(LIVES):
                    child += 1
                    writers.start(log, child)
                    if writers.ended(LIFE_S):
                        hit += 1
                        assert re.search(fault.says, writers.last_words()), writers.last_words()
                    else:
                        writers.kill()
                    judge.after(writers.told)
        child += 1
        well.start(log, child)
        well.wait_begun()
        well.kill()
        assert well.told is not None
        frames = judge.read(log, well.told)
    print(f"n = {points}: {hit} of {child - 1} lives ended by the fault, {frames} frames")
    assert hit >= child // 2
    note("disk-faults", seed=seed, fault=fault.name, points=len(points), hit=hit, frames=frames)


def test_a_full_or_read_only_disk_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    choose = seeded(29)
    for number, first in enumerate((8, 100, *(choose.randint(200, 3_000) for _ in range(6)))):
        judge, kib = WriterJudge(), first
        with tmpfs(tmp_path / str(number), 1) as disk, Writers(tmp_path / "well") as writers:
            for child in range(1, 6):
                assert mount("-o", f"remount,size={kib}k", str(disk)) == 0
                writers.start(disk / "log", child)
                assert writers.ended(WAIT_S), "a full disk is not noticed"
                assert FULL in writers.last_words()
                judge.after(writers.told)
                kib += choose.randint(0, 1_000)
            assert mount("-o", "remount,size=64m", str(disk)) == 0
            writers.start(disk / "log", 6)
            writers.wait_begun()
            writers.kill()
            assert writers.told is not None
            print(f"from {first} KiB: {judge.read(disk / 'log', writers.told)} frames")
            with read_only(disk):
                writers.start(disk / "log", 7)
                assert writers.ended(WAIT_S)
                said = writers.last_words()
                assert "Read-only file system — make the directory writable" in said


class CoreUnderFaults:
    """Cores on one journal, each under a fault; nothing ever seen may go."""

    def __init__(self, folder: Path, data: Path, config: Path) -> None:
        self.oracle = Oracle(data / "core")
        self._command = core_command(config)
        self._errors = folder / "core.log"

    def run(self, under: list[str], stop_at: int = 0) -> int:
        """Runs a core until it ends, asked to stop at `stop_at` events; returns its exit code."""
        oracle, starts = self.oracle, self.oracle.starts
        begun = len(oracle.seen)
        with self._errors.open("w") as errors:
            core = subprocess.Popen([*under, *self._command], stderr=errors)
        try:
            if stop_at:
                self._until(lambda: oracle.starts > starts and len(oracle.seen) > begun + stop_at)
                core.send_signal(signal.SIGTERM)
            self._until(lambda: core.poll() is not None)
        finally:
            core.kill()
        code = wait_until_ended(core)
        oracle.look()
        oracle.core_ended()
        assert oracle.lost == []
        return code

    def last_words(self) -> str:
        """Returns the last line that the core has printed."""
        return self._errors.read_text().splitlines()[-1]

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 3 * WAIT_S
        while not holds():
            assert time.monotonic() < deadline, self.last_words()
            self.oracle.look()
            time.sleep(0.005)


@needs_strace
def test_a_core_survives_disk_faults(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with venues(tmp_path, data, "segment_mib = 1\nunsynced_mib = 2") as config:
        cores = CoreUnderFaults(tmp_path, data, config)
        faults = [fault for fault in FAULTS if fault.call not in ("fsync", "fallocate")]
        for fault in faults:
            number, stop_at = (1, 200) if fault.call in (RENAME, DELETE) else (25, 0)
            code = cores.run(fault.under(number), stop_at)
            print(f"{fault.name}: {code}, {cores.last_words()}")
            assert code == -signal.SIGKILL if not fault.says else code > 0
            assert re.search(fault.says, cores.last_words())
        assert cores.run([], stop_at=200) == 0
    frames = read_all(data / "core")
    assert frames[: len(cores.oracle.seen)] == cores.oracle.seen
    folded = fold(frames)
    folded.assert_applied_once()
    assert folded.of("fill")
    assert len(folded.epochs) == len(faults) + 1
    print(replay(data))

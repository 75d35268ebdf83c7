"""A disk that stands still: the kernel trades on up to the stated bound, then takes no new risk.

How little latency a stall costs is measured by `thft bench stall`; here nothing depends on time: a
kernel that waited for the disk would wait for ever, because it is the one who lets the disk go on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.durability.stall_run import UNSYNCED_MIB, Stall, StallingDisk

from thft.base.errors import LocalError
from thft.model import event as ev
from thft.model.codec import decode
from thft.stream import syncing
from thft.stream.journal import Journal
from thft.stream.reader import read_all
from thft.stream.verify import verify

pytestmark = pytest.mark.alone

BOUND, SEGMENT = UNSYNCED_MIB << 20, 64 << 10


def test_the_kernel_waits_for_no_segment_before_the_bound_is_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stall = Stall()
    disk = StallingDisk(tmp_path, stall)
    journal = Journal(
        disk,
        instance="ab",
        created_ns=1,
        segment_bytes=SEGMENT,
        block_bytes=4 << 10,
        unsynced_bound=BOUND,
    )
    journal.syncer.interpose(stall.sync)
    while not journal.supply._ready.full():
        write(journal)
    stall.goes_on.clear()
    full = len(journal._full)
    while len(journal._full) == full:
        write(journal)  # the worst moment: the supply replaces the segment just taken
    assert disk.waiting.wait(20)
    monkeypatch.setattr(syncing, "TAKE_TIMEOUT_S", 0.05)
    before = journal.unsynced_bytes
    while journal.unsynced_bytes < before + BOUND:
        write(journal)
    with pytest.raises(LocalError, match="no new journal segment"):
        for _ in range(3 * SEGMENT):
            write(journal)
    stall.goes_on.set()
    journal.abandon()
    assert len(read_all(tmp_path)) == journal.written_seq


def write(journal: Journal) -> None:
    journal.append(257, 2, 1, 1, b"p" * 56)
    journal.flush()


@pytest.mark.slow
def test_a_core_trades_through_a_stall_and_takes_no_new_risk_beyond_the_bound(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.durability.stall_run", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    seen = json.loads(done.stdout)
    print(seen)
    before, stalled, degraded = seen["before"], seen["stalled"], seen["degraded"]
    assert before["fills"] > 50
    assert stalled["fills"] > 50, "it trades while the disk stands still"
    assert stalled["denied"] <= 1, "nothing is denied before the bound"
    assert BOUND < stalled["unsynced"] < BOUND + (1 << 20)
    assert seen["reason"] == f"{UNSYNCED_MIB} MiB wait for the disk"
    assert degraded["denied"] > 50
    assert degraded["orders"] <= 1, "beyond it only what reduces risk leaves"
    assert degraded["undurable"] > stalled["undurable"] > 0
    assert seen["after"]["fills"] > 50
    assert seen["after"]["denied"] == 0
    _check_log(tmp_path / "core", seen)


def _check_log(log: Path, seen: dict[str, int]) -> None:
    """Every quote and fill is there, and the stall with its reasons."""
    assert verify(log).damage is None
    events = [
        decode(frame.type, frame.version, frame.payload)
        for frame in read_all(log)
        if frame.type < 0xFF00
    ]
    quotes = sum(isinstance(event, ev.Quote) for event in events)
    fills = sum(isinstance(event, ev.Fill) for event in events)
    assert (quotes, fills) == (seen["quotes"], seen["fills"])
    changes = [event for event in events if isinstance(event, ev.DurabilityChanged)]
    assert [(change.degraded, change.reason) for change in changes] == [
        (True, f"{UNSYNCED_MIB} MiB wait for the disk"),
        (False, "the disk keeps up again"),
    ]

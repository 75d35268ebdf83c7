"""An engine whose oldest market data was removed goes on, is verified, replayed and served.

Real processes work on a journal of five days: the core removes what is older than its configuration
keeps, `journal verify` and `replay --verify` judge the rest, a core recovers from it, and an api
serves it with a store that has never seen the removed days.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.durability.aged_engine import AgedEngine
from tests.e2e.demo_process import free_port

from thft.base.frame import MARKET, METRICS, Frame
from thft.model import event as ev
from thft.model.codec import decode
from thft.stream.disk import RealDisk
from thft.stream.group.acks import AckNotice
from thft.stream.reader import batches, read_all
from thft.stream.retention import archive
from thft.stream.retention.root import read_root, seq_before
from thft.stream.segment import log_identity

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> AgedEngine:
    return AgedEngine(tmp_path_factory.mktemp("aged") / "data")


@pytest.fixture
def data(aged: AgedEngine, tmp_path: Path) -> Path:
    """A copy with a configuration that keeps two days."""
    copy = tmp_path / "data"
    shutil.copytree(aged.data, copy)
    (copy / "engine.toml").write_text(f'data_dir = "{copy}"\n\n[retention]\ntick_days = 2\n')
    return copy


def thft(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thft", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@contextmanager
def core(data: Path) -> Iterator[Path]:
    """Runs a core while the block runs; yields its log."""
    log = data.parent / "core.log"
    command = [sys.executable, "-m", "thft", "core", "--config", str(data / "engine.toml")]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield log
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def turns(core_log: Path) -> int:
    """Returns how often a core's loop has measured the disk: it has begun to turn."""
    after = seq_before(RealDisk(core_log))
    return sum(
        frame.type == ev.DiskMeasured.TYPE for batch in batches(core_log, after) for frame in batch
    )


def removed(data: Path) -> Path:
    """Has a core remove what is old; returns its log directory."""
    log = data / "core"
    with core(data) as said:
        until(lambda: (log / "root").exists() and "segments removed" in said.read_text(), "removed")
    return log


def test_old_segments_go_once_every_group_has_taken_them(data: Path) -> None:
    log = data / "core"
    names = sorted(path.name for path in log.glob("*.log*"))
    notice = AckNotice(data / "api", "store", log_identity(RealDisk(log)))
    notice.show(10)
    before = turns(log)
    with core(data):
        until(lambda: turns(log) > before, "the core has started")
    assert [name for name in names if not list(log.glob(f"{name[:8]}.log*"))] == []
    notice.show(1 << 40)
    removed(data)
    assert [name for name in names if not list(log.glob(f"{name[:8]}.log*"))] != []


def test_the_rest_is_whole_verified_and_replayed(aged: AgedEngine, data: Path) -> None:
    whole = read_all(data / "core")
    log = removed(data)
    disk = RealDisk(log)
    root, gone = read_root(disk), seq_before(disk)
    assert root is not None
    assert root.snapshot_seq == aged.snapshots.milestones()[2][0]
    rest = [frame for batch in batches(log, gone) for frame in batch]
    assert rest[: len(whole) - gone] == whole[gone:]
    kept = [frame for frame in whole[:gone] if frame.stream not in (MARKET, METRICS)]
    found = archive.archived(disk.folder(archive.FOLDER), root)
    assert [frame for batch in found for frame in batch] == kept
    assert len(fills(kept)) > 10

    verified = thft("journal", "verify", data)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    replayed = thft("replay", data, "--verify")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert f"events={rest[-1].seq - root.snapshot_seq - 1} " in replayed.stdout
    assert thft("journal", "dump", data, "--limit", 1).stdout.startswith(f"{gone + 1} ")
    archived = thft("journal", "dump", data, "--archived").stdout.splitlines()
    assert [int(line.split()[0]) for line in archived] == [frame.seq for frame in kept]
    assert "days_left=" in thft("journal", "stats", data).stdout

    snapshot = next((log / "snapshots").glob(f"{root.snapshot_seq:016d}*"))
    snapshot.write_bytes(snapshot.read_bytes()[:-1] + b"?")
    damaged = thft("replay", data, "--verify")
    assert damaged.returncode == 1
    assert "checksum differs" in damaged.stdout


def test_a_core_recovers_from_it_and_without_a_snapshot_says_why_not(data: Path) -> None:
    log = removed(data)
    before = turns(log)
    with core(data):
        until(lambda: turns(log) > before, "the core has started")
    started = [
        decode(frame.type, frame.version, frame.payload)
        for batch in batches(log, seq_before(RealDisk(log)))
        for frame in batch
        if frame.type == ev.CoreStarted.TYPE
    ]
    assert isinstance(started[-1], ev.CoreStarted)
    assert started[-1].note == ""
    assert thft("replay", data, "--verify").returncode == 0
    for path in (log / "snapshots").iterdir():
        path.unlink()
    refused = thft("core", "--config", data / "engine.toml")
    assert refused.returncode == 2
    assert "no good snapshot leads there" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_an_api_with_an_empty_store_knows_every_trade(aged: AgedEngine, data: Path) -> None:
    log = removed(data)
    kernel = aged.engine.kernel
    traded = fills(aged.engine.recorder.frames)
    assert len(traded) > 30
    port = free_port()
    command = [sys.executable, "-m", "thft", "api", "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        shown: list[dict[str, Any]] = []

        def arrived() -> bool:
            try:
                rows = get(port, "/api/v1/trades?limit=1000")
                state = get(port, "/api/v1/state")
            except OSError:
                return False
            shown[:] = [rows, state]
            return len(rows["items"]) == len(traded) and state["seq"] >= kernel.state.seq

        until(arrived, "all trades are there")
        rows, state = shown
        assert [row["seq"] for row in reversed(rows["items"])] == traded
        assert state["counters"]["fills"] == kernel.state.counters.fills
        assert state["counters"]["quotes"] == kernel.state.counters.quotes
        assert len(state["positions"]) == len(kernel.state.positions)
        notice = data / "api" / "groups" / "store"
        until(notice.exists, "the store says what it has taken")
        assert int(notice.read_text().split()[0]) > seq_before(RealDisk(log))
    finally:
        process.terminate()
        process.wait(20)


def fills(frames: list[Frame]) -> list[int]:
    return [frame.seq for frame in frames if frame.type == ev.Fill.TYPE]


def get(port: int, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
        return found

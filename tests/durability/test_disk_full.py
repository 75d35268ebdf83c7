"""A disk that really fills up under a running engine: alert, no new risk, end, and back by itself.

The engine is real processes under the real supervisor on a small tmpfs, at forty times the market's
pace. Level by level the disk is filled; everything that was ever read from the journal must be
there at the end, and the whole must replay.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.durability.test_engine_kills import Watcher
from tests.e2e.demo_process import free_port
from tests.e2e.supervised import SupervisedEngine
from tests.mounts import tmpfs

from thft.base.frame import LOG_TYPES
from thft.host.disk_space import free_bytes
from thft.model import event as ev
from thft.model.codec import decode
from thft.state.fold import State
from thft.stream.reader import read_all

MIB = 1 << 20
MIN_FREE = 8
SMALL = f"[journal]\nsegment_mib = 1\nunsynced_mib = 1\nmin_free_mib = {MIN_FREE}\n\n[risk]"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def fill(disk: Path, leave: int) -> None:
    """Writes a file until `leave` bytes are free, or shortens it until they are."""
    with (disk / "filler").open("ab") as file:
        while abs(wanted := free_bytes(disk) - leave) > 4_096 or (wanted and not leave):
            size = os.fstat(file.fileno()).st_size
            if wanted < 0:
                file.truncate(size + wanted)
                continue
            with contextlib.suppress(OSError):  # the engine was faster: once more
                os.posix_fallocate(file.fileno(), size, wanted)


def until(holds: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.alone
@pytest.mark.once
def test_a_full_disk_stops_new_risk_then_the_core_and_loses_nothing(tmp_path: Path) -> None:
    small = lambda text: text.replace("[risk]", SMALL)  # noqa: E731
    with tmpfs(tmp_path / "disk", 96) as disk:
        with SupervisedEngine(tmp_path, small, speed="40", data=disk / "data") as engine:
            watcher = Watcher(disk / "data" / "core")
            trading = engine.until(lambda state: state["counters"]["fills"] > 0)
            assert trading["disk"]["level"] == "OK"
            assert trading["disk"]["free_bytes"] > 4 * MIN_FREE * MIB
            watcher.look()

            fill(disk, 3 * MIN_FREE * MIB)
            low = engine.until(lambda state: state["disk"]["level"] == "LOW")
            assert said(low, "disk LOW: ")[0]["severity"] == "warning"
            assert low["durability"]["state"] == "OK"

            fill(disk, MIN_FREE * MIB)
            full = engine.until(lambda state: state["durability"]["state"] == "DEGRADED")
            assert "MiB are free" in full["durability"]["reason"]
            assert "free disk space" in full["durability"]["reason"]
            assert said(full, "DEGRADED(disk): ")[0]["severity"] == "error"
            assert engine.get("/api/v1/health")["status"] == "degraded"
            quotes = full["counters"]["quotes"]
            engine.until(lambda state: state["counters"]["quotes"] > quotes + 500)
            watcher.look()

            until(lambda: time.monotonic() - engine.core.started > 12, "the core has proven itself")
            pid = engine.get("/api/v1/health")["core"]["pid"]
            fill(disk, 0)
            until(lambda: ended(engine), f"the core ends: {engine.happened}", 120)
            watcher.look()
            until(
                lambda: any("MiB are needed" in line for line in engine.happened),
                f"refused: {engine.happened}",
            )
            assert not any("cannot run" in line for line in engine.happened)

            (disk / "filler").unlink()
            back = engine.until(
                lambda state: (
                    state["durability"]["state"] == "OK"
                    and state["core"]["alive"]
                    and state["counters"]["fills"] > full["counters"]["fills"]
                )
            )
            assert back["disk"]["level"] == "OK"
            until(lambda: store(engine) == "", "the store has caught up")
            assert back["core"]["pid"] != pid
            watcher.look()
        print(*engine.happened, engine.core_log[-3000:], sep="\n")
        frames = read_all(disk / "data" / "core")
        assert frames[: len(watcher.seen)] == watcher.seen
        no_risk_while_degraded(disk / "data" / "core")
        command = [sys.executable, "-m", "thft", "replay", str(disk / "data"), "--verify"]
        replayed = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def store(engine: SupervisedEngine) -> str:
    """Returns what is wrong with the api's SQL store."""
    error: str = engine.get("/api/v1/health")["store"]["error"]
    return error


def said(state: dict[str, Any], text: str) -> list[dict[str, Any]]:
    return [event for event in state["events"] if event["text"].startswith(text)]


def ended(engine: SupervisedEngine) -> bool:
    return any(
        "core ended (exit 1: " in line and "no space left" in line for line in engine.happened
    )


def no_risk_while_degraded(core: Path) -> None:
    """Folds the journal: between DEGRADED and OK every order only reduces a position."""
    state, degraded = State(), 0
    for frame in read_all(core):
        if frame.type >= LOG_TYPES:
            continue
        event = decode(frame.type, frame.version, frame.payload)
        if isinstance(event, ev.OrderSubmitted) and state.durability.degraded:
            held = state.net_size(event.account, event.instrument)
            assert held * event.side < 0, f"seq {frame.seq} adds risk: {event}"
        state.apply(event, frame.seq, frame.recv_ts_ns)
        degraded += state.durability.degraded
    assert degraded > 500


def test_api_and_demo_say_in_one_line_that_the_disk_is_full(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", 4) as disk:
        (disk / "data").mkdir()
        fill(disk, 0)
        for arguments in (["api"], ["demo"]):
            command = [sys.executable, "-m", "thft", *arguments, "--data", str(disk / "data")]
            command += ["--port", str(free_port())]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 2
            (line,) = done.stderr.splitlines()
            assert "no space left — free disk space" in line


def test_a_core_is_refused_on_a_disk_that_is_too_full(tmp_path: Path) -> None:
    config = tmp_path / "engine.toml"
    config.write_text("")
    with tmpfs(tmp_path / "disk", 16) as disk:
        command = [sys.executable, "-m", "thft", "core", "--config", str(config)]
        command += ["--data", str(disk / "data")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "16 MiB are free on this disk, 368 MiB are needed" in line
        assert "journal.min_free_mib 256 and 7 segments" in line
        assert line.endswith("free disk space, or lower journal.min_free_mib")
        assert list(disk.iterdir()) == []

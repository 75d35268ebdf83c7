"""The demo as a user runs it: real processes, sockets and signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.demo_process import DemoProcess

from thft.base.frame import LOG_TYPES
from thft.model import event as ev
from thft.model.codec import decode
from thft.state.fold import State
from thft.stream.reader import read_all

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def thft(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the program to its end."""
    command = [sys.executable, "-m", "thft", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_demo_trades_survives_a_kill_and_replays(tmp_path: Path) -> None:
    with DemoProcess(tmp_path / "data", "--seed", "1") as demo:
        before = demo.until("/api/v1/health", lambda health: health["fills"] >= 2)
        assert before["orders"] >= 2
        assert before["mode"] == "demo"
        assert before["accounts"] == {"slow-account": "READY"}
        os.kill(before["core"]["pid"], signal.SIGKILL)
        after = demo.until(
            "/api/v1/health",
            lambda health: (
                health["core"]["restarts"] == 1
                and health["fills"] > before["fills"]
                and health["quotes"] > before["quotes"]
            ),
        )
        assert after["core"]["pid"] != before["core"]["pid"]
        assert "core ended (SIGKILL)" in demo.output
        assert "core restarted" in demo.output
        (account,) = (state := demo.get("/api/v1/state"))["accounts"]
        assert account["state"] == "READY" and account["logons"] == 2  # positions are equal
        assert [start["epoch"] for start in state["restarts"]] == [1, 2]
        assert demo.stop() == 0
    assert "realised" in demo.output
    replayed = thft("replay", str(demo.directory), "--verify")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert replayed.stdout.strip().endswith("ok")
    assert "state_hash=" in replayed.stdout
    verified = thft("journal", "verify", str(demo.directory))
    assert verified.returncode == 0
    assert "closed ok" in verified.stdout


def test_the_kill_switch_holds_across_a_restart_of_the_core(tmp_path: Path) -> None:
    with DemoProcess(tmp_path / "data", "--seed", "1") as demo:
        demo.until("/api/v1/health", lambda health: health["fills"] >= 1)
        command = {"command_id": "k1", "kind": "kill_switch", "body": {"on": True, "reason": "x"}}
        status, answer = demo.post("/api/v1/commands", command)
        assert (status, answer["status"]) == (200, "done")
        assert demo.post("/api/v1/commands", command)[1] == answer
        pid = demo.get("/api/v1/health")["core"]["pid"]
        os.kill(pid, signal.SIGKILL)
        demo.until("/api/v1/health", lambda health: health["core"]["restarts"] == 1)
        shown = demo.until("/api/v1/state", lambda shown: shown["feeds"][0]["state"] == "READY")
        assert shown["kill"]["on"] is True
        assert shown["kill"]["reason"] == "x"
    state, switched = State(), False
    for frame in read_all(demo.directory / "core"):
        if frame.type >= LOG_TYPES:
            continue
        event = decode(frame.type, frame.version, frame.payload)
        if isinstance(event, ev.OrderSubmitted) and switched:
            held = state.net_size(event.account, event.instrument)
            assert held * event.side < 0, f"seq {frame.seq} adds risk: {event}"
        state.apply(event, frame.seq, frame.recv_ts_ns)
        switched = state.kill.on
    assert switched


def test_duration_ends_the_demo_with_a_summary(tmp_path: Path) -> None:
    with DemoProcess(tmp_path / "data", "--duration", "6") as demo:
        assert demo.process.wait(40) == 0
    assert "quotes" in demo.output
    assert "round trips" in demo.output


def test_a_taken_port_is_named_with_its_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = thft("demo", "--port", str(port), "--data", str(tmp_path / "data"))
    assert answer.returncode == 2
    assert f"port {port}" in answer.stderr
    assert "--port" in answer.stderr


def test_a_second_core_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with DemoProcess(tmp_path / "data") as demo:
        pid = demo.until("/api/v1/health", lambda health: health["core"]["alive"])["core"]["pid"]
        answer = thft("core", "--config", str(demo.directory / "demo.toml"))
        assert answer.returncode == 2
        assert f"in use by process {pid}" in answer.stderr
        assert demo.get("/api/v1/health")["core"]["pid"] == pid

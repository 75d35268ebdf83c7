"""A demo engine as processes, and the commands it takes; used by kill, power and fault tests."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from thft.base.frame import Frame
from thft.cli.demo_config import demo_configuration
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.command import CommandRecord


@contextlib.contextmanager
def venues(folder: Path, data: Path, journal: str = "", speed: int = 10) -> Iterator[Path]:
    """Yields a configuration of an engine in `data` over running venues, `speed` times as fast.

    `journal` is the body of its table [journal].
    """
    command = [sys.executable, "-m", "thft", "venue", "demo", "--seed", "3"]
    command += ["--speed", str(speed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        path = folder / "engine.toml"
        text = demo_configuration(data, 0, 3, ports)
        busy = 'offset_mode = "off"\ntrade_pause_ms = 0'  # trades from its first quote on
        text = text.replace('offset_mode = "auto"', busy)
        path.write_text(f"{text}\n[journal]\n{journal}\n")
        yield path
    finally:
        process.terminate()
        process.wait(10)


def core_command(config: Path) -> list[str]:
    """Returns the command line of a core."""
    return [sys.executable, "-m", "thft", "core", "--config", str(config)]


def command(number: int) -> CommandRecord:
    """Returns a command that changes a hot parameter."""
    body = {"strategy": "arb-eurusd", "params": {"tp_points": 300 + number % 1_000}}
    return CommandRecord(f"c{number}", "strategy_params", msgspec.json.encode(body), "test")


def done_commands(frames: Iterable[Frame]) -> Iterator[str]:
    """Yields the ids of commands that frames answer."""
    for frame in frames:
        if frame.type == ev.CommandDone.TYPE:
            event = decode(frame.type, frame.version, frame.payload)
            assert isinstance(event, ev.CommandDone)
            yield event.command_id


def replay(data: Path) -> str:
    """Replays a journal with every decision compared; returns the last line printed."""
    line = [sys.executable, "-m", "thft", "replay", str(data), "--verify"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def wait_until_ended(core: subprocess.Popen[bytes], wait_s: float = 20.0) -> int:
    """Returns a core's exit code."""
    deadline = time.monotonic() + wait_s
    while core.poll() is None:
        assert time.monotonic() < deadline, "the core does not end"
        time.sleep(0.01)
    return core.returncode

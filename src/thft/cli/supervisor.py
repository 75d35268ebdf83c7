"""Starts the engine's processes, restarts those that end, stops them in order; used by `demo`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
HEALTHY_S = 10.0
STOP_S = 15.0
CONFIG_EXIT = 2


@dataclass
class Role:
    """One process: how to start it, where its log goes, how often it was restarted."""

    name: str
    arguments: list[str]
    log: Path
    process: subprocess.Popen[str] | None = None
    restarts: int = 0
    started: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    stdout: IO[str] | None = field(default=None, repr=False)


class Supervisor:
    """Keeps roles running; a role that exits with 2 (configuration) is not started again."""

    def __init__(self, log_directory: Path) -> None:
        self._logs = log_directory
        self._logs.mkdir(parents=True, exist_ok=True)
        self.roles: list[Role] = []
        self.failed: Role | None = None

    def start(self, name: str, *arguments: str, answers: bool = False) -> Role:
        """Starts `thft NAME ARGUMENTS…`; with `answers` its standard output can be read."""
        role = Role(name, list(arguments), self._logs / f"{name}.log")
        self.roles.append(role)
        self._spawn(role, answers)
        return role

    def _spawn(self, role: Role, answers: bool = False) -> int:
        with role.log.open("a") as log:
            role.process = subprocess.Popen(
                [sys.executable, "-m", "thft", *role.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if answers else log,
                stderr=log,
                text=True,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        role.stdout = role.process.stdout
        role.started = time.monotonic()
        return role.process.pid

    def check(self) -> list[str]:
        """Restarts what has ended; returns what happened, in words."""
        happened: list[str] = []
        now = time.monotonic()
        for role in self.roles:
            if role.process is None:
                if now >= role.start_at and self.failed is None:
                    pid = self._spawn(role)
                    role.restarts += 1
                    happened.append(f"{role.name} restarted (pid {pid})")
                continue
            code = role.process.poll()
            if code is None:
                continue
            if now - role.started >= HEALTHY_S:
                role.failures = 0
            role.process = None
            if code == CONFIG_EXIT:
                self.failed = role
                happened.append(f"{role.name} cannot run: {last_line(role.log)}")
                continue
            wait_s = min(FIRST_WAIT_S * 2**role.failures, LONGEST_WAIT_S)
            role.failures += 1
            role.start_at = now + wait_s
            how = signal.Signals(-code).name if code < 0 else f"exit {code}"
            happened.append(f"{role.name} ended ({how}), starting again in {wait_s:.1f} s")
        return happened

    def stop(self) -> None:
        """Ends all roles, the last started first; one that does not end in time is killed."""
        for role in reversed(self.roles):
            if role.process is None or role.process.poll() is not None:
                continue
            role.process.terminate()
            try:
                role.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                role.process.kill()
                role.process.wait()


def last_line(path: Path) -> str:
    """Returns the last line of a log file that says something."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "no message"

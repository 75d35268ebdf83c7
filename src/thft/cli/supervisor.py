"""Starts the engine's processes, restarts those that end or hang, stops them in order; for `demo`.

A role that ends is started again after a growing pause. One that ends with 2 (it cannot run like
this) ends everything, unless it has run well before: then what it lacks may come back (a disk with
room). A watched role that has not turned for five seconds is aborted, so that it leaves a trace of
where it hangs, and killed if it does not go.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from thft import DISPLAY_NAME
from thft.cli.complaint import UNUSABLE
from thft.host.notify import STOPPING, TURNING, Listener
from thft.stream.disk import RealDisk, typed_errors

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
HEALTHY_S = 10.0
STOP_S = 15.0
STUCK_S = 5.0
ABORT_S = 1.0
"""After this a role that was aborted is killed."""
PAUSED_S = 1.0
"""When nobody called `check` for so long, it was we who stood still: nobody is judged by it."""


@dataclass
class Role:
    """One process: how to start it, where its log goes, how often it was restarted."""

    name: str
    arguments: list[str]
    log: Path
    answers: bool = False
    listener: Listener | None = None
    process: subprocess.Popen[str] | None = None
    restarts: int = 0
    started: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    proven: bool = False
    """Has once run for HEALTHY_S."""
    turned: float | None = None
    """When it last said that it turns; None while that says nothing (starting, stopping)."""
    aborted: bool = False
    stdout: IO[str] | None = field(default=None, repr=False)


class Supervisor:
    """Keeps roles running; `failure` says which one cannot run and why."""

    def __init__(self, log_directory: Path) -> None:
        self._logs = RealDisk(log_directory).directory
        self._checked = time.monotonic()
        self.roles: list[Role] = []
        self.failure = ""

    def start(
        self, name: str, *arguments: str, answers: bool = False, watched: bool = False
    ) -> Role:
        """Starts `thft ARGUMENTS…`: `answers` makes its output readable, `watched` it must turn."""
        listener = Listener() if watched else None
        log = self._logs / f"{name}.log"
        role = Role(name, list(arguments), log, answers, listener)
        self.roles.append(role)
        self._spawn(role)
        return role

    def _spawn(self, role: Role) -> int:
        heard = role.listener.environment if role.listener is not None else {}
        with typed_errors("open", str(role.log)), role.log.open("a") as log:
            role.process = subprocess.Popen(
                [sys.executable, "-m", "thft", *role.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if role.answers else log,
                stderr=log,
                text=True,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **heard},
            )
        role.stdout = role.process.stdout
        role.started = time.monotonic()
        role.turned, role.aborted = None, False
        return role.process.pid

    def check(self) -> list[str]:
        """Restarts what has ended, ends what hangs; returns what happened, in words."""
        happened: list[str] = []
        now = time.monotonic()
        paused = now - self._checked > PAUSED_S
        self._checked = now
        for role in self.roles:
            if role.process is None:
                if now >= role.start_at and not self.failure:
                    pid = self._spawn(role)
                    role.restarts += 1
                    happened.append(f"{role.name} restarted (pid {pid})")
                continue
            code = role.process.poll()
            happened += self._judge(role, now, paused) if code is None else self._ended(role, code)
        return happened

    def _judge(self, role: Role, now: float, paused: bool) -> list[str]:
        """Ends a watched role that does not turn."""
        assert role.process is not None
        for message in role.listener.heard() if role.listener is not None else ():
            role.turned = now if TURNING in message else role.turned
            role.turned = None if STOPPING in message else role.turned
        if role.turned is None:
            return []
        if paused:
            role.turned = now
        silent_s = now - role.turned
        if role.aborted and silent_s > STUCK_S + ABORT_S:
            role.process.kill()
        elif not role.aborted and silent_s > STUCK_S:
            role.aborted = True
            role.process.send_signal(signal.SIGABRT)
            return [f"{role.name} has not turned for {STUCK_S:.0f} s: ending it"]
        return []

    def _ended(self, role: Role, code: int) -> list[str]:
        """Plans the next start of a role, or gives up."""
        now = time.monotonic()
        if now - role.started >= HEALTHY_S:
            role.failures, role.proven = 0, True
        role.process = None
        said = last_line(role.log) if code > 0 else ""
        if code == UNUSABLE and not role.proven:
            self.failure = f"{role.name} cannot run: {said}"
            return []
        wait_s = min(FIRST_WAIT_S * 2**role.failures, LONGEST_WAIT_S)
        role.failures += 1
        role.start_at = now + wait_s
        how = (
            signal.Signals(-code).name if code < 0 else f"exit {code}" + (f": {said}" * bool(code))
        )
        return [f"{role.name} ended ({how}), starting again in {wait_s:.1f} s"]

    def stop(self) -> None:
        """Ends all roles, the last started first; one that does not end in time is killed."""
        for role in reversed(self.roles):
            if role.listener is not None:
                role.listener.close()
            if role.process is None or role.process.poll() is not None:
                continue
            role.process.terminate()
            try:
                role.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                role.process.kill()
                role.process.wait()


def last_line(path: Path) -> str:
    """Returns the last line of a log file that says something, without the program's name."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix(f"{DISPLAY_NAME}: ") if lines else "no message"

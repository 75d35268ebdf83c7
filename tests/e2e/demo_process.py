"""Runs `thft demo` as a user does and talks to it over HTTP; used by the end-to-end tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any


def free_port() -> int:
    """Returns a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class DemoProcess:
    """One running demo; leaving the block ends it."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.port = free_port()
        self.directory = directory
        self._arguments = arguments
        self._output = directory.with_suffix(".out")

    def __enter__(self) -> DemoProcess:
        command = [sys.executable, "-m", "thft", "demo", "--port", str(self.port)]
        command += ["--data", str(self.directory), *self._arguments]
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    @property
    def output(self) -> str:
        """What the demo has printed so far."""
        return self._output.read_text()

    def stop(self) -> int:
        """Presses Ctrl-C and returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def get(self, path: str) -> dict[str, Any]:
        """Returns a JSON answer of the api."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Posts JSON as the page would; returns (status, answer)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json", "origin": f"http://127.0.0.1:{self.port}"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)

    def until(
        self, path: str, holds: Callable[[dict[str, Any]], bool], timeout_s: float = 30.0
    ) -> dict[str, Any]:
        """Returns the first answer for which `holds`; fails with the last one after the time."""
        deadline = time.monotonic() + timeout_s
        last: object = "no answer"
        while time.monotonic() < deadline:
            try:
                found = self.get(path)
            except OSError as error:
                last = error
            else:
                if holds(found):
                    return found
                last = found
            time.sleep(0.05)
        raise AssertionError(f"{path}: {last}\n{self.output}")

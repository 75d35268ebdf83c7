"""An engine of real processes under the supervisor: venues, core, api; used by end-to-end tests."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.demo_process import free_port

from thft.cli.demo_config import demo_configuration
from thft.cli.supervisor import Supervisor
from thft.model import event as ev
from thft.model.codec import decode
from thft.stream.reader import read_all


class SupervisedEngine:
    """Runs until the block is left; `happened` is what the supervisor said."""

    def __init__(
        self,
        folder: Path,
        configuration: Callable[[str], str] = lambda text: text,
        speed: str = "1",
        data: Path | None = None,
    ) -> None:
        """`configuration` may change the demo's TOML; `data` is the data directory."""
        self.folder = folder
        self.data = data or folder / "data"
        self.config = folder / "engine.toml"
        self.port = free_port()
        self.happened: list[str] = []
        self._configuration = configuration
        self._speed = speed
        self._stopping = threading.Event()

    def __enter__(self) -> SupervisedEngine:
        self.supervisor = Supervisor(self.folder / "process-logs")
        venues = self.supervisor.start(
            "venues", "venue", "demo", "--seed", "1", "--speed", self._speed, answers=True
        )
        assert venues.stdout is not None
        text = demo_configuration(self.data, self.port, 1, json.loads(venues.stdout.readline()))
        self.config.write_text(self._configuration(text))
        self.core = self.supervisor.start(
            "core", "core", "--config", str(self.config), watched=True
        )
        api = ["--data", str(self.data), "--port", str(self.port), "--mode", "demo"]
        self.supervisor.start("api", "api", *api)
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()
        return self

    def _supervise(self) -> None:
        while not self._stopping.wait(0.05):
            self.happened += self.supervisor.check()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
        self.supervisor.stop()

    @property
    def core_log(self) -> str:
        """What the core has written to its standard error."""
        return self.core.log.read_text()

    def get(self, path: str) -> dict[str, Any]:
        """Returns a JSON answer of the api."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Posts a command as the page would; returns the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/commands",
            json.dumps(body).encode(),
            {"content-type": "application/json", "origin": f"http://127.0.0.1:{self.port}"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def until(self, holds: Callable[[dict[str, Any]], bool], timeout_s: float = 40.0) -> Any:
        """Returns the first `/api/v1/state` for which `holds`; fails with the last one."""
        deadline = time.monotonic() + timeout_s
        last: object = "no answer"
        while time.monotonic() < deadline:
            try:
                found = self.get("/api/v1/state")
            except OSError as error:
                last = error
            else:
                if holds(found):
                    return found
                last = found
            time.sleep(0.05)
        raise AssertionError(f"{last}\n{self.happened}\n{self.core_log[-2_000:]}")

    def events(self, kind: type[ev.Event]) -> list[Any]:
        """Returns the journal's events of a kind."""
        return [
            decode(frame.type, frame.version, frame.payload)
            for frame in read_all(self.data / "core")
            if frame.type == kind.TYPE
        ]

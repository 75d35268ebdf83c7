"""A kernel whose journal a real api serves on loopback; used by the api tests."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from tests.engine import Engine
from websockets.sync.client import ClientConnection, connect

from thft.api.app import create_app
from thft.base.frame import GROUP_END
from thft.stream.journal import Journal


class ServedEngine:
    """`publish` writes what the engine has decided so far; leaving the block ends the server."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.engine = Engine()
        self.journal = Journal.open(
            data / "core", instance="ab", created_ns=1, segment_bytes=1 << 20
        )
        self._published = 0

    def publish(self) -> None:
        """Writes the groups decided since the last call."""
        group = []
        for frame in self.engine.recorder.frames[self._published :]:
            _, ts, kind, version, flags, stream, source, payload = frame
            group.append((kind, version, flags, stream, source, ts, payload))
            if flags & GROUP_END:
                self.journal.buffer.append_group(group)
                group = []
        self._published = len(self.engine.recorder.frames)
        self.journal.flush()

    def __enter__(self) -> ServedEngine:
        config = uvicorn.Config(
            create_app(self.data, "paper"),
            host="127.0.0.1",
            port=0,
            ws="websockets-sansio",
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.journal.close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return self._ask(urllib.request.Request(self.origin + path, headers=headers))

    def post(self, path: str, body: object, **headers: str) -> tuple[int, Any]:
        sent = {"content-type": "application/json", "origin": self.origin, **headers}
        return self._ask(
            urllib.request.Request(self.origin + path, json.dumps(body).encode(), sent)
        )

    def _ask(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def socket(self, path: str, origin: str = "") -> ClientConnection:
        """Opens a channel as a page of `origin` (default: our own)."""
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers={"origin": origin or self.origin},
        )

    def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Returns the first answer for which `holds`, waiting up to 10 s."""
        deadline = time.monotonic() + 10
        found: Any = None
        while time.monotonic() < deadline:
            found = self.get(path)[1]
            if holds(found):
                return found
            time.sleep(0.02)
        raise AssertionError(found)

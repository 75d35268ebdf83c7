"""Runs the api process on loopback until it is told to stop; called by `thft api`."""

from __future__ import annotations

from pathlib import Path

import uvicorn

from thft.api.app import create_app
from thft.host.port import loopback_socket
from thft.stream.disk import RealDisk

STOP_S = 3


def run(data: Path, port: int, mode: str) -> None:
    """Serves http://127.0.0.1:port over the engine in `data`; raises LocalError when it cannot."""
    listening = loopback_socket(port)
    config = uvicorn.Config(
        create_app(RealDisk(data).directory, mode),
        ws="websockets-sansio",
        ws_max_size=65_536,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    uvicorn.Server(config).run([listening])

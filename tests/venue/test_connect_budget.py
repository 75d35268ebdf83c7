"""A venue's connect budget holds for one core after another, however each of them ends."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from thft.cli.demo_config import demo_configuration
from thft.core.config import load
from thft.core.runner import Core
from thft.gateway.dialects import FOLDER
from thft.gateway.ws.venues import VENUES
from thft.host.clock import moment

pytestmark = pytest.mark.alone

KILLS = int(os.environ.get("THFT_CONNECT_KILLS", "3"))
ATTEMPTS, WINDOW_S = 2, 2
BUDGET = f"""
[[connect]]
links = ["quote", "trade"]
attempts = {ATTEMPTS}
window_s = {WINDOW_S}
scope = "address"
"""


class Closed:
    """Two ports that take a connection and end it, and when they did."""

    def __init__(self) -> None:
        self.made: list[float] = []

    async def listen(self) -> int:
        def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.made.append(time.monotonic())
            writer.close()

        server = await asyncio.start_server(come, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port


async def _story(folder: Path) -> list[float]:
    venue = Closed()
    ports = {"binance": 9, "quote": await venue.listen(), "trade": await venue.listen()}
    record = folder / "strict.toml"
    record.write_text((FOLDER / "ctrader.toml").read_text() + BUDGET)
    config = folder / "engine.toml"
    text = demo_configuration(folder / "data", 0, 1, ports)
    config.write_text(text.replace('dialect = "ctrader"', f'dialect = "{record}"'))
    command = [sys.executable, "-m", "thft", "core", "--config", str(config)]
    with (folder / "core.log").open("w") as log:
        for kill in range(KILLS):
            core = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
            wanted, deadline = (kill + 1) * ATTEMPTS, time.monotonic() + 60
            while len(venue.made) < wanted and time.monotonic() < deadline:
                assert core.returncode is None, (folder / "core.log").read_text()[-2_000:]
                await asyncio.sleep(0.001)
            core.kill()  # in the moment of its last attempt
            await core.wait()
    assert "connect budget used" in (folder / "core.log").read_text()
    return venue.made


@pytest.mark.slow
def test_killed_cores_keep_to_the_budget_together(tmp_path: Path) -> None:
    made = asyncio.run(_story(tmp_path))
    assert len(made) >= KILLS * ATTEMPTS
    assert all(made[at + ATTEMPTS] - made[at] >= WINDOW_S for at in range(len(made) - ATTEMPTS))


def test_a_websocket_venues_budget_is_remembered_too(tmp_path: Path) -> None:
    config = tmp_path / "demo.toml"
    ports = {"binance": 9, "quote": 9, "trade": 9}
    config.write_text(demo_configuration(tmp_path / "data", 0, 1, ports))
    attempts, window_s = VENUES["binance"].connect

    async def story() -> int:
        core = Core(load(config), tmp_path / "data")
        feeds = core.kernel.state.feeds.items()
        (fast,) = (feed for feed, one in feeds if one.definition.name == "fast")
        for _ in range(attempts):
            core.connect_attempt(fast, "")
        let_go(core)
        again = Core(load(config), tmp_path / "data")
        let_go(again)
        return again._gateways._brokers["binance"][1].wait_ns(moment()[0])

    wait_ns = asyncio.run(story())
    assert (window_s - 60) * 1e9 < wait_ns <= (window_s + 1) * 1e9


def let_go(core: Core) -> None:
    """Ends a core as a kill does, in this process."""
    core.journal.abandon()
    core._stores.close()

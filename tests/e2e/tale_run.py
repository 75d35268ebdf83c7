"""Runs a quote, an order and a restart with every call recorded; prints the calls as JSON.

Started as a process of its own by `test_tales`, on the twins, because calls inside compiled code
cannot be seen. Venues, sockets, journal and replica are the real ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import thft
from thft.api.channels import TickChannel
from thft.api.replica import Replica
from thft.cli.demo_config import demo_configuration
from thft.core.config import load
from thft.core.runner import Core
from thft.sim.demo_market import DemoMarket

PACKAGE = str(Path(thft.__file__).parent) + os.sep
FIRST = (
    ("EURUSD", "1.17246", "1.17254"),
    ("GBPUSD", "1.34000", "1.34008"),
    ("BTCUSD", "90000.0", "90003.0"),
)
calls: list[str] = []


def _note(frame: FrameType, event: str, _: object) -> None:
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(PACKAGE):
        name = f"{code.co_filename.removeprefix(PACKAGE)}:{code.co_qualname}"
        if not calls or calls[-1] != name:
            calls.append(name)


async def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.005)


def told(since: int) -> list[str]:
    """Returns the calls since a point."""
    return calls[since:]


class Stage:
    """Venues, a core and a replica with its tick channel, in one loop."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.market = DemoMarket()

    async def open(self) -> None:
        ports = await self.market.listen()
        text = demo_configuration(self.directory, 0, 1, ports).replace(
            'offset_mode = "auto"', 'offset_mode = "off"'
        )
        (self.directory / "demo.toml").write_text(text)

    async def start(self) -> None:
        core = Core(load(self.directory / "demo.toml"), self.directory)
        self.core_task = asyncio.ensure_future(core.run())
        self.replica = Replica(self.directory / "core")
        self.ticks = TickChannel(self.replica)
        self.tasks = [
            asyncio.ensure_future(self.replica.follow(lambda message: None)),
            asyncio.ensure_future(self.ticks.run()),
        ]
        feeds = self.replica.state.feeds
        await self.market.subscribed()
        for symbol, bid, ask in FIRST:
            for venue in (self.market.fast, self.market.slow):
                venue.tick(symbol, bid, "1000000", ask, "1000000", time.time_ns())
        accounts = self.replica.state.accounts

        def ready() -> bool:
            states = [feed.state for feed in feeds.values()]
            states += [account.state for account in accounts.values()]
            return len(states) == 3 and set(states) == {"READY"}

        await until(ready, f"both feeds and the account READY: {feeds} {accounts}")

    async def stop(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await self.core_task
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def send(self, mid: int) -> None:
        """Sends a EURUSD tick of the fast venue."""
        bid, ask = f"1.{mid:05d}", f"1.{mid + 2:05d}"
        self.market.fast.tick("EURUSD", bid, "1000000", ask, "1000000", time.time_ns())

    def send_slow(self, mid: int) -> None:
        """Sends a EURUSD tick of the slow venue."""
        bid, ask = f"1.{mid:05d}", f"1.{mid + 8:05d}"
        self.market.slow.tick("EURUSD", bid, "1000000", ask, "1000000", time.time_ns())


async def tell(directory: Path) -> dict[str, list[str]]:
    stage = Stage(directory)
    await stage.open()
    await stage.start()
    state = stage.replica.state
    stage.send_slow(17_246)
    quotes = state.counters.quotes
    await until(lambda: state.counters.quotes > quotes, "the slow quote")
    tales: dict[str, list[str]] = {}

    since, quotes = len(calls), state.counters.quotes
    stage.send(17_249)
    await until(lambda: state.counters.quotes > quotes, "the quote in the replica")
    await until(lambda: not stage.replica.changed_books, "the quote pushed")
    tales["quote"] = told(since)

    since = len(calls)
    stage.send(17_290)
    await until(lambda: state.counters.fills >= 1, "the fill in the replica")
    tales["order"] = told(since)
    await stage.stop()

    since = len(calls)
    await stage.start()
    tales["restart"] = told(since)
    await stage.stop()
    return tales


if __name__ == "__main__":
    sys.setprofile(_note)
    threading.setprofile(_note)
    told_tales = asyncio.run(tell(Path(sys.argv[1])))
    sys.setprofile(None)
    print(json.dumps(told_tales))

"""cryptofeed on a simulated venue; `thft bench ws` runs it beside the own core.

A job as JSON is its argument: the exchange, where it is simulated, its symbols, the channel. A line
"BEFORE EVENTS" on stdin says how many callbacks came before the ones that are timed; it answers
`begun` once they have, and with the CPU time of all threads, ns, once EVENTS more have come.
Whatever cryptofeed complains of ends the program. Only its own classes take the messages.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Any

import uvloop
from cryptofeed import FeedHandler
from cryptofeed.exchanges import EXCHANGE_MAP
from cryptofeed.symbols import Symbols


class Counter:
    """The callback: counts, and notes the time of the last one wanted."""

    def __init__(self) -> None:
        self.seen = 0
        self.target = 0
        self.reached = asyncio.Event()
        self.at_ns = 0

    async def __call__(self, _update: object, _receipt: float) -> None:
        self.seen += 1
        if self.seen == self.target:
            self.at_ns = time.process_time_ns()
            self.reached.set()

    async def until(self, target: int) -> None:
        """Returns when so many have come."""
        self.target = target
        self.reached.clear()
        if self.seen > target:
            raise SystemExit(f"{self.seen} callbacks instead of {target}")
        if self.seen < target:
            await self.reached.wait()


class Complaints(logging.Handler):
    """Ends the program with the first warning."""

    def emit(self, record: logging.LogRecord) -> None:
        """Says it and ends."""
        print("cryptofeed:", self.format(record), file=sys.stderr, flush=True)
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.stop)


def feed_of(job: dict[str, Any], counter: Counter) -> Any:
    """Returns the exchange's own feed, which connects to the simulated venue instead."""
    exchange, symbols = job["exchange"], job["symbols"]
    kinds = dict.fromkeys(symbols, "spot")
    Symbols.set(exchange, symbols, {"instrument_type": kinds})  # else it asks the venue by HTTP
    feed = EXCHANGE_MAP[exchange](
        symbols=list(symbols),
        channels=[job["channel"]],
        callbacks={job["channel"]: counter},
        **job["options"],
    )
    connect = feed.connect

    def elsewhere() -> list[Any]:
        connections: list[Any] = connect()
        for connection, _, _ in connections:
            connection.address = job["address"]  # it makes no connection but wss:// itself
        return connections

    feed.connect = elsewhere
    return feed


async def main(job: dict[str, Any]) -> None:
    """Takes what is told; see the module."""
    logger = logging.getLogger("cryptofeed")
    logger.addHandler(Complaints(logging.WARNING))
    logger.propagate = False
    counter = Counter()
    handler = FeedHandler(config={"log": {"disabled": True}})
    handler.add_feed(feed_of(job, counter))
    running = asyncio.create_task(handler.run_async(install_signal_handlers=False))
    loop = asyncio.get_running_loop()
    before, events = map(int, (await loop.run_in_executor(None, sys.stdin.readline)).split())
    await counter.until(before)
    began = time.process_time_ns()
    print("begun", flush=True)
    await counter.until(before + events)
    print(counter.at_ns - began, flush=True)
    handler.request_stop()
    await running


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))

"""The FIX acceptor that `thft bench session` measures, as a process, with a bare echo beside it.

Arguments: a directory for its log, `written` or `durable`, the core to run on or -1. Prints its two
ports as one JSON line, then answers every line with the CPU ns of all its threads so far.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from thft.cli.bench_orders import ENGINE, ORDER, REPORT, TRADER, report_of
from thft.fix.dictionary import fix44
from thft.fix.session import Application, Event, Now, Session, SessionConfig
from thft.gateway.fix_acceptor import FixAcceptor
from thft.gateway.fix_link import now
from thft.store.fix_log import FixLog


class Filler:
    """Fills every order at its price."""

    def happened(self, session: Session, event: Event, now: Now) -> None:
        """Answers an order by its ExecutionReport."""
        if isinstance(event, Application):
            session.send("8", REPORT.pack(report_of(ORDER.extract(event.message))), now)


class Echo(asyncio.Protocol):
    """The floor: sends back what it gets, in the same loop."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Notes the socket."""
        self._write = cast("asyncio.Transport", transport).write

    def data_received(self, data: bytes) -> None:
        """Sends it back."""
        self._write(data)


async def serve(session: Session) -> None:
    """Runs until the input ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    echo = await loop.create_server(Echo, "127.0.0.1", 0)
    acceptor = FixAcceptor([session], lambda session: Filler(), _say)
    ports = {
        "fix": await acceptor.listen("127.0.0.1", 0),
        "echo": echo.sockets[0].getsockname()[1],
    }
    print(json.dumps(ports), flush=True)

    def asked() -> None:
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin.fileno())
            ended.set()
        else:
            print(time.process_time_ns(), flush=True)

    loop.add_reader(sys.stdin.fileno(), asked)
    await ended.wait()
    await acceptor.close("the bench is over")
    echo.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def main() -> None:
    directory, mode, core = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if core >= 0:
        os.sched_setaffinity(0, {core})
    store = FixLog.open(directory, now().utc_ns, durable=mode == "durable")
    config = SessionConfig(sender=ENGINE, target=TRADER, dictionary=fix44())
    uvloop.run(serve(Session(config, store)))
    store.close()


if __name__ == "__main__":
    main()

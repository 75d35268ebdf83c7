"""Answers orders with QuickFIX's Python binding; run by `thft bench session`.

Runs in an environment of its own, which has QuickFIX and not thft. Arguments: port, directory of
its file store, the core to run on or -1. Prints `ready`, then answers every line with the CPU ns of
all its threads so far. No dictionary: it checks less than thft does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import quickfix as fix

SETTINGS = """
[DEFAULT]
ConnectionType=acceptor
SocketAcceptPort={port}
SocketReuseAddress=Y
SocketNodelay=Y
FileStorePath={directory}/store
StartTime=00:00:00
EndTime=00:00:00
UseDataDictionary=N
[SESSION]
BeginString=FIX.4.4
SenderCompID=ENGINE
TargetCompID=TRADER
"""
ECHOED = (54, 55)


class Filler(fix.Application):  # type: ignore[misc]
    """Fills every order at its price."""

    def onCreate(self, session: object) -> None:
        """Nothing to do."""

    def onLogon(self, session: object) -> None:
        """Nothing to do."""

    def onLogout(self, session: object) -> None:
        """Nothing to do."""

    def toAdmin(self, message: object, session: object) -> None:
        """Nothing to do."""

    def fromAdmin(self, message: object, session: object) -> None:
        """Nothing to do."""

    def toApp(self, message: object, session: object) -> None:
        """Nothing to do."""

    def fromApp(self, order: fix.Message, session: object) -> None:
        """Answers an order by its ExecutionReport."""
        get = order.getField
        order_id, size, price = get(11), get(38), get(44)
        report = fix.Message()
        report.getHeader().setField(35, "8")
        put = report.setField
        put(6, price)
        put(11, order_id)
        put(14, size)
        put(17, "E" + order_id)
        put(31, price)
        put(32, size)
        put(37, "T" + order_id)
        put(38, size)
        put(39, "2")
        for tag in ECHOED:
            put(tag, get(tag))
        put(150, "F")
        put(151, "0")
        fix.Session.sendToTarget(report, session)


def main() -> None:
    port, directory, core = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if core >= 0:
        os.sched_setaffinity(0, {core})
    path = directory / "quickfix.cfg"
    path.write_text(SETTINGS.format(port=port, directory=directory))
    settings = fix.SessionSettings(str(path))
    filler, store = Filler(), fix.FileStoreFactory(settings)
    acceptor = fix.SocketAcceptor(filler, store, settings)
    acceptor.start()
    print("ready", flush=True)
    while sys.stdin.readline():
        print(time.process_time_ns(), flush=True)
    os._exit(0)  # a session is over, nothing is measured any more: its own end crashes at times


if __name__ == "__main__":
    main()

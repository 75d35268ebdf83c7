"""A QuickFIX engine as a process: sends orders while logged on, notes what it gets; run by a test.

Arguments: `acceptor` or `initiator`, port, directory. It writes `sent` and `got` into the
directory, one ClOrdID a line, takes `stop` on standard input (no more orders) and ends with it.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import quickfix as fix

PAUSE_S = 0.004

SETTINGS = """
[DEFAULT]
ConnectionType={role}
SocketAcceptPort={port}
SocketConnectHost=127.0.0.1
SocketConnectPort={port}
SocketReuseAddress=Y
SocketNodelay=Y
ReconnectInterval=1
FileStorePath={directory}/store
StartTime=00:00:00
EndTime=00:00:00
HeartBtInt=30
UseDataDictionary=N
[SESSION]
BeginString=FIX.4.4
SenderCompID=QF
TargetCompID=THFT
"""


class Orders(fix.Application):  # type: ignore[misc]
    """Counts what comes and says whether the session is there."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.got = (directory / "got").open("w", buffering=1)
        self.logged_on = False

    def onCreate(self, session: object) -> None:
        """Nothing to do."""

    def onLogon(self, session: object) -> None:
        self.logged_on = True

    def onLogout(self, session: object) -> None:
        self.logged_on = False

    def toAdmin(self, message: object, session: object) -> None:
        """Nothing to do."""

    def fromAdmin(self, message: object, session: object) -> None:
        """Nothing to do."""

    def toApp(self, message: object, session: object) -> None:
        """Nothing to do."""

    def fromApp(self, message: fix.Message, session: object) -> None:
        order_id = fix.ClOrdID()
        message.getField(order_id)
        self.got.write(order_id.getValue() + "\n")


def order(number: int) -> fix.Message:
    """Returns one order."""
    message = fix.Message()
    message.getHeader().setField(fix.MsgType("D"))
    for tag, value in (
        (11, f"Q{number}"),
        (21, "1"),
        (38, "100"),
        (40, "1"),
        (54, "1"),
        (55, "EURUSD"),
        (60, "20240102-03:04:05"),
    ):
        message.setField(fix.StringField(tag, value))
    return message


def main() -> None:
    role, port, directory = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    path = directory / "quickfix.cfg"
    path.write_text(SETTINGS.format(role=role, port=port, directory=directory))
    settings = fix.SessionSettings(str(path))
    application = Orders(directory)
    kind = fix.SocketAcceptor if role == "acceptor" else fix.SocketInitiator
    engine = kind(application, fix.FileStoreFactory(settings), settings)
    engine.start()
    stopping = threading.Event()

    def wait_for_stop() -> None:
        sys.stdin.readline()
        stopping.set()

    threading.Thread(target=wait_for_stop, daemon=True).start()
    session = fix.SessionID("FIX.4.4", "QF", "THFT")
    number = 0
    with (directory / "sent").open("w", buffering=1) as sent:
        print("ready", flush=True)
        while not stopping.is_set():
            if application.logged_on:
                number += 1
                sent.write(f"Q{number}\n")
                fix.Session.sendToTarget(order(number), session)
            time.sleep(PAUSE_S)
    print("stopped", flush=True)
    sys.stdin.readline()
    engine.stop(True)


if __name__ == "__main__":
    main()

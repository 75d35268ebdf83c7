"""Signs of life of a process for whoever started it, by systemd's protocol; core and supervisor.

The starter names a datagram socket in NOTIFY_SOCKET. A core says WATCHDOG=1 once a second from its
loop, so under systemd `WatchdogSec=5` does what our own supervisor does.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket

VARIABLE = "NOTIFY_SOCKET"
READY, TURNING, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"
_MESSAGE_BYTES = 512


class Notifier:
    """The end of the process that is watched; silent when nobody has asked."""

    def __init__(self) -> None:
        named = os.environ.get(VARIABLE, "")
        self._address = f"\0{named[1:]}" if named.startswith("@") else named
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def say(self, message: str) -> None:
        """Sends one message; a starter that has gone or does not read is no reason to fail."""
        if self._address:
            with contextlib.suppress(OSError):
                self._socket.sendto(message.encode(), self._address)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


class Listener:
    """The end of the starter: an abstract socket, so no file is left behind."""

    def __init__(self) -> None:
        name = f"thft-{os.getpid()}-{secrets.token_hex(8)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(f"\0{name}")
        self.environment = {VARIABLE: f"@{name}"}
        """What the watched process must find."""

    def heard(self) -> list[str]:
        """Returns what was said since last asked."""
        messages: list[str] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(self._socket.recv(_MESSAGE_BYTES).decode(errors="replace"))
        return messages

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

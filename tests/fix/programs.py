"""The shipped `fix-echo` and `fix-drive` as processes, and sockets that play scripts at them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from tests.fix.script import Failed

from thft.fix.wire import Framer

WAIT_S = 60.0
POLL_S = 0.002


class Program:
    """A `thft` command with its first line of output read; its errors go to a file.

    A pipe that nobody reads fills after some hundred sessions, and a program that logs then stops.
    """

    def __init__(self, *arguments: str, ready: bool = True) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the program
        self.process = subprocess.Popen(
            [sys.executable, "-m", "thft", *arguments],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.ready = ""
        if ready:
            assert self.process.stdout is not None
            self.ready = self.process.stdout.readline().strip()

    @property
    def port(self) -> int:
        return int(self.ready.rpartition(":")[2])

    def errors(self) -> str:
        """Returns what it has said to stderr so far; its place in the file stays."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode()

    def said(self, text: str, times: int = 1) -> None:
        """Waits until it has said something to stderr so many times."""
        end = time.monotonic() + WAIT_S
        while self.errors().count(text) < times:
            assert time.monotonic() < end, f"not {times} times {text!r}: {self.errors()}"
            time.sleep(POLL_S)

    def ended(self) -> tuple[int, str, str]:
        """Waits for its end; returns exit code, rest of the output, and errors."""
        out, _ = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, out, self.errors()

    def stop(self) -> tuple[int, str, str]:
        """Ends it by SIGTERM; returns exit code, rest of the output, and errors."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """Ends it by SIGKILL."""
        self.process.kill()
        self.process.communicate(timeout=20)

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.kill()


class SocketWire:
    """A peer's side of one connection after another, on a real socket."""

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None = None,
        piece: int = 0,
        wait_s: float = WAIT_S,
    ) -> None:
        self.port = port
        self._tls = tls
        self._wait_s = wait_s
        self._piece = piece
        """Bytes go out in pieces of this size; 0 for all at once."""
        self._socket: socket.socket | None = None
        self._framer = Framer()
        self._messages: deque[bytes] = deque()
        self._ended = False

    def connect(self) -> None:
        self.cut()
        plain = socket.create_connection(("127.0.0.1", self.port), WAIT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.use(self._tls.wrap_socket(plain, server_hostname="localhost") if self._tls else plain)

    def use(self, connected: socket.socket) -> None:
        """Takes a connection that is there already."""
        self._socket = connected
        self._framer = Framer()
        self._messages.clear()
        self._ended = False

    def cut(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def leave(self) -> None:
        """Cuts the connection and waits until the other side has seen it."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._read_until(time.monotonic() + WAIT_S, lambda: False)
            self.cut()

    def send(self, raw: bytes) -> None:
        if self._socket is None:
            raise Failed("there is no connection")
        size = self._piece or len(raw)
        try:
            for at in range(0, len(raw), size):
                self._socket.sendall(raw[at : at + size])
        except OSError as error:
            raise Failed(f"the connection is closed: {error}") from error

    def wait(self, seconds: float) -> None:
        self._read_until(time.monotonic() + seconds, lambda: False)

    def next_message(self, wanted: bool) -> bytes | None:
        end = time.monotonic() + (self._wait_s if wanted else 0.0)
        self._read_until(end, lambda: bool(self._messages))
        return self._messages.popleft() if self._messages else None

    def is_closed(self) -> bool:
        """Waits for the end, and sees an open connection only after a while."""
        end = time.monotonic() + self._wait_s
        self._read_until(end, lambda: self._ended or bool(self._messages))
        return self._ended

    def do_open(self, rest: str) -> None:
        self.wait(0.05)
        if self._ended:
            raise Failed("it was closed")

    def now_ns(self) -> int:
        return time.time_ns()

    def _read_until(self, end: float, enough: object) -> None:
        assert callable(enough)
        while not self._ended and self._socket is not None and not enough():
            left = end - time.monotonic()
            pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
            if not pending and not select.select([self._socket], [], [], max(left, 0))[0]:
                return
            self._socket.settimeout(0)
            try:
                data = self._socket.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue  # TLS has had something to say for itself
            except OSError:
                data = b""
            finally:
                self._socket.settimeout(WAIT_S)
            if not data:
                self._ended = True
            self._messages += [unit.raw for unit in self._framer.feed(data)]


@contextlib.contextmanager
def echo(*arguments: str) -> Iterator[Program]:
    """Runs `fix-echo` on a free port."""
    with Program("fix-echo", "--port", "0", *arguments) as program:
        assert program.ready.startswith("ready "), program.errors()
        yield program


class Listener:
    """A port at which `fix-drive` arrives; `wire` plays the acceptor."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._server = socket.create_server(("127.0.0.1", port))
        self._server.settimeout(WAIT_S)
        self.port = self._server.getsockname()[1]
        self._tls = tls

    def accept(self, wire: SocketWire) -> None:
        """Waits for the initiator's next connection."""
        connected, _ = self._server.accept()
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.use(self._tls.wrap_socket(connected, server_side=True) if self._tls else connected)

    def close(self) -> None:
        self._server.close()


class AcceptingWire(SocketWire):
    """A wire whose `connect` waits until the program under test connects."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener.port)
        self._listener = listener

    def connect(self) -> None:
        self.cut()
        self._listener.accept(self)


def drive(port: int, store: Path | None = None, *arguments: str) -> Program:
    """Runs `fix-drive` against a port."""
    keep = () if store is None else ("--store", str(store))
    names = ("--sender", "INIT", "--target", "RUNNER")
    return Program(
        "fix-drive", "--connect", f"127.0.0.1:{port}", *names, *keep, *arguments, ready=False
    )

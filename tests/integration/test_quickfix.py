"""Sessions with QuickFIX in both roles over a line that breaks: nothing lost, nothing twice.

`THFT_QUICKFIX_SESSIONS` sets how many sessions each role has, `THFT_QUICKFIX_PYTHON` which
interpreter has the `quickfix` module if this one has not.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.ledger import note

from thft.base.prng import Prng
from thft.fix.dictionary import fix44
from thft.fix.session import (
    LOGGED_ON_STATES,
    Application,
    Event,
    Now,
    RecoveryPolicy,
    ResendPolicy,
    Session,
    SessionConfig,
    State,
    StateChanged,
)
from thft.fix.wire import pack
from thft.gateway.fix_acceptor import FixAcceptor
from thft.gateway.fix_initiator import FixInitiator
from thft.gateway.fix_link import FixLink, now
from thft.store.fix_log import FixLog

PEER = Path(__file__).with_name("quickfix_peer.py")
PYTHON = os.environ.get("THFT_QUICKFIX_PYTHON", "")
HAVE = bool(PYTHON) or importlib.util.find_spec("quickfix") is not None
SESSIONS = {
    "initiator": int(os.environ.get("THFT_QUICKFIX_SESSIONS", "30")),
    "acceptor": int(os.environ.get("THFT_QUICKFIX_SESSIONS", "12")),
}
SETTLE_S = 60.0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(0),
    pytest.mark.skipif(not HAVE, reason="no quickfix module — pip install quickfix-tls"),
]


class Orders:
    """Our application: sends while logged on, notes what it gets."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.got: list[str] = []
        self.logons = 0
        self.reasons: list[str] = []

    def happened(self, session: Session, event: Event, now: Now) -> None:
        if isinstance(event, Application):
            self.got.append(event.message.text(11) or "?")
        elif isinstance(event, StateChanged):
            if event.state is State.LOGGED_ON and event.reason.startswith("HeartBtInt"):
                self.logons += 1
            elif event.state is State.DISCONNECTED:
                self.reasons.append(event.reason)

    def send(self, session: Session) -> None:
        name = f"T{len(self.sent) + 1}"
        self.sent.append(name)
        fields = [(11, name), (21, "1"), (38, 100), (40, "1"), (54, "1"), (55, "EURUSD")]
        session.send("D", pack([*fields, (60, "20240102-03:04:05")]), now())


class BadLine:
    """Forwards one port to another, and breaks every connection after some bytes or a while."""

    def __init__(self, seed: int, target: int) -> None:
        self.prng = Prng(seed)
        self.target = target
        self.breaking = True
        self.broken = 0

    async def listen(self) -> int:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, out = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            back.transport.abort()
            return
        pipes = [
            asyncio.create_task(self._pipe(near, out)),
            asyncio.create_task(self._pipe(far, back)),
        ]
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        for pipe in pipes:
            pipe.cancel()
        for writer in (back, out):
            if self.prng.between(0, 1):
                writer.transport.abort()
            else:
                writer.close()

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        left = self.prng.between(300, 12_000)
        while data := await source.read(self.prng.between(1, 4_000)):
            if self.breaking and len(data) >= left:
                sink.write(data[:left])
                self.broken += 1
                return
            left -= len(data)
            sink.write(data)
            await sink.drain()


def config(initiator: bool, chunk: int) -> SessionConfig:
    return SessionConfig(
        sender="THFT",
        target="QF",
        dictionary=fix44(),
        initiator=initiator,
        resend=ResendPolicy(order_age_ns=None, same_request_limit=100),
        recovery=RecoveryPolicy(chunk=chunk, timeout_ns=2_000_000_000, tries=10),
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Pause:
    """A short pause between attempts."""

    def next_ms(self) -> int:
        return 30

    def proven_healthy(self) -> None: ...


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1]


async def until(condition: object, seconds: float) -> bool:
    assert callable(condition)
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.01)
    return True


async def exchange(role: str, folder: Path, seed: int) -> tuple[Orders, BadLine]:
    """Runs all sessions of one role, with us as `role`; returns what was seen."""
    orders, port = Orders(), free_port()
    session = Session(
        config(role == "initiator", seed % 2 * 7), FixLog.open(folder / "ours", now().utc_ns)
    )
    theirs = "acceptor" if role == "initiator" else "initiator"
    initiator: FixInitiator | None = None
    link: Callable[[], FixLink | None]
    if role == "initiator":
        line = BadLine(seed, port)
        near = await line.listen()
        initiator = FixInitiator(
            session, orders, ("127.0.0.1", near), orders.reasons.append, waits=Pause()
        )
        link = partial(getattr, initiator, "link")
        peer_port = port
    else:
        acceptor = FixAcceptor([session], lambda _: orders, orders.reasons.append)
        link = partial(acceptor.link, session)
        line = BadLine(seed, await acceptor.listen("127.0.0.1", 0))
        peer_port = await line.listen()
    peer = subprocess.Popen(
        [PYTHON or sys.executable, str(PEER), theirs, str(peer_port), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert peer.stdin is not None and peer.stdout is not None
    try:
        assert (await asyncio.to_thread(peer.stdout.readline)).strip() == "ready"
        running = asyncio.create_task(initiator.run()) if initiator is not None else None
        flow = asyncio.create_task(keep_sending(session, orders, link))
        assert await until(lambda: orders.logons >= SESSIONS[role], 30 + 4 * SESSIONS[role])
        flow.cancel()
        line.breaking = False
        peer.stdin.write("stop\n")
        peer.stdin.flush()
        assert (await asyncio.to_thread(peer.stdout.readline)).strip() == "stopped"

        def level() -> bool:
            return len(orders.got) >= len(lines(folder / "sent")) and len(
                lines(folder / "got")
            ) >= len(orders.sent)

        await until(level, SETTLE_S)
        await asyncio.sleep(0.3)
        if initiator is not None and running is not None:
            initiator.stop("done")
            await running
    finally:
        peer.kill()
        peer.communicate()
    return orders, line


async def keep_sending(
    session: Session, orders: Orders, link: Callable[[], FixLink | None]
) -> None:
    """Sends an order every few ms while logged on."""
    while True:
        await asyncio.sleep(0.003)
        connection = link()
        if session.state in LOGGED_ON_STATES and connection is not None:
            orders.send(session)
            connection.flush()


@pytest.mark.parametrize("role", ["initiator", "acceptor"])
def test_nothing_is_lost_and_nothing_comes_twice(role: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("THFT_QUICKFIX_SEED", "1"))
    print(f"seed {seed}")
    orders, line = asyncio.run(exchange(role, tmp_path, seed))
    sent, got = lines(tmp_path / "sent"), lines(tmp_path / "got")
    print(
        f"we as {role}: {orders.logons} sessions, {line.broken} broken, "
        f"{len(orders.sent)} sent, {len(sent)} received"
    )
    assert orders.logons >= SESSIONS[role] and line.broken >= SESSIONS[role] // 2
    assert orders.got == sent, difference(sent, orders.got)
    assert got == orders.sent, difference(orders.sent, got)
    figures = {"sent": len(orders.sent), "received": len(sent), "broken": line.broken}
    note("quickfix", role=role, seed=seed, sessions=orders.logons, **figures, lost=0, twice=0)
    assert len(sent) > SESSIONS[role] and len(orders.sent) > SESSIONS[role]


def difference(sent: list[str], got: list[str]) -> str:
    """Says how many are lost and how many came twice."""
    lost = [name for name in sent if name not in set(got)]
    return f"{len(sent)} sent, {len(got)} got, lost {lost[:5]}, twice {len(got) - len(set(got))}"

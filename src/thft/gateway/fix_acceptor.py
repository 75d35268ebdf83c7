"""Listens for FIX sessions: who is there, may they, and how many may wait; run by cli and core.

No oracle: whoever does not begin with a good Logon, is unknown, not admitted or here already gets
the same bytes after the same time, and the true reason goes to `report` alone.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from thft.base.errors import LocalError
from thft.fix import tags
from thft.fix.session import Session, State
from thft.fix.wire import Garbled, Header, Message, pack
from thft.gateway.fix_link import FixApplication, FixLink, Unit, now

Authenticate = Callable[[Message, Session], Awaitable[str]]
"""Returns why a Logon is refused, empty when it is good."""
FIRST_BYTES = 64 << 10
"""Whoever sends more without a Logon is dropped."""


@dataclass(frozen=True, kw_only=True)
class AcceptorLimits:
    """Bounds on connections that have not logged on, and how refusals look."""

    logon_timeout_s: float = 10.0
    waiting: int = 200
    waiting_per_address: int = 50
    logon_refusal: str = "logout"
    """`logout`: one Logout with a neutral text; `silent`: the connection just ends."""
    refusal_delay_s: float = 0.0
    """A refusal comes so long after the Logon, however long the judgement took."""


async def admit_all(logon: Message, session: Session) -> str:
    """Admits every Logon."""
    return ""


class FixAcceptor:
    """One listening port for many sessions, found by their CompIDs."""

    def __init__(
        self,
        sessions: Iterable[Session],
        application: Callable[[Session], FixApplication],
        report: Callable[[str], None],
        *,
        limits: AcceptorLimits | None = None,
        authenticate: Authenticate = admit_all,
        write_limit_bytes: int = 16 << 20,
    ) -> None:
        self._sessions = {
            (one.config.target.encode(), one.config.sender.encode()): one for one in sessions
        }
        self._versions = {one.config.begin_string for one in self._sessions.values()}
        self._application = application
        self._report = report
        self._limits = limits or AcceptorLimits()
        self._authenticate = authenticate
        self._write_limit = write_limit_bytes
        self._links: set[FixLink] = set()
        self._waiting: dict[FixLink, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Begins to listen; returns the port. Raises LocalError when the port is not to be had."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._link, host, port, ssl=tls, backlog=1_024, reuse_address=True
            )
        except OSError as error:
            raise LocalError(
                f"cannot listen on {host}:{port}: {error.strerror or error}",
                "choose another port, or end what uses it",
            ) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self, text: str) -> None:
        """Stops listening and logs every session out."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            if link.session is None:
                link.drop(text)
            else:
                link.logout(text)
        patience = max((s.config.logout_timeout_ns for s in self._sessions.values()), default=0)
        end = asyncio.get_running_loop().time() + patience / 1e9 + 0.5
        while self._links and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)

    def link(self, session: Session) -> FixLink | None:
        """Returns the connection of a session, for its `flush` or `logout`."""
        return next((link for link in self._links if link.session is session), None)

    def _link(self) -> FixLink:
        return _AcceptedLink(self, write_limit_bytes=self._write_limit)

    # ---- LinkOwner -----------------------------------------------------------------------------

    def arrived(self, link: FixLink) -> None:
        """Counts a new connection; one too many is closed at once."""
        self._links.add(link)
        limits = self._limits
        waiting = Counter(self._waiting.values())
        if len(self._waiting) >= limits.waiting or waiting[link.peer] >= limits.waiting_per_address:
            link.drop(f"too many connections from {link.peer} wait to log on")
            return
        self._waiting[link] = link.peer
        loop = asyncio.get_running_loop()
        loop.call_later(limits.logon_timeout_s, self._late, link)

    def _late(self, link: FixLink) -> None:
        if link in self._waiting:
            link.drop(f"no Logon within {self._limits.logon_timeout_s:g} s")

    def first(self, link: FixLink, unit: Unit) -> None:
        """Decides about the first message of a connection."""
        if isinstance(unit, Garbled):
            link.drop(f"the first message was garbled: {unit.reason}")
        elif unit.begin_string not in self._versions:
            link.drop(f"BeginString {unit.begin_string[:16]}")
        elif unit.type != tags.MSG_LOGON:
            link.drop(f"the first message was no Logon: MsgType {unit.type[:8]}")
        else:
            task = asyncio.ensure_future(self._judge(link, unit))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _judge(self, link: FixLink, logon: Message) -> None:
        began = asyncio.get_running_loop().time()
        key = (logon.get(tags.SENDER_COMP_ID) or b"", logon.get(tags.TARGET_COMP_ID) or b"")
        session = self._sessions.get(key)
        if session is None:
            sender, target = (part.decode(errors="replace")[:64] for part in key)
            await self._refuse(link, logon, f"no session {sender} → {target}", began)
            return
        why = await self._authenticate(logon, session)
        if why:
            await self._refuse(link, logon, why, began)
        elif link.reason:
            return
        elif session.state is not State.DISCONNECTED:
            link.drop(f"{session.config.target} is logged on already")
        else:
            self._waiting.pop(link, None)
            link.attach(session, self._application(session))

    async def _refuse(self, link: FixLink, logon: Message, why: str, began: float) -> None:
        limits = self._limits
        wait_s = began + limits.refusal_delay_s - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        words = _refusal(logon) if limits.logon_refusal == "logout" else b""
        link.drop(f"Logon refused: {why}", words)

    def ended(self, link: FixLink, reason: str) -> None:
        """Forgets a connection."""
        self._links.discard(link)
        self._waiting.pop(link, None)
        name = link.session.config.target if link.session is not None else "no session"
        self._report(f"{name}: {reason}")


class _AcceptedLink(FixLink):
    """A link that is counted until it has logged on."""

    _acceptor: FixAcceptor

    def __init__(self, owner: FixAcceptor, *, write_limit_bytes: int) -> None:
        super().__init__(owner, write_limit_bytes=write_limit_bytes)
        self._acceptor = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks the acceptor for a place."""
        super().connection_made(transport)
        self._acceptor.arrived(self)

    def data_received(self, data: bytes) -> None:
        """Drops a stranger who sends much and no message."""
        super().data_received(data)
        if self.session is None and not self._backlog and self.unread_bytes > FIRST_BYTES:
            self.drop(f"{self.unread_bytes} bytes and no Logon")


def _refusal(logon: Message) -> bytes:
    """Returns the Logout for whom a session is refused, whatever the reason."""
    sender = logon.get(tags.TARGET_COMP_ID) or b"?"
    target = logon.get(tags.SENDER_COMP_ID) or b"?"
    header = Header(
        logon.begin_string, ((tags.SENDER_COMP_ID, sender), (tags.TARGET_COMP_ID, target))
    )
    return header.encode(tags.MSG_LOGOUT, 1, now().utc_ns, pack([(tags.TEXT, "Logon refused")]))

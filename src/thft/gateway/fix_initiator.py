"""Keeps one FIX session of ours connected to its acceptor; run by cli, and by the FIX client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence

from thft.base.backoff import ConnectBudget
from thft.fix.session import LOGGED_ON_STATES, Session
from thft.gateway.fix_link import FixApplication, FixLink, Pace, Unit, now
from thft.gateway.stamps import KERNEL_STAMPS, Peer, connect_stamped
from thft.gateway.supervisor import HEALTHY_S, Supervisor, Waits

CONNECT_TIMEOUT_S = 10.0


def _unnoticed() -> None:
    """An attempt that nobody counts."""


class FixInitiator:
    """Connects, logs on, and connects again until stopped.

    A failed attempt uses up no number: the session begins when the connection is there.
    """

    def __init__(
        self,
        session: Session,
        application: FixApplication,
        address: tuple[str, int],
        report: Callable[[str], None],
        *,
        waits: Waits,
        budgets: Sequence[ConnectBudget] = (),
        attempt: Callable[[], None] = _unnoticed,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        write_limit_bytes: int = 64 << 20,
        stamped: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """`report` and `attempt` are the supervisor's `told` and `attempt`.

        `stamped`: messages carry the kernel's receive stamps, where it gives them.
        `pace`: the session speaks only as fast as that allows.
        """
        self._session = session
        self._application = application
        self._peer = Peer(address, tls, (server_name or address[0]) if tls is not None else None)
        self._stamped = stamped and KERNEL_STAMPS
        self._report = report
        self._waits = waits
        self._supervisor = Supervisor(report, attempt, waits=waits, budgets=budgets)
        self._write_limit = write_limit_bytes
        self._pace = pace
        self._ended: asyncio.Future[str] | None = None
        self.link: FixLink | None = None

    async def run(self) -> None:
        """Lives until `stop`; raises LocalError when the store fails."""
        reason = await self._supervisor.run(self._one_connection, self._scheduled)
        if reason:
            self._report(reason)

    def stop(self, text: str) -> None:
        """Logs out and ends."""
        self._supervisor.stop()
        if self.link is not None:
            self.link.logout(text)

    async def _scheduled(self) -> None:
        """Waits for the session's schedule."""
        schedule = self._session.config.schedule
        utc_ns = now().utc_ns
        if schedule is not None and schedule.window(utc_ns) is None:
            begin_ns = schedule.next_begin_ns(utc_ns)
            self._report("outside the session's schedule")
            await self._supervisor.sleep((begin_ns - utc_ns) / 1e9)

    async def _one_connection(self) -> str:
        """Lives through one connection; returns why it ended."""
        while self._pace is not None and (wait_ns := self._pace.wait_ns()):
            await self._supervisor.sleep(wait_ns / 1e9)  # a Logon counts like all else
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        link = await self._connect(loop)
        if isinstance(link, str):
            return link
        self.link = link
        healthy = loop.call_later(HEALTHY_S, self._healthy)
        try:
            link.attach(self._session, self._application)
            reason = await self._ended
            if link.failure is not None:
                raise link.failure
            return reason
        finally:
            healthy.cancel()
            self.link = None

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> FixLink | str:
        """Returns the new link, or why there is none: refused, no answer, stopped."""
        link = FixLink(self, write_limit_bytes=self._write_limit, pace=self._pace)
        connecting = asyncio.ensure_future(self._connected(loop, link))
        stopping = asyncio.ensure_future(self._supervisor.stopped())
        await asyncio.wait(
            (connecting, stopping), timeout=CONNECT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        stopping.cancel()
        if not connecting.done():
            connecting.cancel()
            return "stopped" if self._supervisor.stopping else "connect failed: no answer"
        try:
            connecting.result()
        except OSError as error:
            return f"connect failed: {error}"
        return link

    async def _connected(self, loop: asyncio.AbstractEventLoop, link: FixLink) -> None:
        peer = self._peer
        if self._stamped:
            await connect_stamped(link, peer)
        else:
            await loop.create_connection(
                lambda: link, *peer.address, ssl=peer.tls, server_hostname=peer.server_name
            )

    def _healthy(self) -> None:
        if self._session.state in LOGGED_ON_STATES:
            self._waits.proven_healthy()

    def first(self, link: FixLink, unit: Unit) -> None:
        """A peer that speaks before the session is attached waits for it."""

    def ended(self, link: FixLink, reason: str) -> None:
        """Lets `run` go on."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

"""Listens for Expert Advisors: who may come in, and to which account; made and run by core.

One port for all accounts. Who has not proven his key is counted, bounded and soon closed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable

from thft.base.errors import LocalError
from thft.gateway.fix_link import now
from thft.gateway.metatrader.account import MetaTraderAccount
from thft.gateway.metatrader.link import EaLink
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.session import Refused, Session, not_proven
from thft.gateway.metatrader.settings import BridgeSettings

WAITING, WAITING_PER_ADDRESS = 100, 20
"""Connections that have not proven themselves."""
NONCES_KEPT = 10_000
HANDSHAKE_S = 10.0
TOLD_PER_S = 10
"""Refusals that are told in a second; the journal is not for strangers to fill."""
BACKLOG = 128


class Bridge:
    """See the module."""

    def __init__(
        self,
        settings: BridgeSettings,
        accounts: Iterable[MetaTraderAccount],
        report: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`report` takes, in words, what befell connections of nobody's."""
        self._settings = settings
        self.accounts = {(one.platform, one.settings.login): one for one in accounts}
        self._report = report
        self.heartbeat_s, self.silence_s = settings.heartbeat_s, settings.silence_s
        self.handshake_s = HANDSHAKE_S
        self._links: set[EaLink] = set()
        self._waiting: dict[EaLink, str] = {}
        self._nonces: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._servers: list[asyncio.Server] = []
        self._told_s: deque[float] = deque(maxlen=TOLD_PER_S)
        self._stop = asyncio.Event()
        self.port = 0
        self.plain_port = 0

    async def run(self) -> None:
        """Listens until stopped."""
        try:
            await self.listen()
            for account in self.accounts.values():
                account.waits()
            await self._stop.wait()
        finally:
            self.close()

    def stop(self) -> None:
        """Ends all connections and the listening."""
        self._stop.set()

    async def listen(self) -> None:
        """Opens the ports; raises LocalError when one is not to be had."""
        settings = self._settings
        self.port = await self._open(settings.host, settings.port, _context(settings))
        if settings.plain_port is not None:
            self.plain_port = await self._open("127.0.0.1", settings.plain_port, None)

    async def _open(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: EaLink(self), host, port, ssl=tls, backlog=BACKLOG, reuse_address=True
            )
        except OSError as error:
            raise LocalError(
                f"cannot listen for MetaTrader on {host}:{port}: {error.strerror or error}",
                "choose another metatrader.port, or end what uses it",
            ) from error
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stops listening; every EA is told."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for link in list(self._links):
            link.drop("STOP", "the engine stops")
        for account in self.accounts.values():
            account.stopped()

    # ---- LinkOwner -----------------------------------------------------------------------------

    def session(self, link: EaLink) -> Session:
        """Returns the session of a new connection."""
        return Session(
            lambda hello: self._admit(link, hello),
            heartbeat_ms=int(self.heartbeat_s * 1_000),
            silence_ms=int(self.silence_s * 1_000),
            now_ms=lambda: now().utc_ns // 1_000_000,
        )

    def arrived(self, link: EaLink) -> None:
        """Counts a new connection; one too many is closed at once."""
        self._links.add(link)
        addresses = Counter(self._waiting.values())
        if len(self._waiting) >= WAITING or addresses[link.peer] >= WAITING_PER_ADDRESS:
            link.drop("", f"too many connections from {link.peer} wait to prove themselves")
            return
        self._waiting[link] = link.peer

    def _admit(self, link: EaLink, hello: r.Hello) -> bytes:
        """Returns the key of who says HELLO; raises Refused, which its account is told."""
        nonce = hello.session, hello.nonce
        account = self.accounts.get((hello.platform, hello.account))
        if account is None:
            said = f"account {hello.account[:20]} of MetaTrader {hello.platform[:5]}"
            raise not_proven(f"{said} is that of no venue in the configuration")
        if nonce in self._nonces:
            raise self._told(account, not_proven("a HELLO that was there before: replayed"))
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_KEPT:
            self._nonces.popitem(last=False)
        try:
            key = account.admit(hello)
        except Refused as error:
            raise self._told(account, error) from None
        link.meant = account
        return key

    def _told(self, account: MetaTraderAccount, error: Refused) -> Refused:
        if self._may_tell():
            account.refused(error.reason)
        return error

    def _may_tell(self) -> bool:
        """Returns whether one more refusal may be told now, and counts it."""
        now_s, told = asyncio.get_running_loop().time(), self._told_s
        if len(told) == TOLD_PER_S and now_s - told[0] < 1.0:
            return False
        told.append(now_s)
        return True

    def proven(self, link: EaLink, hello: r.Hello) -> MetaTraderAccount:
        """Takes an EA that has its account's key; an older one of that account ends."""
        self._waiting.pop(link, None)
        account = self.accounts[hello.platform, hello.account]
        if account.link is not None:
            account.link.drop("REPLACED", "another EA of this account has connected")
        return account

    def gone(self, link: EaLink, reason: str) -> None:
        """Forgets a connection; one that proved nothing is told to the account it was meant for.

        Where that is not known, it may be any of those that wait for their EA.
        """
        self._links.discard(link)
        if self._waiting.pop(link, None) is None:
            return
        if not self._may_tell():
            return
        self._report(f"MetaTrader connection from {link.peer}: {reason}")
        waiting = [one for one in self.accounts.values() if one.link is None]
        for account in [link.meant] if link.meant else waiting:
            account.refused(reason)


def _context(settings: BridgeSettings) -> ssl.SSLContext | None:
    """Returns the server's TLS context, None without a certificate; raises LocalError."""
    if not settings.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key or None)
    except (OSError, ssl.SSLError) as error:
        raise LocalError(
            f"metatrader.certificate {settings.certificate}: {error.strerror or error}",
            "give the PEM files of a certificate and its key",
        ) from error
    return context

"""One TCP connection of an Expert Advisor: bytes to records, pings, silence; made by `bridge`."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, cast

from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import (
    FIRST_BYTES,
    FRAME_BYTES,
    Framer,
    WrongFrame,
    clean,
)
from thft.gateway.metatrader.protocol.session import Refused, Session, State

PINGS_KEPT = 1_000
LEAST_S = 0.02
"""Between two pings, however close the end of the silence is."""
WRITE_BYTES = 1 << 20
"""An EA that leaves so much unread is dropped."""


class Account(Protocol):
    """What a link tells of its account's EA."""

    def opened(self, link: EaLink) -> None: ...
    def record(self, record: Any) -> None: ...
    def said(self) -> None: ...
    def refused(self, reason: str) -> None: ...
    def ended(self, link: EaLink, reason: str) -> None: ...
    def turn_end(self) -> None: ...


class LinkOwner(Protocol):
    """The bridge, as a link needs it."""

    heartbeat_s: float
    silence_s: float
    handshake_s: float

    def session(self, link: EaLink) -> Session: ...
    def arrived(self, link: EaLink) -> None: ...
    def proven(self, link: EaLink, hello: r.Hello) -> Account: ...
    def gone(self, link: EaLink, reason: str) -> None: ...


class EaLink(asyncio.Protocol):
    """See the module."""

    def __init__(self, owner: LinkOwner) -> None:
        self._owner = owner
        self._framer = Framer(FIRST_BYTES)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pings = 0
        self._pinged: dict[int, int] = {}
        """When the pings that wait for their pong were sent, ms; no more than silence allows."""
        self._heard_s = 0.0
        self.session = owner.session(self)
        self.account: Account | None = None
        self.meant: Account | None = None
        """Whose it says it is, before that is proven."""
        self.peer = ""
        self.reason = ""
        """Why it ended; empty while it lives."""

    # ---- asyncio -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks the bridge for a place and gives the EA a while to prove itself."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(WRITE_BYTES)
        self.peer = str((transport.get_extra_info("peername") or ("?",))[0])
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        self._timer = loop.call_later(self._owner.handshake_s, self._late)
        self._owner.arrived(self)

    def pause_writing(self) -> None:
        """Too much lies unread."""
        self.drop("FLOOD", f"{WRITE_BYTES} bytes lie unread by the EA")

    def data_received(self, data: bytes) -> None:
        """Takes what came; the first thing wrong ends the connection with its reason."""
        self._heard_s = asyncio.get_running_loop().time()
        try:
            for body in self._framer.feed(data):
                if self.reason:
                    return
                self._record(self.session.received(body))
        except Refused as error:
            self._refuse(error)
        except WrongFrame as error:
            self.drop("FRAME", str(error))
        self.flush()
        if self.account is not None:
            self.account.turn_end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells bridge and account, once."""
        self._over(f"the connection broke: {exc}" if exc else "the EA closed the connection")

    # ---- what it does --------------------------------------------------------------------------

    def _record(self, record: Any) -> None:
        if isinstance(record, r.Bye):
            self.drop("", f"the EA said {record.code}: {record.words}"[:200])
        elif isinstance(record, r.Auth):
            self._framer.limit = FRAME_BYTES
            assert self.session.hello is not None
            self.account = self._owner.proven(self, self.session.hello)
            self.flush()
            self._beat()
            self.account.opened(self)
        elif isinstance(record, r.Pong):
            self._pong(record)
        elif self.account is not None:
            self.account.record(record)

    def _pong(self, pong: r.Pong) -> None:
        if self._pinged.pop(pong.n, None) != pong.time_ms:
            raise WrongFrame(f"PONG {pong.n} that no PING waits for")
        if self.account is not None:
            self.account.record(pong)

    def _late(self) -> None:
        if self.session.state is not State.OPEN:
            self.drop("FRAME", f"no proof of a key within {self._owner.handshake_s:g} s")

    def _beat(self) -> None:
        """Pings, and drops an EA that has been silent."""
        if self.reason:
            return
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        silence_s = loop.time() - self._heard_s
        if silence_s >= self._owner.silence_s:
            self.drop("SILENCE", f"nothing for {silence_s:.0f} s although pinged")
            return
        self._pings += 1
        self._pinged[self._pings] = self.now_ms()
        self.session.send(r.Ping(self._pings, self._pinged[self._pings]))
        if len(self._pinged) > PINGS_KEPT:
            self.drop("SILENCE", f"{PINGS_KEPT} pings without an answer")
            return
        if self.account is not None:
            self.account.said()
        self.flush()
        left_s = max(self._owner.silence_s - silence_s, LEAST_S)
        self._timer = loop.call_later(min(self._owner.heartbeat_s, left_s), self._beat)

    def now_ms(self) -> int:
        """Returns UTC as the session says it, ms."""
        return self.session.now_ms()

    def send(self, record: Any) -> int:
        """Adds a record; returns its number. `flush` writes."""
        return self.session.send(record)

    def flush(self) -> None:
        """Writes what was sent."""
        sent = self.session.take()
        if sent and self._transport is not None and not self._transport.is_closing():
            self._transport.write(sent)

    def _refuse(self, error: Refused) -> None:
        self.session.send(r.Reject(error.code, clean(error.words)))
        self._close(f"refused: {error.reason}")

    def drop(self, code: str, reason: str) -> None:
        """Ends the connection; `code`, if there is one, tells the EA."""
        if self.reason:
            return
        if code:
            self.session.send(r.Bye(code, clean(reason)))
        self._close(reason)

    def _close(self, reason: str) -> None:
        self.flush()
        if self._transport is not None:
            self._transport.close()
        self._over(reason)

    def _over(self, reason: str) -> None:
        if self.reason:
            return
        self.reason = reason
        self.session.state = State.ENDED
        if self._timer is not None:
            self._timer.cancel()
        self._owner.gone(self, reason)
        if self.account is not None:
            self.account.ended(self, reason)
            self.account.turn_end()

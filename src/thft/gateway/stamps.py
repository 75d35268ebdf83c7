"""When bytes came, by the kernel's own stamp; put before the links of an initiator that wants it.

The kernel stamps every segment as it leaves the network card's driver. With SO_TIMESTAMPNS a
reader of a TCP stream gets the stamp of the last segment it reads. The event loop reads for us and
drops that, so the tap looks at what waits, without taking it, right before the loop takes it.
A message then has the stamp of the last segment of its read: never before it came, and never after
a clock read in this process. It costs one system call a read and works below TLS too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
from typing import NamedTuple, cast

from thft.gateway.fix_link import Arrival, FixLink
from thft.host import clock

SO_TIMESTAMPNS = 35
"""Of Linux on x86 and ARM; Python has no name for it."""
KERNEL_STAMPS = sys.platform == "linux"
READ_BYTES = 256 << 10
OLDEST_NS = 10_000_000_000
"""An older stamp tells of a wall clock that was set meanwhile."""
_TIMESPEC = struct.Struct("@ll")
_PEEK = socket.MSG_PEEK | socket.MSG_TRUNC
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)


class Peer(NamedTuple):
    """Where to connect, and how it is secured."""

    address: tuple[str, int]
    tls: ssl.SSLContext | None
    server_name: str | None


class StampTap(asyncio.BufferedProtocol):
    """Stands between a raw socket and its link, or between it and the TLS before the link."""

    def __init__(self, sock: socket.socket, link: FixLink) -> None:
        self._sock = sock
        self._link = link
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self._inner: asyncio.BufferedProtocol | None = None
        """What takes encrypted bytes."""
        self._stamp_ns = 0
        self._arrival: Arrival | None = None
        link.arrived = self.arrived

    def through(self, tls: asyncio.BaseProtocol) -> None:
        """Gives what is read to TLS from here on."""
        self._inner = cast("asyncio.BufferedProtocol", tls)

    def arrived(self) -> Arrival:
        """Returns when the bytes that are being handed on came."""
        return self._arrival or Arrival(clock.moment()[0], kernel=False)

    # ---- the loop's calls ----------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Notes the stamp of what waits; the loop reads that much next.

        One byte more shows the loop that this was all, and saves it another look.
        """
        waiting, self._stamp_ns = 0, 0
        with contextlib.suppress(OSError):  # nothing waits, or an end that the loop will meet
            waiting, ancillary, _, _ = self._sock.recvmsg_into(
                (self._buffer,), _ANCILLARY_BYTES, _PEEK
            )
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, ns = _TIMESPEC.unpack(content)
                    self._stamp_ns = seconds * 1_000_000_000 + ns
        room = self._view
        if self._inner is not None:
            room = memoryview(self._inner.get_buffer(sizehint))
        return room[: waiting + 1] if waiting else room

    def buffer_updated(self, nbytes: int) -> None:
        """Hands on what was read, with its stamp."""
        monotonic_ns, utc_ns = clock.moment()
        age_ns = utc_ns - self._stamp_ns
        kernel = 0 <= age_ns < OLDEST_NS
        self._arrival = Arrival(monotonic_ns - age_ns if kernel else monotonic_ns, kernel)
        if self._inner is not None:
            self._inner.buffer_updated(nbytes)
        else:
            self._link.data_received(bytes(self._view[:nbytes]))

    def eof_received(self) -> bool | None:
        """See asyncio."""
        return self._taker.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._taker.connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio."""
        self._taker.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._taker.resume_writing()

    @property
    def _taker(self) -> asyncio.BufferedProtocol | FixLink:
        return self._inner or self._link


async def connect_stamped(link: FixLink, peer: Peer) -> None:
    """Connects a link whose messages carry the kernel's stamps; raises OSError."""
    loop = asyncio.get_running_loop()
    sock = await _connected(loop, peer.address)
    tap = StampTap(sock, link)
    try:
        raw, _ = await loop.create_connection(lambda: tap, sock=sock)
    except BaseException:
        sock.close()
        raise
    if peer.tls is None:
        link.connection_made(raw)
        return
    secured = await loop.start_tls(raw, link, peer.tls, server_hostname=peer.server_name)
    if secured is None:
        raise ConnectionResetError("the connection ended in its TLS handshake")
    tap.through(raw.get_protocol())
    raw.set_protocol(tap)
    link.connection_made(secured)


async def _connected(loop: asyncio.AbstractEventLoop, address: tuple[str, int]) -> socket.socket:
    """Returns a socket connected to the first of a host's addresses that answers."""
    found = await loop.getaddrinfo(*address, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError(f"{address[0]} has no address")
    for family, kind, protocol, _, target in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            await loop.sock_connect(sock, target)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure

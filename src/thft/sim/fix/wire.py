"""A client's connection to a simulated venue: faults between session and socket; made by the door.

Outgoing bytes are cut into messages again and each meets its faults here. Inbound messages are
looked at before the session sees them: some venues answer a bad header with silence.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from thft.fix.wire import Framer, Garbled, Message, MessageTooLong
from thft.gateway.fix_link import FixLink, LinkOwner
from thft.sim.fix.faults import WIRE, Fault, Faults

REORDER_S = 0.2
"""A message that waits for the next one to overtake it goes out after so long without."""
Admit = Callable[[Message], bool]
"""Returns False for a message that the venue does not hear."""


class FaultyWire(asyncio.Transport):
    """The sending half of a socket, with faults."""

    def __init__(self, inner: asyncio.Transport, faults: Faults, link: str, padded: bool) -> None:
        super().__init__()
        self._inner = inner
        self._faults = faults
        self._link = link
        self._padded = padded
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[float, bytes]] = deque()
        self._held = b""
        self.deaf = False
        """Nothing goes out, and closing leaves the connection half open."""
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Sends messages, each with its faults."""
        if self.deaf:
            return
        if not (self._faults.armed or self._padded or self._queue or self._held):
            self._inner.write(data)
            return
        for unit in Framer().feed(data):
            raw = padded(unit.raw) if self._padded else unit.raw
            kind = unit.type if isinstance(unit, Message) else ""
            self._send(raw, self._faults.hit(WIRE, self._link, kind))

    def _send(self, raw: bytes, faults: list[Fault]) -> None:
        kinds = {fault.do for fault in faults}
        if "drop" in kinds:
            return
        if "garble" in kinds:
            raw = garbled(raw)
        if "duplicate" in kinds:
            raw += raw
        delay_s = sum(self._faults.between(*fault.ms) for fault in faults if fault.do == "lag")
        if "reorder" in kinds and not self._held:
            self._held = raw
            self._loop.call_later(REORDER_S, self._release)
            return
        self._out(raw + self._held, delay_s / 1_000)
        self._held = b""

    def _release(self) -> None:
        held, self._held = self._held, b""
        if held:
            self._out(held, 0.0)

    def _out(self, raw: bytes, delay_s: float) -> None:
        """Writes at once, or in order behind what waits."""
        if not delay_s and not self._queue:
            self._inner.write(raw)
            return
        due = self._loop.time() + delay_s
        if self._queue:
            due = max(due, self._queue[-1][0])
        else:
            self._loop.call_at(due, self._due)
        self._queue.append((due, raw))

    def _due(self) -> None:
        while self._queue and self._queue[0][0] <= self._loop.time():
            _, raw = self._queue.popleft()
            if not self.deaf:
                self._inner.write(raw)
        if self._queue:
            self._loop.call_at(self._queue[0][0], self._due)
        elif self._closing:
            self._inner.close()

    def put_raw(self, raw: bytes) -> None:
        """Sends bytes as they are."""
        self._out(raw, 0.0)

    def close(self) -> None:
        """Closes behind what waits; a deaf peer leaves the connection half open."""
        self._release()
        self._closing = True
        if not self.deaf and not self._queue:
            self._inner.close()

    def abort(self) -> None:
        """Cuts the connection; a deaf peer does not."""
        self._closing = True
        if not self.deaf:
            self._inner.abort()

    def hear_again(self) -> None:
        """Ends the deafness; what should have been closed meanwhile is."""
        self.deaf = False
        if self._closing:
            self._inner.abort()

    def cut(self) -> None:
        """Cuts the connection in any case."""
        self._inner.abort()

    def is_closing(self) -> bool:
        """The connection is being closed."""
        return self._closing or self._inner.is_closing()

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has not taken."""
        return self._inner.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See asyncio."""
        return self._inner.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """See asyncio."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """See asyncio."""
        self._inner.resume_reading()


class VenueLink(FixLink):
    """A link of a simulated venue. `admit` is asked about every message before the session."""

    def __init__(
        self, owner: LinkOwner, name: str, faults: Faults, admit: Admit, padded: bool
    ) -> None:
        super().__init__(owner)
        self.name = name
        self.wire: FaultyWire | None = None
        self._faults = faults
        self._admit = admit
        self._padded = padded
        self._inbound = Framer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Puts the faults between session and socket."""
        inner = cast("asyncio.Transport", transport)
        self.wire = FaultyWire(inner, self._faults, self.name, self._padded)
        super().connection_made(self.wire)

    def cut(self) -> None:
        """Ends the connection without a word."""
        if self.wire is not None:
            self.wire.cut()

    def data_received(self, data: bytes) -> None:
        """Passes on what the venue hears."""
        if self.wire is None or self.wire.deaf:
            return
        try:
            units = self._inbound.feed(data)
        except MessageTooLong as error:
            self.drop(error.cause)
            return
        for unit in units:
            if isinstance(unit, Garbled) or self._admit(unit):
                super().data_received(unit.raw)


def padded(raw: bytes) -> bytes:
    """Returns a message whose BodyLength has seven figures."""
    head, _, rest = raw.partition(b"\x019=")
    length, _, body = rest.partition(b"\x01")
    content = b"%b\x019=%07d\x01%b" % (head, int(length), body[:-7])
    return content + b"10=%03d\x01" % (sum(content) % 256)


def garbled(raw: bytes) -> bytes:
    """Returns a message with a wrong checksum."""
    return raw[:-4] + b"%03d\x01" % ((int(raw[-4:-1]) + 1) % 256)

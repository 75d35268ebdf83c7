"""Lines of the MetaTrader protocol to bodies and back; used by both ends.

Pure, bounded by one line, and without mercy: a wrong line is told once and ends its connection.
docs/metatrader-protocol.md holds the rules.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from thft.base.errors import RemoteError

FRAME_BYTES = 65_536
FIRST_BYTES = 4_096
"""Who has not proven who he is may send lines so long."""
SEPARATOR = "|"
HEAD = re.compile(rb"([1-9][0-9]{0,4})\|([0-9a-f]{8})\|")
UNCLEAN = re.compile(r"[\x00-\x1f\x7f|]")


class WrongFrame(RemoteError):
    """A frame against the protocol; the text says what is wrong with it."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "the connection ends; update the side that sent it")


class Framer:
    """Cuts a stream into bodies; holds at most one line."""

    def __init__(self, limit: int = FRAME_BYTES) -> None:
        self.limit = limit
        """The longest line that is taken, with its end."""
        self._held = bytearray()

    def feed(self, received: bytes) -> Iterator[str]:
        """Yields each body that is complete; raises WrongFrame at the first wrong line."""
        at = 0
        while True:
            end = received.find(b"\n", at)
            piece = received[at:] if end < 0 else received[at:end]
            if len(self._held) + len(piece) >= self.limit:
                raise WrongFrame(f"a line longer than {self.limit} bytes")
            self._held += piece
            if end < 0:
                return
            line, at = bytes(self._held), end + 1
            self._held.clear()
            yield body_of(line)


def body_of(line: bytes) -> str:
    """Returns the body of a line without its end; raises WrongFrame."""
    head = HEAD.match(line)
    if head is None:
        raise WrongFrame("a line without length and checksum")
    body = line[head.end() :]
    if int(head[1]) != len(body):
        raise WrongFrame(f"a body of {len(body)} bytes that says {int(head[1])}")
    if int(head[2], 16) != zlib.crc32(body):
        raise WrongFrame("a wrong checksum")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise WrongFrame("a body that is no UTF-8 text") from None


def line_of(body: str) -> bytes:
    """Returns the line of a body, with its end."""
    coded = body.encode()
    line = b"%d|%08x|%b\n" % (len(coded), zlib.crc32(coded), coded)
    if len(line) > FRAME_BYTES:
        raise WrongFrame(f"a frame of {len(line)} bytes, {FRAME_BYTES} are possible")
    return line


def clean(text: str, most: int = 200) -> str:
    """Returns free text with spaces for what a field must not hold."""
    return UNCLEAN.sub(" ", text)[:most]

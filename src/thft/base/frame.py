"""Frames: how one event lies in a log; packed by kernel and stream, scanned by readers.

A frame is a 32-byte little-endian header, the payload, and zero padding to 8 bytes:

    crc u32 · length u32 · seq u64 · recv_ts_ns i64 · type u16 · version u8 · flags u8
    · stream u16 · source u16

`length` counts header and payload without padding; `crc` is CRC-32 (zlib) over every other byte of
the padded frame. A group (an input and its outcomes) ends with the frame that carries GROUP_END
and never spans a block.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from thft import _native
from thft.base.errors import LocalError

HEADER = struct.Struct("<IIQqHBBHH")
HEADER_BYTES = 32

GROUP_END = 1
OUTCOME = 2

CONTROL, MARKET, ORDERS, POSITIONS, METRICS, SESSION, COMMANDS, LOGS = range(1, 9)
STREAM_NAMES = {
    CONTROL: "control",
    MARKET: "market",
    ORDERS: "orders",
    POSITIONS: "positions",
    METRICS: "metrics",
    SESSION: "session",
    COMMANDS: "commands",
    LOGS: "logs",
}

LOG_TYPES = 0xFF00
"""Types from here on belong to the log itself."""
CLOSE = 0xFF03


class Frame(NamedTuple):
    """One frame as read: header fields and payload."""

    seq: int
    recv_ts_ns: int
    type: int
    version: int
    flags: int
    stream: int
    source: int
    payload: bytes


class FrameTooLarge(LocalError):
    """A group that does not fit a block."""


class BadFrame(LocalError):
    """Bytes that are no frame, or a frame whose checksum or sequence is wrong."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"offset {offset}: {reason}", "")
        self.offset = offset
        self.reason = reason


def padded(length: int) -> int:
    """Returns how many bytes a frame of `length` occupies."""
    return (length + 7) & ~7


if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.base._frame_py import FrameBuffer, crc32, valid_end
else:
    from thft.base._frame import FrameBuffer, crc32, valid_end


def frames(buffer: bytes | memoryview, start: int, end: int) -> Iterator[Frame]:
    """Yields the frames of buffer[start:end], which `valid_end` has judged good."""
    while start < end:
        _, length, seq, ts_ns, kind, version, flags, stream, source = HEADER.unpack_from(
            buffer, start
        )
        payload = bytes(buffer[start + HEADER_BYTES : start + length])
        yield Frame(seq, ts_ns, kind, version, flags, stream, source, payload)
        start += padded(length)


__all__ = [
    "CLOSE",
    "COMMANDS",
    "CONTROL",
    "GROUP_END",
    "HEADER",
    "HEADER_BYTES",
    "LOGS",
    "LOG_TYPES",
    "MARKET",
    "METRICS",
    "ORDERS",
    "OUTCOME",
    "POSITIONS",
    "SESSION",
    "STREAM_NAMES",
    "BadFrame",
    "Frame",
    "FrameBuffer",
    "FrameTooLarge",
    "crc32",
    "frames",
    "padded",
    "valid_end",
]

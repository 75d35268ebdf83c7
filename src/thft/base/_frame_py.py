"""Packing and checking frames in Python: twin and specification of `_frame`; used via `frame`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from zlib import crc32 as crc32

_REST = struct.Struct("<IQqHBBHH")
"""A header behind its checksum."""
_CHECKED = struct.Struct("<IIQ11xB4x")
"""Of a header what checking needs: crc, length, seq, flags."""
GROUP_END = 1

FrameParts = tuple[int, int, int, int, int, int, bytes]


class FrameBuffer:
    """Blocks of memory in which frames are packed until the journal has written them.

    `memory` holds `block_count` blocks; frames go to `block` from `used` on and never past
    `room_end`. When a group does not fit, `on_block_full()` is called: the owner closes the block
    (trailer, chain) and calls `next_block`.
    """

    def __init__(
        self, block_bytes: int, block_count: int, trailer_bytes: int, next_seq: int
    ) -> None:
        self.memory = bytearray(block_bytes * block_count)
        self.block_bytes = block_bytes
        self.block_count = block_count
        self.trailer_bytes = trailer_bytes
        self.next_seq = next_seq
        self.block = 0
        self.block_start = 0
        """Where the block begins in `memory`."""
        self.used = 0
        self.room_end = block_bytes - trailer_bytes
        self.on_block_full: Callable[[], None] = _no_owner

    def next_block(self, header_bytes: int = 0) -> None:
        """Goes on in the next block of memory, `header_bytes` behind its start."""
        self.block = (self.block + 1) % self.block_count
        self.block_start = self.block * self.block_bytes
        self.used = header_bytes

    def append(
        self,
        type: int,
        version: int,
        flags: int,
        stream: int,
        source: int,
        recv_ts_ns: int,
        payload: bytes,
    ) -> int:
        """Packs one frame that is a whole group (flags carry GROUP_END); returns its seq."""
        length = 32 + len(payload)
        padded = (length + 7) & ~7
        self.make_room(padded)
        seq = self.next_seq
        body = _REST.pack(length, seq, recv_ts_ns, type, version, flags, stream, source) + payload
        if padded > length:
            body += bytes(padded - length)
        at = self.block_start + self.used
        _storing(padded - 4)(self.memory, at, crc32(body), body)
        self.used += padded
        self.next_seq = seq + 1
        return seq

    def append_group(self, frames: list[FrameParts]) -> int:
        """Packs an input and its outcomes into one block; returns the first seq."""
        self.make_room(sum((32 + len(frame[6]) + 7) & ~7 for frame in frames))
        first = self.next_seq
        for frame in frames:
            self.append(*frame)
        return first

    def make_room(self, needed: int) -> None:
        """Rolls to the next block when `needed` bytes do not fit; raises FrameTooLarge."""
        if self.used + needed <= self.room_end:
            return
        if needed > self.room_end - 128:
            from thft.base.frame import FrameTooLarge

            raise FrameTooLarge(
                f"a group of {needed} bytes does not fit a block of {self.block_bytes}",
                "raise journal.block_bytes",
            )
        self.on_block_full()
        if self.used + needed > self.room_end:
            raise RuntimeError("the owner of this frame buffer has not gone on in the next block")


@cache
def _storing(size: int) -> Callable[..., None]:
    """Returns what stores a checksum and `size` bytes: it costs half of assigning a slice."""
    return struct.Struct(f"<I{size}s").pack_into


def _no_owner() -> None:
    raise RuntimeError("this frame buffer has no owner to close its block")


def valid_end(
    buffer: bytes | memoryview, start: int, end: int, next_seq: int
) -> tuple[int, int, int, str]:
    """Walks frames from `start`; returns (end of closed groups, next seq, bad offset, reason).

    Stops at `end`, at a zero length (nothing written yet) or at the first bad frame; then
    `bad offset` says where and `reason` why, else it is -1 and empty. Frames of a group that is
    not closed are behind the returned end and their seqs are not counted.
    """
    header_of = _CHECKED.unpack_from
    at = closed_end = start
    seq = closed_seq = next_seq
    while at + 32 <= end:
        crc, length, frame_seq, flags = header_of(buffer, at)
        if length == 0:
            if crc or frame_seq or any(buffer[at : at + 32]):
                return closed_end, closed_seq, at, "bytes where nothing was written"
            break
        behind = at + ((length + 7) & ~7)
        if length < 32 or behind > end:
            return closed_end, closed_seq, at, f"impossible length {length}"
        if crc32(buffer[at + 4 : behind]) != crc:
            return closed_end, closed_seq, at, "checksum differs"
        if frame_seq != seq:
            return closed_end, closed_seq, at, f"seq {frame_seq} where {seq} belongs"
        at = behind
        seq += 1
        if flags & GROUP_END:
            closed_end, closed_seq = at, seq
    return closed_end, closed_seq, -1, ""

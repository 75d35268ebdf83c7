"""Packing and checking frames in Python: twin and specification of `_frame`; used via `frame`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from zlib import crc32 as crc32

CORE_API = 1

_HEADER = struct.Struct("<IIQqHBBHH")
_REST = struct.Struct("<IQqHBBHH")
_CRC = struct.Struct("<I")
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
        self.used = 0
        self.room_end = block_bytes - trailer_bytes
        self.on_block_full: Callable[[], None] = _no_owner

    def next_block(self, header_bytes: int = 0) -> None:
        """Goes on in the next block of memory, `header_bytes` behind its start."""
        self.block = (self.block + 1) % self.block_count
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
        self._pack(type, version, flags, stream, source, recv_ts_ns, payload, length, padded)
        return self.next_seq - 1

    def append_group(self, frames: list[FrameParts]) -> int:
        """Packs an input and its outcomes into one block; returns the first seq."""
        sizes = [(32 + len(frame[6]) + 7) & ~7 for frame in frames]
        self.make_room(sum(sizes))
        first = self.next_seq
        for frame, padded in zip(frames, sizes, strict=True):
            self._pack(*frame, 32 + len(frame[6]), padded)
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

    def _pack(
        self,
        type: int,
        version: int,
        flags: int,
        stream: int,
        source: int,
        recv_ts_ns: int,
        payload: bytes,
        length: int,
        padded: int,
    ) -> None:
        body = (
            _REST.pack(length, self.next_seq, recv_ts_ns, type, version, flags, stream, source)
            + payload
            + bytes(padded - length)
        )
        at = self.block * self.block_bytes + self.used
        self.memory[at : at + padded] = _CRC.pack(crc32(body)) + body
        self.used += padded
        self.next_seq += 1


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
    at = closed_end = start
    seq = closed_seq = next_seq
    while at + 32 <= end:
        crc, length, frame_seq, _, _, _, flags, _, _ = _HEADER.unpack_from(buffer, at)
        if length == 0:
            if crc or frame_seq or any(buffer[at : at + 32]):
                return closed_end, closed_seq, at, "bytes where nothing was written"
            break
        padded = (length + 7) & ~7
        if length < 32 or at + padded > end:
            return closed_end, closed_seq, at, f"impossible length {length}"
        if crc32(buffer[at + 4 : at + padded]) != crc:
            return closed_end, closed_seq, at, "checksum differs"
        if frame_seq != seq:
            return closed_end, closed_seq, at, f"seq {frame_seq} where {seq} belongs"
        at += padded
        seq += 1
        if flags & GROUP_END:
            closed_end, closed_seq = at, seq
    return closed_end, closed_seq, -1, ""

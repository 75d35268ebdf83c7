"""How a log lies on disk: names, segment header, block trailer, chain; used inside `stream`.

A log is a directory of segments. A segment is a row of blocks; block 0 begins with a 128-byte
header, and every complete block ends with a 64-byte trailer that carries the chain: SHA-256 of the
previous hash and the block. A segment that was cut short by a restart simply ends; the next
header carries the chain over what it holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

from thft.base.errors import LocalError

FORMAT_VERSION = 1
HEADER_BYTES = 128
TRAILER_BYTES = 64
SEGMENT_MAGIC = b"THFTLOG1"
BLOCK_MAGIC = 0x314B4C42
GENESIS = bytes(32)

_HEADER = struct.Struct("<8sIIIIQQQq32s16s")
_TRAILER = struct.Struct("<IIQQ32sI")
_CRC = struct.Struct("<I")
_TRAILER_CHAINED = 24
"""The trailer's bytes that the chain covers: magic, used, last seq, durable seq."""


class DamagedLog(LocalError):
    """Bytes that were durable are not what was written."""

    def __init__(self, segment: str, offset: int, reason: str) -> None:
        super().__init__(
            f"segment={segment} offset={offset} reason={reason}",
            "keep a copy, then restore the directory from a backup",
        )
        self.segment = segment
        self.offset = offset
        self.reason = reason


class SegmentHeader(NamedTuple):
    """What a segment says of itself; `durable_seq` was durable when the header was written."""

    block_bytes: int
    segment_bytes: int
    epoch: int
    first_seq: int
    durable_seq: int
    created_ns: int
    chain: bytes
    instance: str

    def pack(self) -> bytes:
        """Returns the 128 bytes of the header."""
        body = _HEADER.pack(
            SEGMENT_MAGIC,
            FORMAT_VERSION,
            self.block_bytes,
            self.segment_bytes,
            0,
            self.epoch,
            self.first_seq,
            self.durable_seq,
            self.created_ns,
            self.chain,
            self.instance.encode()[:16],
        ).ljust(HEADER_BYTES - 4, b"\0")
        return body + _CRC.pack(crc32(body))


def read_header(block: bytes | memoryview) -> SegmentHeader | None:
    """Returns the header at the start of a segment, None when there is no good one."""
    if len(block) < HEADER_BYTES:
        return None
    body = bytes(block[: HEADER_BYTES - 4])
    (crc,) = _CRC.unpack_from(block, HEADER_BYTES - 4)
    if crc32(body) != crc or not body.startswith(SEGMENT_MAGIC):
        return None
    _, version, block_bytes, segment_bytes, _, epoch, first, durable, created, chain, instance = (
        _HEADER.unpack_from(body)
    )
    if version != FORMAT_VERSION:
        raise LocalError(
            f"the log has format version {version}, this build reads {FORMAT_VERSION}",
            "use the thft version that wrote it",
        )
    return SegmentHeader(
        block_bytes,
        segment_bytes,
        epoch,
        first,
        durable,
        created,
        chain,
        instance.rstrip(b"\0").decode(),
    )


class Trailer(NamedTuple):
    """What a complete block says of itself."""

    used: int
    last_seq: int
    durable_seq: int
    chain: bytes


def seal_block(
    block: memoryview, used: int, last_seq: int, durable_seq: int, chain: bytes
) -> bytes:
    """Writes the trailer into a block whose frames end at `used`; returns the new chain hash."""
    end = len(block) - TRAILER_BYTES
    block[used:end] = bytes(end - used)
    _TRAILER.pack_into(block, end, BLOCK_MAGIC, used, last_seq, durable_seq, bytes(32), 0)
    block[end + 60 :] = bytes(4)
    hashed = sha256(chain)
    hashed.update(block[: end + _TRAILER_CHAINED])
    sealed = hashed.digest()
    block[end + _TRAILER_CHAINED : end + 56] = sealed
    _CRC.pack_into(block, end + 56, crc32(block[end : end + 56]))
    return sealed


def read_trailer(block: bytes | memoryview) -> Trailer | None:
    """Returns the trailer at the end of a block, None when there is no good one."""
    end = len(block) - TRAILER_BYTES
    if end < 0:
        return None
    magic, used, last_seq, durable_seq, chain, crc = _TRAILER.unpack_from(block, end)
    if magic != BLOCK_MAGIC or crc32(block[end : end + 56]) != crc or any(block[end + 60 :]):
        return None
    return Trailer(used, last_seq, durable_seq, chain)


def block_chain(block: bytes | memoryview, chain: bytes) -> bytes:
    """Returns the chain hash a complete block must carry."""
    hashed = sha256(chain)
    hashed.update(block[: len(block) - TRAILER_BYTES + _TRAILER_CHAINED])
    return hashed.digest()


def partial_chain(block: bytes | memoryview, start: int, used: int, chain: bytes) -> bytes:
    """Returns the chain over a block that was cut short at `used`; unchanged when it is empty."""
    if used <= start:
        return chain
    hashed = sha256(chain)
    hashed.update(block[:used])
    return hashed.digest()


def segment_name(index: int) -> str:
    """Returns the file name of segment `index`."""
    return f"{index:08d}.log"


def segment_index(name: str) -> int | None:
    """Returns the index of a segment's file name, None for other files."""
    stem, _, suffix = name.partition(".")
    if suffix in ("log", "logz") and len(stem) == 8 and stem.isdigit():
        return int(stem)
    return None


def sealed_name(name: str) -> str:
    """Returns the name of a segment's sealed file."""
    return f"{name}z"


def is_sealed(name: str) -> bool:
    """True for a sealed segment's name."""
    return name.endswith(".logz")


def segment_names(names: Iterable[str]) -> list[str]:
    """Returns a log's segments in order: the plain file where its sealed copy is there too."""
    found: dict[int, str] = {}
    for name in sorted(names):
        index = segment_index(name)
        if index is not None:
            found.setdefault(index, name)
    return list(found.values())

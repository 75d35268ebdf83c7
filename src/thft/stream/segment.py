"""Segments as files: plain while they are written, sealed (compressed) later; used in `stream`.

A sealed file holds a 64-byte header, an index of (compressed length, CRC-32) for every block, and
the compressed blocks; its content is byte for byte the segment that was written, so hashes and
checks stay what they were.
"""

from __future__ import annotations

import struct
from typing import Protocol
from zlib import crc32

import zstandard

from thft.stream.disk import Disk, File, write_file
from thft.stream.layout import (
    HEADER_BYTES,
    DamagedLog,
    SegmentHeader,
    is_sealed,
    read_header,
    sealed_name,
    segment_names,
)
from thft.stream.retention.root import read_root

MAGIC = b"THFTSEA1"
FORMAT_VERSION = 1
SEALED_HEADER_BYTES = 64
LEVEL = 9
"""Of zstd: a fifth smaller than the default and still far faster than a journal grows."""
_HEADER = struct.Struct("<8sIIQII")
"""magic, version, block_bytes, bytes of the segment, blocks, CRC-32 of the index"""
_ENTRY = struct.Struct("<II")
_CRC = struct.Struct("<I")


def pack(content: bytes, block_bytes: int) -> bytes:
    """Returns the sealed file of a segment's bytes."""
    compress = zstandard.ZstdCompressor(level=LEVEL).compress
    view = memoryview(content)
    chunks = [compress(view[at : at + block_bytes]) for at in range(0, len(content), block_bytes)]
    index = b"".join(_ENTRY.pack(len(chunk), crc32(chunk)) for chunk in chunks)
    head = _HEADER.pack(
        MAGIC, FORMAT_VERSION, block_bytes, len(content), len(chunks), crc32(index)
    ).ljust(SEALED_HEADER_BYTES - 4, b"\0")
    return b"".join((head, _CRC.pack(crc32(head)), index, *chunks))


class Segment(Protocol):
    """A segment as its readers see it, plain or sealed."""

    def read(self, offset: int, length: int) -> bytes: ...
    def close(self) -> None: ...


class SealedSegment:
    """A sealed file, read as the segment it holds; whatever differs raises DamagedLog."""

    def __init__(self, file: File) -> None:
        self._file = file
        self.name = file.name
        head = file.read(0, SEALED_HEADER_BYTES)
        body = head[: SEALED_HEADER_BYTES - 4]
        if len(head) < SEALED_HEADER_BYTES or _CRC.pack(crc32(body)) != head[len(body) :]:
            raise DamagedLog(self.name, 0, "sealed header differs")
        self.plain_bytes: int
        magic, version, self._block_bytes, self.plain_bytes, count, index_crc = _HEADER.unpack_from(
            head
        )
        if magic != MAGIC or version != FORMAT_VERSION:
            raise DamagedLog(self.name, 0, f"sealed format version {version} is not known")
        index = file.read(SEALED_HEADER_BYTES, count * _ENTRY.size)
        if crc32(index) != index_crc:
            raise DamagedLog(self.name, SEALED_HEADER_BYTES, "sealed index differs")
        self._places: list[tuple[int, int, int]] = []
        """(offset, length, CRC-32) of each compressed block."""
        at = SEALED_HEADER_BYTES + len(index)
        for length, crc in _ENTRY.iter_unpack(index):
            self._places.append((at, length, crc))
            at += length
        self._end = at
        self._decompressor = zstandard.ZstdDecompressor()
        self._current: tuple[int, bytes] = (-1, b"")
        """Number and bytes of the block read last."""

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def read(self, offset: int, length: int) -> bytes:
        """Returns bytes of the segment, up to `length` and not beyond the end of their block."""
        number, start = divmod(offset, self._block_bytes)
        return self._block(number)[start : start + length]

    def _block(self, number: int) -> bytes:
        if number >= len(self._places):
            return b""
        if self._current[0] != number:
            at, length, crc = self._places[number]
            chunk = self._file.read(at, length)
            if len(chunk) != length or crc32(chunk) != crc:
                raise DamagedLog(self.name, at, "sealed block differs")
            plain = self._decompressor.decompress(chunk, max_output_size=self._block_bytes)
            self._current = number, plain
        return self._current[1]

    def content(self) -> bytes:
        """Returns the whole segment as it was written."""
        if self._file.read(self._end, 1):
            raise DamagedLog(self.name, self._end, "bytes behind the last sealed block")
        return b"".join(self._block(number) for number in range(len(self._places)))


def seal(disk: Disk, name: str) -> str:
    """Puts a sealed file in the place of a segment that is durable; returns its name.

    The segment goes only once its sealed copy is durable under its name and has been read back.
    """
    content = read_segment(disk, name)
    header = read_header(content)
    if header is None:
        raise DamagedLog(name, 0, "segment header differs")
    sealed = sealed_name(name)
    part = f"{sealed}.part"
    write_file(disk, part, [pack(content, header.block_bytes)])
    copy = SealedSegment(disk.open(part))
    same = copy.content() == content
    copy.close()
    if not same:
        raise DamagedLog(part, 0, "the sealed copy is not the segment")
    disk.rename(part, sealed)
    disk.sync_names()
    disk.remove(name)
    disk.sync_names()
    return sealed


def open_segment(disk: Disk, name: str) -> Segment | None:
    """Opens a segment by its plain or sealed name, whichever is there; None when neither is."""
    if not is_sealed(name):
        plain = disk.look(name)
        if plain is not None:
            return plain
        name = sealed_name(name)
    sealed = disk.look(name)
    return SealedSegment(sealed) if sealed is not None else None


def read_segment(disk: Disk, name: str) -> bytes:
    """Returns a segment's bytes as they were written; raises DamagedLog for a bad sealed one."""
    segment = open_segment(disk, name)
    if segment is None:
        return b""
    try:
        if isinstance(segment, SealedSegment):
            return segment.content()
        return segment.read(0, disk.size(name))
    finally:
        segment.close()


def header_of(disk: Disk, name: str) -> SegmentHeader | None:
    """Returns a segment's header, None when there is no good one."""
    segment = open_segment(disk, name)
    if segment is None:
        return None
    try:
        return read_header(segment.read(0, HEADER_BYTES))
    finally:
        segment.close()


def plain_bytes(disk: Disk, name: str) -> int:
    """Returns how many bytes a segment has, or had before it was sealed."""
    segment = open_segment(disk, name)
    if not isinstance(segment, SealedSegment):
        return disk.size(name)
    segment.close()
    return segment.plain_bytes


def log_identity(disk: Disk) -> str:
    """Returns a name no other log has, from its first segment; empty before there is one."""
    root = read_root(disk)
    if root is not None:
        return root.identity
    for name in segment_names(disk.names()):
        header = header_of(disk, name)
        return f"{header.instance}-{header.created_ns}" if header is not None else ""
    return ""

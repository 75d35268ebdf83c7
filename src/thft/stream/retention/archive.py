"""The frames that outlive their segments: all but market data and metrics; written by `removal`.

A file holds what was kept of a run of sequence numbers: a head with the first and last of them and
the SHA-256 of the file before, then chunks of compressed frames, each frame as it was in the log.
The log's root holds the SHA-256 of the last file, so a changed, missing or added file is noticed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

import zstandard

from thft.base.frame import HEADER, MARKET, METRICS, Frame, frames, padded
from thft.stream.disk import Disk, write_file
from thft.stream.layout import DamagedLog
from thft.stream.retention.root import Root

FOLDER = "archive"
BULK = (MARKET, METRICS)
"""Streams that go with their segments."""
MAGIC = b"THFTARC1"
FORMAT_VERSION = 1
CHUNK_BYTES = 256 << 10
LEVEL = 9
NOTHING = bytes(32)
"""The hash before the first file."""
_HEAD = struct.Struct("<8sIIQQ32s")
_LENGTH = struct.Struct("<I")
Spans = Iterable[tuple[bytes, int, int]]


class Head(NamedTuple):
    """What a file covers, and the hash of the file before it."""

    first_seq: int
    last_seq: int
    before: bytes


def kept(span: tuple[bytes, int, int]) -> bytes:
    """Returns the frames of a span that outlive it, as they are."""
    block, at, end = span
    found: list[bytes] = []
    while at < end:
        _, length, _, _, _, _, _, stream, _ = HEADER.unpack_from(block, at)
        if stream not in BULK:
            found.append(block[at : at + padded(length)])
        at += padded(length)
    return b"".join(found)


def write(disk: Disk, head: Head, spans: Spans) -> bytes:
    """Writes the file of `spans` durably, in the place of an unfinished one; returns its hash."""
    name = f"{head.first_seq:016d}.arc"
    digest = sha256()

    def pieces() -> Iterator[bytes]:
        for piece in _pieces(head, spans):
            digest.update(piece)
            yield piece

    write_file(disk, f"{name}.part", pieces())
    disk.rename(f"{name}.part", name)
    disk.sync_names()
    return digest.digest()


def _pieces(head: Head, spans: Spans) -> Iterator[bytes]:
    yield _HEAD.pack(MAGIC, FORMAT_VERSION, 0, *head)
    compress = zstandard.ZstdCompressor(level=LEVEL).compress
    waiting = bytearray()
    for span in spans:
        waiting += kept(span)
        if len(waiting) >= CHUNK_BYTES:
            chunk = compress(waiting)
            yield _LENGTH.pack(len(chunk)) + chunk
            waiting.clear()
    if waiting:
        chunk = compress(waiting)
        yield _LENGTH.pack(len(chunk)) + chunk


def archived(disk: Disk, root: Root, after_seq: int = 0) -> Iterator[list[Frame]]:
    """Yields the archived frames behind a seq, in order, in batches."""
    decompress = zstandard.ZstdDecompressor().decompress
    for name in _names(disk, root):
        content = _content(disk, name)
        if _head(name, content).last_seq <= after_seq:
            continue
        at = _HEAD.size
        while at < len(content):
            (length,) = _LENGTH.unpack_from(content, at)
            at += _LENGTH.size
            plain = decompress(content[at : at + length])
            at += length
            if batch := [one for one in frames(plain, 0, len(plain)) if one.seq > after_seq]:
                yield batch


def check_archive(disk: Disk, root: Root) -> None:
    """Raises DamagedLog unless the archive holds exactly what the root says."""
    before, seq = NOTHING, 0
    for name in _names(disk, root):
        content = _content(disk, name)
        head = _head(name, content)
        if head.before != before or head.first_seq != seq + 1:
            raise DamagedLog(f"{FOLDER}/{name}", 0, "it does not continue the file before")
        before, seq = sha256(content).digest(), head.last_seq
    if before != root.archive_hash or seq != root.first_seq - 1:
        raise DamagedLog(FOLDER, 0, f"its hash at seq {seq} is not the one in the log's root")


def _names(disk: Disk, root: Root) -> list[str]:
    """Returns the files the root knows; one behind it was left by a removal that did not end."""
    names = [name for name in disk.names() if name.endswith(".arc")]
    return [name for name in names if name < f"{root.first_seq:016d}"]


def _content(disk: Disk, name: str) -> bytes:
    file = disk.open(name)
    try:
        return file.read(0, disk.size(name))
    finally:
        file.close()


def _head(name: str, content: bytes) -> Head:
    if len(content) < _HEAD.size or not content.startswith(MAGIC):
        raise DamagedLog(f"{FOLDER}/{name}", 0, "no archive file")
    _, version, _, first_seq, last_seq, before = _HEAD.unpack_from(content)
    if version != FORMAT_VERSION:
        raise DamagedLog(f"{FOLDER}/{name}", 0, f"format version {version} is not known")
    return Head(first_seq, last_seq, before)

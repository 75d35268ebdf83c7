"""Where a log begins once its oldest segments are gone; read by recovery, readers and tools.

The file `root` names the first segment that is kept with the chain hash it continues, the snapshot
from which replay starts with its hash, and the hash of the archive that holds what else was kept.
It is written before anything is removed, so whatever lies before it is a removal that did not end.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

from thft.stream.disk import Disk, replace_file
from thft.stream.layout import DamagedLog, segment_name, segment_names

NAME = "root"
MAGIC = b"THFTROOT"
FORMAT_VERSION = 1
NO_SNAPSHOT = NO_ARCHIVE = bytes(32)
"""Hashes of a root whose log itself holds, durable up to `snapshot_seq`, all that was kept."""
_LAYOUT = struct.Struct("<8sIIQQ32s32s32s48s")
_CRC = struct.Struct("<I")


class Root(NamedTuple):
    """`segment` and `first_seq` are kept, `snapshot_seq` lies at or behind what is gone."""

    segment: int
    first_seq: int
    chain: bytes
    snapshot_seq: int
    snapshot_hash: bytes
    archive_hash: bytes
    identity: str
    """Of the log, from its first segment; see `segment.log_identity`."""


def pack(root: Root) -> bytes:
    """Returns the content of the file."""
    body = _LAYOUT.pack(
        MAGIC,
        FORMAT_VERSION,
        root.segment,
        root.first_seq,
        root.snapshot_seq,
        root.chain,
        root.snapshot_hash,
        root.archive_hash,
        root.identity.encode(),
    )
    return body + _CRC.pack(crc32(body))


def write_root(disk: Disk, root: Root) -> None:
    """Puts the root durably in the place of the one before it."""
    replace_file(disk, NAME, pack(root))


def read_root(disk: Disk) -> Root | None:
    """Returns the root of a log, None for a whole log; raises DamagedLog for a bad file."""
    file = disk.look(NAME)
    if file is None:
        return None
    content = file.read(0, disk.size(NAME))
    file.close()
    body = content[: _LAYOUT.size]
    if len(content) != _LAYOUT.size + _CRC.size or _CRC.pack(crc32(body)) != content[len(body) :]:
        raise DamagedLog(NAME, 0, "checksum differs")
    magic, version, segment, first, snapshot_seq, chain, snapshot_hash, archive_hash, identity = (
        _LAYOUT.unpack(body)
    )
    if magic != MAGIC or version != FORMAT_VERSION:
        raise DamagedLog(NAME, 0, f"root format version {version} is not known")
    name = identity.rstrip(b"\0").decode()
    return Root(segment, first, chain, snapshot_seq, snapshot_hash, archive_hash, name)


def kept_segments(disk: Disk, root: Root | None) -> list[str]:
    """Returns the segments from the root on; those before it are a removal that did not end."""
    first = root.segment if root is not None else 0
    return [name for name in segment_names(disk.names()) if name >= segment_name(first)]


def seq_before(disk: Disk) -> int:
    """Returns the last seq that is gone from a log, 0 for a whole one: read on behind it."""
    root = read_root(disk)
    return root.first_seq - 1 if root is not None else 0

"""Checksummed snapshots beside a log: saved atomically, older ones kept; core saves, all load.

A snapshot file holds the magic, the format version, the seq it stands at, a state hash and named
sections, then SHA-256 of everything before. A bad file falls back to the one before it; a file of
a newer format is refused, because going on from older state would be a silent downgrade.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from thft.base.errors import LocalError
from thft.stream.disk import RealDisk, replace_file

MAGIC = b"THFTSNAP"
FORMAT_VERSION = 1
KEPT = 3
_HEAD = struct.Struct("<8sIQ32s")


class NewerSnapshot(LocalError):
    """The snapshot was written by a newer version of thft."""


class BadSnapshot(LocalError):
    """The file is not what was saved."""


class Snapshot(NamedTuple):
    """State as of `seq`."""

    seq: int
    state_hash: bytes
    sections: dict[str, bytes]


def pack(snapshot: Snapshot) -> bytes:
    """Returns a snapshot's file content."""
    head = _HEAD.pack(MAGIC, FORMAT_VERSION, snapshot.seq, snapshot.state_hash)
    body = head + msgspec.msgpack.encode(snapshot.sections)
    return body + sha256(body).digest()


def unpack(content: bytes, name: str) -> Snapshot:
    """Returns the snapshot of a file; raises BadSnapshot or NewerSnapshot naming it."""
    if len(content) < _HEAD.size + 32 or not content.startswith(MAGIC):
        raise BadSnapshot(f"segment={name} offset=0 reason=no snapshot", "delete the file")
    _, version, seq, state_hash = _HEAD.unpack_from(content)
    body = content[:-32]
    if sha256(body).digest() != content[-32:]:
        raise BadSnapshot(f"segment={name} offset=0 reason=checksum differs", "delete the file")
    if version > FORMAT_VERSION:
        raise NewerSnapshot(
            f"snapshot {name} has format version {version}, this build reads {FORMAT_VERSION}",
            "start the thft version that wrote it",
        )
    return Snapshot(
        seq, state_hash, msgspec.msgpack.decode(body[_HEAD.size :], type=dict[str, bytes])
    )


class SnapshotStore:
    """The snapshots of one log, in one directory."""

    def __init__(self, directory: Path) -> None:
        self._disk = RealDisk(directory)

    def save(self, snapshot: Snapshot) -> None:
        """Saves a snapshot durably under its seq; keeps the newest few."""
        replace_file(self._disk, f"{snapshot.seq:016d}.snap", pack(snapshot))
        for old in self._names()[KEPT:]:
            self._disk.remove(old)

    def load(self, last_seq: int) -> tuple[Snapshot | None, list[str]]:
        """Returns the newest good snapshot at or before `last_seq`, and what was passed over.

        Raises NewerSnapshot for a file of a newer format.
        """
        passed: list[str] = []
        for name in self._names():
            content = (self._disk.directory / name).read_bytes()
            try:
                snapshot = unpack(content, name)
            except BadSnapshot as error:
                passed.append(str(error))
                continue
            if snapshot.seq <= last_seq:
                return snapshot, passed
            passed.append(f"{name}: at seq {snapshot.seq}, the log ends at {last_seq}")
        return None, passed

    def _names(self) -> list[str]:
        return [name for name in reversed(self._disk.names()) if name.endswith(".snap")]

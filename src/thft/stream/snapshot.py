"""Checksummed snapshots beside a log: saved atomically, older ones kept; core saves, all load.

A snapshot file holds the magic, the format version, the seq it stands at, a state hash and named
sections, then SHA-256 of everything before. A bad file falls back to the one before it; a file of
a newer format is refused, because going on from older state would be a silent downgrade.
"""

from __future__ import annotations

import re
import struct
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from thft.base.errors import LocalError
from thft.stream.disk import Disk, FileMissing, RealDisk, replace_file

MAGIC = b"THFTSNAP"
FORMAT_VERSION = 1
FOLDER = "snapshots"
"""In the log's directory."""
KEPT = 3
_NAME = re.compile(r"\d{16}(\.\d+)?\.snap")
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
    """The snapshots of one log, in one directory.

    A milestone is a snapshot that is kept until `forget_milestones_before`: the log may begin there
    one day. Its name says when it was taken.
    """

    def __init__(self, directory: Path | Disk) -> None:
        self._disk: Disk = RealDisk(directory) if isinstance(directory, Path) else directory

    def save(self, snapshot: Snapshot, milestone_s: int | None = None) -> None:
        """Saves a snapshot durably under its seq; of those that are no milestones a few stay.

        `milestone_s` makes it a milestone taken then, in seconds of engine time.
        """
        taken = f".{milestone_s}" if milestone_s is not None else ""
        replace_file(self._disk, f"{snapshot.seq:016d}{taken}.snap", pack(snapshot))
        plain = [name for name in self._names() if name.count(".") == 1]
        left_over = [name for name in self._disk.names() if name.endswith(".part")]
        for old in (*plain[KEPT:], *left_over):
            self._disk.remove(old)

    def load(self, last_seq: int) -> tuple[Snapshot | None, list[str]]:
        """Returns the newest good snapshot at or before `last_seq`, and what was passed over.

        Raises NewerSnapshot for a file of a newer format.
        """
        passed: list[str] = []
        for name in self._names():
            try:
                snapshot = unpack(self._content(name), name)
            except BadSnapshot as error:
                passed.append(str(error))
                continue
            if snapshot.seq <= last_seq:
                return snapshot, passed
            passed.append(f"{name}: at seq {snapshot.seq}, the log ends at {last_seq}")
        return None, passed

    def at(self, seq: int) -> Snapshot:
        """Returns the snapshot taken at `seq`; raises FileMissing, BadSnapshot or NewerSnapshot."""
        name = self._name_at(seq)
        return unpack(self._content(name), name)

    def hash_of(self, seq: int) -> bytes:
        """Returns the SHA-256 that the good snapshot at `seq` ends with; raises like `at`."""
        name = self._name_at(seq)
        content = self._content(name)
        unpack(content, name)
        return content[-32:]

    def milestones(self) -> list[tuple[int, int]]:
        """Returns (seq, seconds of engine time) of every milestone, oldest first."""
        split = [name.split(".") for name in reversed(self._names())]
        return [(int(parts[0]), int(parts[1])) for parts in split if len(parts) == 3]

    def forget_milestones_before(self, seq: int) -> None:
        """Removes the milestones before `seq`."""
        for name in self._names():
            if name.count(".") == 2 and int(name[:16]) < seq:
                self._disk.remove(name)

    def _names(self) -> list[str]:
        return [name for name in reversed(self._disk.names()) if _NAME.fullmatch(name)]

    def _name_at(self, seq: int) -> str:
        for name in self._names():
            if int(name[:16]) == seq:
                return name
        raise FileMissing(f"there is no snapshot at seq {seq}", "restore it from a backup")

    def _content(self, name: str) -> bytes:
        file = self._disk.open(name)
        try:
            return file.read(0, self._disk.size(name))
        finally:
            file.close()

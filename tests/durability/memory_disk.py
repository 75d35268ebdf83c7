"""A disk in memory that records every operation; crash images are built from the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Op(NamedTuple):
    """create(size) · write(offset, data) · sync · truncate(size) · remove · sync_names."""

    kind: str
    name: str
    offset: int
    data: bytes


@dataclass
class MemoryFile:
    disk: MemoryDisk
    name: str
    fd: int = -1

    def write(self, offset: int, data: memoryview | bytes) -> None:
        self.disk.record("write", self.name, offset, bytes(data))

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.disk.files[self.name][offset : offset + length])

    def sync(self) -> None:
        self.disk.record("sync", self.name)

    def truncate(self, size: int) -> None:
        self.disk.record("truncate", self.name, size)

    def close(self) -> None:
        pass


class MemoryDisk:
    """Files as byte arrays; `ops` is the record since the disk began."""

    def __init__(self, files: dict[str, bytearray] | None = None) -> None:
        self.files = files if files is not None else {}
        self.ops: list[Op] = []

    def record(self, kind: str, name: str, offset: int = 0, data: bytes = b"") -> None:
        op = Op(kind, name, offset, data)
        self.ops.append(op)
        apply_op(self.files, op)

    def names(self) -> list[str]:
        return sorted(self.files)

    def size(self, name: str) -> int:
        return len(self.files[name])

    def open(self, name: str) -> MemoryFile:
        return MemoryFile(self, name)

    def create(self, name: str, size: int) -> MemoryFile:
        self.record("create", name, size)
        self.record("sync", name)
        self.record("sync_names", "")
        return MemoryFile(self, name)

    def remove(self, name: str) -> None:
        self.record("remove", name)

    def sync_names(self) -> None:
        self.record("sync_names", "")


def apply_op(files: dict[str, bytearray], op: Op) -> None:
    """Does to `files` what the operation did."""
    if op.kind == "create":
        files[op.name] = bytearray(op.offset)
    elif op.kind == "write":
        content = files[op.name]
        end = op.offset + len(op.data)
        if end > len(content):
            content.extend(bytes(end - len(content)))
        content[op.offset : end] = op.data
    elif op.kind == "truncate":
        del files[op.name][op.offset :]
    elif op.kind == "remove":
        del files[op.name]

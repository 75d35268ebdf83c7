"""Disks in memory: one records every operation, one loses power; used by simulation and tests.

What a power cut may leave of writes that were not synced: nothing, all, or any part of each, in
any combination.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from thft.base.prng import Prng


class Op(NamedTuple):
    """create(size) · write(offset, data) · sync · truncate(size) · remove · rename · sync_names.

    The new name of a rename is its data.
    """

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

    def forget(self) -> None:
        pass

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
        return sorted(name for name in self.files if "/" not in name)

    def folder(self, name: str) -> MemoryFolder:
        return MemoryFolder(self, f"{name}/")

    def size(self, name: str) -> int:
        return len(self.files[name])

    def look(self, name: str) -> MemoryFile | None:
        return MemoryFile(self, name) if name in self.files else None

    def open(self, name: str) -> MemoryFile:
        return MemoryFile(self, name)

    def create(self, name: str, size: int) -> MemoryFile:
        self.record("create", name, size)
        self.record("sync", name)
        self.record("sync_names", "")
        return MemoryFile(self, name)

    def remove(self, name: str) -> None:
        self.record("remove", name)

    def rename(self, name: str, new_name: str) -> None:
        self.record("rename", name, 0, new_name.encode())

    def sync_names(self) -> None:
        self.record("sync_names", "")


class MemoryFolder:
    """A directory in a disk in memory: its files are the disk's, under a longer name."""

    def __init__(self, disk: MemoryDisk, prefix: str) -> None:
        self._disk = disk
        self._prefix = prefix

    def names(self) -> list[str]:
        prefix = self._prefix
        return sorted(
            name.removeprefix(prefix) for name in self._disk.files if name.startswith(prefix)
        )

    def folder(self, name: str) -> MemoryFolder:
        return MemoryFolder(self._disk, f"{self._prefix}{name}/")

    def size(self, name: str) -> int:
        return self._disk.size(self._prefix + name)

    def look(self, name: str) -> MemoryFile | None:
        return self._disk.look(self._prefix + name)

    def open(self, name: str) -> MemoryFile:
        return self._disk.open(self._prefix + name)

    def create(self, name: str, size: int) -> MemoryFile:
        self._disk.record("create", self._prefix + name, size)
        self._disk.record("sync", self._prefix + name)
        self.sync_names()
        return MemoryFile(self._disk, self._prefix + name)

    def remove(self, name: str) -> None:
        self._disk.remove(self._prefix + name)

    def rename(self, name: str, new_name: str) -> None:
        self._disk.rename(self._prefix + name, self._prefix + new_name)

    def sync_names(self) -> None:
        self._disk.record("sync_names", self._prefix)


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
    elif op.kind == "rename":
        files[op.data.decode()] = files.pop(op.name)


class FragileDisk(MemoryDisk):
    """Remembers only what is not synced yet, and loses a random part of it when power is cut."""

    def __init__(self, files: dict[str, bytearray] | None = None) -> None:
        super().__init__(files)
        self._durable = {name: bytes(content) for name, content in self.files.items()}

    def record(self, kind: str, name: str, offset: int = 0, data: bytes = b"") -> None:
        """Does the operation and keeps it until a sync covers it."""
        op = Op(kind, name, offset, data)
        apply_op(self.files, op)
        if kind in ("write", "truncate"):
            self.ops.append(op)
        elif kind == "sync":
            self._settle(name)
        elif kind == "create":
            self._durable[name] = bytes(offset)
        elif kind == "rename":
            self._durable[data.decode()] = self._durable.pop(name)
        elif kind == "remove":
            self._durable.pop(name, None)
            self.ops = [one for one in self.ops if one.name != name]

    def _settle(self, name: str) -> None:
        self._durable[name] = bytes(self.files[name])
        self.ops = [one for one in self.ops if one.name != name]

    def cut_power(self, prng: Prng) -> FragileDisk:
        """Returns the disk as the next start finds it."""
        files = {name: bytearray(content) for name, content in self._durable.items()}
        for op in self.ops:
            kept = prng.between(0, 3)
            if kept == 0:
                continue
            if kept == 1 and op.data:
                op = op._replace(data=op.data[: prng.between(0, len(op.data))])
            apply_op(files, op)
        return FragileDisk(files)

    def killed(self) -> FragileDisk:
        """Returns the disk as the next start finds it after the process alone has died."""
        disk = FragileDisk(dict(self.files))
        disk._durable = self._durable
        disk.ops = self.ops
        return disk

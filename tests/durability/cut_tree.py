"""Files and folders of which only what was synced is sure to survive a power cut; see `cut_fs`.

Everything is kept in memory: what programs see, and what the disk holds. The kernel may write back
any page, and any change of names, before it is asked to. At a cut some of the rest survives:
nothing, all, any pages, pages torn at a sector, any changes of names.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

PAGE, SECTOR = 4_096, 512


class File:
    """Bytes as programs see them, as the disk holds them, and the pages that differ."""

    def __init__(self, content: bytes = b"") -> None:
        self.live = bytearray(content)
        self.durable = bytearray(content)
        self.dirty: set[int] = set()

    def write(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if end > len(self.live):
            self.resize(end)
        self.live[offset:end] = data
        self.dirty.update(range(offset // PAGE, -(-end // PAGE)))

    def resize(self, size: int) -> None:
        old = len(self.live)
        del self.live[size:]
        self.live.extend(bytes(size - len(self.live)))
        self.dirty.update(range(min(old, size) // PAGE, -(-max(old, size) // PAGE)))

    def sync(self) -> None:
        for page in self.dirty:
            self._put(self.durable, page * PAGE, PAGE)
        _set_size(self.durable, len(self.live))
        self.dirty.clear()

    def lose(self) -> None:
        """A sync fails: its pages count as written and are gone; programs may still see them."""
        size = len(self.live)
        for page in self.dirty:
            at = page * PAGE
            self.live[at : at + PAGE] = self.durable[at : at + PAGE].ljust(PAGE, b"\0")
        _set_size(self.live, size)
        self.dirty.clear()

    def write_back(self, choose: random.Random) -> None:
        """The kernel writes one page early."""
        if self.dirty:
            page = choose.choice(sorted(self.dirty))
            self._put(self.durable, page * PAGE, PAGE)
            self.dirty.discard(page)

    def survivor(self, choose: random.Random, seen: Counter[str]) -> bytes:
        """Returns the bytes that a cut leaves."""
        if not self.dirty and len(self.live) == len(self.durable):
            return bytes(self.durable)
        kind = choose.choice(("lost", "kept", "some pages", "torn"))
        seen[kind] += 1
        if kind in ("lost", "kept"):
            return bytes(self.durable if kind == "lost" else self.live)
        left = bytearray(self.durable)
        for page in sorted(self.dirty):
            if kind == "torn" and choose.random() < 0.5:
                for at in range(page * PAGE, (page + 1) * PAGE, SECTOR):
                    if choose.random() < 0.5:
                        self._put(left, at, SECTOR)
            elif choose.random() < 0.5:
                self._put(left, page * PAGE, PAGE)
        _set_size(left, len(choose.choice((self.live, self.durable))))
        return bytes(left)

    def _put(self, to: bytearray, at: int, length: int) -> None:
        piece = self.live[at : at + length]
        if len(to) < at:
            _set_size(to, at)
        to[at : at + len(piece)] = piece


def _set_size(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


class Folder:
    """Entries as programs see them, as the disk holds them, and the changes between, in order."""

    def __init__(self) -> None:
        self.live: dict[str, Node] = {}
        self.durable: dict[str, Node] = {}
        self.pending: list[dict[str, Node | None]] = []

    def change(self, names: dict[str, Node | None]) -> None:
        """Changes entries in one step; None removes a name."""
        self.pending.append(names)
        _apply(self.live, names)

    def sync(self) -> None:
        self.durable = dict(self.live)
        self.pending.clear()

    def write_back(self, choose: random.Random) -> None:
        """The kernel commits the oldest changes early."""
        for _ in range(choose.randint(0, len(self.pending))):
            _apply(self.durable, self.pending.pop(0))

    def survivor(self, choose: random.Random, seen: Counter[str]) -> dict[str, Node]:
        """Returns the entries that a cut leaves."""
        left = dict(self.durable)
        if self.pending:
            kind = choose.choice(("names lost", "names kept", "some names"))
            seen[kind] += 1
            share = {"names lost": 0.0, "names kept": 1.0, "some names": 0.5}[kind]
            for names in self.pending:
                if choose.random() < share:
                    _apply(left, names)
        return left


Node = File | Folder


def _apply(entries: dict[str, Node], names: dict[str, Node | None]) -> None:
    for name, node in names.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


def load(path: Path) -> Folder:
    """Returns the tree of a directory, all of it durable."""
    folder = Folder()
    for entry in sorted(path.iterdir()):
        folder.live[entry.name] = load(entry) if entry.is_dir() else File(entry.read_bytes())
    folder.sync()
    return folder


def leave(folder: Folder, path: Path, choose: random.Random, seen: Counter[str]) -> None:
    """Writes what a cut leaves of a folder to `path`."""
    path.mkdir()
    for name, node in folder.survivor(choose, seen).items():
        if isinstance(node, Folder):
            leave(node, path / name, choose, seen)
        else:
            (path / name).write_bytes(node.survivor(choose, seen))

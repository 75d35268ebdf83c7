"""A file system that loses what was not synced when its power is cut; `power` mounts it for tests.

fsync of a file makes its bytes durable, fsync of a directory its entries. What survives a cut is
written to the backing directory as an ordinary tree, from which the next mount begins. Each line on
standard input is one life of the mount, as JSON of `Life`.
"""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import stat
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from errno import EEXIST, EIO, ENOENT, ENOTEMPTY, EXDEV
from pathlib import Path, PurePosixPath
from typing import Any, Concatenate, ParamSpec, TypeVar

from tests.durability.cut_tree import File, Folder, Node, leave, load

P = ParamSpec("P")
R = TypeVar("R")
CUT_NAME = ".cut"
"""Making this directory cuts the power."""
HIDDEN = ".fuse_hidden"
"""The library's name for a file that is removed while it is open."""


@dataclass(frozen=True)
class Life:
    """From mount to cut. `cut_after` counts calls that change or sync something, 0 = on request.

    A sync of a file takes `sync_s`; number `fails_at` fails, not counting the first of each file.
    `forgets` is a broken disk, for negative controls: "bytes" or "names" are never made durable.
    """

    seed: int
    cut_after: int = 0
    sync_s: float = 0.0
    fails_at: int = 0
    forgets: str = ""

    def line(self) -> str:
        """Returns the line that `main` reads."""
        return json.dumps(asdict(self)) + "\n"


def alone(call: Callable[Concatenate[CutFs, P], R]) -> Callable[Concatenate[CutFs, P], R]:
    """Lets one thread of the FUSE library in at a time."""

    @functools.wraps(call)
    def locked(fs: CutFs, /, *args: P.args, **named: P.kwargs) -> R:
        with fs.gate:
            return call(fs, *args, **named)

    return locked


class CutFs:
    """The operations that the FUSE library calls, from threads of its own."""

    use_ns = True

    def __init__(self, backing: Path, life: Life) -> None:
        self._backing = backing
        self._life = life
        self._choose = random.Random(life.seed)
        self._left = life.cut_after or -1
        self._syncs = 0
        self._early = self._choose.choice((0.0, 0.02, 0.2))
        self._short = self._choose.choice((0.0, 0.05))
        self.gate = threading.Lock()
        self._root = load(backing)
        self._removed: dict[str, File] = {}
        """Files that are open and have no name any more, by the library's path."""
        self._open: dict[int, Node] = {}
        self._handles = iter(range(1, 1 << 62))
        self.seen: Counter[str] = Counter()

    # ---- power ---------------------------------------------------------------------------------

    def _step(self, call: str) -> None:
        """Before each call that changes or syncs something: power may go, the kernel may write."""
        self._left -= 1
        if self._left == 0:
            self._cut(call)
        if self._choose.random() < self._early:
            nodes = list(self._open.values())
            self._choose.choice([self._root, *nodes]).write_back(self._choose)

    def _cut(self, call: str) -> None:
        """Leaves what survives, says so and ends."""
        self.seen[f"at {call}"] += 1
        shutil.rmtree(self._backing)
        leave(self._root, self._backing, self._choose, self.seen)
        print(json.dumps(self.seen), flush=True)
        os._exit(0)

    def init(self, path: str) -> None:
        print("on", flush=True)

    # ---- names ---------------------------------------------------------------------------------

    def _find(self, path: str) -> Node:
        if path in self._removed:
            return self._removed[path]
        node: Node = self._root
        for name in PurePosixPath(path).parts[1:]:
            if not isinstance(node, Folder) or name not in node.live:
                raise OSError(ENOENT, "")
            node = node.live[name]
        return node

    def _place(self, path: str) -> tuple[Folder, str]:
        pure = PurePosixPath(path)
        folder = self._find(str(pure.parent))
        assert isinstance(folder, Folder)
        return folder, pure.name

    def _file(self, path: str) -> File:
        node = self._find(path)
        assert isinstance(node, File)
        return node

    def _handle(self, node: Node) -> int:
        handle = next(self._handles)
        self._open[handle] = node
        return handle

    @alone
    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        node = self._find(path)
        if isinstance(node, Folder):
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": len(node.live)}

    @alone
    def readdir(self, path: str, fh: int) -> Iterator[str]:
        folder = self._find(path)
        assert isinstance(folder, Folder)
        return iter((".", "..", *folder.live))

    @alone
    def opendir(self, path: str) -> int:
        return self._handle(self._find(path))

    @alone
    def mkdir(self, path: str, mode: int) -> None:
        if path == f"/{CUT_NAME}":
            self._cut("request")
        self._step("mkdir")
        folder, name = self._place(path)
        if name in folder.live:
            raise OSError(EEXIST, "")
        folder.change({name: Folder()})

    @alone
    def rmdir(self, path: str) -> None:
        self._step("rmdir")
        node = self._find(path)
        if isinstance(node, Folder) and node.live:
            raise OSError(ENOTEMPTY, "")
        folder, name = self._place(path)
        folder.change({name: None})

    @alone
    def unlink(self, path: str) -> None:
        if self._removed.pop(path, None) is None:
            self._step("unlink")
            folder, name = self._place(path)
            folder.change({name: None})

    @alone
    def rename(self, old: str, new: str) -> None:
        folder, name = self._place(old)
        if PurePosixPath(new).name.startswith(HIDDEN):
            self._step("unlink")
            self._removed[new] = self._file(old)
            folder.change({name: None})
            return
        self._step("rename")
        target, new_name = self._place(new)
        if target is not folder:
            raise OSError(EXDEV, "")
        folder.change({name: None, new_name: folder.live[name]})

    @alone
    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        self._step("fsync of a directory")
        if self._life.forgets != "names":
            self._open[fh].sync()

    # ---- bytes ---------------------------------------------------------------------------------

    @alone
    def create(self, path: str, mode: int) -> int:
        self._step("create")
        folder, name = self._place(path)
        file = File()
        folder.change({name: file})
        return self._handle(file)

    @alone
    def open(self, path: str, flags: int) -> int:
        file = self._file(path)
        if flags & os.O_TRUNC:
            self._step("truncate")
            file.resize(0)
        return self._handle(file)

    @alone
    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        file = self._open[fh]
        assert isinstance(file, File)
        return bytes(file.live[offset : offset + size])

    @alone
    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        self._step("write")
        file = self._open[fh]
        assert isinstance(file, File)
        if len(data) > 1 and self._choose.random() < self._short:
            data = data[: self._choose.randrange(1, len(data))]
            self.seen["short write"] += 1
        file.write(offset, data)
        return len(data)

    @alone
    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        self._step("truncate")
        self._file(path).resize(length)

    @alone
    def fallocate(self, path: str, mode: int, offset: int, length: int, fh: int) -> None:
        self._step("fallocate")
        file = self._open[fh]
        assert isinstance(file, File) and mode == 0
        file.resize(max(len(file.live), offset + length))

    def fsync(self, path: str, datasync: int, fh: int) -> None:
        """Takes its time; the kernel lets nobody write to a file while it is synced."""
        with self.gate:
            self._step("fsync")
        time.sleep(self._life.sync_s)
        with self.gate:
            file = self._open[fh]
            assert isinstance(file, File)
            self._syncs += bool(file.durable)
            if file.durable and self._syncs == self._life.fails_at:
                file.lose()
                raise OSError(EIO, "")
            if self._life.forgets != "bytes":
                file.sync()

    @alone
    def release(self, path: str, fh: int) -> None:
        del self._open[fh]

    @alone
    def releasedir(self, path: str, fh: int) -> None:
        del self._open[fh]

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self._backing)
        return {name: getattr(found, name) for name in dir(found) if name.startswith("f_")}


def serve(mount: str, backing: Path, life: Life) -> None:
    """Mounts and serves until the power is cut or the mount is taken away."""
    import mfusepy

    options: dict[str, Any] = {"kernel_cache": True, "attr_timeout": 60.0, "entry_timeout": 60.0}
    mfusepy.FUSE(CutFs(backing, life), mount, foreground=True, **options)


def main() -> None:
    """Serves one life for each line of standard input."""
    mount, backing = sys.argv[1], Path(sys.argv[2])
    import mfusepy  # noqa: F401  once, before the first fork

    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            serve(mount, backing, Life(**json.loads(line)))
            os._exit(1)
        os.waitpid(pid, 0)
        print("off", flush=True)


if __name__ == "__main__":
    main()

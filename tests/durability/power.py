"""The switch of a `cut_fs` mount, and processes whose mounts end with them; used by disk tests."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.durability.cut_fs import CUT_NAME, Life

CLONE_NEWNS = 0x20000
WAIT_S = 20.0
INSTALL = "apt-get install -y --no-install-recommends fuse3 strace && pip install mfusepy"


@functools.cache
def missing_for_mounts() -> str:
    """Returns what a test that mounts file systems lacks here, empty when nothing."""
    if os.geteuid() != 0:
        return "needs root to mount"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "may not mount here"


@functools.cache
def missing_for_power_cuts() -> str:
    """Returns what a test that cuts the power lacks here, empty when nothing."""
    wanted = {
        "no /dev/fuse": os.path.exists("/dev/fuse"),
        "no libfuse": shutil.which("fusermount3"),
        "no mfusepy": importlib.util.find_spec("mfusepy"),
    }
    lacking = [text for text, there in wanted.items() if not there]
    return missing_for_mounts() or (f"{', '.join(lacking)}: {INSTALL}" if lacking else "")


def in_private_mounts(work: Callable[..., None], *args: Any) -> None:
    """Runs `work` in a process of its own whose mounts nobody else sees and which end with it."""
    child = get_context("fork").Process(target=_private, args=(work, args))
    child.start()
    try:
        child.join()
    finally:
        if child.is_alive():
            child.terminate()
            child.join(WAIT_S)
            child.kill()
    assert child.exitcode == 0, f"{work.__name__} ended with {child.exitcode}, see above"


def _private(work: Callable[..., None], args: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `finally` blocks run
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    work(*args)


def unmount(mount: Path) -> None:
    """Takes a mount away, also one whose server is dead or whose files are open."""
    subprocess.run(["umount", "--lazy", str(mount)], check=False, capture_output=True)


class Lines:
    """The lines of a pipe, for readers that cannot wait for ever."""

    def __init__(self, pipe: IO[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._lines.put(line.strip())
        self._lines.put("")

    def next(self, wait_s: float = WAIT_S) -> str | None:
        """Returns the next line, "" at the end, None when there is none in time."""
        try:
            return self._lines.get(timeout=wait_s) if wait_s else self._lines.get_nowait()
        except queue.Empty:
            return None


class Power:
    """A mount in `folder` whose power can be cut; what survived lies in `disk` in between."""

    def __init__(self, folder: Path) -> None:
        self.mount, self.disk = folder / "mount", folder / "disk"
        self.seen: Counter[str] = Counter()
        """Damage done and calls met by cuts, by name."""
        self.mount.mkdir()
        self.disk.mkdir()
        command = [sys.executable, "-m", "tests.durability.cut_fs"]
        self._server = subprocess.Popen(
            [*command, str(self.mount), str(self.disk)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            stderr=(folder / "cut_fs.log").open("w"),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self._server.stdout is not None
        self._said = Lines(self._server.stdout)

    def __enter__(self) -> Power:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        unmount(self.mount)
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(WAIT_S)

    def on(self, life: Life) -> None:
        """Mounts what the last cut has left."""
        assert self._server.stdin is not None
        self._server.stdin.write(life.line())
        said = self._said.next()
        assert said == "on", f"the file system said {said!r}"

    def went(self, wait_s: float) -> bool:
        """True once the power is cut; then nothing answers until the next `on`."""
        said = self._said.next(wait_s)
        if said is None:
            return False
        self.seen += Counter(json.loads(said))
        return True

    def cut(self) -> None:
        """Cuts the power now."""
        with contextlib.suppress(OSError):  # the call that does it gets no answer
            os.mkdir(self.mount / CUT_NAME)
        assert self.went(WAIT_S)

    def off(self) -> None:
        """Takes the dead mount away."""
        unmount(self.mount)
        assert self._said.next() == "off"

    def erase(self) -> None:
        """Empties the disk between two lives."""
        shutil.rmtree(self.disk)
        self.disk.mkdir()

"""What works behind a journal: one thread makes bytes durable, one prepares segments; it owns both.

Which syncer serves: the native thread wherever a thread is asked for and the leaves are compiled;
it needs files with real descriptors. Everything else (no thread, nothing made durable, recorded
and simulated disks) is the Python twin.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from thft import _native
from thft.base.errors import LocalError, ThftError
from thft.stream._syncing_py import Syncer
from thft.stream.disk import Disk, File
from thft.stream.layout import segment_name
from thft.stream.watermark import Watermark

if TYPE_CHECKING or not _native.USE_NATIVE:
    ThreadSyncer = Syncer
else:
    from thft.stream._syncing import Syncer as ThreadSyncer

SEGMENTS_AHEAD = 2
"""So many zeroed segments are ready beside those that the unsynced bound takes: when a disk stalls
one may have been taken just now, and DEGRADED must be seen before the last one is full.
"""
TAKE_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.05
RETRY_S = 1.0
"""Between two tries to make a segment on a disk that refused."""


def start_syncer(seq: int, watermark: Watermark | None, sync: bool, threads: bool) -> Syncer:
    """Returns the syncer of a log that is durable up to `seq`."""
    if sync and threads:
        return ThreadSyncer(seq, watermark)
    return Syncer(seq, watermark, sync, threads)


def segments_ahead(unsynced_bound: int, segment_bytes: int) -> int:
    """Returns how many zeroed segments are kept ready, so that the bound can be written."""
    return SEGMENTS_AHEAD + -(-unsynced_bound // segment_bytes)


class SegmentSupply:
    """Keeps zeroed segments ready, so that beginning one costs nothing."""

    def __init__(
        self,
        disk: Disk,
        index: int,
        segment_bytes: int,
        threads: bool,
        unsynced_bound: int = 0,
        blank: Iterable[str] = (),
    ) -> None:
        """`unsynced_bound` bytes can be written from any moment on without waiting for the disk.

        `blank` segments are there already, zeroed by a run that was killed.
        """
        self._disk = disk
        self._blank = set(blank)
        self._index = index
        self._segment_bytes = segment_bytes
        self._ready: queue.Queue[File] = queue.Queue(segments_ahead(unsynced_bound, segment_bytes))
        self._failure: ThftError | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        if threads:
            self._thread = threading.Thread(target=self._run, name="journal-supply", daemon=True)
            self._thread.start()

    def take(self) -> File:
        """Returns the next segment's file; waits only when the disk has fallen far behind."""
        if self._thread is None:
            return self._make()
        deadline = time.monotonic() + TAKE_TIMEOUT_S
        while self._failure is None or not self._ready.empty():
            try:
                return self._ready.get(timeout=LOOK_EVERY_S)
            except queue.Empty as error:
                if time.monotonic() > deadline:
                    raise LocalError(
                        f"no new journal segment within {TAKE_TIMEOUT_S:.0f} s", "check the disk"
                    ) from error
        raise self._failure

    def stop(self) -> None:
        """Ends the thread and removes segments that were never begun."""
        self._stopping.set()
        if self._thread is not None:
            while self._thread.is_alive():
                self._drop_one(0.05)
            while not self._ready.empty():
                self._drop_one(0.0)
        for name in self._blank:
            self._disk.remove(name)

    def _drop_one(self, wait_s: float) -> None:
        try:
            made = self._ready.get(timeout=wait_s) if wait_s else self._ready.get_nowait()
        except queue.Empty:
            return
        made.close()
        self._disk.remove(made.name)

    def _make(self) -> File:
        name = segment_name(self._index)
        if name in self._blank:
            self._blank.remove(name)
            file = self._disk.open(name)
            file.sync()
        else:
            file = self._disk.create(name, self._segment_bytes)
        self._index += 1
        return file

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                made = self._make()
            except ThftError as error:  # a full disk may have room again
                self._failure = error
                self._stopping.wait(RETRY_S)
                continue
            self._failure = None
            self._ready.put(made)  # `stop` makes room

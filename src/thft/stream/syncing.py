"""The two threads behind a journal: one makes bytes durable, one prepares segments; it owns both.

A failed fdatasync poisons the log: what it covered may be gone although a second call would
succeed, so it is never repeated and every later flush says so.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque

from thft.base.errors import LocalError, ThftError
from thft.stream.disk import Disk, File
from thft.stream.layout import segment_name
from thft.stream.watermark import Watermark

SEGMENTS_AHEAD = 2
TAKE_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.05
RETRY_S = 1.0
"""Between two tries to make a segment on a disk that refused."""


class JournalPoisoned(LocalError):
    """A sync failed: nothing after it may be called durable."""


class Syncer:
    """Makes written bytes durable in groups: one fdatasync covers all writes before it began."""

    def __init__(self, seq: int, watermark: Watermark | None, enabled: bool, threads: bool) -> None:
        self.durable_seq = seq
        self.unsynced_bytes = 0
        self._watermark = watermark
        self._enabled = enabled
        self._wanted = threading.Condition()
        self._written_seq = seq
        self._written_bytes = 0
        self._synced_bytes = 0
        self._file: File | None = None
        self._retired: deque[File] = deque()
        self._failure: ThftError | None = None
        self._syncing = threading.Lock()
        self._stopping = False
        self._thread: threading.Thread | None = None
        if threads and enabled:
            self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
            self._thread.start()

    def check(self) -> None:
        """Raises JournalPoisoned once a sync has failed."""
        if self._failure is not None:
            raise JournalPoisoned(
                f"the journal is poisoned: {self._failure.cause}",
                f"{self._failure.remedy}: recovery keeps what is good",
            )

    def fail(self, failure: ThftError) -> None:
        """Poisons the log: nothing may be written behind what is missing."""
        self._failure = failure

    def written(self, seq: int, count: int, file: File) -> None:
        """Notes `count` bytes written to `file` up to `seq`."""
        with self._wanted:
            self._written_seq = seq
            self._written_bytes += count
            self.unsynced_bytes += count
            self._file = file
            self._wanted.notify()

    def retire(self, file: File) -> None:
        """Takes over a full segment: it is synced once more, then closed."""
        with self._wanted:
            self._retired.append(file)
            self._file = None

    def sync_now(self) -> None:
        """Makes everything written so far durable before it returns."""
        self.check()
        if self._enabled:
            self._sync()
            self.check()
            return
        while self._retired:
            self._retired.popleft().close()
        self.durable_seq = self._written_seq
        self.unsynced_bytes = 0

    def stop(self) -> None:
        """Ends the thread."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify()
        if self._thread is not None:
            self._thread.join()
        while self._retired:
            self._retired.popleft().close()

    def _run(self) -> None:
        while True:
            with self._wanted:
                self._wanted.wait_for(
                    lambda: self._stopping or self._written_seq > self.durable_seq
                )
                if self._stopping:
                    return
            self._sync()
            if self._failure is not None:
                return

    def _sync(self) -> None:
        with self._syncing:
            with self._wanted:
                seq, count = self._written_seq, self._written_bytes
                retired, file = list(self._retired), self._file
                self._retired.clear()
            try:
                for full in retired:
                    full.sync()
                    full.close()
                if file is not None:
                    file.sync()
            except ThftError as error:
                self._failure = error
                return
            self.durable_seq = seq
            with self._wanted:
                self.unsynced_bytes -= count - self._synced_bytes
                self._synced_bytes = count
            if self._watermark is not None:
                self._watermark.set_durable(seq)


class SegmentSupply:
    """Keeps zeroed segments ready, so that beginning one costs nothing."""

    def __init__(self, disk: Disk, index: int, segment_bytes: int, threads: bool) -> None:
        self._disk = disk
        self._index = index
        self._segment_bytes = segment_bytes
        self._ready: queue.Queue[File] = queue.Queue(SEGMENTS_AHEAD)
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

    def _drop_one(self, wait_s: float) -> None:
        try:
            made = self._ready.get(timeout=wait_s) if wait_s else self._ready.get_nowait()
        except queue.Empty:
            return
        made.close()
        self._disk.remove(made.name)

    def _make(self) -> File:
        file = self._disk.create(segment_name(self._index), self._segment_bytes)
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
            while not self._stopping.is_set():
                try:
                    self._ready.put(made, timeout=0.2)
                    break
                except queue.Full:
                    continue
            else:
                made.close()
                self._disk.remove(made.name)

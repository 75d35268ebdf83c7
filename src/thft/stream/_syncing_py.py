"""Making a log durable in groups, in Python: twin and specification of `_syncing`; see `syncing`.

A failed fdatasync poisons the log: what it covered may be gone although a second call would
succeed, so it is never repeated and every later flush says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from thft.base.errors import LocalError, ThftError
from thft.stream.disk import File, JournalPoisoned, disk_error
from thft.stream.watermark import Watermark


class Syncer:
    """One fdatasync covers all writes that had ended before it began.

    The owner tells of every segment (`begin`) and every write (`written`), and wakes the thread
    (`ring`) then or a little later; none of them waits for a sync. Segments are synced in the order
    in which they were begun, so nothing is durable before what was written earlier.
    """

    def __init__(
        self, seq: int, watermark: Watermark | None, enabled: bool = True, threads: bool = True
    ) -> None:
        """Everything up to `seq` is durable already.

        With `threads` off only `sync_now` syncs; with `enabled` off nothing does.
        """
        self.durable_seq = seq
        self._watermark = watermark
        self._enabled = enabled
        self._wanted = threading.Condition()
        self._written_seq = seq
        self._written_bytes = 0
        self._synced_bytes = 0
        self._files: list[File] = []
        """Begun and not yet closed: the last one is being written, those before it are full."""
        self._failure: ThftError | None = None
        self._call: Callable[[int], int] | None = None
        self._syncing = threading.Lock()
        self._stopping = False
        self._thread: threading.Thread | None = None
        if threads and enabled:
            self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
            self._thread.start()

    @property
    def unsynced_bytes(self) -> int:
        """Bytes written that a power cut would take."""
        return self._written_bytes - self._synced_bytes

    def check(self) -> None:
        """Raises JournalPoisoned once a sync has failed."""
        if self._failure is not None:
            raise JournalPoisoned(self._failure)

    def begin(self, file: File) -> None:
        """Goes on in `file`: the one before it is full, is synced once more and then closed."""
        with self._wanted:
            self._files.append(file)

    def written(self, seq: int, count: int) -> None:
        """Notes `count` bytes written to the file begun last, up to `seq`."""
        with self._wanted:
            self._written_seq = seq
            self._written_bytes += count

    def ring(self) -> None:
        """Wakes the thread if there is something to sync."""
        if self.unsynced_bytes:
            with self._wanted:
                self._wanted.notify()

    def sync_now(self) -> None:
        """Makes everything written so far durable before it returns."""
        self.check()
        if self._stopping and self.unsynced_bytes:
            raise LocalError("the journal is closed", "open it again")
        if self._enabled:
            self._sync()
            self.check()
        else:
            self._announce(self._written_seq, self._written_bytes, self._files[:-1])

    def stop(self) -> None:
        """Ends the thread and closes full segments; the owner closes the one begun last."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify()
        if self._thread is not None:
            self._thread.join()
        for full in self._files[:-1]:
            full.close()
        self._files.clear()

    def interpose(self, call: Callable[[int], int] | None) -> None:
        """Puts `call(fd)`, which returns an errno or 0, in the place of fdatasync; None ends it.

        For tests and benches: they stall, fail and order syncs.
        """
        self._call = call

    def _run(self) -> None:
        while self._failure is None:
            with self._wanted:
                self._wanted.wait_for(lambda: self._stopping or self.unsynced_bytes)
                if self._stopping:
                    return
            self._sync()

    def _sync(self) -> None:
        with self._syncing:
            if self._failure is not None or not self.unsynced_bytes:
                return
            with self._wanted:
                seq, count, files = self._written_seq, self._written_bytes, list(self._files)
            try:
                for file in files:
                    self._sync_one(file)
            except ThftError as error:
                self._failure = error
                return
            self._announce(seq, count, files[:-1])

    def _sync_one(self, file: File) -> None:
        if self._call is None:
            file.sync()
        elif number := self._call(file.fd):
            raise disk_error("fdatasync", file.name, OSError(number, os.strerror(number)))

    def _announce(self, seq: int, count: int, full: list[File]) -> None:
        for file in full:
            file.close()
        with self._wanted:
            del self._files[: len(full)]
        self.durable_seq = seq
        if self._watermark is not None:
            self._watermark.set_durable(seq)
        self._synced_bytes = count

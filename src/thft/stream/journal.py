"""The one writer of a log: packs, writes once a turn, makes durable behind; owned by core and api.

The kernel thread packs groups into `buffer` and calls `flush` once per loop turn: one write() per
segment touched. A syncing thread makes what was written durable; a preparing thread keeps zeroed
segments ready, so the kernel thread never waits for the disk until none is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from thft.base.errors import LocalError, ThftError
from thft.base.frame import CLOSE, CONTROL, GROUP_END, FrameBuffer
from thft.stream import layout, recovery
from thft.stream.disk import Disk, File, JournalPoisoned, RealDisk, sync_path, typed_errors
from thft.stream.layout import SegmentHeader
from thft.stream.segment import header_of, seal
from thft.stream.syncing import SegmentSupply, segments_ahead, start_syncer
from thft.stream.watermark import FILE_NAME, Watermark

LOCK_NAME = "lock"
RING_BLOCKS = 16
PLAIN_KEPT = 2
"""So many full segments stay plain, for readers that follow closely."""


class AlreadyLocked(LocalError):
    """Another process writes this log."""


@dataclass(frozen=True)
class Recovered:
    """What this start found: where the log ended and what was cut."""

    last_seq: int
    epoch: int
    cut_bytes: int
    cut_reason: str
    closed: bool


class Lock:
    """The exclusive right to write in a directory, held until the process ends."""

    def __init__(self, directory: Path) -> None:
        path = RealDisk(directory).directory / LOCK_NAME
        with typed_errors("open", str(path)):
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise AlreadyLocked(
                f"{directory} is in use by process {owner or 'unknown'}",
                "stop that process, or choose another data directory",
            ) from error
        with typed_errors("write", str(path)):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Gives the right back."""
        with contextlib.suppress(OSError):  # a failing disk; the right ends with the descriptor
            os.close(self._fd)


class Journal:
    """See the module. `buffer` is what the kernel packs into; `flush` makes it written."""

    def __init__(
        self,
        disk: Disk,
        *,
        instance: str,
        created_ns: int,
        segment_bytes: int = 16 << 20,
        block_bytes: int = 64 << 10,
        sync: bool = True,
        threads: bool = True,
        unsynced_bound: int = 0,
        watermark: Watermark | None = None,
    ) -> None:
        """Recovers the log in `disk` and begins a new epoch in a new segment.

        Raises DamagedLog when what had been durable is not there. With `sync` off nothing is made
        durable (benches, backtests); with `threads` off `sync_now` does what the threads do. From
        any moment on `unsynced_bound` bytes can be written without waiting for the disk.
        """
        if segment_bytes % block_bytes or block_bytes % 4_096:
            raise LocalError(
                f"segment_bytes {segment_bytes} is no multiple of block_bytes {block_bytes}",
                "choose block_bytes a multiple of 4096 that divides segment_bytes",
            )
        self._disk = disk
        self._instance = instance
        self._created_ns = created_ns
        self._segment_bytes = segment_bytes
        self._block_bytes = block_bytes
        self._watermark = watermark
        self._lock: Lock | None = None
        _reread(disk)
        found = recovery.walk(disk)
        ahead = _settle(disk, found, segment_bytes, unsynced_bound)
        reason = f"{found.tear.segment}: {found.tear.reason}" if found.tear else ""
        self.epoch = found.epoch + 1
        self.recovered = Recovered(
            found.last_seq, self.epoch, found.cut_bytes, reason, found.closed
        )
        self._chain = found.chain
        self.written_seq = found.last_seq
        self.supply = SegmentSupply(
            disk, found.index + 1, segment_bytes, threads, unsynced_bound, ahead
        )
        self.syncer = start_syncer(found.last_seq, watermark, sync, threads)
        self.buffer = FrameBuffer(block_bytes, RING_BLOCKS, layout.TRAILER_BYTES, found.next_seq)
        self.buffer.on_block_full = self._block_full
        if watermark is not None:
            watermark.begin(self.epoch, found.last_seq)
        self._pending = 0
        self._written_bytes = self._saved_bytes = 0
        self._full = deque((name, found.last_seq) for name in found.plain)
        """Full segments with the seq at which each ends, oldest first."""
        self._file: File
        self._failure: ThftError | None = None
        """Why nothing may be written any more."""
        self._begin_segment(found.last_seq)
        self.flush()
        self.sync_now()

    @classmethod
    def open(cls, directory: Path, *, instance: str, created_ns: int, **options: int) -> Journal:
        """Locks a real directory and opens its log; see the class for the options."""
        lock = Lock(directory)
        try:
            disk = RealDisk(directory)
            sync_path(directory)
            with typed_errors("open", str(directory / FILE_NAME)):
                watermark = Watermark(directory, create=True)
            journal = cls(
                disk,
                instance=instance,
                created_ns=created_ns,
                watermark=watermark,
                **options,  # type: ignore[arg-type]
            )
        except BaseException:
            lock.release()
            raise
        journal._lock = lock
        return journal

    # ---- marks ---------------------------------------------------------------------------------

    @property
    def durable_seq(self) -> int:
        """Last sequence number that survives a power cut."""
        return self.syncer.durable_seq

    @property
    def unsynced_bytes(self) -> int:
        """Bytes written that a power cut would take."""
        return self.syncer.unsynced_bytes

    @property
    def grown_bytes(self) -> int:
        """By how much the log has grown on disk since it was opened: written less compressed."""
        return self._written_bytes - self._saved_bytes

    @property
    def segment(self) -> str:
        """Name of the segment that is being written."""
        return self._file.name

    # ---- writing -------------------------------------------------------------------------------

    def append(self, type: int, stream: int, source: int, recv_ts_ns: int, payload: bytes) -> int:
        """Packs one frame as a group of its own; returns its seq."""
        return self.buffer.append(type, 1, GROUP_END, stream, source, recv_ts_ns, payload)

    def flush(self, ring: bool = True) -> int:
        """Writes everything packed; returns the last written seq. One write() when it fits.

        Waking the syncing thread may take longer than the write: who passes False calls `ring`
        once that which waits for the write has left.
        """
        if self._failure is not None:
            raise JournalPoisoned(self._failure)
        self.syncer.check()
        buffer, start, end = self.buffer, self._pending, self._position
        if end > start:
            ends_at = buffer.block * self._block_bytes + buffer.used
            view = memoryview(buffer.memory)[ends_at - (end - start) : ends_at]
            try:
                self._file.write(start, view)
            except ThftError as error:
                self._failure = error  # whoever called may not be one that ends the process
                raise
            self._pending = end
            self._written_bytes += end - start
            self.written_seq = buffer.next_seq - 1
            if self._watermark is not None:
                self._watermark.set_written(self.written_seq)
            self.syncer.written(self.written_seq, end - start)
            if ring:
                self.syncer.ring()
        return self.written_seq

    def ring(self) -> None:
        """Wakes the thread that makes durable what was written."""
        self.syncer.ring()

    def sync_now(self) -> None:
        """Makes everything written durable before it returns."""
        self.syncer.sync_now()

    def seal_one(self) -> str:
        """Compresses the oldest full segment that is durable; returns its name, empty if none.

        For one thread beside the kernel's; the newest full segments are left as they are.
        """
        if len(self._full) <= PLAIN_KEPT or self._full[0][1] > self.durable_seq:
            return ""
        name = self._full[0][0]
        plain = self._disk.size(name)
        sealed = seal(self._disk, name)
        self._full.popleft()
        self._saved_bytes += plain - self._disk.size(sealed)
        return sealed

    def close(self) -> None:
        """Makes all durable, ends the log with a CLOSE frame and cuts the file there."""
        self.flush()
        self.sync_now()
        payload = self.durable_seq.to_bytes(8, "little")
        self.buffer.append(CLOSE, 1, GROUP_END, CONTROL, 0, self._created_ns, payload)
        self.flush()
        self.sync_now()
        self._file.truncate(self._position)
        self._file.sync()
        self.abandon()

    def discard(self) -> None:
        """Takes back a start of which nothing was written: its empty segment goes."""
        if self.written_seq == self.recovered.last_seq:
            self._disk.remove(self._file.name)
            self._disk.sync_names()
        self.abandon()

    def abandon(self) -> None:
        """Stops the threads and lets go of the files without a CLOSE frame."""
        self.syncer.stop()
        self.supply.stop()
        self._file.close()
        if self._watermark is not None:
            self._watermark.close()
        if self._lock is not None:
            self._lock.release()

    # ---- blocks and segments -------------------------------------------------------------------

    @property
    def _position(self) -> int:
        return self._block_offset + self.buffer.used

    def _begin_segment(self, durable_seq: int) -> None:
        self._file = self._next_file()
        self.syncer.begin(self._file)
        header = SegmentHeader(
            self._block_bytes,
            self._segment_bytes,
            self.epoch,
            self.buffer.next_seq,
            durable_seq,
            self._created_ns,
            self._chain,
            self._instance,
        )
        at = self.buffer.block * self._block_bytes
        self.buffer.memory[at : at + layout.HEADER_BYTES] = header.pack()
        self.buffer.used = layout.HEADER_BYTES
        self._block_offset = 0
        self._pending = 0

    def _block_full(self) -> None:
        """Seals the current block and goes on in the next one, of a new segment when needed."""
        buffer, size = self.buffer, self._block_bytes
        at = buffer.block * size
        block = memoryview(buffer.memory)[at : at + size]
        last_seq = buffer.next_seq - 1
        self._chain = layout.seal_block(block, buffer.used, last_seq, self.durable_seq, self._chain)
        buffer.used = size
        segment_done = self._block_offset + size >= self._segment_bytes
        if segment_done or buffer.block + 1 == buffer.block_count:
            self.flush()
        buffer.next_block()
        self._block_offset += size
        if segment_done:
            self._full.append((self._file.name, last_seq))
            self._begin_segment(self.durable_seq)

    def _next_file(self) -> File:
        """Returns the file of the next segment; without one the log cannot go on."""
        try:
            return self.supply.take()
        except ThftError as error:
            self._failure = error
            raise


def _reread(disk: Disk) -> None:
    """Makes durable, before it is read, what a writer that died has left in any segment.

    Segments that were never begun are spared: there may be many, and they hold nothing.
    """
    for name in layout.segment_names(disk.names()):
        if not layout.is_sealed(name) and header_of(disk, name) is not None:
            file = disk.open(name)
            file.sync()
            file.forget()
            file.close()


def _settle(
    disk: Disk, found: recovery.Recovery, segment_bytes: int, unsynced_bound: int
) -> set[str]:
    """Makes the disk hold exactly what was found; returns the blank segments to use."""
    last = found.index + 1 + segments_ahead(unsynced_bound, segment_bytes)
    ahead = {
        name
        for name in found.blank
        if found.index < (layout.segment_index(name) or 0) <= last
        and disk.size(name) == segment_bytes
    }
    for name in (*found.dead, *found.leftovers):
        if name not in ahead:
            disk.remove(name)
    if found.dead or found.leftovers:
        disk.sync_names()
    if found.index:
        name = layout.segment_name(found.index)
        if name in disk.names():
            file = disk.open(name)
            if disk.size(name) > found.end:
                file.truncate(found.end)
            file.sync()
            file.close()
    return ahead

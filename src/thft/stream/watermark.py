"""The mapped side file of a log and its doorbell: hints for readers, never read by recovery.

The writer stores `written` and `durable` and rings readers that sleep; a reader arms its slot,
looks once more, then sleeps on its datagram socket. Nothing is lost without it: a reader that
misses a ring looks again by itself.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import struct
import tempfile
from pathlib import Path

_TIMEVAL = struct.Struct("@ll")
WAIT = (0, 500_000)
"""Seconds and microseconds after which a sleeping reader looks by itself."""
_WRITTEN, _DURABLE, _EPOCH = range(3)
"""The marks: 64-bit words, each stored and loaded in one access, so that none is seen half."""
DURABLE_AT = 8 * _DURABLE
"""Where the durable mark lies in the file, for the thread that stores it without Python."""
_ARMED = 24
_SLOTS, _SLOT_BYTES, _FIRST_SLOT = 16, 120, 128
_SIZE = _FIRST_SLOT + _SLOTS * _SLOT_BYTES
_SLOT_PLACES = tuple(range(_FIRST_SLOT, _SIZE, _SLOT_BYTES))
"""A slot: armed, length of the address, six zeros, the address of the reader's socket."""
FILE_NAME = "watermark"


class Watermark:
    """Both ends map the same file; the writer's end also rings."""

    def __init__(self, directory: Path, create: bool) -> None:
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        fd = os.open(directory / FILE_NAME, flags, 0o600)
        try:
            if os.fstat(fd).st_size != _SIZE:
                os.ftruncate(fd, 0)
                done = 0
                while done < _SIZE:  # a hole would be no room when the disk is full
                    done += os.pwrite(fd, bytes(_SIZE - done), done)
            self.memory = mmap.mmap(fd, _SIZE)
            self._marks = memoryview(self.memory).cast("Q")
        finally:
            os.close(fd)
        self._bells: dict[int, tuple[bytes, socket.socket]] = {}
        """The writer's end by slot: the reader's address, a socket connected to it."""

    @property
    def written_seq(self) -> int:
        """Last sequence number that survives the death of the writer."""
        return self._marks[_WRITTEN]

    @property
    def durable_seq(self) -> int:
        """Last sequence number that survives a power cut."""
        return self._marks[_DURABLE]

    def begin(self, epoch: int, seq: int) -> None:
        """Starts a run: both marks stand at the recovered end."""
        self._marks[_EPOCH] = epoch
        self._marks[_WRITTEN] = self._marks[_DURABLE] = seq

    def set_written(self, seq: int) -> None:
        """Publishes what has been written and wakes sleeping readers."""
        self._marks[_WRITTEN] = seq
        if self.memory[_ARMED]:
            self._ring()

    def set_durable(self, seq: int) -> None:
        """Publishes what has become durable."""
        self._marks[_DURABLE] = seq

    def _ring(self) -> None:
        memory = self.memory
        memory[_ARMED] = 0
        for slot in _SLOT_PLACES:
            if memory[slot]:
                memory[slot] = 0
                try:
                    self._bell(memory, slot).send(b"\1")
                except BlockingIOError:
                    continue  # its queue is full of rings already
                except OSError:
                    memory[slot + 8 : slot + _SLOT_BYTES] = bytes(_SLOT_BYTES - 8)  # it died

    def _bell(self, memory: mmap.mmap, slot: int) -> socket.socket:
        """Returns a socket connected to the slot's reader: no ring looks up its path again."""
        address = memory[slot + 8 : slot + 8 + memory[slot + 1]]
        known = self._bells.get(slot)
        if known is not None:
            if known[0] == address:
                return known[1]
            known[1].close()
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._bells[slot] = address, bell
        bell.setblocking(False)
        bell.connect(address)
        return bell

    def close(self) -> None:
        """Unmaps the file."""
        self._marks.release()
        self.memory.close()
        for _, bell in self._bells.values():
            bell.close()


class Doorbell:
    """A reader's end: a datagram socket whose address stands in a slot of the side file."""

    def __init__(self, directory: Path) -> None:
        self._watermark = Watermark(directory, create=False)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(*WAIT))
        self._folder = tempfile.mkdtemp(prefix="thft-bell-")
        address = os.path.join(self._folder, "s")
        self._socket.bind(address)
        self._slot = self._take_slot(address.encode())

    def _take_slot(self, address: bytes) -> int:
        memory = self._watermark.memory
        for slot in _SLOT_PLACES:
            if not memory[slot + 8]:
                memory[slot + 8 : slot + 8 + len(address)] = address
                memory[slot + 1] = len(address)
                return slot
        return -1  # more readers than slots: this one looks by itself

    def fileno(self) -> int:
        """Returns the descriptor that becomes readable when the writer rings."""
        return self._socket.fileno()

    def arm(self) -> None:
        """Asks for one ring; look for frames once more after it, then sleep."""
        if self._slot >= 0:
            self._watermark.memory[self._slot] = 1
            self._watermark.memory[_ARMED] = 1

    def wait(self) -> None:
        """Sleeps until the writer rings, half a second at most; for a thread of its own."""
        try:  # `suppress` would cost the reader who wakes as much as reading does
            self._socket.recv(16)
        except BlockingIOError:
            return

    def drain(self) -> None:
        """Takes one ring, if there is one; for a loop that watches `fileno`."""
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(16, socket.MSG_DONTWAIT)

    @property
    def watermark(self) -> Watermark:
        """The side file, for its marks."""
        return self._watermark

    def close(self) -> None:
        """Frees the slot and removes the socket."""
        if self._slot >= 0:
            memory = self._watermark.memory
            memory[self._slot : self._slot + _SLOT_BYTES] = bytes(_SLOT_BYTES)
        self._socket.close()
        os.unlink(os.path.join(self._folder, "s"))
        os.rmdir(self._folder)
        self._watermark.close()

# cython: language_level=3, boundscheck=False, wraparound=False
"""Packing and checking frames, native; called through `base.frame` and by `kernel._dispatch`.

The twin `_frame_py` states the rules.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "frame_core.h" nogil:
    ctypedef struct frame_walk:
        size_t closed_end, bad
        uint64_t closed_seq, next_seq, found
        int verdict
    enum: FRAME_HEADER, WALK_GOOD, WALK_NOT_EMPTY, WALK_LENGTH, WALK_CRC, WALK_SEQ
    void frame_core_start()
    size_t frame_padded(size_t length)
    uint32_t crc_by_tables(uint32_t crc, const uint8_t *at, size_t count)
    uint32_t crc_step(uint32_t crc, const uint8_t *at, size_t count)
    void frame_pack(uint8_t *at, frame_header *header, const void *payload, size_t payload_bytes)
    frame_walk frame_walk_all(const uint8_t *buffer, size_t start, size_t end, uint64_t seq)

CORE_API = 1

frame_core_start()


cdef class FrameBuffer:
    """Blocks of memory in which frames are packed until the journal has written them."""

    def __init__(self, Py_ssize_t block_bytes, Py_ssize_t block_count, Py_ssize_t trailer_bytes,
                 uint64_t next_seq):
        if self.memory is not None:
            raise RuntimeError("a frame buffer is made once")
        self.memory = bytearray(block_bytes * block_count)
        PyObject_GetBuffer(self.memory, &self.view, PyBUF_WRITABLE)  # held: it cannot be resized
        self.block_bytes = block_bytes
        self.block_count = block_count
        self.trailer_bytes = trailer_bytes
        self.next_seq = next_seq
        self.block = 0
        self.used = 0
        self.room_end = block_bytes - trailer_bytes
        self.on_block_full = _no_owner

    def __dealloc__(self):
        if self.view.obj != NULL:
            PyBuffer_Release(&self.view)

    def next_block(self, Py_ssize_t header_bytes=0):
        """Goes on in the next block of memory, `header_bytes` behind its start."""
        self.block = (self.block + 1) % self.block_count
        self.used = header_bytes

    def append(self, uint16_t type, uint8_t version, uint8_t flags, uint16_t stream,
               uint16_t source, int64_t recv_ts_ns, bytes payload not None):
        """Packs one frame that is a whole group (flags carry GROUP_END); returns its seq."""
        cdef Py_ssize_t count = PyBytes_GET_SIZE(payload)
        self.room(frame_padded(FRAME_HEADER + count))
        cdef frame_header header = frame_header(
            0, 0, 0, recv_ts_ns, type, version, flags, stream, source)
        self.pack(&header, PyBytes_AS_STRING(payload), count)
        return self.next_seq - 1

    def append_group(self, list frames not None):
        """Packs an input and its outcomes into one block; returns the first seq."""
        cdef Py_ssize_t needed = 0
        for frame in frames:
            needed += frame_padded(FRAME_HEADER + len(<bytes?>frame[6]))
        self.room(needed)
        first = self.next_seq
        cdef frame_header header
        for type, version, flags, stream, source, recv_ts_ns, payload in frames:
            header = frame_header(0, 0, 0, recv_ts_ns, type, version, flags, stream, source)
            self.pack(&header, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return first

    def make_room(self, Py_ssize_t needed):
        """Rolls to the next block when `needed` bytes do not fit; raises FrameTooLarge."""
        self.room(needed)

    cdef int room(self, Py_ssize_t needed) except -1:
        if self.used + needed <= self.room_end:
            return 0
        if needed > self.room_end - 128:
            from thft.base.frame import FrameTooLarge

            raise FrameTooLarge(
                f"a group of {needed} bytes does not fit a block of {self.block_bytes}",
                "raise journal.block_bytes",
            )
        self.on_block_full()
        return 0

    cdef int pack(self, frame_header *header, const void *payload,
                  Py_ssize_t payload_bytes) except -1:
        """Packs a frame behind `used`, where `room` has made room; seq, length and crc follow."""
        cdef Py_ssize_t at = self.block * self.block_bytes + self.used
        cdef Py_ssize_t padded = frame_padded(FRAME_HEADER + payload_bytes)
        if at < 0 or at + padded > self.view.len:
            raise IndexError(f"a frame of {padded} bytes at {at} is outside the frame buffer")
        header.seq = self.next_seq
        frame_pack(<uint8_t *>self.view.buf + at, header, payload, payload_bytes)
        self.used += padded
        self.next_seq += 1
        return 0


def _no_owner():
    raise RuntimeError("this frame buffer has no owner to close its block")


def crc32(data, uint32_t value=0):
    """Returns CRC-32 as `zlib.crc32` does."""
    return _crc(data, value, False)


def crc32_by_tables(data, uint32_t value=0):
    """The same on a processor without carry-less products; the tests compare both."""
    return _crc(data, value, True)


cdef uint32_t _crc(data, uint32_t value, bint by_tables) except? 0:
    cdef Py_buffer view
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    cdef uint8_t *at = <uint8_t *>view.buf
    try:
        value = crc_by_tables(~value, at, view.len) if by_tables else crc_step(~value, at, view.len)
    finally:
        PyBuffer_Release(&view)
    return ~value


def valid_end(buffer, Py_ssize_t start, Py_ssize_t end, uint64_t next_seq):
    """Walks frames from `start`; returns (end of closed groups, next seq, bad offset, reason)."""
    cdef Py_buffer view
    cdef frame_walk walk
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    try:
        if start < 0 or end > view.len:
            raise IndexError(f"[{start}:{end}] is outside a buffer of {view.len} bytes")
        with nogil:
            walk = frame_walk_all(<const uint8_t *>view.buf, start, max(start, end), next_seq)
    finally:
        PyBuffer_Release(&view)
    if walk.verdict == WALK_GOOD:
        return walk.closed_end, walk.closed_seq, -1, ""
    if walk.verdict == WALK_NOT_EMPTY:
        reason = "bytes where nothing was written"
    elif walk.verdict == WALK_LENGTH:
        reason = f"impossible length {walk.found}"
    elif walk.verdict == WALK_CRC:
        reason = "checksum differs"
    else:
        reason = f"seq {walk.found} where {walk.next_seq} belongs"
    return walk.closed_end, walk.closed_seq, walk.bad, reason

# cython: language_level=3, boundscheck=False, wraparound=False
"""Packing and checking frames, native; see the twin `_frame_py` for the rules."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy, memset


cdef enum:
    GROUP_END_FLAG = 1

thft_frame_init()


cdef class FrameBuffer:
    """Blocks of memory in which frames are packed until the journal has written them."""

    def __init__(self, Py_ssize_t block_bytes, Py_ssize_t block_count, Py_ssize_t trailer_bytes,
                 long long next_seq):
        self.memory = bytearray(block_bytes * block_count)
        self.base = <unsigned char *> PyByteArray_AS_STRING(self.memory)
        self.block_bytes = block_bytes
        self.block_count = block_count
        self.trailer_bytes = trailer_bytes
        self.next_seq = next_seq
        self.room_end = block_bytes - trailer_bytes
        self.on_block_full = _no_owner

    def next_block(self, Py_ssize_t header_bytes=0):
        self.block = (self.block + 1) % self.block_count
        self.used = header_bytes

    cdef int require(self, Py_ssize_t needed) except -1:
        if self.used + needed <= self.room_end:
            return 0
        if needed > self.room_end - 128:
            from thft.base.frame import FrameTooLarge

            raise FrameTooLarge(
                f"a group of {needed} bytes does not fit a block of {self.block_bytes}",
                "raise journal.block_bytes",
            )
        self.on_block_full()
        if self.used + needed > self.room_end:
            raise RuntimeError("the owner of this frame buffer has not gone on in the next block")
        return 0

    cdef void pack(self, int type, int version, int flags, int stream, int source,
                          long long recv_ts_ns, const unsigned char *payload,
                          Py_ssize_t size) noexcept:
        cdef unsigned char *at = self.base + self.block * self.block_bytes + self.used
        cdef thft_header *header = <thft_header *> at
        cdef Py_ssize_t length = THFT_HEADER_BYTES + size
        cdef Py_ssize_t padded = (length + 7) & ~7
        header.length = <unsigned int> length
        header.seq = self.next_seq
        header.recv_ts_ns = recv_ts_ns
        header.type = type
        header.version = version
        header.flags = flags
        header.stream = stream
        header.source = source
        memcpy(at + THFT_HEADER_BYTES, payload, size)
        memset(at + length, 0, padded - length)
        header.crc = thft_crc32(at + 4, padded - 4)
        self.used += padded
        self.next_seq += 1

    def append(self, int type, int version, int flags, int stream, int source,
               long long recv_ts_ns, bytes payload not None):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
        self.require((THFT_HEADER_BYTES + size + 7) & ~7)
        self.pack(type, version, flags, stream, source, recv_ts_ns,
                  <const unsigned char *> PyBytes_AS_STRING(payload), size)
        return self.next_seq - 1

    def append_group(self, list frames not None):
        cdef Py_ssize_t needed = 0
        cdef tuple frame
        cdef bytes payload
        for frame in frames:
            payload = frame[6]
            needed += (THFT_HEADER_BYTES + PyBytes_GET_SIZE(payload) + 7) & ~7
        self.require(needed)
        first = self.next_seq
        for frame in frames:
            payload = frame[6]
            self.pack(frame[0], frame[1], frame[2], frame[3], frame[4], frame[5],
                      <const unsigned char *> PyBytes_AS_STRING(payload),
                      PyBytes_GET_SIZE(payload))
        return first

    def make_room(self, Py_ssize_t needed):
        self.require(needed)


def _no_owner():
    raise RuntimeError("this frame buffer has no owner to close its block")


def crc32(data):
    """Returns zlib's CRC-32 of a bytes-like object."""
    cdef Py_buffer view
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        return thft_crc32(<const unsigned char *> view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


def valid_end(buffer, Py_ssize_t start, Py_ssize_t end, unsigned long long next_seq):
    """Walks frames; returns (end of closed groups, next seq, bad offset, reason)."""
    cdef Py_buffer view
    cdef const unsigned char *base
    cdef const thft_header *header
    cdef Py_ssize_t at = start, closed_end = start, padded
    cdef unsigned long long seq = next_seq, closed_seq = next_seq
    cdef unsigned int length
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    try:
        base = <const unsigned char *> view.buf
        if end > view.len:
            raise ValueError(f"end {end} behind a buffer of {view.len} bytes")
        while at + THFT_HEADER_BYTES <= end:
            header = <const thft_header *> (base + at)
            length = header.length
            if length == 0:
                if not _all_zero(base + at, THFT_HEADER_BYTES):
                    return closed_end, closed_seq, at, "bytes where nothing was written"
                break
            padded = (<Py_ssize_t> length + 7) & ~7
            if length < THFT_HEADER_BYTES or at + padded > end:
                return closed_end, closed_seq, at, f"impossible length {length}"
            if thft_crc32(base + at + 4, padded - 4) != header.crc:
                return closed_end, closed_seq, at, "checksum differs"
            if header.seq != seq:
                return closed_end, closed_seq, at, f"seq {header.seq} where {seq} belongs"
            at += padded
            seq += 1
            if header.flags & GROUP_END_FLAG:
                closed_end = at
                closed_seq = seq
        return closed_end, closed_seq, -1, ""
    finally:
        PyBuffer_Release(&view)


cdef bint _all_zero(const unsigned char *at, Py_ssize_t count) noexcept:
    cdef Py_ssize_t index
    for index in range(count):
        if at[index]:
            return False
    return True

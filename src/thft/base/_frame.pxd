# cython: language_level=3
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "frame_core.h" nogil:
    ctypedef struct frame_header:
        uint32_t crc, length
        uint64_t seq
        int64_t recv_ts_ns
        uint16_t type
        uint8_t version, flags
        uint16_t stream, source


cdef class FrameBuffer:
    cdef readonly bytearray memory
    cdef readonly Py_ssize_t block_bytes, block_count, trailer_bytes
    cdef public Py_ssize_t block, used, room_end
    cdef public uint64_t next_seq
    cdef public object on_block_full
    cdef Py_buffer view

    cdef int room(self, Py_ssize_t needed) except -1
    cdef int pack(self, frame_header *header, const void *payload, Py_ssize_t payload_bytes) except -1

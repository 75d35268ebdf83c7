cdef extern from "frame_core.h":
    ctypedef struct thft_header:
        unsigned int crc
        unsigned int length
        unsigned long long seq
        long long recv_ts_ns
        unsigned short type
        unsigned char version
        unsigned char flags
        unsigned short stream
        unsigned short source
    enum:
        THFT_HEADER_BYTES
    void thft_frame_init() nogil
    unsigned int thft_crc32(const unsigned char *at, size_t count) nogil


cdef class FrameBuffer:
    cdef readonly bytearray memory
    cdef readonly Py_ssize_t block_bytes, block_count, trailer_bytes, room_end
    cdef public Py_ssize_t block, used
    cdef public long long next_seq
    cdef public object on_block_full
    cdef unsigned char *base

    cdef int require(self, Py_ssize_t needed) except -1
    cdef void pack(self, int type, int version, int flags, int stream, int source,
                          long long recv_ts_ns, const unsigned char *payload,
                          Py_ssize_t size) noexcept

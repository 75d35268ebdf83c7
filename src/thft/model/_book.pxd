# cython: language_level=3
cdef class TopBook:
    cdef readonly int feed, instrument
    cdef readonly long long bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns
    cdef readonly long long quotes, crossed_count, locked_count
    cdef readonly bint tradable, bad
    cdef public int resting
    cdef public list watchers
    cdef inline void take(self, long long bid, long long bid_size, long long ask,
                          long long ask_size, long long venue_ts_ns, long long venue_seq,
                          long long recv_ts_ns) noexcept

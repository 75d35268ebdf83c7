# cython: language_level=3
cdef struct Level:
    long long key, size


cdef struct Side:
    Level *levels
    Py_ssize_t count, room


cdef int reserve(Side *side, Py_ssize_t wanted) except -1
cdef Py_ssize_t trim(Side *side, Py_ssize_t depth, bint ask, long long *gone) noexcept


cdef class DepthBook:
    cdef Side _bids, _asks
    cdef int take(self, bint reset, const unsigned char *bids, Py_ssize_t bid_count,
                  const unsigned char *asks, Py_ssize_t ask_count) except -1
    cdef void best(self, long long *top) noexcept


cdef class TopBook:
    cdef readonly int feed, instrument
    cdef readonly long long bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns
    cdef readonly long long quotes, crossed_count, locked_count
    cdef readonly bint tradable, bad
    cdef readonly long long trade_price, trade_size, trade_ts_ns, trade_id, trade_recv_ts_ns, trades
    cdef readonly int trade_aggressor
    cdef public int resting
    cdef public list watchers, trade_watchers
    cdef inline void take(self, long long bid, long long bid_size, long long ask,
                          long long ask_size, long long venue_ts_ns, long long venue_seq,
                          long long recv_ts_ns) noexcept
    cdef inline void trade(self, long long price, long long size, int aggressor,
                           long long venue_ts_ns, long long trade_id,
                           long long recv_ts_ns) noexcept

# cython: language_level=3
"""Books, native; called through `model.book` and by `kernel._dispatch`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

from thft.model.fixed import ABSENT, pack_pairs

cdef long long ABSENT_ = ABSENT


cdef enum:
    LEVEL_BYTES = 16
    LEVELS_KEPT = 5_000
    FEW = 64


cdef class TopBook:
    """Best bid and ask of one instrument at one feed; see the twin `_book_py` for the rules."""

    def __init__(self, int feed, int instrument):
        self.feed = feed
        self.instrument = instrument
        self.bid = self.bid_size = self.ask = self.ask_size = ABSENT_
        self.venue_ts_ns = ABSENT_
        self.trade_price = self.trade_size = self.trade_ts_ns = ABSENT_
        self.watchers = []
        self.trade_watchers = []

    cdef inline void take(self, long long bid, long long bid_size, long long ask,
                          long long ask_size, long long venue_ts_ns, long long venue_seq,
                          long long recv_ts_ns) noexcept:
        self.bid = bid
        self.bid_size = bid_size
        self.ask = ask
        self.ask_size = ask_size
        self.venue_ts_ns = venue_ts_ns
        self.venue_seq = venue_seq
        self.recv_ts_ns = recv_ts_ns
        self.quotes += 1
        if bid < ask and bid != ABSENT_:
            self.tradable = not self.bad
            return
        self.tradable = False
        if bid == ABSENT_ or ask == ABSENT_:
            return
        if bid > ask:
            self.crossed_count += 1
        else:
            self.locked_count += 1

    def update(self, long long bid, long long bid_size, long long ask, long long ask_size,
               long long venue_ts_ns, long long venue_seq, long long recv_ts_ns):
        self.take(bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, recv_ts_ns)

    cdef inline void trade(self, long long price, long long size, int aggressor,
                           long long venue_ts_ns, long long trade_id,
                           long long recv_ts_ns) noexcept:
        self.trade_price = price
        self.trade_size = size
        self.trade_aggressor = aggressor
        self.trade_ts_ns = venue_ts_ns
        self.trade_id = trade_id
        self.trade_recv_ts_ns = recv_ts_ns
        self.trades += 1

    def take_trade(self, long long price, long long size, int aggressor, long long venue_ts_ns,
                   long long trade_id, long long recv_ts_ns):
        self.trade(price, size, aggressor, venue_ts_ns, trade_id, recv_ts_ns)

    def blank(self):
        self.bid = self.bid_size = self.ask = self.ask_size = ABSENT_
        self.tradable = False

    def mark_bad(self, bint bad):
        self.bad = bad
        self.tradable = not bad and self.bid != ABSENT_ and self.bid < self.ask

    def record(self):
        return (self.feed, self.instrument, self.bid, self.bid_size, self.ask, self.ask_size,
                self.venue_ts_ns, self.venue_seq, self.recv_ts_ns, self.quotes,
                self.crossed_count, self.locked_count, int(self.bad),
                self.trade_price, self.trade_size, self.trade_aggressor, self.trade_ts_ns,
                self.trade_id, self.trade_recv_ts_ns, self.trades)

    def restore(self, record):
        (self.feed, self.instrument, self.bid, self.bid_size, self.ask, self.ask_size,
         self.venue_ts_ns, self.venue_seq, self.recv_ts_ns, self.quotes,
         self.crossed_count, self.locked_count, bad,
         self.trade_price, self.trade_size, self.trade_aggressor, self.trade_ts_ns,
         self.trade_id, self.trade_recv_ts_ns, self.trades) = record
        self.mark_bad(bool(bad))


# ---- depth: the best level of each side is the last, where most changes are; the key of an ask is
# its price inverted, so that both sides are sorted alike


cdef int reserve(Side *side, Py_ssize_t wanted) except -1:
    cdef void *levels
    if wanted > side.room:
        wanted = max(2 * side.room, wanted, FEW)
        levels = realloc(side.levels, wanted * sizeof(Level))
        if levels == NULL:
            raise MemoryError
        side.levels, side.room = <Level *> levels, wanted
    return 0


cdef inline Py_ssize_t place(const Side *side, long long key) noexcept:
    """Returns where the first level stands that is at least as good."""
    cdef Py_ssize_t low = 0, high = side.count, middle
    while low < high:
        middle = (low + high) >> 1
        if side.levels[middle].key < key:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline void load(const unsigned char *at, bint ask, Level *level) noexcept:
    memcpy(level, at, LEVEL_BYTES)
    if ask:
        level.key = ~level.key


cdef bint fill(Side *side, const unsigned char *packed, Py_ssize_t count, bint ask) noexcept:
    """Takes a whole side that stands best first, as snapshots do; False when it does not."""
    cdef Py_ssize_t index
    cdef Level *to
    for index in range(count):
        to = side.levels + count - 1 - index
        load(packed + index * LEVEL_BYTES, ask, to)
        if not to.size or (index and to.key >= to[1].key):
            return False
    side.count = count
    return True


cdef int change(Side *side, const unsigned char *packed, Py_ssize_t count, bint ask) except -1:
    cdef Py_ssize_t index, at
    cdef Level level
    cdef Level *levels
    reserve(side, side.count + count)
    if not side.count and fill(side, packed, count, ask):
        count = 0
    levels = side.levels
    for index in range(count):
        load(packed + index * LEVEL_BYTES, ask, &level)
        at = place(side, level.key)
        if at < side.count and levels[at].key == level.key:
            if level.size:
                levels[at].size = level.size
            else:
                side.count -= 1
                memmove(levels + at, levels + at + 1, (side.count - at) * sizeof(Level))
        elif level.size:
            memmove(levels + at + 1, levels + at, (side.count - at) * sizeof(Level))
            levels[at] = level
            side.count += 1
    if side.count > LEVELS_KEPT:
        memmove(levels, levels + side.count - LEVELS_KEPT, LEVELS_KEPT * sizeof(Level))
        side.count = LEVELS_KEPT
    return 0


cdef Py_ssize_t trim(Side *side, Py_ssize_t depth, bint ask, long long *gone) noexcept:
    cdef Py_ssize_t index, beyond = max(side.count - depth, 0)
    for index in range(beyond):
        gone[2 * index] = ~side.levels[index].key if ask else side.levels[index].key
        gone[2 * index + 1] = 0
    side.count -= beyond
    memmove(side.levels, side.levels + beyond, side.count * sizeof(Level))
    return beyond


cdef bytes trimmed(Side *side, Py_ssize_t depth, bint ask):
    gone = PyBytes_FromStringAndSize(NULL, max(side.count - depth, 0) * LEVEL_BYTES)
    trim(side, depth, ask, <long long *> PyBytes_AS_STRING(gone))
    return gone


cdef list listed(const Side *side, bint ask, Py_ssize_t most):
    cdef Py_ssize_t index
    cdef long long key
    found = []
    for index in range(side.count - 1, max(side.count - most, 0) - 1, -1):
        key = side.levels[index].key
        found.append((~key if ask else key, side.levels[index].size))
    return found


cdef class DepthBook:
    """Price levels of both sides; see the twin `_book_py` for the rules."""

    def __dealloc__(self):
        free(self._bids.levels)
        free(self._asks.levels)

    cdef int take(self, bint reset, const unsigned char *bids, Py_ssize_t bid_count,
                  const unsigned char *asks, Py_ssize_t ask_count) except -1:
        if reset:
            self._bids.count = self._asks.count = 0
        change(&self._bids, bids, bid_count, False)
        change(&self._asks, asks, ask_count, True)
        return 0

    cdef void best(self, long long *top) noexcept:
        cdef Level *level
        top[0] = top[1] = top[2] = top[3] = ABSENT_
        if self._bids.count:
            level = self._bids.levels + self._bids.count - 1
            top[0], top[1] = level.key, level.size
        if self._asks.count:
            level = self._asks.levels + self._asks.count - 1
            top[2], top[3] = ~level.key, level.size

    def apply(self, bint reset, bids, asks):
        cdef bytes packed_bids = bids if type(bids) is bytes else pack_pairs(bids)
        cdef bytes packed_asks = asks if type(asks) is bytes else pack_pairs(asks)
        if (PyBytes_GET_SIZE(packed_bids) | PyBytes_GET_SIZE(packed_asks)) % LEVEL_BYTES:
            raise ValueError("packed levels of no whole number")
        self.take(reset, <const unsigned char *> PyBytes_AS_STRING(packed_bids),
                  PyBytes_GET_SIZE(packed_bids) // LEVEL_BYTES,
                  <const unsigned char *> PyBytes_AS_STRING(packed_asks),
                  PyBytes_GET_SIZE(packed_asks) // LEVEL_BYTES)

    def top(self):
        cdef long long top[4]
        self.best(top)
        return top[0], top[1], top[2], top[3]

    def cut(self, Py_ssize_t depth):
        return trimmed(&self._bids, depth, False), trimmed(&self._asks, depth, True)

    def bids(self, Py_ssize_t most=LEVELS_KEPT):
        return listed(&self._bids, False, most)

    def asks(self, Py_ssize_t most=LEVELS_KEPT):
        return listed(&self._asks, True, most)

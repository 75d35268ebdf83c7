# cython: language_level=3, boundscheck=False, wraparound=False
"""The lane of market data, native; see the twin `_dispatch_py` for the rules."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from thft.base._frame cimport THFT_HEADER_BYTES, FrameBuffer, thft_header
from thft.model._book cimport DepthBook, TopBook

from thft.base.errors import LocalError
from thft.kernel.strategy import BudgetExceeded
from thft.model.event import TradePrint
from thft.model.fixed import pack_pairs


cdef enum:
    QUOTE_TYPE = 0x0101
    QUOTE_BYTES = 56
    QUOTE_FRAME_BYTES = 88
    DEPTH_TYPE = 0x0102
    DEPTH_HEAD_BYTES = 28
    TRADE_TYPE = 0x0107
    TRADE_BYTES = 40
    LEVEL_BYTES = 16
    LEVELS_A_FRAME = 4_000
    RECORD_BYTES = 8
    GROUP_END = 1
    MARKET = 2
    CACHE_SLOTS = 1024


cdef struct Payload:
    long long bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq
    unsigned short feed, reserved
    unsigned int instrument


cdef packed struct DepthHead:
    long long venue_ts_ns, venue_seq
    unsigned short feed
    unsigned char reset, reserved
    unsigned int instrument
    unsigned short bids, asks


cdef struct RecordHead:
    unsigned int type, size


cdef struct Trade:
    long long price, size, venue_ts_ns, trade_id
    unsigned short feed
    short aggressor
    unsigned int instrument


cdef class QuoteLane:
    """Takes quotes at full speed; `dirty` says that the current input has outcomes to close."""

    cdef readonly object kernel
    cdef readonly FrameBuffer frames
    cdef dict _books
    cdef list _cache, _depth_cache
    cdef dict _depths
    cdef unsigned char *scratch
    cdef public long long now_ns, seq, next_due_ns, next_hash_seq, quotes, trades, calls
    cdef public bint dirty
    cdef public object calling

    def __cinit__(self):
        self.scratch = <unsigned char *> malloc(DEPTH_HEAD_BYTES + LEVELS_A_FRAME * LEVEL_BYTES)
        if self.scratch == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.scratch)

    def __init__(self, kernel):
        self.kernel = kernel
        self.frames = None
        self.depths = {}
        self.books = {}
        self.next_due_ns = self.next_hash_seq = 0x7fffffffffffffff
        self.calling = None

    @property
    def books(self):
        return self._books

    @books.setter
    def books(self, dict books not None):
        self._books = books
        self._cache = [None] * CACHE_SLOTS

    @property
    def depths(self):
        return self._depths

    @depths.setter
    def depths(self, dict depths not None):
        self._depths = depths
        self._depth_cache = [(None, None)] * CACHE_SLOTS

    def attach(self, FrameBuffer frames, long long next_seq):
        self.frames = frames
        self.seq = next_seq - 1

    def quote(self, int feed, int instrument, long long bid, long long bid_size, long long ask,
              long long ask_size, long long venue_ts_ns, long long venue_seq,
              long long recv_ts_ns):
        cdef Payload payload
        payload.bid = bid
        payload.bid_size = bid_size
        payload.ask = ask
        payload.ask_size = ask_size
        payload.venue_ts_ns = venue_ts_ns
        payload.venue_seq = venue_seq
        payload.feed = feed
        payload.reserved = 0
        payload.instrument = instrument
        self.take(&payload, recv_ts_ns)

    cdef TopBook find(self, int feed, int instrument):
        cdef Py_ssize_t at = (feed * 131 + instrument) & (CACHE_SLOTS - 1)
        cdef object cached = self._cache[at]
        cdef TopBook book
        if cached is not None:
            book = <TopBook> cached
            if book.feed == feed and book.instrument == instrument:
                return book
        found = self._books.get((feed, instrument))
        if found is None:
            raise LocalError(
                f"quote for instrument {instrument} at feed {feed}, which does not carry it",
                "define the symbol in the venue's table",
            )
        self._cache[at] = found
        return <TopBook?> found

    cdef DepthBook levels_of(self, TopBook book):
        cdef Py_ssize_t at = (book.feed * 131 + book.instrument) & (CACHE_SLOTS - 1)
        cdef tuple cached = <tuple> self._depth_cache[at]
        if cached[0] is not book:
            found = self._depths.get((book.feed, book.instrument))
            if found is None:
                found = self._depths[book.feed, book.instrument] = DepthBook()
            cached = self._depth_cache[at] = (book, <DepthBook?> found)
        return <DepthBook> cached[1]

    def depth(self, int feed, int instrument, bint reset, bids, asks, long long venue_ts_ns,
              long long venue_seq, long long recv_ts_ns):
        cdef DepthHead *head = <DepthHead *> self.scratch
        cdef bytes packed_bids = bids if type(bids) is bytes else pack_pairs(bids)
        cdef bytes packed_asks = asks if type(asks) is bytes else pack_pairs(asks)
        cdef Py_ssize_t bid_bytes = PyBytes_GET_SIZE(packed_bids)
        cdef Py_ssize_t ask_bytes = PyBytes_GET_SIZE(packed_asks)
        if (bid_bytes | ask_bytes) % LEVEL_BYTES:
            raise LocalError(f"{bid_bytes} and {ask_bytes} bytes are no whole number of levels")
        if bid_bytes + ask_bytes > LEVELS_A_FRAME * LEVEL_BYTES:
            raise LocalError(f"more than {LEVELS_A_FRAME} levels in one frame")
        head.venue_ts_ns = venue_ts_ns
        head.venue_seq = venue_seq
        head.feed = feed
        head.reset = reset
        head.reserved = 0
        head.instrument = instrument
        head.bids = bid_bytes // LEVEL_BYTES
        head.asks = ask_bytes // LEVEL_BYTES
        memcpy(self.scratch + DEPTH_HEAD_BYTES, PyBytes_AS_STRING(packed_bids), bid_bytes)
        memcpy(self.scratch + DEPTH_HEAD_BYTES + bid_bytes, PyBytes_AS_STRING(packed_asks),
               ask_bytes)
        self.take_depth(self.scratch, recv_ts_ns)

    def trade(self, int feed, int instrument, long long price, long long size, int aggressor,
              long long venue_ts_ns, long long venue_trade_id, long long recv_ts_ns):
        cdef Trade payload
        if self.find(feed, instrument).trade_watchers:
            event = TradePrint(feed, instrument, price, size, aggressor, venue_ts_ns,
                               venue_trade_id)
            self.kernel.process(event, recv_ts_ns, feed)
            return
        payload.price = price
        payload.size = size
        payload.venue_ts_ns = venue_ts_ns
        payload.trade_id = venue_trade_id
        payload.feed = feed
        payload.aggressor = aggressor
        payload.instrument = instrument
        self.take_trade(&payload, recv_ts_ns)

    cdef TopBook begin(self, int feed, int instrument, long long *recv_ts_ns):
        """Fires what is due and gives the input its time and number; returns its book."""
        cdef TopBook book
        if recv_ts_ns[0] < self.now_ns:
            recv_ts_ns[0] = self.now_ns
        if recv_ts_ns[0] >= self.next_due_ns:
            self.kernel.fire_due(recv_ts_ns[0])
        book = self.find(feed, instrument)
        self.now_ns = recv_ts_ns[0]
        self.seq += 1
        return book

    cdef int end(self, int type, int feed, long long recv_ts_ns, const unsigned char *payload,
                 Py_ssize_t size) except -1:
        """Packs the input as a group of its own, or has the kernel close a group with outcomes."""
        cdef FrameBuffer frames
        if self.seq >= self.next_hash_seq:
            self.dirty = True
        if self.dirty:
            self.kernel.close_market(type, feed,
                                     PyBytes_FromStringAndSize(<const char *> payload, size))
            return 0
        frames = self.frames
        if frames is not None:
            frames.require((THFT_HEADER_BYTES + size + 7) & ~7)
            frames.pack(type, 1, GROUP_END, MARKET, feed, recv_ts_ns, payload, size)
        return 0

    cdef int take(self, const Payload *quote, long long recv_ts_ns) except -1:
        cdef TopBook book = self.begin(quote.feed, quote.instrument, &recv_ts_ns)
        book.take(quote.bid, quote.bid_size, quote.ask, quote.ask_size, quote.venue_ts_ns,
                  quote.venue_seq, recv_ts_ns)
        self.quotes += 1
        if book.resting:
            self.kernel.match_resting(book)
        if book.watchers:
            self.call_watchers(book)
        return self.end(QUOTE_TYPE, quote.feed, recv_ts_ns, <const unsigned char *> quote,
                        QUOTE_BYTES)

    cdef int take_depth(self, const unsigned char *payload, long long recv_ts_ns) except -1:
        cdef const DepthHead *head = <const DepthHead *> payload
        cdef const unsigned char *bids = payload + DEPTH_HEAD_BYTES
        cdef const unsigned char *asks = bids + head.bids * LEVEL_BYTES
        cdef TopBook book = self.begin(head.feed, head.instrument, &recv_ts_ns)
        cdef long long top[4]
        cdef DepthBook levels = self.levels_of(book)
        cdef int feed = head.feed
        cdef Py_ssize_t size = DEPTH_HEAD_BYTES + (head.bids + head.asks) * LEVEL_BYTES
        levels.take(head.reset, bids, head.bids, asks, head.asks)
        levels.best(top)
        self.quotes += 1
        if head.reset:
            book.mark_bad(False)
        book.take(top[0], top[1], top[2], top[3], head.venue_ts_ns, head.venue_seq, recv_ts_ns)
        if book.resting:
            self.kernel.match_resting(book)
        if book.watchers:
            self.call_watchers(book)
        return self.end(DEPTH_TYPE, feed, recv_ts_ns, payload, size)

    cdef int take_trade(self, const Trade *trade, long long recv_ts_ns) except -1:
        cdef TopBook book = self.begin(trade.feed, trade.instrument, &recv_ts_ns)
        book.trade(trade.price, trade.size, trade.aggressor, trade.venue_ts_ns, trade.trade_id,
                   recv_ts_ns)
        self.trades += 1
        return self.end(TRADE_TYPE, trade.feed, recv_ts_ns, <const unsigned char *> trade,
                        TRADE_BYTES)

    cpdef call_watchers(self, TopBook book):
        cdef tuple entry
        cdef list watchers = book.watchers
        for entry in watchers:
            self.calls += 1
            self.calling = entry[0]
            try:
                (<object> entry[1])(<object> entry[2], book)
                self.calling = None
            except (Exception, BudgetExceeded) as error:
                self.calling = None
                self.kernel.strategy_failed(entry[0], error)

    def market(self, bytes records not None, long long recv_ts_ns):
        cdef const unsigned char *at = <const unsigned char *> PyBytes_AS_STRING(records)
        cdef const unsigned char *end = at + PyBytes_GET_SIZE(records)
        cdef const DepthHead *depth
        cdef Py_ssize_t size
        while end - at >= RECORD_BYTES:
            size = (<const RecordHead *> at).size
            if RECORD_BYTES + size > end - at:
                break
            depth = <const DepthHead *> (at + RECORD_BYTES)
            if (<const RecordHead *> at).type == QUOTE_TYPE and size == QUOTE_BYTES:
                self.take(<const Payload *> (at + RECORD_BYTES), recv_ts_ns)
            elif ((<const RecordHead *> at).type == DEPTH_TYPE and size >= DEPTH_HEAD_BYTES and
                    size == DEPTH_HEAD_BYTES + (depth.bids + depth.asks) * LEVEL_BYTES):
                self.take_depth(<const unsigned char *> depth, recv_ts_ns)
            else:
                break
            at += (RECORD_BYTES + size + 7) & ~7
        if at != end:
            raise LocalError(f"{end - at} bytes at the end of records are none")

    def run(self, records, long long recv_ts_ns, long long step_ns):
        cdef Py_buffer view
        cdef Py_ssize_t index, count
        PyObject_GetBuffer(records, &view, PyBUF_SIMPLE)
        try:
            if view.len % QUOTE_BYTES:
                raise LocalError(f"{view.len} bytes are no whole number of quotes")
            count = view.len // QUOTE_BYTES
            for index in range(count):
                self.take(<const Payload *> view.buf + index, recv_ts_ns)
                recv_ts_ns += step_ns
            return count
        finally:
            PyBuffer_Release(&view)

    def replay(self, block, Py_ssize_t start, Py_ssize_t end):
        cdef Py_buffer view
        cdef const unsigned char *at
        cdef const thft_header *header
        cdef Py_ssize_t padded
        PyObject_GetBuffer(block, &view, PyBUF_SIMPLE)
        try:
            if start < 0 or end > view.len:
                raise LocalError(f"[{start}:{end}] is outside a block of {view.len} bytes")
            while start + THFT_HEADER_BYTES <= end:
                at = <const unsigned char *> view.buf + start
                header = <const thft_header *> at
                padded = (<Py_ssize_t> header.length + 7) & ~7
                if (header.version != 1 or header.flags != GROUP_END or start + padded > end
                        or header.recv_ts_ns >= self.next_due_ns
                        or self.seq + 1 >= self.next_hash_seq
                        or <long long> header.seq != self.seq + 1
                        or not self.again(header, at + THFT_HEADER_BYTES)):
                    break
                start += padded
            return start
        finally:
            PyBuffer_Release(&view)

    cdef bint again(self, const thft_header *header, const unsigned char *payload) except -1:
        """Takes a recorded payload; False when it is the kernel's to take."""
        cdef Py_ssize_t size = <Py_ssize_t> header.length - THFT_HEADER_BYTES
        cdef const DepthHead *depth = <const DepthHead *> payload
        cdef const Trade *trade = <const Trade *> payload
        if header.type == QUOTE_TYPE and size == QUOTE_BYTES:
            self.take(<const Payload *> payload, header.recv_ts_ns)
        elif header.type == DEPTH_TYPE and size >= DEPTH_HEAD_BYTES:
            if size != DEPTH_HEAD_BYTES + (depth.bids + depth.asks) * LEVEL_BYTES:
                return False
            if (depth.feed, depth.instrument) not in self._books:
                return False
            self.take_depth(payload, header.recv_ts_ns)
        elif header.type == TRADE_TYPE and size == TRADE_BYTES:
            if (trade.feed, trade.instrument) not in self._books:
                return False
            if self.find(trade.feed, trade.instrument).trade_watchers:
                return False
            self.take_trade(trade, header.recv_ts_ns)
        else:
            return False
        return True

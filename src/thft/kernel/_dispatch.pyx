# cython: language_level=3, boundscheck=False, wraparound=False
"""The quote lane, native; see the twin `_dispatch_py` for the rules."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize

from thft.base._frame cimport THFT_HEADER_BYTES, FrameBuffer, thft_header
from thft.model._book cimport TopBook

from thft.base.errors import LocalError
from thft.kernel.strategy import BudgetExceeded

CORE_API = 1

cdef enum:
    QUOTE_TYPE = 0x0101
    QUOTE_BYTES = 56
    QUOTE_FRAME_BYTES = 88
    GROUP_END = 1
    MARKET = 2
    CACHE_SLOTS = 1024


cdef struct Payload:
    long long bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq
    unsigned short feed, reserved
    unsigned int instrument


cdef class QuoteLane:
    """Takes quotes at full speed; `dirty` says that the current input has outcomes to close."""

    cdef readonly object kernel
    cdef readonly FrameBuffer frames
    cdef dict _books
    cdef list _cache
    cdef public long long now_ns, seq, next_due_ns, next_hash_seq, quotes, calls
    cdef public bint dirty
    cdef public object calling

    def __init__(self, kernel):
        self.kernel = kernel
        self.frames = None
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

    cdef int take(self, const Payload *quote, long long recv_ts_ns) except -1:
        cdef TopBook book
        cdef FrameBuffer frames
        if recv_ts_ns < self.now_ns:
            recv_ts_ns = self.now_ns
        if recv_ts_ns >= self.next_due_ns:
            self.kernel.fire_due(recv_ts_ns)
        book = self.find(quote.feed, quote.instrument)
        self.now_ns = recv_ts_ns
        self.seq += 1
        book.take(quote.bid, quote.bid_size, quote.ask, quote.ask_size, quote.venue_ts_ns,
                  quote.venue_seq, recv_ts_ns)
        self.quotes += 1
        if book.resting:
            self.kernel.match_resting(book)
        if book.watchers:
            self.call_watchers(book)
        if self.seq >= self.next_hash_seq:
            self.dirty = True
        if self.dirty:
            self.kernel.close_quote(PyBytes_FromStringAndSize(<const char *> quote, QUOTE_BYTES))
            return 0
        frames = self.frames
        if frames is not None:
            frames.require(THFT_HEADER_BYTES + QUOTE_BYTES)
            frames.pack(QUOTE_TYPE, 1, GROUP_END, MARKET, quote.feed, recv_ts_ns,
                        <const unsigned char *> quote, QUOTE_BYTES)
        return 0

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
        PyObject_GetBuffer(block, &view, PyBUF_SIMPLE)
        try:
            if start < 0 or end > view.len:
                raise LocalError(f"[{start}:{end}] is outside a block of {view.len} bytes")
            while start + QUOTE_FRAME_BYTES <= end:
                at = <const unsigned char *> view.buf + start
                header = <const thft_header *> at
                if (header.type != QUOTE_TYPE or header.version != 1 or header.flags != GROUP_END
                        or header.length != QUOTE_FRAME_BYTES
                        or header.recv_ts_ns >= self.next_due_ns
                        or self.seq + 1 >= self.next_hash_seq
                        or <long long> header.seq != self.seq + 1):
                    break
                self.take(<const Payload *> (at + THFT_HEADER_BYTES), header.recv_ts_ns)
                start += QUOTE_FRAME_BYTES
            return start
        finally:
            PyBuffer_Release(&view)

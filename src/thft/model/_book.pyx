# cython: language_level=3
"""The top of one book, native; called through `model.book` and by `kernel._dispatch`."""

cdef long long ABSENT_ = -0x8000000000000000

CORE_API = 1


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

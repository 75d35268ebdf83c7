# cython: language_level=3, boundscheck=False, wraparound=False
"""Venues' ordinary messages to packed records, native; see `reader` for the contract."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MIN as ABSENT
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from thft.base._frame cimport thft_crc32, thft_frame_init
from thft.base._json cimport (
    PRICE_DIGITS, SIZE_DIGITS, Cursor, Text, number, row, scaled, skip, string, token)
from thft.gateway.ws._texts cimport level_text, of_iso, of_ms
from thft.model._book cimport DepthBook, Level, Side, trim

thft_frame_init()

cdef dict WHATS = {name: at for at, name in enumerate(
    "const symbol seq prev first checksum ms ms_best ms_text iso bid bid_size ask ask_size "
    "bid_rows ask_rows bids asks updates price size side one object".split())}
cdef tuple EMITS = ("ticker", "first", "top", "depth")
cdef tuple CHAINS = ("rising", "follows", "spans", "next", "next_of_all", "count")
cdef tuple CHECKSUMS = ("", "padded", "paired", "amount")


cdef class Track:
    """What is known of one symbol in step; see the twin."""

    cdef public int instrument, price_decimals, size_decimals
    cdef public long long last, last_ts_ns, messages
    cdef public bint partial
    cdef public DepthBook book

    def __init__(self, int instrument):
        self.instrument = instrument
        self.last = self.last_ts_ns = ABSENT
        self.book = DepthBook()


cdef inline bint plain_number(Cursor *cursor, long long *value, int digits=0) noexcept:
    """Reads a number that is no string, whole unless it may have decimals."""
    return cursor.at < cursor.end and cursor.at[0] != b'"' and number(cursor, digits, value)


cdef inline bint quoted(Cursor *cursor, int digits, long long *value) noexcept:
    cdef Text start, stop
    return (string(cursor, &start, &stop) and scaled(start, stop, digits, False, value)
            and value[0] > 0)


cdef class MarketReader:
    """Takes the messages that a shape describes of the symbols in step; see the twin."""

    cdef Field[MOST_FIELDS] _fields
    cdef Node[MOST_NODES] _nodes
    cdef int _field_count, _node_count, _emits, _chain, _style, _style_levels, _cut, _feed
    cdef bint _arrays, _whole
    cdef public long long last
    cdef readonly int waiting
    cdef dict _tracks
    cdef Slot *_slots
    cdef unsigned int _mask
    cdef unsigned char *_out
    cdef Py_ssize_t _used
    cdef long long *_levels[2]
    cdef LevelText *_texts
    cdef Message _m

    def __cinit__(self):
        self._out = <unsigned char *> calloc(
            1, OUT_BYTES + 2 * SIDE_BYTES + TEXTS * sizeof(LevelText))
        if self._out == NULL:
            raise MemoryError
        self._levels[0] = <long long *> (self._out + OUT_BYTES)
        self._levels[1] = <long long *> (self._out + OUT_BYTES + SIDE_BYTES)
        self._texts = <LevelText *> (self._out + OUT_BYTES + 2 * SIDE_BYTES)

    def __dealloc__(self):
        free(self._out)
        free(self._slots)

    def __init__(self, shape, int feed):
        self._feed = feed
        self._tracks = {}
        self.last = ABSENT
        if shape is None:
            return
        self._emits = EMITS.index(shape.emits)
        self._chain = CHAINS.index(shape.chain)
        self._style = CHECKSUMS.index(shape.checksum)
        self._style_levels = shape.checksum_levels
        self._cut = shape.cut
        self._whole = shape.whole
        if self._cut > MOST_CUT or self._style_levels > CHECKED:
            raise ValueError("a shape of more levels than the reader has room for")
        self._arrays = not shape.fields
        if shape.fields:
            self._describe(shape.fields)

    cdef int _describe(self, dict fields) except -1:
        """Lays an object's fields out; returns its node."""
        cdef int node = self._node_count, first = self._field_count, index
        self._node_count += 1
        self._field_count += len(fields)
        if self._node_count > MOST_NODES or self._field_count > MOST_FIELDS:
            raise ValueError("a shape of more fields than the reader has room for")
        self._nodes[node].first = first
        self._nodes[node].count = len(fields)
        self._nodes[node].needed = 0
        for index, (key, field) in enumerate(fields.items(), first):
            self._fields[index].what = WHATS[field.what]
            self._fields[index].key_length = kept(key, self._fields[index].key)
            self._fields[index].text_length = kept(field.text, self._fields[index].text)
            self._fields[index].node = self._describe(field.fields) if field.fields else 0
            if field.needed:
                self._nodes[node].needed |= <unsigned long long> 1 << (index - first)
        return node

    # ---- symbols

    def follow(self, str key, Track track not None):
        if len(key.encode()) <= MOST_TEXT and self._field_count + self._arrays:
            self._tracks[key.encode()] = track
            self._spread()

    def leave(self, str key):
        if self._tracks.pop(key.encode(), None) is not None:
            self._spread()

    cdef int _spread(self) except -1:
        """Makes the table of symbols anew, at most a quarter full."""
        cdef unsigned int size = 16, at
        while size < 4 * len(self._tracks):
            size *= 2
        slots = <Slot *> malloc(size * sizeof(Slot))
        if slots == NULL:
            raise MemoryError
        memset(slots, 0, size * sizeof(Slot))
        free(self._slots)
        self._slots, self._mask = slots, size - 1
        for key, track in self._tracks.items():
            at = spread_of(<Text> PyBytes_AS_STRING(key), len(key)) & self._mask
            while slots[at].track != NULL:
                at = (at + 1) & self._mask
            slots[at].length = kept(key, slots[at].key)
            slots[at].track = <void *> track
        return 0

    cdef void *_find(self) noexcept:
        cdef Py_ssize_t length = self._m.symbol_end - self._m.symbol
        cdef unsigned int at
        at = spread_of(self._m.symbol, length) & self._mask
        while self._slots[at].track != NULL:
            if (self._slots[at].length == length
                    and not memcmp(self._slots[at].key, self._m.symbol, length)):
                break
            at = (at + 1) & self._mask
        return self._slots[at].track

    # ---- messages

    def take(self, bytes payload not None):
        cdef Cursor cursor
        cdef void *found
        cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
        if (self._slots == NULL or size > MOST_BYTES
                or self._used + 2 * SIDE_BYTES + QUOTE_BYTES > OUT_BYTES):
            return 0
        cursor.at = <Text> PyBytes_AS_STRING(payload)
        cursor.end = cursor.at + size
        memset(&self._m, 0, sizeof(Message))
        self._m.ts_ns = self._m.best_ts_ns = ABSENT
        if not (self._array(&cursor) if self._arrays else self._object(&cursor, 0)):
            return 0
        found = self._find()
        if cursor.at != cursor.end or found == NULL or not self._apply(<Track> found):
            return 0
        return 1 + self.waiting

    def records(self):
        records = PyBytes_FromStringAndSize(<const char *> self._out, self._used)
        self._used = self.waiting = 0
        return records

    cdef bint _object(self, Cursor *cursor, int node) noexcept:
        """Goes beyond an object, reading the fields that the shape names, each at most once."""
        cdef Text start
        cdef Text stop
        cdef int first = self._nodes[node].first, count = self._nodes[node].count, hint = 0, tried
        cdef unsigned long long seen = 0, bit
        cdef Field *field
        if not token(cursor, b"{"):
            return False
        while True:
            if not string(cursor, &start, &stop) or not token(cursor, b":"):
                return False
            for tried in range(count):
                field = self._fields + first + hint
                bit = <unsigned long long> 1 << hint
                hint = hint + 1 if hint + 1 < count else 0
                if (field.key_length == stop - start and field.key[0] == start[0]
                        and not memcmp(field.key, start, stop - start)):
                    if seen & bit or not self._field(cursor, field):
                        return False
                    seen |= bit
                    break
            else:
                if not skip(cursor, NESTED):
                    return False
            if not token(cursor, b","):
                break
        return token(cursor, b"}") and not self._nodes[node].needed & ~seen

    cdef bint _field(self, Cursor *cursor, const Field *field) noexcept:
        cdef Message *m = &self._m
        cdef int what = field.what
        cdef Text start
        cdef Text stop
        cdef long long ms
        if what == CONST:
            return (string(cursor, &start, &stop) and stop - start == field.text_length
                    and not memcmp(start, field.text, field.text_length))
        if what == SYMBOL:
            if not string(cursor, &m.symbol, &m.symbol_end):
                return False
            m.symbol += field.text_length
            return (m.symbol <= m.symbol_end and not memcmp(
                m.symbol - field.text_length, field.text, field.text_length))
        if what == SEQ:
            return plain_number(cursor, &m.seq)
        if what == PREV or what == FIRST:
            if not plain_number(cursor, &m.prev):
                return False
            m.prev -= what == FIRST
            return True
        if what == CHECKSUM:
            return plain_number(cursor, &m.checksum)
        if what == MS or what == MS_BEST:
            return plain_number(cursor, &ms) and of_ms(ms, &m.ts_ns if what == MS else &m.best_ts_ns)
        if what == MS_TEXT:
            return (string(cursor, &start, &stop) and 0 < stop - start <= 13 and start[0] != b"-"
                    and scaled(start, stop, 0, False, &ms) and (stop - 1)[0] != b"."
                    and of_ms(ms, &m.ts_ns))
        if what == ISO:
            return string(cursor, &start, &stop) and of_iso(start, stop, &m.ts_ns)
        if BID <= what <= ASK_SIZE:  # price and size of the bid, then of the ask
            return quoted(cursor, SIZE_DIGITS if (what - BID) & 1 else PRICE_DIGITS,
                          m.top + (what - BID))
        if what == OBJECT:
            return self._object(cursor, field.node)
        if what == ONE:
            return (token(cursor, b"[") and self._object(cursor, field.node)
                    and token(cursor, b"]"))
        return self._side(cursor, field)

    cdef bint _side(self, Cursor *cursor, const Field *field) noexcept:
        """Reads levels, or a part of one: a row, or an object that has the sub-shape."""
        cdef int what = field.what, side = what == ASK_ROWS or what == ASKS
        cdef Text start
        cdef Text stop
        if what == PRICE or what == SIZE:  # of the update that `_updates` reads
            return ((cursor.at < cursor.end and cursor.at[0] == b'"' or not field.text_length)
                    and number(cursor, PRICE_DIGITS if what == PRICE else SIZE_DIGITS,
                               self._m.top + (what == SIZE)))
        if what == SIDE:
            if not string(cursor, &start, &stop):
                return False
            self._m.top[2] = 1 if stop - start == 5 and not memcmp(start, <char *> b"offer", 5) else 0
            return self._m.top[2] or (stop - start == 3 and not memcmp(start, <char *> b"bid", 3))
        if not token(cursor, b"["):
            return False
        if token(cursor, b"]"):
            return True
        while True:
            if what == BID_ROWS or what == ASK_ROWS:
                if not row(cursor, self._m.top):
                    return False
            elif not self._object(cursor, field.node):
                return False
            if not self._level(self._m.top[2] if what == UPDATES else side):
                return False
            if not token(cursor, b","):
                return token(cursor, b"]")

    cdef bint _level(self, int side) noexcept:
        cdef Py_ssize_t at = self._m.counts[side]
        if at == MOST_LEVELS or self._m.top[0] < 0 or self._m.top[1] < 0:
            return False
        memcpy(self._levels[side] + 2 * at, self._m.top, LEVEL_BYTES)
        self._m.counts[side] = at + 1
        return True

    cdef bint _array(self, Cursor *cursor) noexcept:
        """Reads `[channel, [price, count, amount] | "hb" | "cs", checksum, number, ms, …]`."""
        cdef Message *m = &self._m
        cdef Text start
        cdef Text stop
        cdef long long count, ms
        if not token(cursor, b"["):
            return False
        m.symbol = cursor.at
        if not plain_number(cursor, &count):
            return False
        m.symbol_end = cursor.at
        if not token(cursor, b","):
            return False
        m.prev = HEARTBEAT
        if string(cursor, &start, &stop):
            if stop - start == 2 and not memcmp(start, <char *> b"cs", 2):
                m.prev = PROOF
                if not (token(cursor, b",") and plain_number(cursor, &m.checksum)):
                    return False
            elif stop - start != 2 or memcmp(start, <char *> b"hb", 2):
                return False
        else:
            m.prev = LEVEL
            if not (token(cursor, b"[") and plain_number(cursor, m.top, PRICE_DIGITS)
                    and token(cursor, b",") and plain_number(cursor, &count) and token(cursor, b",")
                    and plain_number(cursor, m.top + 1, SIZE_DIGITS) and token(cursor, b"]")
                    and m.top[1]):
                return False
            m.top[2] = m.top[1] < 0
            m.top[1] = (-m.top[1] if m.top[1] < 0 else m.top[1]) if count else 0
            if not self._level(<int> m.top[2]):
                return False
        if not (token(cursor, b",") and plain_number(cursor, &m.seq) and token(cursor, b",")
                and plain_number(cursor, &ms) and of_ms(ms, &m.ts_ns)):
            return False
        while token(cursor, b","):
            if not skip(cursor, NESTED):
                return False
        return token(cursor, b"]")

    # ---- rules

    cdef bint _apply(self, Track track) noexcept:
        """Proves a message and writes its record; one that does not hold has changed nothing."""
        cdef Message *m = &self._m
        cdef int at
        if self._arrays and m.prev != LEVEL:
            if m.seq != self.last + 1 or track.partial or (
                    m.prev == PROOF
                    and self._checksum(track) != m.checksum):
                return False
            self.last = m.seq
            return True
        if track.partial or not self._in_turn(track):
            return False
        if m.best_ts_ns != ABSENT:
            m.ts_ns = m.best_ts_ns
        if self._emits == FIRST_LEVELS:
            for at in range(4):
                m.top[at] = self._levels[at >> 1][at & 1] if m.counts[at >> 1] else ABSENT
        elif self._emits != TICKER and not self._book(track):
            return False
        track.last, track.last_ts_ns = m.seq, m.ts_ns
        track.messages += 1
        if self._chain == OF_ALL or self._chain == COUNTED:
            self.last = m.seq
        if self._emits == DEPTH:
            self._write_depth(track.instrument)
        else:
            self._write_quote(track.instrument)
        return True

    cdef bint _in_turn(self, Track track) noexcept:
        cdef Message *m = &self._m
        if self._chain == RISING:
            return m.seq > track.last
        if self._chain == FOLLOWS:
            return m.prev == track.last
        if self._chain == SPANS:
            return m.prev == track.last < m.seq
        if self._chain == NEXT:
            return m.seq == track.last + 1
        if self._chain == COUNTED:
            m.seq = self.last + 1
            return True
        return m.seq == self.last + 1

    cdef bint _book(self, Track track) noexcept:
        """Applies the levels and proves the book; what was before comes back when it fails."""
        cdef Message *m = &self._m
        cdef DepthBook book = track.book
        cdef Level[2][MOST_CUT] before
        cdef Py_ssize_t bids = book._bids.count, asks = book._asks.count
        cdef bint good
        if not m.counts[0] and not m.counts[1]:
            return False
        if self._cut:
            if bids > self._cut or asks > self._cut:
                return False
            memcpy(before[0], book._bids.levels, bids * LEVEL_BYTES)
            memcpy(before[1], book._asks.levels, asks * LEVEL_BYTES)
        try:
            book.take(self._whole, <const unsigned char *> self._levels[0], m.counts[0],
                      <const unsigned char *> self._levels[1], m.counts[1])
        except MemoryError:
            return False
        if self._cut:
            m.counts[0] += trim(&book._bids, self._cut, False, self._levels[0] + 2 * m.counts[0])
            m.counts[1] += trim(&book._asks, self._cut, True, self._levels[1] + 2 * m.counts[1])
        book.best(m.top)
        good = self._emits == TOP or m.top[0] == ABSENT or m.top[2] == ABSENT \
            or m.top[0] < m.top[2]
        if good and self._style and not self._arrays and (m.checksum or self._style == PADDED):
            good = self._checksum(track) == m.checksum
        if not good and self._cut:
            memcpy(book._bids.levels, before[0], bids * LEVEL_BYTES)
            memcpy(book._asks.levels, before[1], asks * LEVEL_BYTES)
            book._bids.count, book._asks.count = bids, asks
        return good

    # ---- checksums

    cdef Py_ssize_t _append(self, const Level *level, int decimals, char *to) noexcept:
        """Appends a level's text, from the last time where it has not changed since."""
        cdef unsigned long long spread = (<unsigned long long> level.key * 0x9E3779B97F4A7C15ULL
                                          ^ <unsigned long long> level.size * 0xC2B2AE3D27D4EB4FULL)
        cdef LevelText *kept = self._texts + (spread >> TEXT_SHIFT)
        if kept.key != level.key or kept.size != level.size or kept.decimals != decimals:
            kept.key, kept.size, kept.decimals = level.key, level.size, decimals
            kept.length = <int> level_text(self._style, level, decimals, kept.text)
        memcpy(to, kept.text, TEXT_BYTES)
        return kept.length

    cdef long long _checksum(self, Track track) noexcept:
        """Returns the checksum of the best levels; Kraken's has the digits of its pair."""
        cdef char[(2 * CHECKED + 1) * TEXT_BYTES] text
        cdef const Side *sides[2]
        cdef const Side *side
        cdef Py_ssize_t at = 0, index
        cdef int decimals = 16 * track.price_decimals + track.size_decimals, which
        sides[0], sides[1] = &track.book._asks, &track.book._bids
        if self._style == PADDED:
            for which in range(2):
                side = sides[which]
                for index in range(1, min(side.count, self._style_levels) + 1):
                    at += self._append(side.levels + side.count - index, decimals, text + at)
            return thft_crc32(<const unsigned char *> text, at)
        for index in range(2, 2 * self._style_levels + 2):
            side = sides[1 - (index & 1)]
            if index >> 1 <= side.count:
                at += self._append(side.levels + side.count - (index >> 1), decimals, text + at)
        return <int> thft_crc32(<const unsigned char *> text, max(at - 1, 0))

    # ---- records

    cdef unsigned char *_record(self, unsigned int type, unsigned int size) noexcept:
        cdef unsigned char *at = self._out + self._used
        memcpy(at, &type, 4)
        memcpy(at + 4, &size, 4)
        self._used += (HEAD_BYTES + size + 7) & ~7
        self.waiting += 1
        return at + HEAD_BYTES

    cdef void _write_quote(self, unsigned int instrument) noexcept:
        cdef unsigned char *at = self._record(QUOTE_TYPE, QUOTE_BYTES)
        cdef long long seq = max(self._m.seq, 0)
        cdef unsigned int feed = self._feed
        memcpy(at, self._m.top, 32)
        memcpy(at + 32, &self._m.ts_ns, 8)
        memcpy(at + 40, &seq, 8)
        memcpy(at + 48, &feed, 4)
        memcpy(at + 52, &instrument, 4)

    cdef void _write_depth(self, unsigned int instrument) noexcept:
        cdef Py_ssize_t bids = self._m.counts[0], asks = self._m.counts[1]
        cdef unsigned char *at = self._record(
            DEPTH_TYPE, <unsigned int> (DEPTH_HEAD_BYTES + (bids + asks) * LEVEL_BYTES))
        cdef long long seq = max(self._m.seq, 0)
        cdef unsigned short[2] counts = [<unsigned short> bids, <unsigned short> asks]
        cdef unsigned int feed = self._feed
        memcpy(at, &self._m.ts_ns, 8)
        memcpy(at + 8, &seq, 8)
        memcpy(at + 16, &feed, 4)  # two bytes of it, and reset: not
        memcpy(at + 20, &instrument, 4)
        memcpy(at + 24, counts, 4)
        memcpy(at + DEPTH_HEAD_BYTES, self._levels[0], bids * LEVEL_BYTES)
        memcpy(at + DEPTH_HEAD_BYTES + bids * LEVEL_BYTES, self._levels[1], asks * LEVEL_BYTES)


cdef int kept(text, unsigned char *to) except -1:
    cdef bytes encoded = text if type(text) is bytes else text.encode()
    if len(encoded) > MOST_TEXT:
        raise ValueError(f"{encoded!r} is longer than a text of a shape may be")
    memcpy(to, PyBytes_AS_STRING(encoded), len(encoded))
    return len(encoded)


cdef unsigned int spread_of(Text at, Py_ssize_t length) noexcept:
    cdef unsigned int hash = 2_166_136_261
    cdef Py_ssize_t index
    for index in range(length):
        hash = (hash ^ at[index]) * 16_777_619
    return hash

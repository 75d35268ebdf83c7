# The sizes, the kinds and the shapes of `_reader`.

from thft.base._json cimport Text


cdef enum:
    MOST_FIELDS = 48
    MOST_NODES = 8
    MOST_TEXT = 32
    MOST_LEVELS = 700
    MOST_CUT = 512
    MOST_BYTES = 1 << 16
    OUT_BYTES = 1 << 18
    HEAD_BYTES = 8
    LEVEL_BYTES = 16
    SIDE_BYTES = (2 * MOST_LEVELS + MOST_CUT) * LEVEL_BYTES
    TEXT_BYTES = 48
    TEXTS = 4096
    TEXT_SHIFT = 52
    CHECKED = 25
    NESTED = 8
    QUOTE_TYPE = 0x0101
    QUOTE_BYTES = 56
    DEPTH_TYPE = 0x0102
    DEPTH_HEAD_BYTES = 28

cdef enum:  # as the words in `_reader` are ordered
    TICKER = 0, FIRST_LEVELS, TOP, DEPTH
    RISING = 0, FOLLOWS, SPANS, NEXT, OF_ALL, COUNTED
    NONE = 0, PADDED, PAIRED, AMOUNT
    HEARTBEAT = 0, PROOF, LEVEL
    CONST = 0, SYMBOL, SEQ, PREV, FIRST, CHECKSUM, MS, MS_BEST, MS_TEXT, ISO, BID, BID_SIZE, ASK
    ASK_SIZE, BID_ROWS, ASK_ROWS, BIDS, ASKS, UPDATES, PRICE, SIZE, SIDE, ONE, OBJECT


cdef struct Field:
    int what, node, key_length, text_length
    unsigned char key[MOST_TEXT]
    unsigned char text[MOST_TEXT]


cdef struct Node:
    int first, count
    unsigned long long needed


cdef struct Message:
    Text symbol
    Text symbol_end
    long long seq, prev, checksum, ts_ns, best_ts_ns
    long long top[4]
    Py_ssize_t counts[2]


cdef struct LevelText:
    long long key, size
    int decimals, length
    char text[TEXT_BYTES]


cdef struct Slot:
    int length
    unsigned char key[MOST_TEXT]
    void *track

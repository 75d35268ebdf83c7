# cython: language_level=3, boundscheck=False, wraparound=False
"""Number texts as scaled integers, native: the good and ordinary; all else goes to the twin."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

from thft.model import _numbers_py as twin

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    void *PyUnicode_DATA(object text)

CORE_API = 1

ctypedef const unsigned char *Text

cdef enum:
    PRICE_DIGITS = 9
    SIZE_DIGITS = 8
    MOST_DIGITS = 18

cdef long long[MOST_DIGITS + 1] POWERS
cdef int _power
POWERS[0] = 1
for _power in range(MOST_DIGITS):
    POWERS[_power + 1] = POWERS[_power] * 10


cdef inline bint scaled(Text at, Text end, int digits, bint json, long long *value) noexcept:
    """Reads a plain decimal of at most 18 figures; False for what the twin should look at.

    `json`: the text must be a number of JSON as well.
    """
    cdef long long found = 0
    cdef int figures = 0, fraction = -1
    cdef bint negative = at < end and at[0] == b"-"
    cdef unsigned char figure
    if negative:
        at += 1
    if json and (at == end or (end - 1)[0] == b"." or at[0] == b"."
                 or (at[0] == b"0" and end - at > 1 and at[1] != b".")):
        return False
    while at < end:
        figure = at[0] - 48
        if figure <= 9:
            found = found * 10 + figure
            figures += 1
            if figures > MOST_DIGITS:
                return False
            if fraction >= 0:
                fraction += 1
        elif at[0] == b"." and fraction < 0:
            fraction = 0
        else:
            return False
        at += 1
    fraction = max(fraction, 0)
    if not figures or fraction > digits:
        return False
    if found > 0x7fffffffffffffff // POWERS[digits - fraction]:
        return False
    found *= POWERS[digits - fraction]
    value[0] = -found if negative else found
    return True


cdef inline bint of_str(object text, int digits, long long *value) noexcept:
    cdef Text at
    if type(text) is not str or not PyUnicode_IS_ASCII(text) or not 0 <= digits <= MOST_DIGITS:
        return False
    at = <Text> PyUnicode_DATA(text)
    return scaled(at, at + PyUnicode_GET_LENGTH(text), digits, False, value)


def parse_scaled(text, int digits, name="number"):
    cdef long long value = 0
    if of_str(text, digits, &value):
        return value
    return twin.parse_scaled(text, digits, name)


def parse_price(text, name="price"):
    cdef long long value = 0
    if of_str(text, PRICE_DIGITS, &value):
        return value
    return twin.parse_price(text, name)


def parse_size(text, name="size"):
    cdef long long value = 0
    if of_str(text, SIZE_DIGITS, &value):
        return value
    return twin.parse_size(text, name)


cdef bint of_any(object text, int digits, long long *value) except -1:
    """Reads a str, or a buffer with a JSON string or number."""
    cdef Py_buffer view
    cdef Text at
    cdef Text end
    if type(text) is str:
        return of_str(text, digits, value)
    PyObject_GetBuffer(text, &view, PyBUF_SIMPLE)
    try:
        at = <Text> view.buf
        end = at + view.len
        if view.len >= 2 and at[0] == b'"' and (end - 1)[0] == b'"':
            return scaled(at + 1, end - 1, digits, False, value)
        return scaled(at, end, digits, False, value)
    finally:
        PyBuffer_Release(&view)


def pack_levels(rows, name="level"):
    cdef Py_ssize_t index = 0
    cdef long long *to
    cdef list row
    if type(rows) is not list:
        return twin.pack_levels(rows, name)
    packed = PyBytes_FromStringAndSize(NULL, 16 * len(<list> rows))
    to = <long long *> PyBytes_AS_STRING(packed)
    for one in <list> rows:
        if type(one) is not list or len(<list> one) < 2:
            return twin.pack_levels(rows, name)
        row = <list> one
        if not (of_any(row[0], PRICE_DIGITS, to + index)
                and of_any(row[1], SIZE_DIGITS, to + index + 1)):
            return twin.pack_levels(rows, name)
        index += 2
    return packed


cdef struct Cursor:
    Text at
    Text end


cdef inline void blanks(Cursor *cursor) noexcept:
    while cursor.at < cursor.end and cursor.at[0] in b" \t\r\n":
        cursor.at += 1


cdef inline bint token(Cursor *cursor, unsigned char wanted) noexcept:
    """Goes beyond one character and the blanks around it; False when it is another one."""
    blanks(cursor)
    if cursor.at == cursor.end or cursor.at[0] != wanted:
        return False
    cursor.at += 1
    blanks(cursor)
    return True


cdef inline bint string(Cursor *cursor, Text *start, Text *stop) noexcept:
    """Goes beyond a string of plain ASCII."""
    cursor.at += 1
    start[0] = cursor.at
    while cursor.at < cursor.end and cursor.at[0] != b'"':
        if not 32 <= cursor.at[0] < 127 or cursor.at[0] == b"\\":
            return False
        cursor.at += 1
    if cursor.at == cursor.end:
        return False
    stop[0] = cursor.at
    cursor.at += 1
    return True


cdef inline bint number(Cursor *cursor, int digits, long long *value) noexcept:
    """Goes beyond a string or number and reads it; with `digits` < 0 any such value will do."""
    cdef Text start
    cdef Text stop
    cdef bint quoted
    if cursor.at == cursor.end:
        return False
    quoted = cursor.at[0] == b'"'
    if quoted:
        if not string(cursor, &start, &stop):
            return False
        if digits < 0:
            return True
    else:
        start = cursor.at
        while cursor.at < cursor.end and (cursor.at[0] in b"-." or 48 <= cursor.at[0] < 58):
            cursor.at += 1
        stop = cursor.at
        if digits < 0:
            digits = MOST_DIGITS
    return scaled(start, stop, digits, not quoted, value)


cdef bint array_level(Cursor *cursor, long long *to) noexcept:
    cdef long long skipped
    if not (token(cursor, b"[") and number(cursor, PRICE_DIGITS, to) and token(cursor, b",")
            and number(cursor, SIZE_DIGITS, to + 1)):
        return False
    while token(cursor, b","):
        if not number(cursor, -1, &skipped):
            return False
    return token(cursor, b"]")


cdef inline bint same(Text start, Text stop, bytes key) noexcept:
    cdef Py_ssize_t index, length = stop - start
    cdef Text wanted = <Text> PyBytes_AS_STRING(key)
    if length != len(key):
        return False
    for index in range(length):
        if start[index] != wanted[index]:
            return False
    return True


cdef bint object_level(Cursor *cursor, bytes price_key, bytes size_key, long long *to) noexcept:
    cdef Text start
    cdef Text stop
    cdef long long skipped
    cdef int seen = 0
    if not token(cursor, b"{"):
        return False
    while True:
        if cursor.at == cursor.end or cursor.at[0] != b'"' or not string(cursor, &start, &stop):
            return False
        if not token(cursor, b":"):
            return False
        if same(start, stop, price_key) and not seen & 1:
            seen |= 1
            if not number(cursor, PRICE_DIGITS, to):
                return False
        elif same(start, stop, size_key) and not seen & 2:
            seen |= 2
            if not number(cursor, SIZE_DIGITS, to + 1):
                return False
        elif same(start, stop, price_key) or same(start, stop, size_key):
            return False
        elif not number(cursor, -1, &skipped):
            return False
        if not token(cursor, b","):
            break
    return seen == 3 and token(cursor, b"}")


cdef Py_ssize_t count(Text at, Py_ssize_t length, unsigned char opening) noexcept:
    cdef Py_ssize_t index, found = 0
    for index in range(length):
        found += at[index] == opening
    return found


cdef bytes read(Text at, Py_ssize_t length, bytes price_key, bytes size_key):
    """Returns packed levels, None for what the twin should look at."""
    cdef Cursor cursor
    cdef long long *to
    cdef bint good
    cdef Py_ssize_t index, levels
    levels = count(at, length, b"{") if price_key else count(at, length, b"[") - 1
    if levels < 0:
        return None
    cursor.at, cursor.end = at, at + length
    packed = PyBytes_FromStringAndSize(NULL, 16 * levels)
    to = <long long *> PyBytes_AS_STRING(packed)
    if not token(&cursor, b"["):
        return None
    for index in range(levels):
        if index and not token(&cursor, b","):
            return None
        if price_key:
            good = object_level(&cursor, price_key, size_key, to + 2 * index)
        else:
            good = array_level(&cursor, to + 2 * index)
        if not good:
            return None
    if not token(&cursor, b"]") or cursor.at != cursor.end:
        return None
    return packed


def pack_json(raw, name="level", str price_key="", str size_key=""):
    cdef Py_buffer view
    PyObject_GetBuffer(raw, &view, PyBUF_SIMPLE)
    try:
        packed = read(<Text> view.buf, view.len, price_key.encode(), size_key.encode())
    finally:
        PyBuffer_Release(&view)
    return twin.pack_json(raw, name, price_key, size_key) if packed is None else packed

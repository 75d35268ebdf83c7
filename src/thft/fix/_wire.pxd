from cpython.unicode cimport PyUnicode_DecodeUTF8, PyUnicode_FromOrdinal
from libc.stdint cimport int16_t, int64_t, uint64_t

cdef extern from "Python.h":
    object PyUnicode_FromKindAndData(int, const void *, Py_ssize_t)
    bint PyUnicode_IS_ASCII(object) noexcept

cdef extern from "wire_core.h":
    ctypedef unsigned char byte
    ctypedef struct thft_place:
        int tag
        unsigned int start, end
    ctypedef struct thft_table:
        const int16_t *slots
        int count
    size_t thft_whole(const byte *, size_t, size_t) noexcept
    Py_ssize_t thft_index(const byte *, size_t, thft_place *, size_t) noexcept
    unsigned thft_sum(const byte *, size_t) noexcept
    bint thft_number(const byte *, size_t, int, int64_t *) noexcept
    char *thft_put_unsigned(char *, uint64_t) noexcept
    char *thft_put_scaled(char *, int64_t, int) noexcept
    bint thft_utc(const byte *, size_t, int64_t *) noexcept
    char *thft_put_time(char *, int64_t, int) noexcept
    bint thft_formed(int, const byte *, size_t) noexcept
    int thft_slot(const thft_table *, int) noexcept


cdef enum:  # as in `_values_py.KINDS`, then a group
    TEXT, WHOLE, PRICE, SIZE, TIME, CHAR, BOOL, GROUP


cdef class Fields:
    cdef readonly bytes raw
    cdef Fields owner  # of the places, when they are a part of another's
    cdef const byte *base
    cdef thft_place *places
    cdef Py_ssize_t count
    cdef const thft_place *first(self, int tag) noexcept
    cdef typed(self, const thft_place *place, int kind)


cdef inline read(int kind, const byte *at, Py_ssize_t size):
    """Returns a value, None when it is odd."""
    cdef int64_t value
    if kind == PRICE or kind == SIZE or kind == WHOLE:
        digits = 9 if kind == PRICE else 8 if kind == SIZE else -1
        return value if thft_number(at, size, digits, &value) else None
    if kind == TIME:
        return value if thft_utc(at, size, &value) else None
    if size == 1 and at[0] < 128:
        if kind == BOOL:
            return True if at[0] == c"Y" else False if at[0] == c"N" else None
        return PyUnicode_FromOrdinal(at[0])
    if kind != TEXT:
        return None
    text = PyUnicode_FromKindAndData(1, at, size)
    if PyUnicode_IS_ASCII(text):
        return text
    return PyUnicode_DecodeUTF8(<const char *> at, size, "replace")

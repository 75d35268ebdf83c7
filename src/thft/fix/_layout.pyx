# cython: language_level=3, boundscheck=False, wraparound=False
"""Typed tuples to and from fields, native: what is ordinary, `_layout_py` does the rest."""

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE)
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport INT64_MIN, int16_t, int64_t
from libc.string cimport memchr, memcpy

from thft.fix._wire cimport *
from thft.fix import _layout_py
from thft.fix._values_py import LAST_NS
from thft.fix.terms import ABSENT

cdef extern from "Python.h":
    PyObject *item_of "PyTuple_GET_ITEM" (tuple, Py_ssize_t) noexcept
    const char *PyUnicode_AsUTF8AndSize(object, Py_ssize_t *) except NULL
    int64_t PyLong_AsLongLongAndOverflow(object, int *) except? -1

cdef int ends = _layout_py.ENDS
cdef object absent = ABSENT
cdef int64_t last_ns = LAST_NS


cdef struct slot_type:  # as `_layout_py._Level.packed` packs it
    int kind, withheld, name_size  # withheld: may not go out, or only behind its length
    char[12] name


cdef struct stop:
    int tag
    stop *outer


cdef char[1 << 16] room  # a body is written here, no Python runs meanwhile; a longer one is odd
cdef char *room_end = room + sizeof(room) - 64


cdef inline char *copied(char *at, const char *data, Py_ssize_t size) noexcept:
    memcpy(at, data, size)
    return at + size


cdef inline char *copied_bytes(char *at, bytes data) noexcept:
    return copied(at, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef bint in_stops(int tag, stop *stops) noexcept:
    while stops != NULL and stops.tag != tag:
        stops = stops.outer
    return stops != NULL


cdef class Level:
    """The fields of a message or of one entry of a group."""

    cdef int grouped, count
    cdef thft_table table  # tag -> slot, or `ends`
    cdef const slot_type *slots
    cdef const int *order
    cdef tuple packed  # the bytes behind these
    cdef list inner

    def __cinit__(self, twin):
        self.grouped, self.count = twin.count_tag != 0, len(twin.slots)
        self.packed = twin.packed()
        table, slots, order = self.packed
        self.table.slots = <const int16_t *> PyBytes_AS_STRING(table)
        self.table.count = len(table) // 2
        self.slots = <const slot_type *> PyBytes_AS_STRING(slots)
        self.order = <const int *> PyBytes_AS_STRING(order)
        self.inner = [None if isinstance(kind, str) else Level(kind)
                      for _, kind in twin.slots.values()]

    cdef tuple entry(self, Fields fields, Py_ssize_t *at, int delimiter, stop *stops):
        """Returns the values of one entry and moves `at` behind it; None when one is odd."""
        cdef tuple values = PyTuple_New(self.count)
        cdef const thft_place *place = fields.places + at[0]
        cdef const thft_place *first = place
        cdef const thft_place *end = fields.places + fields.count
        cdef stop mine = stop(delimiter, stops)
        cdef int slot
        while place < end:
            slot = thft_slot(&self.table, place.tag)
            if self.grouped and place > first and (
                    place.tag == delimiter or slot == ends or in_stops(place.tag, stops)):
                break
            place += 1
            if slot < 0 or item_of(values, slot) != NULL:
                continue
            if self.slots[slot].kind == GROUP:
                at[0] = place - fields.places
                value = (<Level> self.inner[slot]).group(
                    fields, at, &mine if self.grouped else stops)
                place = fields.places + at[0]
            else:
                value = read(self.slots[slot].kind, fields.base + (place - 1).start,
                             (place - 1).end - (place - 1).start)
            if value is None:
                return None
            Py_INCREF(value)
            PyTuple_SET_ITEM(values, slot, value)
        for slot in range(self.count):
            if item_of(values, slot) == NULL:
                value = absent if WHOLE <= self.slots[slot].kind <= TIME else None
                Py_INCREF(value)
                PyTuple_SET_ITEM(values, slot, value)
        at[0] = place - fields.places
        return values

    cdef tuple group(self, Fields fields, Py_ssize_t *at, stop *stops):
        """Returns the entries behind a count and moves `at` behind them; None when odd."""
        cdef const thft_place *place = fields.places + at[0] - 1
        cdef int64_t count, found
        cdef int delimiter
        if not thft_number(fields.base + place.start, place.end - place.start, -1, &count):
            return None
        if count <= 0 or count > fields.count - at[0]:
            return () if count == 0 else None
        delimiter = fields.places[at[0]].tag
        if thft_slot(&self.table, delimiter) == ends or in_stops(delimiter, stops):
            return None
        entries = PyTuple_New(count)
        for found in range(count):
            if at[0] == fields.count or fields.places[at[0]].tag != delimiter:
                return None
            entry = self.entry(fields, at, delimiter, stops)
            if entry is None:
                return None
            Py_INCREF(entry)
            PyTuple_SET_ITEM(entries, found, entry)
        more = at[0] < fields.count and fields.places[at[0]].tag == delimiter
        return None if more else entries

    cdef char *write(self, values, char *text, int digits) except? NULL:
        """Writes the fields of `values` at `text`; returns their end, NULL when one is odd."""
        cdef const slot_type *slot
        cdef int at
        if not (type(values) is tuple or type(values) is list) or len(values) != self.count:
            return NULL
        for at in range(self.count):
            slot = self.slots + self.order[at]
            value = values[self.order[at]]
            if value is None or (value is absent and WHOLE <= slot.kind <= TIME):
                if self.grouped and at == 0:
                    return NULL
                continue
            if slot.withheld or text > room_end:
                return NULL
            text = put(slot.kind, copied(text, slot.name, 12) + slot.name_size - 12, value, digits)
            if text == NULL:
                return NULL
            text = copied(text, b"\x01", 1)
            if slot.kind == GROUP:
                for entry in value:
                    text = (<Level> self.inner[self.order[at]]).write(entry, text, digits)
                    if text == NULL:
                        return NULL
        return text


cdef char *put(int kind, char *text, value, int digits) except? NULL:
    """Writes a value at `text`; returns its end, NULL when it is odd."""
    cdef int overflow = 0
    cdef int64_t number
    cdef const char *data
    cdef Py_ssize_t size
    if PyUnicode_CheckExact(value) and (kind == TEXT or kind == CHAR):
        data = PyUnicode_AsUTF8AndSize(value, &size)
        if size == 0 or (kind == CHAR and size != 1):
            return NULL
    elif PyBytes_CheckExact(value) and kind == TEXT:
        data, size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
    elif PyLong_CheckExact(value) and WHOLE <= kind <= TIME:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow or number == INT64_MIN or (kind == TIME and not 0 <= number < last_ns):
            return NULL
        if kind == TIME:
            return thft_put_time(text, number, digits)
        return thft_put_scaled(text, number, 9 if kind == PRICE else 8 if kind == SIZE else 0)
    elif kind == GROUP and (type(value) is tuple or type(value) is list):
        return thft_put_unsigned(text, len(value))
    elif kind == BOOL and (value is True or value is False):
        return copied(text, b"Y" if value is True else b"N", 1)
    else:
        return NULL
    if memchr(data, 1, size) != NULL or size > room_end - text:
        return NULL
    return copied(text, data, size)


cdef class Layout:
    """The shape of a typed tuple: which fields, in which order, of which kind."""

    cdef object twin
    cdef Level top
    cdef int digits

    def __init__(self, spec, ends=None, timestamp_digits=3):
        self.twin = _layout_py.Layout(spec, ends, timestamp_digits)
        self.top, self.digits = Level(self.twin._level), timestamp_digits

    def extract(self, Fields fields not None):
        cdef Py_ssize_t at = 0
        values = self.top.entry(fields, &at, 0, NULL)
        return self.twin.extract(fields) if values is None else values

    def pack(self, values):
        cdef char *end = self.top.write(values, room, self.digits)
        if end == NULL:
            return self.twin.pack(values)
        return PyBytes_FromStringAndSize(room, end - room)


cdef class Header:
    """What all messages of one session begin with, ready to be sent."""

    cdef object twin
    cdef bytes begin, first, middle, last  # 8=…|9=, and the header before 34, before 52, behind
    cdef int digits

    def __init__(self, begin_string, fields, timestamp_digits=3):
        self.twin = _layout_py.Header(begin_string, fields, timestamp_digits)
        self.begin, self.first, self.middle, self.last = self.twin.segments()
        self.digits = timestamp_digits

    def __getattr__(self, name):
        return getattr(self.twin, name)

    def encode(self, str msg_type not None, seq, sending_ns, bytes body not None=b"", extra=()):
        cdef char[128] kind  # MsgType, MsgSeqNum, SendingTime and BodyLength, one behind the other
        cdef char *number
        cdef char *time
        cdef char *length
        cdef char *end
        cdef Py_ssize_t size
        cdef int overflow = 0, late = 0
        cdef int64_t seq_value = PyLong_AsLongLongAndOverflow(seq, &overflow)
        cdef int64_t ns = PyLong_AsLongLongAndOverflow(sending_ns, &late)
        cdef const char *name = PyUnicode_AsUTF8AndSize(msg_type, &size)
        if extra or overflow or late or seq_value < 0 or not 0 <= ns < last_ns or (
                not 0 < size < 3 or memchr(name, 1, size) != NULL):
            return self.twin.encode(msg_type, seq, sending_ns, body, extra)
        number = copied(copied(copied(kind, b"35=", 3), name, size), b"\x01", 1)
        time = copied(thft_put_unsigned(copied(number, b"34=", 3), seq_value), b"\x01", 1)
        length = copied(thft_put_time(copied(time, b"52=", 3), ns, self.digits), b"\x01", 1)
        size = length - kind + PyBytes_GET_SIZE(self.first) + PyBytes_GET_SIZE(self.middle) + (
            PyBytes_GET_SIZE(self.last) + PyBytes_GET_SIZE(body))
        end = copied(thft_put_unsigned(length, size), b"\x01", 1)
        message = PyBytes_FromStringAndSize(
            NULL, PyBytes_GET_SIZE(self.begin) + end - length + size + 7)
        cdef char *base = PyBytes_AS_STRING(message)
        cdef char *at = copied_bytes(base, self.begin)
        at = copied_bytes(copied(copied(at, length, end - length), kind, number - kind), self.first)
        at = copied_bytes(copied(at, number, time - number), self.middle)
        at = copied_bytes(copied_bytes(copied(at, time, length - time), self.last), body)
        cdef unsigned sum = thft_sum(<byte *> base, at - base)
        copied(at, b"10=000\x01", 7)
        at[3], at[4], at[5] = 48 + sum // 100, 48 + sum // 10 % 10, 48 + sum % 10
        return message

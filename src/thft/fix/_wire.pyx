# cython: language_level=3, boundscheck=False, wraparound=False
"""Framing and reading of messages, native: good messages only, `_wire_py` judges the rest."""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcpy

from thft.fix import _values_py, _wire_py
from thft.fix.terms import ABSENT, MessageTooLong

KINDS = _values_py.KINDS
cdef object absent = ABSENT


@cython.no_gc
cdef class Fields:
    """A run of fields in wire order: a message, or one entry of a repeating group."""

    def __dealloc__(self):
        if self.owner is None:
            PyMem_Free(self.places)

    def __len__(self):
        return self.count

    cdef const thft_place *first(self, int tag) noexcept:
        cdef Py_ssize_t index
        for index in range(self.count):
            if self.places[index].tag == tag:
                return self.places + index
        return NULL

    cdef typed(self, const thft_place *place, int kind):
        if place == NULL:
            return absent if WHOLE <= kind <= TIME else None
        value = read(kind, self.base + place.start, place.end - place.start)
        if value is None:
            return _values_py.typed(KINDS[kind], self.raw[place.start:place.end], place.tag)
        return value

    def get(self, int tag):
        cdef const thft_place *place = self.first(tag)
        return None if place == NULL else self.raw[place.start:place.end]

    def text(self, int tag):
        return self.typed(self.first(tag), TEXT)

    def integer(self, int tag):
        return self.typed(self.first(tag), WHOLE)

    def price(self, int tag):
        return self.typed(self.first(tag), PRICE)

    def size(self, int tag):
        return self.typed(self.first(tag), SIZE)

    def timestamp_ns(self, int tag):
        return self.typed(self.first(tag), TIME)

    @property
    def _places(self):
        cdef Py_ssize_t at
        return [(self.places[at].tag, self.places[at].start, self.places[at].end)
                for at in range(self.count)]

    def fields(self):
        return [(tag, self.raw[start:end]) for tag, start, end in self._places]

    def groups(self, shape):
        cdef Fields entry
        cdef Py_ssize_t first, last
        cdef list entries = []
        for first, last in _wire_py.group_bounds(self.raw, self._places, shape):
            entry = Fields.__new__(Fields)
            entry.owner = self if self.owner is None else self.owner
            entry.raw, entry.base = self.raw, self.base
            entry.places, entry.count = self.places + first, last - first
            entries.append(entry)
        return entries


@cython.no_gc
@cython.final
cdef class Message(Fields):
    """One message as received."""

    @property
    def begin_string(self):
        return self.typed(self.places, TEXT)

    @property
    def type(self):
        return self.typed(self.places + 2, TEXT)

    @property
    def seq(self):
        cdef const thft_place *place = self.first(34)
        if place == NULL:
            return -1
        value = read(WHOLE, self.base + place.start, place.end - place.start)
        return -2 if value is None or self.base[place.start] == c"-" else value

    @property
    def poss_dup(self):
        return self.get(43) == b"Y"


cdef Message message_of(bytes raw, Py_ssize_t count):
    """Returns a message that has room for its places."""
    cdef Message message = Message.__new__(Message)
    message.places = <thft_place *> PyMem_Malloc(count * sizeof(thft_place))
    if message.places == NULL:
        raise MemoryError
    message.raw, message.count = raw, count
    message.base = <const byte *> PyBytes_AS_STRING(raw)
    return message


cdef Message whole_message(const byte *at, Py_ssize_t size, bytes data):
    """Returns a good message of `size` bytes, None when its fields are odd."""
    cdef thft_place[64] few
    cdef Py_ssize_t count = thft_index(at, size, few, 64)
    if count < 0:
        return None
    if data is None or PyBytes_GET_SIZE(data) != size:
        data = PyBytes_FromStringAndSize(<const char *> at, size)
    message = message_of(data, count)
    if count <= 64:
        memcpy(message.places, few, count * sizeof(thft_place))
    else:
        thft_index(at, size, message.places, count)
    return message


def _message(raw, list places not None):
    """Makes a message of fields that the twin has told apart."""
    cdef Message message = message_of(raw, len(places))
    cdef thft_place *place = message.places
    for place.tag, place.start, place.end in places:
        place += 1
    return message


cdef class Framer:
    """Cuts a stream of bytes into messages; what is not good and whole goes through the twin."""

    cdef object twin
    cdef size_t limit
    cdef Py_ssize_t wanted  # the twin's wanted_bytes

    def __init__(self, max_message_bytes=1 << 20):
        self.twin = _wire_py.Framer(max_message_bytes, _message)
        self.limit = max_message_bytes

    def __getattr__(self, name):
        return getattr(self.twin, name)

    def feed(self, data):
        cdef Py_buffer view
        if type(data) is bytes:
            return self.take(<const byte *> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), data)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return self.take(<const byte *> view.buf, view.len, None)
        finally:
            PyBuffer_Release(&view)

    cdef list take(self, const byte *base, Py_ssize_t size, bytes data):
        cdef list units = []
        cdef Py_ssize_t at = 0, step
        while at < size or self.wanted < 0:
            if self.wanted == 0:
                step = thft_whole(base + at, size - at, self.limit)
                message = whole_message(base + at, step, data) if step else None
                if message is not None:
                    units.append(message)
                    at += step
                    continue
            step = self.wanted if 0 < self.wanted < size - at else size - at
            self.by_twin(PyBytes_FromStringAndSize(<const char *> base + at, step), units)
            at += step
        return units

    cdef by_twin(self, bytes piece, list units):
        try:
            units += self.twin.feed(piece)
        except MessageTooLong as error:
            error.units[:0] = units
            raise
        finally:
            self.wanted = self.twin.wanted_bytes

# cython: language_level=3, boundscheck=False, wraparound=False
"""Validation of one message, native: passes good ones, `_rules_py` says what is wrong with others."""

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from thft.fix._wire cimport *
from thft.fix import _rules_py

cdef int words = _rules_py.WORDS


cdef struct rule_type:  # as `_rules_py.Rules.packed` packs it
    int section, form, values, group, required


cdef struct scope_type:
    thft_table table  # tag -> rule
    const rule_type *rules
    uint64_t *seen  # by rule, the last walk that met it
    int required


cdef class Rules:
    """All that a dictionary demands of messages."""

    cdef object twin
    cdef tuple packed  # the bytes behind these
    cdef scope_type *scopes
    cdef thft_table types  # the bytes of a type as a number -> scope
    cdef const byte *single  # 256 flags for each enumeration: which one-byte values it has
    cdef list enumerations
    cdef uint64_t walk

    def __cinit__(self, fields, scopes, messages):
        cdef int at
        self.twin = _rules_py.Rules(fields, scopes, messages)
        self.packed = self.twin.packed()
        packed, types, single, self.enumerations = self.packed
        self.scopes = <scope_type *> PyMem_Calloc(len(packed), sizeof(scope_type))
        if self.scopes == NULL:
            raise MemoryError
        for at, (table, rules, seen, required) in enumerate(packed):
            self.scopes[at].table = table_of(table)
            self.scopes[at].rules = <const rule_type *> PyBytes_AS_STRING(rules)
            self.scopes[at].seen = <uint64_t *> PyByteArray_AS_STRING(seen)
            self.scopes[at].required = required
        self.types = table_of(types)
        self.single = <const byte *> PyBytes_AS_STRING(single)

    def __dealloc__(self):
        PyMem_Free(self.scopes)

    def check(self, Fields message not None, lax):
        cdef const thft_place *kind = message.places + 2
        cdef const byte *name = message.base + kind.start
        cdef Py_ssize_t size = kind.end - kind.start
        cdef int scope = -1
        if size == 1 or size == 2:
            scope = thft_slot(&self.types, name[0] if size == 1 else name[0] * 256 + name[1])
        if scope >= 0 and self.good(message, &self.scopes[scope]):
            return None
        return self.twin.check(message, lax)

    cdef bint good(self, Fields message, scope_type *scope) except -1:
        """Returns whether a message breaks no rule at all, switches aside."""
        cdef const thft_place *place = message.places
        cdef const thft_place *end = place + message.count
        cdef const rule_type *rule
        cdef int at, section = 0, required = scope.required
        cdef uint64_t walk = self.walk + 1
        self.walk = walk
        while place < end:
            at = thft_slot(&scope.table, place.tag)
            rule = scope.rules + at
            if at < 0 or rule.section < section or scope.seen[at] == walk:
                return False
            if not self.formed(rule, message.base + place.start, place.end - place.start):
                return False
            section, scope.seen[at] = rule.section, walk
            required -= rule.required
            place += 1
            if rule.group >= 0:
                place = self.group(message, place, end, &self.scopes[rule.group])
                if place == NULL:
                    return False
        return required == 0

    cdef const thft_place *group(self, Fields message, const thft_place *place,
                                 const thft_place *end, scope_type *scope) except? NULL:
        """Returns where the entries behind a count end, NULL when one breaks a rule."""
        cdef int64_t count = -1
        cdef int at, last = -1, required = 0
        cdef const rule_type *rule
        thft_number(message.base + (place - 1).start, (place - 1).end - (place - 1).start, -1,
                    &count)  # its figures have been checked
        while place < end:
            at = thft_slot(&scope.table, place.tag)
            if at < 0:
                break
            rule = scope.rules + at
            if at == 0 and required == 0:  # the next entry, and the one before lacks nothing
                last, required, count = -1, scope.required, count - 1
            elif at <= last or last < 0:
                return NULL
            if not self.formed(rule, message.base + place.start, place.end - place.start):
                return NULL
            last, required = at, required - rule.required
            place += 1
            if rule.group >= 0:
                place = self.group(message, place, end, &self.scopes[rule.group])
                if place == NULL:
                    return NULL
        return place if count == 0 and required == 0 else NULL

    cdef bint formed(self, const rule_type *rule, const byte *at, Py_ssize_t size) except -1:
        if size == 0 or not thft_formed(rule.form, at, size):
            return False
        if rule.values < 0:
            return True
        if size == 1:
            return self.single[256 * rule.values + at[0]]
        text = PyBytes_FromStringAndSize(<const char *> at, size)
        values = self.enumerations[rule.values]
        if rule.form == words:
            return all([word in values for word in text.split(b" ")])
        return text in values


cdef thft_table table_of(bytes slots):
    cdef thft_table table
    table.slots, table.count = <const int16_t *> PyBytes_AS_STRING(slots), len(slots) // 2
    return table

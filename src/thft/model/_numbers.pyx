# cython: language_level=3, boundscheck=False, wraparound=False
"""Number texts as scaled integers, native: the good and ordinary; all else goes to the twin."""

from thft.base._json cimport MOST_DIGITS, PRICE_DIGITS, SIZE_DIGITS, Text, scaled

from thft.model import _numbers_py as twin

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    void *PyUnicode_DATA(object text)


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

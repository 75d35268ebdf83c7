# Times and numbers as venues write them, read and written natively; cimported by `_reader`.

from libc.stdint cimport INT64_MIN as ABSENT
from libc.string cimport memcpy

from thft.base._json cimport POWERS, PRICE_DIGITS, SIZE_DIGITS, Text, scaled
from thft.gateway.ws._reader cimport AMOUNT, PADDED, PAIRED
from thft.model._book cimport Level


cdef inline bint of_ms(long long ms, long long *ts_ns) noexcept:
    ts_ns[0] = ms * 1_000_000 if ms else ABSENT
    return 0 <= ms < 9_223_372_036_855


cdef inline bint two(Text at, int most, int *value) noexcept:
    value[0] = (at[0] - 48) * 10 + at[1] - 48
    return 48 <= at[0] < 58 and 48 <= at[1] < 58 and value[0] <= most


cdef inline bint of_iso(Text at, Text end, long long *ts_ns) noexcept:
    """Reads YYYY-MM-DDTHH:MM:SS[.fraction]Z; every other way, and 29 February, is the dialect's."""
    cdef int century, years, month, day, hour, minute, second, year, era
    cdef long long days, fraction = 0
    cdef Py_ssize_t figures = end - at - 21
    cdef int[12] month_days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not (20 <= end - at <= 30 and figures and (end - 1)[0] == b"Z" and at[4] == b"-"
            and at[7] == b"-" and at[10] == b"T" and at[13] == b":" and at[16] == b":"):
        return False
    if not (two(at, 99, &century) and two(at + 2, 99, &years) and two(at + 5, 12, &month)
            and two(at + 8, 31, &day) and two(at + 11, 23, &hour) and two(at + 14, 59, &minute)
            and two(at + 17, 59, &second) and month and 0 < day <= month_days[month - 1]):
        return False
    if figures > 0 and not (at[19] == b"." and scaled(at + 20, end - 1, 0, False, &fraction)
                            and fraction >= 0 and at[20] != b"-" and (end - 2)[0] != b"."):
        return False
    year = century * 100 + years - (month <= 2)
    era = year // 400
    year -= era * 400
    days = era * 146_097 + year * 365 + year // 4 - year // 100 \
        + (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 719_469
    ts_ns[0] = (days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000_000_000
    if figures > 0:
        ts_ns[0] += fraction * POWERS[9 - figures]
    return 0 < days < 106_751


# ---- checksums: what venues write of a number, from the integers again


cdef inline Py_ssize_t whole(unsigned long long value, char *to) noexcept:
    cdef char[20] figures
    cdef Py_ssize_t count = 0, index
    while True:
        figures[count] = <char> (48 + value % 10)
        count += 1
        value //= 10
        if not value:
            break
    for index in range(count):
        to[index] = figures[count - 1 - index]
    return count


cdef inline Py_ssize_t plain(unsigned long long value, int digits, char *to) noexcept:
    """Writes value / 10**digits, a price's or a size's, in the shortest way."""
    cdef unsigned long long head = value // 1_000_000_000 if digits == PRICE_DIGITS \
        else value // 100_000_000
    cdef unsigned int rest = <unsigned int> (value - head * POWERS[digits])
    cdef Py_ssize_t length = whole(head, to), index
    if not rest:
        return length
    to[length] = b"."
    for index in range(digits):
        to[length + digits - index] = <char> (48 + rest % 10)
        rest //= 10
    length += 1 + digits
    while to[length - 1] == b"0":
        length -= 1
    return length


cdef inline Py_ssize_t number_text(int style, long long value, int digits, char *to) noexcept:
    """Writes value / 10**digits plainly, or as JavaScript does (amount): small with exponents."""
    cdef Py_ssize_t count, length
    if style == PAIRED or not value or value >= POWERS[digits - 6]:
        return plain(value, digits, to)
    length = count = whole(value, to + 1)
    while to[length] == b"0":
        length -= 1
    to[0] = to[1]
    to[1] = b"."
    length += length > 1
    memcpy(to + length, <const char *> b"e-", 2)
    return length + 2 + whole(digits - count + 1, to + length + 2)


cdef inline Py_ssize_t level_text(int style, const Level *level, int decimals, char *to) noexcept:
    """Writes one level as its venue's checksum has it: digits alone (padded), or `price:size:`."""
    cdef bint ask = level.key < 0
    cdef long long price = ~level.key if ask else level.key
    cdef Py_ssize_t at
    if style == PADDED:
        at = whole(price // POWERS[PRICE_DIGITS - decimals // 16], to)
        return at + whole(level.size // POWERS[SIZE_DIGITS - decimals % 16], to + at)
    at = number_text(style, price, PRICE_DIGITS, to)
    to[at] = b":"
    to[at + 1] = b"-"
    at += 2 if style == AMOUNT and ask else 1
    at += number_text(style, level.size, SIZE_DIGITS, to + at)
    to[at] = b":"
    return at + 1

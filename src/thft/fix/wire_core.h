/* FIX bytes in C: what is good and ordinary; included by the extensions of this room.

   No Python and no verdicts here: a function that meets anything odd says so, and the Python twins
   decide what it is. */

#ifndef THFT_WIRE_CORE_H
#define THFT_WIRE_CORE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define THFT_NO_DAY INT32_MIN
#define THFT_LAST_DAY 106651 /* 2262-01-01 */

typedef unsigned char byte;

typedef struct {
    int32_t tag;
    uint32_t start, end;
} thft_place;

static inline unsigned thft_sum(const byte *at, size_t count) {
    byte sum = 0;
    for (size_t i = 0; i < count; i++) sum = (byte)(sum + at[i]);
    return sum;
}

static inline int thft_is_digits(const byte *at, size_t count) {
    for (size_t i = 0; i < count; i++)
        if ((unsigned)(at[i] - '0') > 9) return 0;
    return count > 0;
}

/* The bytes of the good message at `at`, 0 when it is not whole, too long or odd in any way. */
static inline size_t thft_whole(const byte *at, size_t size, size_t limit) {
    size_t used = 2, body, end, length = 0;
    if (size < 20 || at[0] != '8' || at[1] != '=') return 0;
    while (used < 16 && at[used] != 1 && at[used] != '=') used++;
    if (at[used] != 1 || at[used + 1] != '9' || at[used + 2] != '=') return 0;
    body = used + 3;
    while (body < size && body < used + 12 && (unsigned)(at[body] - '0') < 10)
        length = length * 10 + (unsigned)(at[body++] - '0');
    if (body == used + 3 || body >= size || at[body++] != 1) return 0;
    end = body + length + 7;
    if (length < 5 || end > size || end > limit || memcmp(at + body, "35=", 3)) return 0;
    at += body + length;
    if (at[-1] != 1 || memcmp(at, "10=", 3) || !thft_is_digits(at + 3, 3) || at[6] != 1) return 0;
    unsigned sum = (unsigned)(at[3] - '0') * 100 + (unsigned)(at[4] - '0') * 10 + (at[5] - '0');
    return sum == thft_sum(at - body - length, body + length) ? end : 0;
}

/* Whether a tag gives the length of a data field: its message is odd. */
static inline int thft_is_length(uint32_t tag) {
    switch (tag) {
    case 90: case 93: case 95: case 212: case 348: case 350: case 352: case 354: case 356: case 358:
    case 360: case 362: case 364: case 445: case 618: case 621:
        return 1;
    }
    return 0;
}

/* Fills up to `room` places of a whole message; returns how many there are, -1 when it is odd. */
static inline ptrdiff_t thft_index(const byte *raw, size_t size, thft_place *out, size_t room) {
    const byte *at = raw, *end = raw + size;
    size_t count = 0;
    while (at < end) {
        const byte *soh = memchr(at, 1, (size_t)(end - at)), *figures = at;
        uint32_t tag = 0, digit;
        while ((digit = (uint32_t)(*at - '0')) < 10) {
            tag = tag * 10 + digit;
            at++;
        }
        if (at == figures || at - figures > 9 || *at != '=' || thft_is_length(tag)) return -1;
        if (count < room) {
            out[count].tag = (int32_t)tag;
            out[count].start = (uint32_t)(at + 1 - raw);
            out[count].end = (uint32_t)(soh - raw);
        }
        count++;
        at = soh + 1;
    }
    return (ptrdiff_t)count;
}

static const int64_t thft_ten[] = {1,      10,      100,      1000,      10000,
                                   100000, 1000000, 10000000, 100000000, 1000000000};

/* Up to 18 figures with at most one point, times 10**digits; false when odd. Digits below 0: no
   point. */
static inline int thft_number(const byte *at, size_t count, int digits, int64_t *value) {
    const byte *end = at + count, *point = NULL;
    int negative = count && *at == '-', behind = 0;
    int64_t sum = 0;
    at += negative;
    if (at == end || end - at > 19) return 0;
    for (const byte *p = at; p < end; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (digit < 10)
            sum = sum * 10 + digit;
        else if (*p == '.' && !point && digits >= 0)
            point = p;
        else
            return 0;
    }
    if (point) behind = (int)(end - point) - 1;
    if (end - at - (point != NULL) > 18 || (point && end - at == 1)) return 0;
    if (behind > (digits < 0 ? 0 : digits)) return 0;
    if (digits > 0 && __builtin_mul_overflow(sum, thft_ten[digits - behind], &sum)) return 0;
    *value = negative ? -sum : sum;
    return 1;
}

static inline char *thft_put_unsigned(char *out, uint64_t value) {
    char text[20], *at = text + 20;
    do *--at = (char)('0' + value % 10);
    while (value /= 10);
    memcpy(out, at, (size_t)(text + 20 - at));
    return out + (text + 20 - at);
}

/* Writes the shortest decimal text of value / 10**digits, at most 21 bytes; returns its end. */
static inline char *thft_put_scaled(char *out, int64_t value, int digits) {
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value, one = (uint64_t)thft_ten[digits];
    uint64_t fraction = digits ? rest % one : 0;
    if (value < 0) *out++ = '-';
    out = thft_put_unsigned(out, digits ? rest / one : rest);
    if (!fraction) return out;
    *out = '.';
    for (int at = digits; at > 0; at--, fraction /= 10) out[at] = (char)('0' + fraction % 10);
    out += digits;
    while (*out == '0') out--;
    return out + 1;
}

static inline int thft_pair(const byte *at) {
    unsigned high = (unsigned)(at[0] - '0'), low = (unsigned)(at[1] - '0');
    return high > 9 || low > 9 ? -1 : (int)(high * 10 + low);
}

/* Days from 1970 to YYYYMMDD, THFT_NO_DAY when it is none or before 1970. */
static inline int32_t thft_day(const byte *at) {
    static const char month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int century = thft_pair(at), year = thft_pair(at + 2), leap;
    int month = thft_pair(at + 4), day = thft_pair(at + 6);
    if (century < 0 || year < 0 || month < 1 || month > 12 || day < 1) return THFT_NO_DAY;
    year += century * 100;
    leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1970 || day > month_days[month - 1] + leap) return THFT_NO_DAY;
    year -= month < 3;
    month += month < 3 ? 9 : -3;
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719469;
}

/* Seconds of HH:MM:SS[.fraction], -1 when it is none; `ns` gets the fraction. */
static inline int32_t thft_clock(const byte *at, size_t count, int64_t *ns) {
    int hour = 0, minute = 0, second = 0;
    if (count < 8 || at[2] != ':' || at[5] != ':') return -1;
    hour = thft_pair(at);
    minute = thft_pair(at + 3);
    second = thft_pair(at + 6);
    if ((hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 60) return -1;
    *ns = 0;
    if (count > 8) {
        size_t figures = count - 9;
        if (at[8] != '.' || figures < 3 || figures > 12 || figures % 3) return -1;
        if (!thft_is_digits(at + 9, figures)) return -1;
        for (size_t i = 0; i < 9; i++) *ns = *ns * 10 + (i < figures ? at[9 + i] - '0' : 0);
    }
    return hour * 3600 + minute * 60 + second;
}

/* False when it is no time or none between 1970 and 2261. */
static inline int thft_utc(const byte *at, size_t count, int64_t *value) {
    int64_t ns;
    int32_t day, clock;
    if (count < 17 || at[8] != '-') return 0;
    day = thft_day(at);
    clock = thft_clock(at + 9, count - 9, &ns);
    if (day == THFT_NO_DAY || day >= THFT_LAST_DAY || clock < 0) return 0;
    *value = ((int64_t)day * 86400 + clock) * 1000000000 + ns;
    return 1;
}

/* Writes a timestamp of `digits` (0, 3, 6, 9, 12) in at most 30 bytes; returns its end. */
static inline char *thft_put_time(char *out, int64_t ns, int digits) {
    static int64_t shown = -1; /* the second that `text` shows */
    static char text[40];
    if (ns / 1000000000 != shown) {
        shown = ns / 1000000000;
        int of_day = (int)(shown % 86400), day = (int)(shown / 86400) + 719468;
        int era = day / 146097, of_era = day % 146097;
        int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        int of_year = of_era - (365 * year + year / 4 - year / 100), march = (5 * of_year + 2) / 153;
        int month = march < 10 ? march + 3 : march - 9, of_month = of_year - (153 * march + 2) / 5;
        snprintf(text, sizeof text, "%04d%02d%02d-%02d:%02d:%02d", era * 400 + year + (month <= 2),
                 month, of_month + 1, of_day / 3600, of_day / 60 % 60, of_day % 60);
    }
    memcpy(out, text, 17);
    if (!digits) return out + 17;
    memcpy(out + 27, "000", 3);
    ns %= 1000000000;
    for (int at = 26; at > 17; at--, ns /= 10) out[at] = (char)('0' + ns % 10);
    out[17] = '.';
    return out + 18 + digits;
}

enum { ANY, INT, UNSIGNED, FLOAT, CHAR, BOOLEAN, UTC, CLOCK, DATE, MONTH, WORDS };

/* Whether a value surely has its format; false leaves it to the twin. */
static inline int thft_formed(int form, const byte *at, size_t count) {
    int64_t value;
    switch (form) {
    case INT:
        return thft_number(at, count, -1, &value);
    case UNSIGNED:
        return count <= 18 && thft_is_digits(at, count);
    case FLOAT: {
        size_t point = 0;
        while (point < count && at[point] != '.') point++;
        if (!thft_is_digits(at + (*at == '-'), point - (*at == '-'))) return 0;
        return point == count || thft_is_digits(at + point + 1, count - point - 1);
    }
    case CHAR:
        return count == 1;
    case BOOLEAN:
        return count == 1 && (*at == 'Y' || *at == 'N');
    case UTC:
        return thft_utc(at, count, &value);
    case CLOCK:
        return thft_clock(at, count, &value) >= 0;
    case DATE:
        return count == 8 && thft_day(at) != THFT_NO_DAY;
    }
    return form == ANY || form == WORDS;
}

typedef struct {
    const int16_t *slots; /* as `_values_py.by_tag` packs them: -1 for a tag that is not there */
    int32_t count;
} thft_table;

static inline int thft_slot(const thft_table *table, int32_t tag) {
    return (uint32_t)tag < (uint32_t)table->count ? table->slots[tag] : -1;
}

#endif

/* Plain JSON read in place, for `model._numbers` and `gateway.ws._reader`. What is unusual (escapes,
   exponents, long numbers) is declined, by 0, and left to Python; what is taken is JSON. */
#ifndef THFT_JSON_CORE_H
#define THFT_JSON_CORE_H

#include <string.h>

typedef const unsigned char *thft_text;

typedef struct {
    thft_text at, end;
} thft_cursor;

enum { THFT_PRICE_DIGITS = 9, THFT_SIZE_DIGITS = 8, THFT_MOST_DIGITS = 18 };

static const long long thft_powers[THFT_MOST_DIGITS + 1] = {
    1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL, 100000000LL, 1000000000LL,
    10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL, 100000000000000LL,
    1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL};

/* Reads a plain decimal of at most 18 figures; `json`: the text must be a number of JSON as well. */
static inline int thft_scaled(thft_text at, thft_text end, int digits, int json, long long *value) {
    long long found = 0;
    int figures = 0, fraction = -1, negative = at < end && *at == '-';
    at += negative;
    if (json && (at == end || end[-1] == '.' || *at == '.' ||
                 (*at == '0' && end - at > 1 && at[1] != '.')))
        return 0;
    for (; at < end; at++) {
        unsigned char figure = *at - '0';
        if (figure <= 9) {
            found = found * 10 + figure;
            if (++figures > THFT_MOST_DIGITS) return 0;
            if (fraction >= 0) fraction++;
        } else if (*at == '.' && fraction < 0) {
            fraction = 0;
        } else {
            return 0;
        }
    }
    if (fraction < 0) fraction = 0;
    if (!figures || fraction > digits) return 0;
    if (found > 0x7fffffffffffffffLL / thft_powers[digits - fraction]) return 0;
    found *= thft_powers[digits - fraction];
    *value = negative ? -found : found;
    return 1;
}

static inline void thft_blanks(thft_cursor *cursor) {
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n' ||
                                        *cursor->at == '\t' || *cursor->at == '\r'))
        cursor->at++;
}

/* Goes beyond one character and the blanks around it; 0 when it is another one. */
static inline int thft_token(thft_cursor *cursor, unsigned char wanted) {
    thft_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at != wanted) return 0;
    cursor->at++;
    thft_blanks(cursor);
    return 1;
}

/* Goes beyond a string of plain ASCII. */
static inline int thft_string(thft_cursor *cursor, thft_text *start, thft_text *stop) {
    if (cursor->at == cursor->end || *cursor->at != '"') return 0;
    thft_text at = *start = cursor->at + 1;
    while (at < cursor->end && *at >= 32 && *at < 127 && *at != '"' && *at != '\\') at++;
    if (at == cursor->end || *at != '"') return 0;
    *stop = at;
    cursor->at = at + 1;
    return 1;
}

/* Goes beyond a string or number and reads it. */
static inline int thft_number(thft_cursor *cursor, int digits, long long *value) {
    thft_text start, stop;
    int quoted = cursor->at < cursor->end && *cursor->at == '"';
    if (quoted) {
        if (!thft_string(cursor, &start, &stop)) return 0;
    } else {
        start = cursor->at;
        while (cursor->at < cursor->end && (*cursor->at == '-' || *cursor->at == '.' ||
                                            (unsigned char)(*cursor->at - '0') <= 9))
            cursor->at++;
        stop = cursor->at;
    }
    return thft_scaled(start, stop, digits, !quoted, value);
}

static inline int thft_figures(thft_cursor *cursor) {
    thft_text start = cursor->at;
    while (cursor->at < cursor->end && (unsigned char)(*cursor->at - '0') <= 9) cursor->at++;
    return cursor->at > start;
}

static inline int thft_skip_number(thft_cursor *cursor) {
    if (cursor->at < cursor->end && *cursor->at == '-') cursor->at++;
    thft_text first = cursor->at;
    if (!thft_figures(cursor) || (*first == '0' && cursor->at - first > 1)) return 0;
    if (cursor->at < cursor->end && *cursor->at == '.') {
        cursor->at++;
        if (!thft_figures(cursor)) return 0;
    }
    if (cursor->at < cursor->end && (*cursor->at == 'e' || *cursor->at == 'E')) {
        cursor->at++;
        if (cursor->at < cursor->end && (*cursor->at == '-' || *cursor->at == '+')) cursor->at++;
        return thft_figures(cursor);
    }
    return 1;
}

/* Goes beyond any value, nested `depth` times at most. */
static inline int thft_skip(thft_cursor *cursor, int depth) {
    thft_text start, stop;
    if (cursor->at == cursor->end) return 0;
    unsigned char first = *cursor->at, last = first == '{' ? '}' : ']';
    if (first == '"') return thft_string(cursor, &start, &stop);
    if (first == 't' || first == 'f' || first == 'n') {
        const char *word = first == 't' ? "true" : first == 'f' ? "false" : "null";
        size_t length = strlen(word);
        if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length)) return 0;
        cursor->at += length;
        return 1;
    }
    if (first != '{' && first != '[') return thft_skip_number(cursor);
    if (!depth) return 0;
    thft_token(cursor, first);
    if (thft_token(cursor, last)) return 1;
    do {
        if (first == '{' && !(thft_string(cursor, &start, &stop) && thft_token(cursor, ':')))
            return 0;
        if (!thft_skip(cursor, depth - 1)) return 0;
    } while (thft_token(cursor, ','));
    return thft_token(cursor, last);
}

/* Reads one row [price, size, …]. */
static inline int thft_row(thft_cursor *cursor, long long *to) {
    if (!(thft_token(cursor, '[') && thft_number(cursor, THFT_PRICE_DIGITS, to) &&
          thft_token(cursor, ',') && thft_number(cursor, THFT_SIZE_DIGITS, to + 1)))
        return 0;
    while (thft_token(cursor, ','))
        if (!thft_skip(cursor, 1)) return 0;
    return thft_token(cursor, ']');
}

#endif

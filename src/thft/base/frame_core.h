/* Frames in plain C: CRC-32, packing one, walking many; used by _frame.pyx alone. */

#ifndef THFT_FRAME_CORE_H
#define THFT_FRAME_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "frames are little-endian: the Python twin serves on this machine"
#endif

#define FRAME_HEADER 32
#define FRAME_GROUP_END 1

typedef struct {
    uint32_t crc, length;
    uint64_t seq;
    int64_t recv_ts_ns;
    uint16_t type;
    uint8_t version, flags;
    uint16_t stream, source;
} frame_header;

static inline size_t frame_padded(size_t length) { return (length + 7) & ~(size_t)7; }

/* ---- CRC-32, the zlib polynomial, reflected; `crc` is the inverted running value --------------- */

static uint32_t crc_table[8][256];

static void crc_fill_tables(void) {
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t crc = n;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
        crc_table[0][n] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t n = 0; n < 256; n++) {
            uint32_t crc = crc_table[slice - 1][n];
            crc_table[slice][n] = crc_table[0][crc & 255] ^ (crc >> 8);
        }
}

static uint32_t crc_by_tables(uint32_t crc, const uint8_t *at, size_t count) {
    for (; count >= 8; count -= 8, at += 8) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + 4, 4);
        low ^= crc;
        crc = crc_table[7][low & 255] ^ crc_table[6][low >> 8 & 255] ^
              crc_table[5][low >> 16 & 255] ^ crc_table[4][low >> 24] ^
              crc_table[3][high & 255] ^ crc_table[2][high >> 8 & 255] ^
              crc_table[1][high >> 16 & 255] ^ crc_table[0][high >> 24];
    }
    if (count >= 4) {
        uint32_t low;
        memcpy(&low, at, 4);
        low ^= crc;
        crc = crc_table[3][low & 255] ^ crc_table[2][low >> 8 & 255] ^
              crc_table[1][low >> 16 & 255] ^ crc_table[0][low >> 24];
        count -= 4, at += 4;
    }
    while (count--) crc = crc_table[0][(crc ^ *at++) & 255] ^ (crc >> 8);
    return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define CLMUL __attribute__((target("pclmul,sse4.1")))

CLMUL static inline __m128i crc_load(const uint8_t *at) {
    return _mm_loadu_si128((const __m128i *)at);
}

/* Moves `x` forward by the distance whose powers of x stand in `by`, and adds `next` there. */
CLMUL static inline __m128i crc_fold(__m128i x, __m128i by, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* Folding by carry-less products, after Gopal et al., "Fast CRC Computation for Generic
   Polynomials Using PCLMULQDQ" (2009); the constants are powers of x modulo the polynomial. */
CLMUL static uint32_t crc_by_products(uint32_t crc, const uint8_t *at, size_t count) {
    if (count < 16) return crc_by_tables(crc, at, count);
    const __m128i by_64_bytes = _mm_set_epi64x(0x1C6E41596, 0x154442BD4);
    const __m128i by_16_bytes = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);
    const __m128i by_8_bytes = _mm_set_epi64x(0, 0x163CD6124);
    const __m128i barrett = _mm_set_epi64x(0x1F7011641, 0x1DB710641);
    const __m128i low_half = _mm_set_epi32(0, -1, 0, -1);
    __m128i x = _mm_xor_si128(crc_load(at), _mm_cvtsi32_si128((int)crc));
    at += 16, count -= 16;
    if (count >= 48) {
        __m128i y = crc_load(at), z = crc_load(at + 16), w = crc_load(at + 32);
        for (at += 48, count -= 48; count >= 64; at += 64, count -= 64) {
            x = crc_fold(x, by_64_bytes, crc_load(at));
            y = crc_fold(y, by_64_bytes, crc_load(at + 16));
            z = crc_fold(z, by_64_bytes, crc_load(at + 32));
            w = crc_fold(w, by_64_bytes, crc_load(at + 48));
        }
        x = crc_fold(crc_fold(crc_fold(x, by_16_bytes, y), by_16_bytes, z), by_16_bytes, w);
    }
    for (; count >= 16; at += 16, count -= 16) x = crc_fold(x, by_16_bytes, crc_load(at));
    x = _mm_xor_si128(_mm_clmulepi64_si128(x, by_16_bytes, 0x10), _mm_srli_si128(x, 8));
    x = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(x, low_half), by_8_bytes, 0x00),
                      _mm_srli_si128(x, 4));
    __m128i q = _mm_clmulepi64_si128(_mm_and_si128(x, low_half), barrett, 0x10);
    q = _mm_clmulepi64_si128(_mm_and_si128(q, low_half), barrett, 0x00);
    return crc_by_tables((uint32_t)_mm_extract_epi32(_mm_xor_si128(x, q), 1), at, count);
}

static int crc_has_products(void) {
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}
#else
#define crc_by_products crc_by_tables
static int crc_has_products(void) { return 0; }
#endif

static uint32_t (*crc_step)(uint32_t, const uint8_t *, size_t) = crc_by_tables;

/* Must run once before anything else here. */
static void frame_core_start(void) {
    crc_fill_tables();
    if (crc_has_products()) crc_step = crc_by_products;
}

static inline uint32_t frame_crc(const uint8_t *at, size_t count) {
    return ~crc_step(~0u, at, count);
}

/* ---- frames ------------------------------------------------------------------------------------ */

/* Completes a frame whose header fields but crc and length are set; `at` has room for it padded. */
static inline void frame_pack(uint8_t *at, frame_header *header, const void *payload,
                              size_t payload_bytes) {
    size_t length = FRAME_HEADER + payload_bytes, padded = frame_padded(length);
    header->length = (uint32_t)length;
    memcpy(at, header, FRAME_HEADER);
    memcpy(at + FRAME_HEADER, payload, payload_bytes);
    memset(at + length, 0, padded - length);
    uint32_t crc = frame_crc(at + 4, padded - 4);
    memcpy(at, &crc, 4);
}

enum { WALK_GOOD, WALK_NOT_EMPTY, WALK_LENGTH, WALK_CRC, WALK_SEQ };

typedef struct {
    size_t closed_end, bad;
    uint64_t closed_seq, next_seq, found;
    int verdict;
} frame_walk;

/* Walks frames of buffer[start:end]; `found` is the length or seq that the verdict is about. */
static frame_walk frame_walk_all(const uint8_t *buffer, size_t start, size_t end, uint64_t seq) {
    static const uint8_t nothing[FRAME_HEADER];
    frame_walk walk = {start, start, seq, seq, 0, WALK_GOOD};
    while (walk.bad + FRAME_HEADER <= end) {
        const uint8_t *at = buffer + walk.bad;
        frame_header header;
        memcpy(&header, at, FRAME_HEADER);
        size_t padded = frame_padded(header.length);
        if (header.length == 0) {
            if (memcmp(at, nothing, FRAME_HEADER)) walk.verdict = WALK_NOT_EMPTY;
            break;
        }
        if (header.length < FRAME_HEADER || walk.bad + padded > end) {
            walk.found = header.length, walk.verdict = WALK_LENGTH;
            break;
        }
        if (frame_crc(at + 4, padded - 4) != header.crc) {
            walk.verdict = WALK_CRC;
            break;
        }
        if (header.seq != walk.next_seq) {
            walk.found = header.seq, walk.verdict = WALK_SEQ;
            break;
        }
        walk.bad += padded;
        walk.next_seq++;
        if (header.flags & FRAME_GROUP_END)
            walk.closed_end = walk.bad, walk.closed_seq = walk.next_seq;
    }
    return walk;
}

#endif

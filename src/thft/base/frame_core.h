/* CRC-32 (zlib polynomial, reflected) and the frame header in C; included by the extensions.

   With PCLMULQDQ 16 bytes are folded at a time: the remainder of x^n by the polynomial is carried
   in 128 bits and reduced once at the end (Barrett). Elsewhere eight tables serve. Which one runs
   is chosen when the module is loaded. */

#ifndef THFT_FRAME_CORE_H
#define THFT_FRAME_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define THFT_HEADER_BYTES 32

typedef struct {
    uint32_t crc;
    uint32_t length;
    uint64_t seq;
    int64_t recv_ts_ns;
    uint16_t type;
    uint8_t version;
    uint8_t flags;
    uint16_t stream;
    uint16_t source;
} thft_header;

static uint32_t thft_table[8][256];

static void thft_make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? 0xEDB88320u : 0);
        thft_table[0][byte] = value;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int k = 1; k < 8; k++) {
            uint32_t before = thft_table[k - 1][byte];
            thft_table[k][byte] = (before >> 8) ^ thft_table[0][before & 0xFF];
        }
}

static inline uint32_t thft_crc_tables(uint32_t crc, const unsigned char *at, size_t count) {
    while (count >= 8) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + 4, 4);
        low ^= crc;
        crc = thft_table[7][low & 0xFF] ^ thft_table[6][(low >> 8) & 0xFF] ^
              thft_table[5][(low >> 16) & 0xFF] ^ thft_table[4][low >> 24] ^
              thft_table[3][high & 0xFF] ^ thft_table[2][(high >> 8) & 0xFF] ^
              thft_table[1][(high >> 16) & 0xFF] ^ thft_table[0][high >> 24];
        at += 8;
        count -= 8;
    }
    if (count >= 4) {
        uint32_t low;
        memcpy(&low, at, 4);
        low ^= crc;
        crc = thft_table[3][low & 0xFF] ^ thft_table[2][(low >> 8) & 0xFF] ^
              thft_table[1][(low >> 16) & 0xFF] ^ thft_table[0][low >> 24];
        at += 4;
        count -= 4;
    }
    while (count--) crc = (crc >> 8) ^ thft_table[0][(crc ^ *at++) & 0xFF];
    return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define THFT_HAS_FOLDING 1

__attribute__((target("pclmul,sse4.1"))) static uint32_t
thft_crc_folding(uint32_t crc, const unsigned char *at, size_t count) {
    const __m128i fold = _mm_set_epi64x(0x0ccaa009eLL, 0x1751997d0LL);
    const __m128i last = _mm_set_epi64x(0, 0x163cd6124LL);
    const __m128i barrett = _mm_set_epi64x(0x1f7011641LL, 0x1db710641LL);
    const __m128i low_word = _mm_set_epi32(0, -1, 0, -1);
    __m128i rest = _mm_loadu_si128((const __m128i *)at);
    __m128i folded;
    rest = _mm_xor_si128(rest, _mm_cvtsi32_si128((int)crc));
    for (at += 16, count -= 16; count >= 16; at += 16, count -= 16) {
        folded = _mm_clmulepi64_si128(rest, fold, 0x00);
        rest = _mm_clmulepi64_si128(rest, fold, 0x11);
        rest = _mm_xor_si128(rest, _mm_loadu_si128((const __m128i *)at));
        rest = _mm_xor_si128(rest, folded);
    }
    folded = _mm_clmulepi64_si128(rest, fold, 0x10);
    rest = _mm_xor_si128(_mm_srli_si128(rest, 8), folded);
    folded = _mm_srli_si128(rest, 4);
    rest = _mm_clmulepi64_si128(_mm_and_si128(rest, low_word), last, 0x00);
    rest = _mm_xor_si128(rest, folded);
    folded = _mm_and_si128(rest, low_word);
    folded = _mm_and_si128(_mm_clmulepi64_si128(folded, barrett, 0x10), low_word);
    folded = _mm_clmulepi64_si128(folded, barrett, 0x00);
    crc = (uint32_t)_mm_extract_epi32(_mm_xor_si128(rest, folded), 1);
    return count ? thft_crc_tables(crc, at, count) : crc;
}
#endif

static int thft_folding;

static inline void thft_frame_init(void) {
    thft_make_tables();
#ifdef THFT_HAS_FOLDING
    thft_folding = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
}

static inline uint32_t thft_crc32(const unsigned char *at, size_t count) {
#ifdef THFT_HAS_FOLDING
    if (thft_folding && count >= 16) return ~thft_crc_folding(0xFFFFFFFFu, at, count);
#endif
    return ~thft_crc_tables(0xFFFFFFFFu, at, count);
}

#endif

/// SHA-1 for eight streams in step, in 256-bit registers: the part that plain AVX2 and AVX-512VL have in common.
///
/// The file that includes it defines TARGET and the operations of `lane_rounds.h` but LANES, and then calls
/// `eight_lanes` from its kernel. It is included, not linked, so that each kernel is compiled with its own
/// instructions.
#ifndef CSHA1_EIGHT_LANES_H
#define CSHA1_EIGHT_LANES_H

#include <immintrin.h>

#define LANES 8
#include "lane_rounds.h"

/// How far ahead of the loads each stream is prefetched, in bytes. Into the first level: eight streams find room in
/// one set. From cold memory on Zen 4 with AVX-512: none 5.4 GB/s, 64 bytes 6.0, 128 bytes 6.3 (into the second level
/// 5.9).
enum { PREFETCH_BYTES = 128 };

/// Sixteen bytes of a stream in the low half and of the one four lanes further in the high half.
TARGET static inline __attribute__((always_inline)) __m256i load_halves(const uint8_t *low, const uint8_t *high) {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low)), _mm_loadu_si128((const __m128i *)high), 1);
}

/// Sets `w[t]` to word t of the block at `offset` of every stream. Loading by halves costs more loads than a row at a
/// time, but leaves a transpose of 4 × 4 words within each half, without the slow moves across halves.
TARGET static inline __attribute__((always_inline)) void load_message(
    __m256i w[16], const uint8_t *const data[LANES], size_t offset) {
    const __m256i big_endian = _mm256_broadcastsi128_si256(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i++) {
        _mm_prefetch((const char *)data[i] + offset + PREFETCH_BYTES, _MM_HINT_T0);
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        __m256i rows[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            rows[i] = _mm256_shuffle_epi8(
                load_halves(data[i] + offset + 16 * q, data[i + 4] + offset + 16 * q), big_endian);
        }
        const __m256i low01 = _mm256_unpacklo_epi32(rows[0], rows[1]), high01 = _mm256_unpackhi_epi32(rows[0], rows[1]);
        const __m256i low23 = _mm256_unpacklo_epi32(rows[2], rows[3]), high23 = _mm256_unpackhi_epi32(rows[2], rows[3]);
        w[4 * q] = _mm256_unpacklo_epi64(low01, low23);
        w[4 * q + 1] = _mm256_unpackhi_epi64(low01, low23);
        w[4 * q + 2] = _mm256_unpacklo_epi64(high01, high23);
        w[4 * q + 3] = _mm256_unpackhi_epi64(high01, high23);
    }
}

TARGET static inline __attribute__((always_inline)) void eight_lanes(
    uint32_t *const states[], const uint8_t *const data[], size_t blocks) {
    lane_states words;
    gather_states(words, states);
    __m256i a = _mm256_loadu_si256((const __m256i *)words[0]), b = _mm256_loadu_si256((const __m256i *)words[1]),
            c = _mm256_loadu_si256((const __m256i *)words[2]), d = _mm256_loadu_si256((const __m256i *)words[3]),
            e = _mm256_loadu_si256((const __m256i *)words[4]);

    for (size_t offset = 0; offset < blocks * CSHA1_BLOCK_BYTES; offset += CSHA1_BLOCK_BYTES) {
        __m256i w[16];
        const __m256i old_a = a, old_b = b, old_c = c, old_d = d, old_e = e;
        load_message(w, data, offset);
        LANE_ROUNDS(w, a, b, c, d, e);
        a = _mm256_add_epi32(a, old_a);
        b = _mm256_add_epi32(b, old_b);
        c = _mm256_add_epi32(c, old_c);
        d = _mm256_add_epi32(d, old_d);
        e = _mm256_add_epi32(e, old_e);
    }

    _mm256_storeu_si256((__m256i *)words[0], a);
    _mm256_storeu_si256((__m256i *)words[1], b);
    _mm256_storeu_si256((__m256i *)words[2], c);
    _mm256_storeu_si256((__m256i *)words[3], d);
    _mm256_storeu_si256((__m256i *)words[4], e);
    scatter_states(states, words);
}

#endif

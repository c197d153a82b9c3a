/// SHA-1 for sixteen streams in step, in 512-bit registers.
#include "kernels.h"

#if CSHA1_HAS_X86_KERNELS
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))
#define LANES 16
#include "lane_rounds.h"

typedef __m512i lane_vector;
#define LANE_ADD(x, y) _mm512_add_epi32(x, y)
#define LANE_ROTATE(x, bits) _mm512_rol_epi32(x, bits)
#define LANE_BROADCAST(word) _mm512_set1_epi32((int)(word))
// The third argument of ternary logic is the truth table, indexed by the bits of b, c, d in this order.
#define LANE_CHOOSE(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0xca)
#define LANE_PARITY(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0x96)
#define LANE_MAJORITY(b, c, d) _mm512_ternarylogic_epi32(b, c, d, 0xe8)
#define LANE_XOR4(x, y, z, u) _mm512_xor_si512(LANE_PARITY(x, y, z), u)

/// How far ahead of the loads each stream is prefetched, in bytes: sixteen streams are more than the hardware
/// follows. Into the second level only, for sixteen streams a power of two apart share one set of the first level's
/// eight or twelve ways. From cold memory on Zen 4: none 6.0 GB/s, 64 bytes 5.9, 128 bytes 7.0 (into the first level
/// 6.6), 256 bytes 6.9.
enum { PREFETCH_BYTES = 128 };

/// Sets `w[t]` to word t of the block at `offset` of every stream: 64 bytes of each of sixteen streams, transposed.
TARGET static inline __attribute__((always_inline)) void load_message(
    __m512i w[16], const uint8_t *const data[LANES], size_t offset) {
    const __m512i big_endian = _mm512_broadcast_i32x4(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    __m512i rows[16], pairs[16], quads[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        const uint8_t *block = data[i] + offset;
        _mm_prefetch((const char *)block + PREFETCH_BYTES, _MM_HINT_T1);
        rows[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(block), big_endian);
    }
    // In each 128-bit quarter q: words 4q, 4q + 1 (low) or 4q + 2, 4q + 3 (high) of two streams.
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // quads[4g + j], quarter q: word 4q + j of the streams 4g ... 4g + 3.
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    // Collect quarter q of the four groups: a transpose of 4 × 4 quarters.
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const __m512i even_low = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0xdd);
        const __m512i even_high = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0x88);
        const __m512i odd_high = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0xdd);
        w[j] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        w[4 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        w[8 + j] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
        w[12 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
    }
}

TARGET void csha1_avx512_x16(uint32_t *const states[], const uint8_t *const data[], size_t blocks) {
    lane_states words;
    gather_states(words, states);
    __m512i a = _mm512_loadu_si512(words[0]), b = _mm512_loadu_si512(words[1]), c = _mm512_loadu_si512(words[2]),
            d = _mm512_loadu_si512(words[3]), e = _mm512_loadu_si512(words[4]);

    for (size_t offset = 0; offset < blocks * CSHA1_BLOCK_BYTES; offset += CSHA1_BLOCK_BYTES) {
        __m512i w[16];
        const __m512i old_a = a, old_b = b, old_c = c, old_d = d, old_e = e;
        load_message(w, data, offset);
        LANE_ROUNDS(w, a, b, c, d, e);
        a = _mm512_add_epi32(a, old_a);
        b = _mm512_add_epi32(b, old_b);
        c = _mm512_add_epi32(c, old_c);
        d = _mm512_add_epi32(d, old_d);
        e = _mm512_add_epi32(e, old_e);
    }

    _mm512_storeu_si512(words[0], a);
    _mm512_storeu_si512(words[1], b);
    _mm512_storeu_si512(words[2], c);
    _mm512_storeu_si512(words[3], d);
    _mm512_storeu_si512(words[4], e);
    scatter_states(states, words);
}
#endif

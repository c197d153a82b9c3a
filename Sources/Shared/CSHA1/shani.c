/// SHA-1 with the SHA new instructions, for one stream and for two interleaved.
#include "kernels.h"

#if CSHA1_HAS_X86_KERNELS
#include <immintrin.h>

#define TARGET __attribute__((target("sha,ssse3,sse4.1")))
#define INLINE TARGET static inline __attribute__((always_inline))

/// One stream under way. `abcd` has A in its top element; `e` has E there, or, from the second group of rounds on,
/// the A of four rounds ago that SHA1NEXTE makes E of. `w` holds the last sixteen message words, the first of each
/// four on top.
typedef struct {
    __m128i abcd, e, w[4];
} shani_stream;

INLINE void load_state(shani_stream *s, const uint32_t state[CSHA1_STATE_WORDS]) {
    s->abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1b);
    s->e = _mm_set_epi32((int)state[4], 0, 0, 0);
}

INLINE void store_state(const shani_stream *s, uint32_t state[CSHA1_STATE_WORDS]) {
    _mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(s->abcd, 0x1b));
    state[4] = (uint32_t)_mm_extract_epi32(s->e, 3);
}

INLINE void load_message(shani_stream *s, const uint8_t *block) {
    const __m128i reverse = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        s->w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), reverse);
    }
}

/// Four rounds, group g (0 ... 19) of a block; `kind` is g / 5 and names function and constant. The words of the
/// group are computed when it starts, from the four groups before it.
#define FOUR_ROUNDS(s, g, kind)                                                                                       \
    do {                                                                                                              \
        __m128i *const w = &(s)->w[(g) & 3];                                                                          \
        if ((g) >= 4) {                                                                                               \
            const __m128i older = _mm_sha1msg1_epu32(*w, (s)->w[((g) + 1) & 3]);                                      \
            *w = _mm_sha1msg2_epu32(_mm_xor_si128(older, (s)->w[((g) + 2) & 3]), (s)->w[((g) + 3) & 3]);              \
        }                                                                                                             \
        const __m128i with_e = (g) == 0 ? _mm_add_epi32((s)->e, *w) : _mm_sha1nexte_epu32((s)->e, *w);                \
        (s)->e = (s)->abcd;                                                                                           \
        (s)->abcd = _mm_sha1rnds4_epu32((s)->abcd, with_e, kind);                                                     \
    } while (0)

/// `GROUP(g, kind)` for all twenty groups.
#define ALL_GROUPS(GROUP)                                              \
    GROUP(0, 0); GROUP(1, 0); GROUP(2, 0); GROUP(3, 0); GROUP(4, 0);      \
    GROUP(5, 1); GROUP(6, 1); GROUP(7, 1); GROUP(8, 1); GROUP(9, 1);      \
    GROUP(10, 2); GROUP(11, 2); GROUP(12, 2); GROUP(13, 2); GROUP(14, 2); \
    GROUP(15, 3); GROUP(16, 3); GROUP(17, 3); GROUP(18, 3); GROUP(19, 3)

/// Adds the state from before the block.
INLINE void add_state(shani_stream *s, __m128i abcd, __m128i e) {
    s->e = _mm_sha1nexte_epu32(s->e, e);
    s->abcd = _mm_add_epi32(s->abcd, abcd);
}

TARGET void csha1_shani(uint32_t *const states[], const uint8_t *const data[], size_t blocks) {
    shani_stream s;
    load_state(&s, states[0]);
    for (size_t offset = 0; offset < blocks * CSHA1_BLOCK_BYTES; offset += CSHA1_BLOCK_BYTES) {
        const __m128i abcd = s.abcd, e = s.e;
        load_message(&s, data[0] + offset);
#define GROUP(g, kind) FOUR_ROUNDS(&s, g, kind)
        ALL_GROUPS(GROUP);
#undef GROUP
        add_state(&s, abcd, e);
    }
    store_state(&s, states[0]);
}

TARGET void csha1_shani_x2(uint32_t *const states[], const uint8_t *const data[], size_t blocks) {
    shani_stream s, t;
    load_state(&s, states[0]);
    load_state(&t, states[1]);
    for (size_t offset = 0; offset < blocks * CSHA1_BLOCK_BYTES; offset += CSHA1_BLOCK_BYTES) {
        const __m128i s_abcd = s.abcd, s_e = s.e, t_abcd = t.abcd, t_e = t.e;
        load_message(&s, data[0] + offset);
        load_message(&t, data[1] + offset);
#define GROUP(g, kind)          \
    FOUR_ROUNDS(&s, g, kind);   \
    FOUR_ROUNDS(&t, g, kind)
        ALL_GROUPS(GROUP);
#undef GROUP
        add_state(&s, s_abcd, s_e);
        add_state(&t, t_abcd, t_e);
    }
    store_state(&s, states[0]);
    store_state(&t, states[1]);
}
#endif

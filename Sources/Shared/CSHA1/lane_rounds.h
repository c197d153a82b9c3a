/// The eighty rounds of SHA-1 for a register full of lanes, written once for all vector widths.
///
/// The file that includes it defines `LANES`, `lane_vector` (a register of so many words) and on it the operations
/// LANE_ADD, LANE_ROTATE(v, bits), LANE_CHOOSE, LANE_PARITY, LANE_MAJORITY, LANE_XOR4 and LANE_BROADCAST(word).
/// `LANE_ROUNDS(w, a, b, c, d, e)` then runs all rounds on the sixteen message words `w` and leaves the sums with the
/// old state to the caller. All indices are constants once expanded, so that `w` lives in registers where there are
/// enough.
#ifndef CSHA1_LANE_ROUNDS_H
#define CSHA1_LANE_ROUNDS_H

#include "kernels.h"

/// Word by word what the streams' states hold stream by stream; a row is loaded into one register.
typedef uint32_t lane_states[CSHA1_STATE_WORDS][LANES];

static inline void gather_states(lane_states words, uint32_t *const states[]) {
    for (int lane = 0; lane < LANES; lane++) {
        for (int word = 0; word < CSHA1_STATE_WORDS; word++) words[word][lane] = states[lane][word];
    }
}

static inline void scatter_states(uint32_t *const states[], lane_states words) {
    for (int lane = 0; lane < LANES; lane++) {
        for (int word = 0; word < CSHA1_STATE_WORDS; word++) states[lane][word] = words[word][lane];
    }
}

/// Word t is in the message itself.
#define LANE_MESSAGE(w, t) ((void)0)

/// Word t (16 ... 79) replaces word t - 16.
#define LANE_SCHEDULE(w, t)                                                                                       \
    (w[(t) & 15] = LANE_ROTATE(LANE_XOR4(w[((t) + 2) & 15], w[(t) & 15], w[((t) + 8) & 15], w[((t) + 13) & 15]), 1))

/// One round. What depends on the newest value, `a`, is added last: the chain from round to round is a rotate and an
/// add.
#define LANE_ROUND(WORD, F, k, w, t, a, b, c, d, e)        \
    do {                                                   \
        WORD(w, t);                                        \
        e = LANE_ADD(e, LANE_ADD(w[(t) & 15], k));         \
        e = LANE_ADD(e, F(b, c, d));                       \
        e = LANE_ADD(e, LANE_ROTATE(a, 5));                \
        b = LANE_ROTATE(b, 30);                            \
    } while (0)

/// Five rounds bring every name back to its place.
#define LANE_FIVE_ROUNDS(WORD, F, k, w, t, a, b, c, d, e)          \
    do {                                                           \
        LANE_ROUND(WORD, F, k, w, (t) + 0, a, b, c, d, e);         \
        LANE_ROUND(WORD, F, k, w, (t) + 1, e, a, b, c, d);         \
        LANE_ROUND(WORD, F, k, w, (t) + 2, d, e, a, b, c);         \
        LANE_ROUND(WORD, F, k, w, (t) + 3, c, d, e, a, b);         \
        LANE_ROUND(WORD, F, k, w, (t) + 4, b, c, d, e, a);         \
    } while (0)

#define LANE_TWENTY_ROUNDS(F, k, w, t, a, b, c, d, e)                          \
    do {                                                                       \
        LANE_FIVE_ROUNDS(LANE_SCHEDULE, F, k, w, (t) + 0, a, b, c, d, e);      \
        LANE_FIVE_ROUNDS(LANE_SCHEDULE, F, k, w, (t) + 5, a, b, c, d, e);      \
        LANE_FIVE_ROUNDS(LANE_SCHEDULE, F, k, w, (t) + 10, a, b, c, d, e);     \
        LANE_FIVE_ROUNDS(LANE_SCHEDULE, F, k, w, (t) + 15, a, b, c, d, e);     \
    } while (0)

#define LANE_ROUNDS(w, a, b, c, d, e)                                                     \
    do {                                                                                  \
        const lane_vector k0 = LANE_BROADCAST(CSHA1_K0), k1 = LANE_BROADCAST(CSHA1_K1);   \
        const lane_vector k2 = LANE_BROADCAST(CSHA1_K2), k3 = LANE_BROADCAST(CSHA1_K3);   \
        LANE_FIVE_ROUNDS(LANE_MESSAGE, LANE_CHOOSE, k0, w, 0, a, b, c, d, e);             \
        LANE_FIVE_ROUNDS(LANE_MESSAGE, LANE_CHOOSE, k0, w, 5, a, b, c, d, e);             \
        LANE_FIVE_ROUNDS(LANE_MESSAGE, LANE_CHOOSE, k0, w, 10, a, b, c, d, e);            \
        LANE_ROUND(LANE_MESSAGE, LANE_CHOOSE, k0, w, 15, a, b, c, d, e);                  \
        LANE_ROUND(LANE_SCHEDULE, LANE_CHOOSE, k0, w, 16, e, a, b, c, d);                 \
        LANE_ROUND(LANE_SCHEDULE, LANE_CHOOSE, k0, w, 17, d, e, a, b, c);                 \
        LANE_ROUND(LANE_SCHEDULE, LANE_CHOOSE, k0, w, 18, c, d, e, a, b);                 \
        LANE_ROUND(LANE_SCHEDULE, LANE_CHOOSE, k0, w, 19, b, c, d, e, a);                 \
        LANE_TWENTY_ROUNDS(LANE_PARITY, k1, w, 20, a, b, c, d, e);                        \
        LANE_TWENTY_ROUNDS(LANE_MAJORITY, k2, w, 40, a, b, c, d, e);                      \
        LANE_TWENTY_ROUNDS(LANE_PARITY, k3, w, 60, a, b, c, d, e);                        \
    } while (0)

#endif

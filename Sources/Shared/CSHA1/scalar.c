/// SHA-1 in portable C: the kernel of last resort, and the plain text that the others are compared with.
#include "kernels.h"

static inline uint32_t rotate_left(uint32_t word, int bits) {
    return word << bits | word >> (32 - bits);
}

static inline uint32_t load_big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline uint32_t choose(uint32_t b, uint32_t c, uint32_t d) { return d ^ (b & (c ^ d)); }
static inline uint32_t parity(uint32_t b, uint32_t c, uint32_t d) { return b ^ c ^ d; }
static inline uint32_t majority(uint32_t b, uint32_t c, uint32_t d) { return (b & c) | (d & (b | c)); }

/// Word t of the schedule. Only the last sixteen are kept: word t replaces word t - 16.
#define SCHEDULED(t)                                                                                        \
    (w[(t) & 15] = rotate_left(w[((t) + 13) & 15] ^ w[((t) + 8) & 15] ^ w[((t) + 2) & 15] ^ w[(t) & 15], 1))

/// One round. The names rotate from call to call instead of the values.
#define ROUND(f, k, word, a, b, c, d, e)                  \
    do {                                                  \
        e += (word) + (k) + f(b, c, d) + rotate_left(a, 5); \
        b = rotate_left(b, 30);                           \
    } while (0)

#define FIVE_ROUNDS(f, k, word, t)              \
    do {                                        \
        ROUND(f, k, word(t), a, b, c, d, e);     \
        ROUND(f, k, word((t) + 1), e, a, b, c, d); \
        ROUND(f, k, word((t) + 2), d, e, a, b, c); \
        ROUND(f, k, word((t) + 3), c, d, e, a, b); \
        ROUND(f, k, word((t) + 4), b, c, d, e, a); \
    } while (0)

#define MESSAGE(t) w[t]

static void compress_block(uint32_t state[CSHA1_STATE_WORDS], const uint8_t *block) {
    uint32_t w[16];
    for (int t = 0; t < 16; t++) w[t] = load_big_endian(block + 4 * t);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    FIVE_ROUNDS(choose, CSHA1_K0, MESSAGE, 0);
    FIVE_ROUNDS(choose, CSHA1_K0, MESSAGE, 5);
    FIVE_ROUNDS(choose, CSHA1_K0, MESSAGE, 10);
    ROUND(choose, CSHA1_K0, MESSAGE(15), a, b, c, d, e);
    ROUND(choose, CSHA1_K0, SCHEDULED(16), e, a, b, c, d);
    ROUND(choose, CSHA1_K0, SCHEDULED(17), d, e, a, b, c);
    ROUND(choose, CSHA1_K0, SCHEDULED(18), c, d, e, a, b);
    ROUND(choose, CSHA1_K0, SCHEDULED(19), b, c, d, e, a);
    for (int t = 20; t < 40; t += 5) FIVE_ROUNDS(parity, CSHA1_K1, SCHEDULED, t);
    for (int t = 40; t < 60; t += 5) FIVE_ROUNDS(majority, CSHA1_K2, SCHEDULED, t);
    for (int t = 60; t < 80; t += 5) FIVE_ROUNDS(parity, CSHA1_K3, SCHEDULED, t);

    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void csha1_scalar(uint32_t *const states[], const uint8_t *const data[], size_t blocks) {
    for (size_t block = 0; block < blocks; block++) {
        compress_block(states[0], data[0] + block * CSHA1_BLOCK_BYTES);
    }
}

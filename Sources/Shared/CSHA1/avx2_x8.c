/// SHA-1 for eight streams in step with AVX2, which has neither a rotate nor three-way logic.
#include "kernels.h"

#if CSHA1_HAS_X86_KERNELS
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

typedef __m256i lane_vector;
#define LANE_ADD(x, y) _mm256_add_epi32(x, y)
#define LANE_XOR(x, y) _mm256_xor_si256(x, y)
#define LANE_AND(x, y) _mm256_and_si256(x, y)
#define LANE_ROTATE(x, bits) _mm256_or_si256(_mm256_slli_epi32(x, bits), _mm256_srli_epi32(x, 32 - (bits)))
#define LANE_BROADCAST(word) _mm256_set1_epi32((int)(word))
#define LANE_CHOOSE(b, c, d) LANE_XOR(d, LANE_AND(b, LANE_XOR(c, d)))
#define LANE_PARITY(b, c, d) LANE_XOR(b, LANE_XOR(c, d))
#define LANE_MAJORITY(b, c, d) LANE_XOR(LANE_AND(c, d), LANE_AND(b, LANE_XOR(c, d)))
#define LANE_XOR4(x, y, z, u) LANE_XOR(LANE_XOR(LANE_XOR(x, y), z), u)

#include "eight_lanes.h"

TARGET void csha1_avx2_x8(uint32_t *const states[], const uint8_t *const data[], size_t blocks) {
    eight_lanes(states, data, blocks);
}
#endif

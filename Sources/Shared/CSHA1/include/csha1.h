/// SHA-1 compression (FIPS 180-4, section 6.1.2) over whole 64-byte blocks: one stream, or up to sixteen in step.
///
/// Owns the kernels and the choice between them. Never pads, never counts lengths and never allocates: padding and
/// digests are Swift's side (`SHA1`, `SHA1State`). Every function may be called from any thread; data need not be
/// aligned.
///
/// A *lane* is one stream of several that a vector kernel carries side by side, one 32-bit element of each register
/// per stream. Lanes help when many messages are open at once, as pieces of a torrent are; they do nothing for a
/// single one.
#ifndef CSHA1_H
#define CSHA1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Words of a chaining value: A, B, C, D, E.
#define CSHA1_STATE_WORDS 5
/// Bytes of a block.
#define CSHA1_BLOCK_BYTES 64
/// Streams that `csha1_compress_lanes` takes at most: the 32-bit elements of an AVX-512 register.
#define CSHA1_MAX_LANES 16

/// The ways to compute that this library was built with. A CPU has all, some, or only the first of them.
typedef enum csha1_kernel {
    /// Portable C; every CPU.
    CSHA1_KERNEL_SCALAR = 0,
    /// SHA new instructions, a stream at a time.
    CSHA1_KERNEL_SHANI = 1,
    /// SHA new instructions, two streams interleaved: one alone waits for the latency of SHA1RNDS4.
    CSHA1_KERNEL_SHANI_X2 = 2,
    /// Eight lanes of AVX2.
    CSHA1_KERNEL_AVX2_X8 = 3,
    /// Eight lanes in 256-bit registers with AVX-512's rotate and ternary logic.
    CSHA1_KERNEL_AVX512_X8 = 4,
    /// Sixteen lanes in 512-bit registers.
    CSHA1_KERNEL_AVX512_X16 = 5,
} csha1_kernel;

/// Kernels are numbered 0 ..< CSHA1_KERNEL_COUNT.
#define CSHA1_KERNEL_COUNT 6

/// Names the environment variable that forces one kernel for everything, for tests and comparisons of whole programs.
/// Read once, at the first call of any function. An unknown name, or a kernel that the CPU lacks, changes nothing.
#define CSHA1_ENVIRONMENT_NAME "SWARMKEEPER_SHA1"

/// Advances `state` over `blocks` blocks at `data` with the best kernel for one stream. With 0 blocks `data` may be
/// NULL.
void csha1_compress(uint32_t state[CSHA1_STATE_WORDS], const uint8_t *data, size_t blocks);

/// Advances `lanes` (0 ... 16) states, each over `blocks_each` blocks of its own data, with the kernels that are
/// fastest for that many: never slower than `csha1_compress` on one stream after another.
///
/// `states[i]` points to five words and `data[i]` to `blocks_each` × 64 bytes. States must not overlap; data may.
/// More than 16 lanes are a programming error: the process aborts.
void csha1_compress_lanes(
    uint32_t *const states[], const uint8_t *const data[], unsigned lanes, size_t blocks_each);

/// As `csha1_compress_lanes`, but with `kernel` only, for tests, benches and comparisons: streams beyond its width go
/// in further turns, an incomplete turn is padded. Returns false, having done nothing, if the CPU lacks the kernel.
bool csha1_compress_lanes_with(
    csha1_kernel kernel, uint32_t *const states[], const uint8_t *const data[], unsigned lanes, size_t blocks_each);

/// Whether this CPU and its operating system (which must save the registers) can run `kernel`.
bool csha1_kernel_is_supported(csha1_kernel kernel);

/// Streams that `kernel` carries at once: 1, 2, 8 or 16; 0 for a number that is no kernel.
unsigned csha1_kernel_lanes(csha1_kernel kernel);

/// The name that `CSHA1_ENVIRONMENT_NAME` and reports use: "scalar", "sha-ni", "sha-ni-x2", "avx2-x8", "avx512-x8",
/// "avx512-x16". NULL for a number that is no kernel.
const char *csha1_kernel_name(csha1_kernel kernel);

/// False if `CSHA1_ENVIRONMENT_NAME` is set to something that could not be obeyed, so that a program can say so.
bool csha1_environment_is_valid(void);

#ifdef __cplusplus
}
#endif

#endif

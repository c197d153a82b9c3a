/// Bytes per CPU second of every SHA-1 kernel with 1 ... 16 lanes, beside OpenSSL and memcpy in the same run.
///
/// Each figure is the median of several rounds, and a round measures everything once, so that a change of clock or a
/// noisy neighbour meets all alike. Time is the thread's own CPU time. Only whole blocks are hashed; padding is a
/// block per piece.
#define _GNU_SOURCE
#include <csha1.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    rounds = 9,
    /// What a hash-worker hands to a lane in one step when there is plenty: a frame of its assembly region.
    frame_bytes = 64 * 1024,
    /// Several times the last-level cache of today's servers, in frames: 1 GiB.
    cold_frames = 16384,
    /// Hot data: sixteen lanes of it fit in the second level.
    hot_bytes = 16 * 1024,
    /// Bytes of one measurement, about: milliseconds.
    measured_bytes = 4 * 1024 * 1024,
    /// Methods: memcpy, OpenSSL, the kernels, and the library's own choice.
    with_memcpy = 0,
    with_openssl,
    with_kernel,
    with_choice = with_kernel + CSHA1_KERNEL_COUNT,
    methods,
};

static uint8_t *memory;
static EVP_MD_CTX *context;
static const EVP_MD *sha1;
static uint8_t copy_target[frame_bytes];
static uint32_t state_words[CSHA1_MAX_LANES][CSHA1_STATE_WORDS];
static uint32_t *states[CSHA1_MAX_LANES];

static void fail(const char *what) {
    fprintf(stderr, "bench-sha1: %s\n", what);
    exit(1);
}

static double cpu_seconds(void) {
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) fail("no CPU clock");
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/// The next frame of cold memory. Neighbours in time are no neighbours in memory, as in a real assembly region; every
/// frame has been out of the cache for as long as possible.
static const uint8_t *next_cold_frame(void) {
    static size_t turn;
    return memory + turn++ * 5501 % cold_frames * frame_bytes;
}

/// Hashes or copies `bytes` at each of `lanes` places once.
static void run(int method, unsigned lanes, const uint8_t *const data[], size_t bytes) {
    switch (method) {
    case with_memcpy:
        for (unsigned lane = 0; lane < lanes; lane++) {
            memcpy(copy_target, data[lane], bytes);
            __asm__ volatile("" : : "r"(copy_target) : "memory");  // Somebody might read the copy.
        }
        break;
    case with_openssl:
        for (unsigned lane = 0; lane < lanes; lane++) {
            unsigned char digest[EVP_MAX_MD_SIZE];
            if (!EVP_DigestInit_ex(context, sha1, NULL) || !EVP_DigestUpdate(context, data[lane], bytes)
                || !EVP_DigestFinal_ex(context, digest, NULL)) {
                fail("OpenSSL refuses SHA-1");
            }
        }
        break;
    case with_choice:
        csha1_compress_lanes(states, data, lanes, bytes / CSHA1_BLOCK_BYTES);
        break;
    default:
        csha1_compress_lanes_with(
            (csha1_kernel)(method - with_kernel), states, data, lanes, bytes / CSHA1_BLOCK_BYTES);
    }
}

/// Gigabytes (10^9) per second of CPU time.
static double measure(int method, unsigned lanes, bool cold) {
    const uint8_t *data[CSHA1_MAX_LANES];
    const size_t bytes = cold ? frame_bytes : hot_bytes;
    const size_t steps = measured_bytes / (lanes * bytes) + 1;
    for (unsigned lane = 0; lane < lanes; lane++) data[lane] = memory + lane * hot_bytes;
    if (!cold) run(method, lanes, data, bytes);
    const double start = cpu_seconds();
    for (size_t step = 0; step < steps; step++) {
        for (unsigned lane = 0; cold && lane < lanes; lane++) data[lane] = next_cold_frame();
        run(method, lanes, data, bytes);
    }
    return (double)(steps * lanes * bytes) / (cpu_seconds() - start) * 1e-9;
}

/// The figures would mean nothing if a kernel were wrong: every one must agree with OpenSSL in all lanes.
static void check(int method) {
    static const uint32_t initial[CSHA1_STATE_WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const uint8_t *data[CSHA1_MAX_LANES], *padding[CSHA1_MAX_LANES];
    uint8_t last_block[CSHA1_BLOCK_BYTES] = {0x80};
    for (int byte = 0; byte < 8; byte++) last_block[63 - byte] = (uint8_t)((uint64_t)hot_bytes * 8 >> 8 * byte);
    for (unsigned lane = 0; lane < CSHA1_MAX_LANES; lane++) {
        memcpy(states[lane], initial, sizeof initial);
        data[lane] = memory + lane * (hot_bytes + 1);
        padding[lane] = last_block;
    }
    run(method, CSHA1_MAX_LANES, data, hot_bytes);
    run(method, CSHA1_MAX_LANES, padding, sizeof last_block);
    for (unsigned lane = 0; lane < CSHA1_MAX_LANES; lane++) {
        unsigned char expected[EVP_MAX_MD_SIZE];
        if (!EVP_Digest(data[lane], hot_bytes, expected, NULL, sha1, NULL)) fail("OpenSSL refuses SHA-1");
        for (int byte = 0; byte < 20; byte++) {
            if (expected[byte] != (uint8_t)(states[lane][byte / 4] >> (24 - byte % 4 * 8))) {
                fail("a kernel disagrees with OpenSSL");
            }
        }
    }
}

static bool can_run(int method) {
    return method < with_kernel || method == with_choice
        || csha1_kernel_is_supported((csha1_kernel)(method - with_kernel));
}

static int compare(const void *left, const void *right) {
    const double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double median(const double samples[rounds]) {
    double sorted[rounds];
    memcpy(sorted, samples, sizeof sorted);
    qsort(sorted, rounds, sizeof *sorted, compare);
    return sorted[rounds / 2];
}

static double samples[2][methods][CSHA1_MAX_LANES + 1][rounds];

static void print_table(bool cold) {
    const double openssl = median(samples[cold][with_openssl][1]);
    printf(
        "\n%s: OpenSSL %.2f GB/s, memcpy %.2f GB/s\n",
        cold ? "From cold memory, 64 KiB a lane" : "From hot memory (L2), 16 KiB a lane", openssl,
        median(samples[cold][with_memcpy][1]));
    printf("GB/s (times OpenSSL) by number of streams\n%5s", "");
    for (int method = with_kernel; method < methods; method++) {
        if (!can_run(method)) continue;
        printf("  %12s", method == with_choice ? "chosen" : csha1_kernel_name((csha1_kernel)(method - with_kernel)));
    }
    for (unsigned lanes = 1; lanes <= CSHA1_MAX_LANES; lanes++) {
        printf("\n%5u", lanes);
        for (int method = with_kernel; method < methods; method++) {
            if (!can_run(method)) continue;
            const double rate = median(samples[cold][method][lanes]);
            printf("  %5.2f (%4.2f)", rate, rate / openssl);
        }
    }
    printf("\n");
}

/// What the kernels are to reach, from hot memory: a kernel's full lanes a multiple of OpenSSL, and the choice for any
/// number of streams never less than SHA-NI one after the other (but for 3 % of noise). Says what is missed; 0 if nothing
/// is.
static int judge(void) {
    static const struct { csha1_kernel kernel; unsigned lanes; double times; } goals[] = {
        {CSHA1_KERNEL_AVX512_X16, 16, 3.5}, {CSHA1_KERNEL_AVX2_X8, 8, 1.9}};
    const double openssl = median(samples[0][with_openssl][1]);
    int missed = 0;
    for (unsigned index = 0; index < sizeof goals / sizeof *goals; index++) {
        if (!csha1_kernel_is_supported(goals[index].kernel)) continue;
        const double times = median(samples[0][with_kernel + goals[index].kernel][goals[index].lanes]) / openssl;
        if (times >= goals[index].times) continue;
        const char *name = csha1_kernel_name(goals[index].kernel);
        printf("missed: %s does %.2f times OpenSSL, not %.1f\n", name, times, goals[index].times);
        missed = 1;
    }
    if (!csha1_kernel_is_supported(CSHA1_KERNEL_SHANI)) return missed;
    for (unsigned lanes = 1; lanes <= CSHA1_MAX_LANES; lanes++) {
        const double chosen = median(samples[0][with_choice][lanes]);
        const double one = median(samples[0][with_kernel + CSHA1_KERNEL_SHANI][lanes]);
        if (chosen >= one * 0.97) continue;
        printf("missed: %u streams do %.2f GB/s, SHA-NI %.2f\n", lanes, chosen, one);
        missed = 1;
    }
    return missed;
}

int main(void) {
    memory = mmap(NULL, (size_t)cold_frames * frame_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    context = EVP_MD_CTX_new();
    sha1 = EVP_sha1();
    if (memory == MAP_FAILED || context == NULL) fail("not enough memory: 1 GiB is needed");
    for (size_t offset = 0; offset < (size_t)cold_frames * frame_bytes; offset += sizeof(uint64_t)) {
        const uint64_t word = offset * 0x9e3779b97f4a7c15;
        memcpy(memory + offset, &word, sizeof word);
    }
    for (unsigned lane = 0; lane < CSHA1_MAX_LANES; lane++) states[lane] = state_words[lane];

    for (int method = with_kernel; method < methods; method++) {
        if (can_run(method)) check(method);
        else printf("not run: %s, this CPU lacks it\n", csha1_kernel_name((csha1_kernel)(method - with_kernel)));
    }
    for (int round = 0; round < rounds; round++) {
        for (int cold = 0; cold <= 1; cold++) {
            for (unsigned lanes = 1; lanes <= CSHA1_MAX_LANES; lanes++) {
                for (int method = 0; method < methods; method++) {
                    if (!can_run(method) || (method < with_kernel && lanes > 1)) continue;
                    samples[cold][method][lanes][round] = measure(method, lanes, cold);
                }
            }
        }
    }
    print_table(false);
    print_table(true);
    EVP_MD_CTX_free(context);
    return judge();
}

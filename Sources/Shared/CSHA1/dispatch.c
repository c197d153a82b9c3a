/// The choice between the kernels: which one advances how many of the streams at hand.
#include "kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    csha1_wide_function *function;
    unsigned lanes;
} kernel_entry;

/// Indexed by `csha1_kernel`. Kernels of another architecture keep name and width, but no function.
static const kernel_entry kernels[CSHA1_KERNEL_COUNT] = {
    [CSHA1_KERNEL_SCALAR] = {"scalar", csha1_scalar, 1},
#if CSHA1_HAS_X86_KERNELS
    [CSHA1_KERNEL_SHANI] = {"sha-ni", csha1_shani, 1},
    [CSHA1_KERNEL_SHANI_X2] = {"sha-ni-x2", csha1_shani_x2, 2},
    [CSHA1_KERNEL_AVX2_X8] = {"avx2-x8", csha1_avx2_x8, 8},
    [CSHA1_KERNEL_AVX512_X8] = {"avx512-x8", csha1_avx512_x8, 8},
    [CSHA1_KERNEL_AVX512_X16] = {"avx512-x16", csha1_avx512_x16, 16},
#else
    [CSHA1_KERNEL_SHANI] = {"sha-ni", NULL, 1},
    [CSHA1_KERNEL_SHANI_X2] = {"sha-ni-x2", NULL, 2},
    [CSHA1_KERNEL_AVX2_X8] = {"avx2-x8", NULL, 8},
    [CSHA1_KERNEL_AVX512_X8] = {"avx512-x8", NULL, 8},
    [CSHA1_KERNEL_AVX512_X16] = {"avx512-x16", NULL, 16},
#endif
};

/// From how many waiting streams on a kernel is worth a turn, padding included. Measured with scripts/bench-sha1 on
/// Zen 4 as the time a turn takes per block of each stream: sha-ni 33 ns, sha-ni-x2 40 ns, avx2-x8 121 ns, avx512-x8
/// 79 ns, avx512-x16 143 ns. Four streams cost 80 ns in two pairs, so eight AVX-512 lanes win from five on and eight
/// AVX2 lanes from seven on; ten cost 79 + 40 ns, eleven would cost 79 + 73 ns, so sixteen lanes win from eleven on.
enum { AVX512_X8_FROM = 5, AVX2_X8_FROM = 7, AVX512_X16_FROM = 11 };
/// The same beside the scalar kernel, which needs 116 ns a stream: any second stream is worth eight lanes, and a
/// ninth one is worth sixteen.
enum { X8_FROM_WITHOUT_SHANI = 2, X16_FROM_WITHOUT_SHANI = 9 };

/// A kernel and the least number of streams that it is used for.
typedef struct {
    csha1_kernel kernel;
    unsigned from;
} plan_step;

/// Everything asked of the machine, once.
static struct {
    /// Bit k: kernel number k can run.
    unsigned supported;
    /// Widest first; the last step is for any number.
    plan_step steps[4];
    csha1_kernel single;
    bool environment_is_invalid;
} plan;

static bool supports(csha1_kernel kernel) {
    return plan.supported >> kernel & 1;
}

static void make_plan(void) {
    plan.supported = csha1_detect_kernels();
    const bool has_shani = supports(CSHA1_KERNEL_SHANI);
    plan.single = has_shani ? CSHA1_KERNEL_SHANI : CSHA1_KERNEL_SCALAR;

    plan_step *next = plan.steps;
    if (supports(CSHA1_KERNEL_AVX512_X16)) {
        *next++ = (plan_step){CSHA1_KERNEL_AVX512_X16, has_shani ? AVX512_X16_FROM : X16_FROM_WITHOUT_SHANI};
    }
    if (supports(CSHA1_KERNEL_AVX512_X8)) {
        *next++ = (plan_step){CSHA1_KERNEL_AVX512_X8, has_shani ? AVX512_X8_FROM : X8_FROM_WITHOUT_SHANI};
    } else if (supports(CSHA1_KERNEL_AVX2_X8)) {
        *next++ = (plan_step){CSHA1_KERNEL_AVX2_X8, has_shani ? AVX2_X8_FROM : X8_FROM_WITHOUT_SHANI};
    }
    if (has_shani) *next++ = (plan_step){CSHA1_KERNEL_SHANI_X2, 2};
    *next = (plan_step){plan.single, 1};

    const char *forced = getenv(CSHA1_ENVIRONMENT_NAME);
    if (forced == NULL || *forced == '\0') return;
    plan.environment_is_invalid = true;
    for (int kernel = 0; kernel < CSHA1_KERNEL_COUNT; kernel++) {
        if (strcmp(forced, kernels[kernel].name) == 0 && supports((csha1_kernel)kernel)) {
            plan.single = (csha1_kernel)kernel;
            plan.steps[0] = (plan_step){plan.single, 1};
            plan.environment_is_invalid = false;
        }
    }
}

static void ensure_plan(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plan);
}

/// One turn of `kernel` over the first streams, as many as there are, at most its width. Lanes without a stream
/// compute lane 0 again, whose bytes are in the cache anyway, and forget it. Returns the number of streams advanced.
static unsigned run_turn(
    csha1_kernel kernel, uint32_t *const states[], const uint8_t *const data[], unsigned lanes, size_t blocks) {
    const unsigned width = kernels[kernel].lanes;
    if (lanes >= width) {
        kernels[kernel].function(states, data, blocks);
        return width;
    }
    uint32_t forgotten[CSHA1_STATE_WORDS] = {0};
    uint32_t *padded_states[CSHA1_MAX_LANES];
    const uint8_t *padded_data[CSHA1_MAX_LANES];
    for (unsigned lane = 0; lane < width; lane++) {
        padded_states[lane] = lane < lanes ? states[lane] : forgotten;
        padded_data[lane] = lane < lanes ? data[lane] : data[0];
    }
    kernels[kernel].function(padded_states, padded_data, blocks);
    return lanes;
}

void csha1_compress(uint32_t state[CSHA1_STATE_WORDS], const uint8_t *data, size_t blocks) {
    if (blocks == 0) return;
    ensure_plan();
    run_turn(plan.single, &state, &data, 1, blocks);
}

void csha1_compress_lanes(
    uint32_t *const states[], const uint8_t *const data[], unsigned lanes, size_t blocks_each) {
    if (lanes > CSHA1_MAX_LANES) abort();
    if (blocks_each == 0) return;
    ensure_plan();
    for (unsigned done = 0; done < lanes;) {
        const plan_step *step = plan.steps;
        while (lanes - done < step->from) step++;
        done += run_turn(step->kernel, states + done, data + done, lanes - done, blocks_each);
    }
}

bool csha1_compress_lanes_with(
    csha1_kernel kernel, uint32_t *const states[], const uint8_t *const data[], unsigned lanes, size_t blocks_each) {
    if (lanes > CSHA1_MAX_LANES) abort();
    if (!csha1_kernel_is_supported(kernel)) return false;
    for (unsigned done = 0; blocks_each > 0 && done < lanes;) {
        done += run_turn(kernel, states + done, data + done, lanes - done, blocks_each);
    }
    return true;
}

bool csha1_kernel_is_supported(csha1_kernel kernel) {
    ensure_plan();
    return (unsigned)kernel < CSHA1_KERNEL_COUNT && supports(kernel);
}

unsigned csha1_kernel_lanes(csha1_kernel kernel) {
    return (unsigned)kernel < CSHA1_KERNEL_COUNT ? kernels[kernel].lanes : 0;
}

const char *csha1_kernel_name(csha1_kernel kernel) {
    return (unsigned)kernel < CSHA1_KERNEL_COUNT ? kernels[kernel].name : NULL;
}

bool csha1_environment_is_valid(void) {
    ensure_plan();
    return !plan.environment_is_invalid;
}

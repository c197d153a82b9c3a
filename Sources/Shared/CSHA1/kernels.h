/// What the kernels of this library offer to `dispatch.c`; not for users of the library.
#ifndef CSHA1_KERNELS_H
#define CSHA1_KERNELS_H

#include "csha1.h"

/// Advances exactly as many streams as the kernel is wide, each over `blocks` blocks. All pointers are valid.
typedef void csha1_wide_function(uint32_t *const states[], const uint8_t *const data[], size_t blocks);

csha1_wide_function csha1_scalar;

#if defined(__x86_64__)
/// The vector kernels exist in this build; whether they may run is for `cpu.c` to say.
#define CSHA1_HAS_X86_KERNELS 1
csha1_wide_function csha1_shani;
csha1_wide_function csha1_shani_x2;
csha1_wide_function csha1_avx2_x8;
csha1_wide_function csha1_avx512_x8;
csha1_wide_function csha1_avx512_x16;
#endif

/// Bit k is set if kernel number k can run here. Asks the CPU each time, which traps in a virtual machine; the
/// dispatcher asks once.
unsigned csha1_detect_kernels(void);

/// Round constants of FIPS 180-4, section 4.2.1, one per twenty rounds.
#define CSHA1_K0 0x5a827999u
#define CSHA1_K1 0x6ed9eba1u
#define CSHA1_K2 0x8f1bbcdcu
#define CSHA1_K3 0xca62c1d6u

#endif

/// Which kernels this CPU, and the operating system that saves its registers, can run.
#include "kernels.h"

#if CSHA1_HAS_X86_KERNELS
#include <cpuid.h>

/// Bits of the extended control register 0: register files that the operating system saves on a switch (Intel SDM,
/// volume 1, section 13.3). A CPU may know AVX while the system does not save its registers; they would be lost.
enum { XCR0_SSE = 1 << 1, XCR0_AVX = 1 << 2, XCR0_OPMASK = 1 << 5, XCR0_ZMM_HIGH = 1 << 6, XCR0_ZMM_UPPER = 1 << 7 };

static unsigned long long saved_registers(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

static bool has_all(unsigned long long value, unsigned long long bits) {
    return (value & bits) == bits;
}

unsigned csha1_detect_kernels(void) {
    unsigned kernels = 1u << CSHA1_KERNEL_SCALAR;
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return kernels;
    const unsigned leaf1 = ecx;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return kernels;
    const unsigned leaf7 = ebx;

    if (has_all(leaf1, bit_SSSE3 | bit_SSE4_1) && has_all(leaf7, bit_SHA)) {
        kernels |= 1u << CSHA1_KERNEL_SHANI | 1u << CSHA1_KERNEL_SHANI_X2;
    }
    // Without OSXSAVE the instruction XGETBV itself is illegal, and no wide register is saved.
    const unsigned long long saved = leaf1 & bit_OSXSAVE ? saved_registers() : 0;
    const unsigned long long ymm = XCR0_SSE | XCR0_AVX;
    const unsigned long long zmm = ymm | XCR0_OPMASK | XCR0_ZMM_HIGH | XCR0_ZMM_UPPER;
    if (has_all(saved, ymm) && has_all(leaf1, bit_AVX) && has_all(leaf7, bit_AVX2)) {
        kernels |= 1u << CSHA1_KERNEL_AVX2_X8;
        if (has_all(saved, zmm) && has_all(leaf7, bit_AVX512F | bit_AVX512BW)) {
            kernels |= 1u << CSHA1_KERNEL_AVX512_X16;
            if (has_all(leaf7, bit_AVX512VL)) kernels |= 1u << CSHA1_KERNEL_AVX512_X8;
        }
    }
    return kernels;
}

#else

unsigned csha1_detect_kernels(void) { return 1u << CSHA1_KERNEL_SCALAR; }

#endif

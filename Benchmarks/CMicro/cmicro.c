#include "cmicro.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* glibc's own, behind the names that this file takes. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static uint64_t count;

void *malloc(size_t size) {
    count++;
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count++;
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
    count++;
    *place = __libc_memalign(alignment, size);
    return *place ? 0 : ENOMEM;
}

uint64_t cmicro_allocations(void) { return count; }

__attribute__((noinline)) void cmicro_measure(void (*body)(void *), void *context) {
    body(context);
    __asm__ volatile("" ::: "memory");
}

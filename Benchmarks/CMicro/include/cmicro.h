/* What a measurement needs around it: a function whose name valgrind can be told, and a count of allocations. */
#ifndef CMICRO_H
#define CMICRO_H

#include <stdint.h>

/* Calls `body`. callgrind counts between its beginning and its end (--toggle-collect=cmicro_measure). */
void cmicro_measure(void (*body)(void *), void *context);
/* Allocations of this process so far: malloc, calloc, realloc, aligned_alloc, posix_memalign. */
uint64_t cmicro_allocations(void);

#endif

/* Where a thread is, told by itself: a signal handler writes the addresses of its callers to shared memory. It calls
 * nothing, allocates nothing and takes no lock, so it may interrupt anything. */
#ifndef CLINUX_STACK_H
#define CLINUX_STACK_H

#include <stdint.h>
#include <sys/types.h>

/* What the area has, as 64-bit words: the count of tellings so far, the signal of the last one, the address at which the
 * program's own code begins and the one at which it ends, the number of addresses that follow, and those, innermost
 * first. */
enum {
    clinux_stack_sequence = 0,
    clinux_stack_signal,
    clinux_stack_code_start,
    clinux_stack_code_end,
    clinux_stack_count,
    clinux_stack_addresses,
    clinux_stack_capacity = 64,
};

/* From now on `ask` makes the calling thread tell its stack to `area`, and a fault signal (SEGV, BUS, ILL, FPE, TRAP,
 * ABRT, SYS) does so before it ends the process as it would have. Of other threads only the innermost address is told.
 * Once a process, by the thread that is to be looked at. 0 or -errno. */
int clinux_stack_install(uint64_t *area, int ask);
/* Sends `signal` to the first thread of a process. 0 or -errno. */
int clinux_signal_first_thread(pid_t pid, int signal);

#endif

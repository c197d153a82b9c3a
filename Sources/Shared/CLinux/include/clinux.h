/* What Swift's importer cannot call: variadic functions, macros, and system calls that the C library lacks.
 * Every function returns what the system call returns, or a negated errno where it says so; none allocates. */
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h> /* glibc's module for Swift leaves it out */
#include <sys/types.h>

/* ---- shared memory ---- */
/* memfd_create(2) with close-on-exec and sealing; reserves `size` bytes, in huge pages where the kernel has some at hand,
 * so that memory that is short is an error here and never a SIGBUS later, and seals the size. Returns the descriptor or
 * -errno. */
int clinux_memfd_region(const char *name, uint64_t size);
/* mmap(2), shared, at an address that lets huge pages be mapped as such. The address, or MAP_FAILED with errno. */
void *clinux_map_region(int descriptor, size_t size, int protection);
/* A memfd with nothing in it, to be written to. Returns the descriptor or -errno. */
int clinux_memfd_empty(const char *name);
/* A memfd filled with `bytes` and sealed against every change. Returns the descriptor or -errno. */
int clinux_memfd_sealed(const char *name, const void *bytes, size_t size);
/* Adds F_SEAL_WRITE to a memfd. 0, or -1 with errno. */
int clinux_seal_writes(int descriptor);

/* ---- descriptors ---- */
/* openat2(2) below `directory`: no symbolic link anywhere, nothing outside. Returns the descriptor or -errno. */
int clinux_open_beneath(int directory, const char *path, int flags, unsigned mode);
/* open(2) with three arguments. Returns the descriptor or -errno. */
int clinux_open(const char *path, int flags, unsigned mode);
int clinux_set_nonblocking(int descriptor, int on);

/* A pipe whose ends are non-blocking and close-on-exec. 0 or -errno. */
int clinux_pipe(int ends[2]);

/* ---- the lifeline: datagrams with descriptors ---- */
/* A pair of SOCK_SEQPACKET sockets, close-on-exec. 0 or -errno. */
int clinux_seqpacket_pair(int pair[2]);
/* Sends one datagram with up to 253 descriptors; does not block. Bytes sent or -errno. */
ssize_t clinux_send_descriptors(int socket, const void *bytes, size_t size, const int *descriptors, unsigned count);
/* Receives one datagram. `*count` holds the room for descriptors and becomes their number. Bytes, 0 at the end of the
 * other side, or -errno (-EAGAIN when there is none and `wait` is 0). Received descriptors are close-on-exec. */
ssize_t clinux_receive_descriptors(int socket, void *bytes, size_t size, int *descriptors, unsigned *count, int wait);

/* The same, waiting, and the datagram stays for the next who asks; the descriptors are further duplicates. */
ssize_t clinux_peek_descriptors(int socket, void *bytes, size_t size, int *descriptors, unsigned *count);

/* ---- processes ---- */
int clinux_pidfd_open(pid_t pid);
int clinux_pidfd_send_signal(int pidfd, int signal);
/* Reaps the child behind the pidfd. 1: `*status` is 0…255 after an exit, 256 + signal after a signal; 0: it lives; or
 * -errno. */
int clinux_reap(int pidfd, int *status);
/* The kernel sends `signal` to the caller when the thread that created it ends. */
int clinux_set_parent_death_signal(int signal);
int clinux_set_no_new_privileges(void);
int clinux_pin_to_core(unsigned core);
/* SCHED_BATCH for the calling thread and for threads and processes that it starts: woken, they take no core from a thread
 * that runs, but wait for their turn. Where somebody has chosen another policy, or forbids the call, nothing changes. */
void clinux_wait_for_turns(void);
/* Cores that this process may use; fills `cores` up to `capacity` and returns the number. */
unsigned clinux_usable_cores(unsigned *cores, unsigned capacity);
/* Descriptors that this process may have; with `raise` after the soft limit was raised to the hard one. */
long clinux_descriptor_limit(int raise);
/* Ignores `signal`, or gives it back its default. */
int clinux_ignore_signal(int signal);
/* A signalfd for INT, TERM, HUP, USR1, CHLD and WINCH, which become blocked in the caller. Descriptor or -errno. */
int clinux_signal_descriptor(void);
/* The next pending signal number of a signalfd, 0 when none, or -errno. */
int clinux_next_signal(int descriptor);
int clinux_eventfd(void);

/* Starts a detached thread with every signal blocked, so that signals reach the caller's signalfd. 0 or -errno. */
int clinux_start_detached(void *(*body)(void *), void *argument);

/* posix_spawn with: own process group, default dispositions, empty mask, descriptor 3 = `lifeline`, 2 = `standard_error`,
 * 0 and 1 = /dev/null. 0 or -errno. */
int clinux_spawn(pid_t *pid, const char *path, char *const arguments[], char *const environment[], int lifeline,
                 int standard_error);

/* ---- shared memory: whole 64-bit and 32-bit words with release and acquire order ---- */
static inline void clinux_store_release_64(void *address, uint64_t value) {
    __atomic_store_n((uint64_t *)address, value, __ATOMIC_RELEASE);
}
static inline uint64_t clinux_load_acquire_64(const void *address) {
    return __atomic_load_n((const uint64_t *)address, __ATOMIC_ACQUIRE);
}
static inline void clinux_or_release_32(void *address, uint32_t bits) {
    __atomic_fetch_or((uint32_t *)address, bits, __ATOMIC_RELEASE);
}
static inline void clinux_and_release_32(void *address, uint32_t bits) {
    __atomic_fetch_and((uint32_t *)address, bits, __ATOMIC_RELEASE);
}
static inline uint32_t clinux_load_acquire_32(const void *address) {
    return __atomic_load_n((const uint32_t *)address, __ATOMIC_ACQUIRE);
}

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t clinux_monotonic_nanoseconds(void);

#endif

#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>

int clinux_open_beneath(int directory, const char *path, int flags, unsigned mode) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(flags | O_CLOEXEC);
    how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return negated((int)syscall(SYS_openat2, directory, path, &how, sizeof how));
}

int clinux_open(const char *path, int flags, unsigned mode) { return negated(open(path, flags | O_CLOEXEC, mode)); }

int clinux_set_nonblocking(int descriptor, int on) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -errno;
    return negated(fcntl(descriptor, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

int clinux_pipe(int ends[2]) { return negated(pipe2(ends, O_CLOEXEC | O_NONBLOCK)); }

int clinux_eventfd(void) { return negated(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

int64_t clinux_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

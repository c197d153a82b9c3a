/* What the files of this folder share and Swift does not see. */
#ifndef CLINUX_INTERNAL_H
#define CLINUX_INTERNAL_H

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What a system call returns, or its negated errno. */
static inline int negated(int result) { return result < 0 ? -errno : result; }

/* Closes the descriptor and hands on what went wrong. */
static inline int failed(int descriptor) {
    int error = errno;
    close(descriptor);
    return -error;
}

/* Fills in a socket address of either family, whose size in bytes is returned; without `address` (4 or 16 bytes) it is
 * the one that stands for every address. */
socklen_t fill_address(struct sockaddr_storage *where, const uint8_t *address, unsigned size, uint16_t port);
/* The reverse. */
void read_address(const struct sockaddr_storage *from, uint8_t address[16], unsigned *size, uint16_t *port);
/* The address of a path. 0 or -ENAMETOOLONG. */
int fill_path(struct sockaddr_un *address, const char *path);

#endif

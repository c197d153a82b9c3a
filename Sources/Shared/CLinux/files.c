#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const int clinux_o_path = O_PATH;

int clinux_reserve(int descriptor, int64_t offset, int64_t length) {
    int result;
    do result = fallocate(descriptor, 0, offset, length);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int clinux_next_data(int descriptor, int64_t offset, int64_t *start, int64_t *end) {
    if ((*start = lseek(descriptor, offset, SEEK_DATA)) < 0) return errno == ENXIO ? 0 : -errno;
    if ((*end = lseek(descriptor, *start, SEEK_HOLE)) < 0) return errno == ENXIO ? 0 : -errno;
    return 1;
}

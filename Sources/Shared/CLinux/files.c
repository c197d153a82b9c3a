#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>

const int clinux_o_path = O_PATH;

int clinux_reserve(int descriptor, int64_t offset, int64_t length) {
    int result;
    do result = fallocate(descriptor, 0, offset, length);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

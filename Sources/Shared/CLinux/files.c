#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
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

int clinux_keeps_times(int descriptor) {
    struct statfs system;
    if (fstatfs(descriptor, &system)) return 0;
    switch ((uint32_t)system.f_type) {
        case EXT4_SUPER_MAGIC:
        case XFS_SUPER_MAGIC:
        case BTRFS_SUPER_MAGIC:
        case F2FS_SUPER_MAGIC:
        case TMPFS_MAGIC:
        case OVERLAYFS_SUPER_MAGIC:
            return 1;
        default:
            return 0;
    }
}

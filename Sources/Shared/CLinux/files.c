#define _GNU_SOURCE
#include "clinux_files.h"
#include "internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>

const int clinux_o_path = O_PATH;

int clinux_file_status(int descriptor, struct clinux_file_status *status) {
    struct stat answer;
    if (syscall(SYS_fstat, descriptor, &answer) < 0) return -errno;
    *status = (struct clinux_file_status){answer.st_mode, answer.st_ino, answer.st_size, answer.st_mtim.tv_sec,
                                          answer.st_mtim.tv_nsec};
    return 0;
}

static int reserve(int descriptor, int mode, int64_t offset, int64_t length) {
    int result;
    do result = fallocate(descriptor, mode, offset, length);
    while (result < 0 && errno == EINTR);
    return negated(result);
}

int clinux_reserve(int descriptor, int64_t offset, int64_t length) { return reserve(descriptor, 0, offset, length); }

void clinux_reserve_if_it_pays(int descriptor, int64_t length) {
    struct statfs system;
    if (fstatfs(descriptor, &system) || (uint32_t)system.f_type != EXT4_SUPER_MAGIC) return;
    if ((uint64_t)length / (uint64_t)system.f_bsize >= (uint64_t)system.f_bavail) return;
    if (reserve(descriptor, FALLOC_FL_KEEP_SIZE, 0, length) == 0) return;
    /* Somebody else took the room, or a quota ended: what was reserved until then lies behind the file's end. */
    struct clinux_file_status status;
    if (clinux_file_status(descriptor, &status) == 0) (void)!ftruncate(descriptor, status.byte_count);
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

int clinux_sync_file_range_start(int descriptor, int64_t offset, int64_t length) {
    return negated(sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE));
}

int clinux_syncfs(int descriptor) { return negated(syncfs(descriptor)); }

ssize_t clinux_sendfile(int socket, int file, int64_t offset, size_t count) {
    off_t position = (off_t)offset;
    ssize_t sent;
    do sent = sendfile(socket, file, &position, count);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

/* Linux 6.5; the numbers and structures are the kernel's, which older headers lack. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
struct cache_range {
    uint64_t offset, length;
};
struct cache_state {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/* A page that is being read in counts as cached; a read that must not wait tells. */
static int can_read_byte(int file, int64_t offset) {
    char byte;
    struct iovec place = {&byte, 1};
    ssize_t count = preadv2(file, &place, 1, (off_t)offset, RWF_NOWAIT);
    if (count < 0 && errno == EOPNOTSUPP) return 1; /* A file system that is nothing but memory. */
    if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    return count == 1;
}

int clinux_is_cached(int file, int64_t offset, size_t count) {
    enum { page = 4096, stride = 65536 };
    if (count == 0) return 1;
    int64_t first = offset / page * page, last = offset + (int64_t)count - 1;
    struct cache_range range = {(uint64_t)first, (uint64_t)(last - first + 1)};
    struct cache_state state = {0, 0, 0, 0, 0};
    if (syscall(SYS_cachestat, file, &range, &state, 0) == 0) {
        if (state.cached < (uint64_t)(last / page - first / page + 1)) return 0;
    } else {
        for (int64_t position = offset; position < last; position += stride) {
            int result = can_read_byte(file, position);
            if (result != 1) return result;
        }
    }
    return can_read_byte(file, last);
}

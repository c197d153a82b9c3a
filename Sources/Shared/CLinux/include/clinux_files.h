/* Calls and constants for files that the C library shows to _GNU_SOURCE only, which Swift's importer does not set. */
#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct clinux_file_status {
    /* st_mode. */
    uint32_t mode;
    uint64_t inode;
    int64_t byte_count;
    /* The last change of its content, since 1970. */
    int64_t modified_seconds, modified_nanoseconds;
};

/* fstat(2) by its own system call: the C library asks by a name, and a sandbox that allows that call allows all names. 0
 * or -errno. */
int clinux_file_status(int descriptor, struct clinux_file_status *status);
/* O_PATH of open(2). */
extern const int clinux_o_path;
/* fallocate(2) with mode 0: reserves the bytes and makes the file as long; never writes them one by one, as
 * posix_fallocate(3) does where the file system cannot reserve. 0 or -errno. */
int clinux_reserve(int descriptor, int64_t offset, int64_t length);
/* Reserves the bytes of a new file where it is then written at less cost, and there is room: on ext4, whose bookkeeping of
 * each block is done once and not when the block is written. The file's length stays. A file that cannot be reserved stays as
 * it was. */
void clinux_reserve_if_it_pays(int descriptor, int64_t length);
/* lseek(2) with SEEK_DATA and SEEK_HOLE: the next stretch of a file that is no hole. Moves the descriptor's position.
 * 1, 0 when there is none at the offset and behind it, or -errno. */
int clinux_next_data(int descriptor, int64_t offset, int64_t *start, int64_t *end);

/* Whether the file system of a descriptor (O_PATH will do) keeps the times of its files itself, so that they change only
 * when somebody changes the file. A network file system may correct them when it has written to its server. */
int clinux_keeps_times(int descriptor);

/* Starts to write a range of the file back, and does not wait for it. 0 or -errno. */
int clinux_sync_file_range_start(int descriptor, int64_t offset, int64_t length);
/* syncfs(2): waits until all of the file system is on the disk. 0 or -errno. */
int clinux_syncfs(int descriptor);
/* Bytes of a file to a socket without a copy in user space: how many, fewer when the socket's buffer is full; 0 at the
 * end of the file; -EAGAIN when it takes none. */
ssize_t clinux_sendfile(int socket, int file, int64_t offset, size_t count);
/* Whether a read of these bytes would be answered from memory: 1 or 0; -errno when that cannot be found out. */
int clinux_is_cached(int file, int64_t offset, size_t count);

#endif

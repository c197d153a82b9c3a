#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <fcntl.h>
#include <sys/mman.h>

/* Of Linux 6.1, which is newer than some headers. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* What the page tables of x86-64, and of arm64 with its usual pages, map as one. */
static const size_t huge_page = (size_t)2 << 20;
/* A machine whose memory is in pieces moves pages about for each huge one; no more than so much of a start goes into it. */
static const int64_t longest_collapse = 10 * 1000 * 1000;

/* Maps a file so that its huge pages can be mapped as such: kernels do that by themselves only where memory files have
 * huge pages by an administrator's will. */
static void *map_aligned(int descriptor, off_t offset, size_t size, int protection) {
    char *room = mmap(NULL, size + huge_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return MAP_FAILED;
    size_t before = (huge_page - (uintptr_t)room % huge_page) % huge_page;
    char *base = mmap(room + before, size, protection, MAP_SHARED | MAP_FIXED, descriptor, offset);
    if (base == MAP_FAILED) {
        int error = errno;
        munmap(room, size + huge_page);
        errno = error;
        return MAP_FAILED;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *end = base + (size + page - 1) / page * page;
    if (before > 0) munmap(room, before);
    munmap(end, (size_t)(room + size + huge_page - end));
    return base;
}

void *clinux_map_region(int descriptor, size_t size, int protection) {
    if (size >= huge_page) return map_aligned(descriptor, 0, size, protection);
    return mmap(NULL, size, protection, MAP_SHARED, descriptor, 0);
}

/* Asks for huge pages, which this one call gets where `shmem_enabled` says `never`, too. A kernel that has none to give
 * leaves small pages or none. One at a time, so that the caller never has the whole region mapped. */
static void collapse(int descriptor, size_t size) {
    int64_t end = clinux_monotonic_nanoseconds() + longest_collapse;
    int got = 1;
    for (size_t offset = 0; got && offset + huge_page <= size && clinux_monotonic_nanoseconds() < end; offset += huge_page) {
        /* It takes nothing for a huge page where nothing is. */
        if (posix_fallocate(descriptor, (off_t)offset, 1) != 0) return;
        void *page = map_aligned(descriptor, (off_t)offset, huge_page, PROT_READ | PROT_WRITE);
        if (page == MAP_FAILED) return;
        got = madvise(page, huge_page, MADV_COLLAPSE) == 0;
        munmap(page, huge_page);
    }
}

int clinux_memfd_region(const char *name, uint64_t size) {
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -errno;
    if (ftruncate(descriptor, (off_t)size) < 0) return failed(descriptor);
    collapse(descriptor, size);
    int error = posix_fallocate(descriptor, 0, (off_t)size);
    if (error == 0 && fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) error = errno;
    if (error != 0) {
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int clinux_memfd_empty(const char *name) { return negated(memfd_create(name, MFD_CLOEXEC)); }

int clinux_memfd_sealed(const char *name, const void *bytes, size_t size) {
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -errno;
    size_t done = 0;
    int error = 0;
    while (done < size && error == 0) {
        ssize_t count = write(descriptor, (const char *)bytes + done, size - done);
        if (count > 0) done += (size_t)count;
        else if (count < 0 && errno != EINTR) error = errno;
    }
    if (error == 0
        && fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) error = errno;
    if (error != 0) {
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int clinux_seal_writes(int descriptor) { return fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE); }

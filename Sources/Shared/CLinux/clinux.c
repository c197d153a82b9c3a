#define _GNU_SOURCE
#include "clinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int negated(int result) { return result < 0 ? -errno : result; }

int clinux_memfd_region(const char *name, uint64_t size) {
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -errno;
    int error = posix_fallocate(descriptor, 0, (off_t)size);
    if (error == 0 && fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) error = errno;
    if (error != 0) {
        close(descriptor);
        return -error;
    }
    return descriptor;
}

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

int clinux_seqpacket_pair(int pair[2]) { return negated(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)); }

enum { most_descriptors = 253 };

ssize_t clinux_send_descriptors(int socket, const void *bytes, size_t size, const int *descriptors, unsigned count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * most_descriptors)];
    } control;
    if (count > most_descriptors) return -EINVAL;
    struct iovec vector = {(void *)bytes, size};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static ssize_t receive(int socket, void *bytes, size_t size, int *descriptors, unsigned *count, int flags) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * most_descriptors)];
    } control;
    struct iovec vector = {bytes, size};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    unsigned room = *count;
    *count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        unsigned number = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (unsigned index = 0; index < number; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (*count < room) descriptors[(*count)++] = descriptor;
            else close(descriptor);
        }
    }
    return received;
}

ssize_t clinux_receive_descriptors(int socket, void *bytes, size_t size, int *descriptors, unsigned *count, int wait) {
    return receive(socket, bytes, size, descriptors, count, wait ? 0 : MSG_DONTWAIT);
}

ssize_t clinux_peek_descriptors(int socket, void *bytes, size_t size, int *descriptors, unsigned *count) {
    return receive(socket, bytes, size, descriptors, count, MSG_PEEK);
}

int clinux_seal_writes(int descriptor) { return fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE); }

int clinux_pidfd_open(pid_t pid) { return negated((int)syscall(SYS_pidfd_open, pid, 0)); }

int clinux_pidfd_send_signal(int pidfd, int signal) {
    return negated((int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int clinux_reap(int pidfd, int *status) {
    siginfo_t information;
    memset(&information, 0, sizeof information);
    int result;
    do result = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &information, WEXITED | WNOHANG);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    if (information.si_pid == 0) return 0;
    *status = information.si_code == CLD_EXITED ? information.si_status & 255 : 256 + information.si_status;
    return 1;
}

int clinux_set_parent_death_signal(int signal) { return negated(prctl(PR_SET_PDEATHSIG, signal)); }

int clinux_set_no_new_privileges(void) { return negated(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

int clinux_pin_to_core(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return negated(sched_setaffinity(0, sizeof set, &set));
}

unsigned clinux_usable_cores(unsigned *cores, unsigned capacity) {
    cpu_set_t set;
    unsigned count = 0;
    if (sched_getaffinity(0, sizeof set, &set) < 0) return 0;
    for (unsigned core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &set)) continue;
        if (count < capacity) cores[count] = core;
        count++;
    }
    return count;
}

long clinux_descriptor_limit(int raise) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return 0;
    if (raise && limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit)) limit.rlim_cur = before;
    }
    return limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)limit.rlim_cur;
}

int clinux_ignore_signal(int signal_number) { return signal(signal_number, SIG_IGN) == SIG_ERR ? -errno : 0; }

int clinux_signal_descriptor(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGWINCH);
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error != 0) return -error;
    return negated(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

int clinux_next_signal(int descriptor) {
    struct signalfd_siginfo information;
    ssize_t count;
    do count = read(descriptor, &information, sizeof information);
    while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN ? 0 : -errno;
    return (int)information.ssi_signo;
}

int clinux_start_detached(void *(*body)(void *), void *argument) {
    sigset_t every, before;
    pthread_t thread;
    sigfillset(&every);
    int error = pthread_sigmask(SIG_SETMASK, &every, &before);
    if (error != 0) return -error;
    error = pthread_create(&thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) pthread_detach(thread);
    return -error;
}

int clinux_eventfd(void) { return negated(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

int clinux_spawn(pid_t *pid, const char *path, char *const arguments[], char *const environment[], int lifeline,
                 int standard_error) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t every, none;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return -error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -error;
    }
    sigfillset(&every);
    sigemptyset(&none);
    /* The lifeline first: descriptor 3 may be open in the parent, 0 to 2 are never passed as lifelines. */
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, standard_error, 2);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, lifeline, 3);
    if (error == 0) error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (error == 0) error = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    /* Whatever a library left open without close-on-exec stays with us. */
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    if (error == 0) error = posix_spawnattr_setpgroup(&attributes, 0);
    if (error == 0) error = posix_spawnattr_setsigdefault(&attributes, &every);
    if (error == 0) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (error == 0) error = posix_spawnp(pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int clinux_listen_unix(const char *path) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 || listen(descriptor, 128) < 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int clinux_bind_tcp(const char *address, uint16_t port, int shared, int listening) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(&v4, 0, sizeof v4);
    memset(&v6, 0, sizeof v6);
    struct sockaddr *where = (struct sockaddr *)&v4;
    socklen_t size = sizeof v4;
    int one = 1;
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (inet_pton(AF_INET, address, &v4.sin_addr) != 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) return -EINVAL;
        where = (struct sockaddr *)&v6;
        size = sizeof v6;
    }
    int descriptor = socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    int failed = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0
        || (shared && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0)
        || (where->sa_family == AF_INET6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
        || bind(descriptor, where, size) < 0 || (listening && listen(descriptor, 256) < 0);
    if (failed) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

/* Fills in a socket address of either family. */
static socklen_t socket_address(const uint8_t *address, unsigned size, uint16_t port, struct sockaddr_storage *where) {
    memset(where, 0, sizeof *where);
    if (size == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)where;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)where;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address, 16);
    return sizeof *v6;
}

int clinux_connect_tcp(
    const uint8_t *address, unsigned size, uint16_t port, const uint8_t *local, unsigned local_size) {
    struct sockaddr_storage where;
    int one = 1;
    if (local_size != 0 && local_size != size) return -EAFNOSUPPORT;
    int descriptor = socket(size == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    socklen_t length;
    int failed = 0;
    if (local_size != 0) {
        length = socket_address(local, local_size, 0, &where);
        failed = bind(descriptor, (struct sockaddr *)&where, length) < 0;
    }
    if (!failed) {
        length = socket_address(address, size, port, &where);
        failed = connect(descriptor, (struct sockaddr *)&where, length) < 0 && errno != EINPROGRESS;
    }
    if (failed) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int clinux_accept_tcp(int listener, uint8_t address[16], unsigned *size, uint16_t *port) {
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    int one = 1;
    int descriptor = accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (from.ss_family == AF_INET) {
        *size = 4;
        *port = ntohs(((struct sockaddr_in *)&from)->sin_port);
        memcpy(address, &((struct sockaddr_in *)&from)->sin_addr, 4);
    } else {
        *size = 16;
        *port = ntohs(((struct sockaddr_in6 *)&from)->sin6_port);
        memcpy(address, &((struct sockaddr_in6 *)&from)->sin6_addr, 16);
    }
    return descriptor;
}

int clinux_socket_error(int descriptor) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

int clinux_local_port(int descriptor) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &size) < 0) return -errno;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int clinux_sync_file_range_start(int descriptor, int64_t offset, int64_t length) {
    return negated(sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE));
}

int clinux_syncfs(int descriptor) { return negated(syncfs(descriptor)); }

int64_t clinux_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

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

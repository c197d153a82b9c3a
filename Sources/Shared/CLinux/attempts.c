#define _GNU_SOURCE
#include "clinux_attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef const struct clinux_attempt_target target;

#define CALL(...) answer(syscall(__VA_ARGS__))

static long answer(long result) { return result < 0 ? -errno : result; }

/* A descriptor that an attempt got is given back, so that each begins alike. */
static long closed(long descriptor) {
    if (descriptor >= 0) syscall(SYS_close, descriptor);
    return descriptor;
}

static long open_plainly(int directory, const char *path, int flags) {
    return closed(CALL(SYS_openat, directory, path, flags, 0600));
}

static long open_freely(int directory, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)flags, .mode = flags & O_CREAT ? 0600 : 0};
    return closed(CALL(SYS_openat2, directory, path, &how, sizeof how));
}

/* ---- files by name, sockets, other processes ---- */
static long open_passwd(target *t) { (void)t; return open_plainly(AT_FDCWD, "/etc/passwd", O_RDONLY); }
static long open2_passwd(target *t) { (void)t; return open_freely(AT_FDCWD, "/etc/passwd", O_RDONLY); }
static long open_memory(target *t) { (void)t; return open_plainly(AT_FDCWD, "/proc/self/mem", O_RDWR); }
static long open2_memory(target *t) { (void)t; return open_freely(AT_FDCWD, "/proc/self/mem", O_RDWR); }
static long look_at_passwd(target *t) {
    (void)t;
    struct stat status;
    return CALL(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &status, 0);
}
static long list_root(target *t) { (void)t; return open_plainly(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY); }
static long make_file(target *t) { (void)t; return open_plainly(AT_FDCWD, "/tmp/swarmkeeper-trespass", O_WRONLY | O_CREAT); }

static long make_socket(int family, int type, int protocol) { return closed(CALL(SYS_socket, family, type, protocol)); }
static long unix_socket(target *t) { (void)t; return make_socket(AF_UNIX, SOCK_STREAM, 0); }
static long netlink_socket(target *t) { (void)t; return make_socket(AF_NETLINK, SOCK_RAW, 0); }
static long datagram_socket(target *t) { (void)t; return make_socket(AF_INET, SOCK_DGRAM, 0); }
static long multipath_socket(target *t) { (void)t; return make_socket(AF_INET, SOCK_STREAM, 262); }
static long packet_socket(target *t) { (void)t; return make_socket(AF_PACKET, SOCK_RAW, 0); }
static long stream_socket(target *t) { (void)t; return make_socket(AF_INET, SOCK_STREAM, 0); }

/* On a socket of its own where it may have one, else on one that it has. */
static long bind_port(target *t) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    long own = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    long result = CALL(SYS_bind, own >= 0 ? own : t->socket, &any, sizeof any);
    if (own >= 0) syscall(SYS_close, own);
    return result;
}
static long listen_again(target *t) { return CALL(SYS_listen, t->socket, 1); }
static long signal_supervisor(target *t) { return CALL(SYS_kill, t->process, 0); }
static long signal_thread(target *t) { return CALL(SYS_tgkill, t->process, t->process, 0); }

static const struct clinux_attempt trespasses[] = {
    {"open /etc/passwd", open_passwd}, {"openat2 /etc/passwd", open2_passwd}, {"open /proc/self/mem", open_memory},
    {"openat2 /proc/self/mem", open2_memory}, {"list /", list_root},
    {"stat /etc/passwd", look_at_passwd}, {"make a file", make_file},
    {"unix socket", unix_socket}, {"netlink socket", netlink_socket}, {"datagram socket", datagram_socket},
    {"multipath socket", multipath_socket}, {"packet socket", packet_socket}, {"stream socket", stream_socket},
    {"bind", bind_port}, {"listen", listen_again}, {"signal the supervisor", signal_supervisor},
    {"signal its thread", signal_thread},
};
const struct clinux_attempt *const clinux_trespasses = trespasses;
const unsigned clinux_trespass_count = sizeof trespasses / sizeof *trespasses;

/* ---- out of a directory ---- */
static long make_above(target *t) { return open_freely(t->directory, "../escaped", O_WRONLY | O_CREAT); }
static long make_elsewhere(target *t) { return open_freely(t->directory, "/tmp/swarmkeeper-escaped", O_WRONLY | O_CREAT); }
static long follow_link(target *t) { return open_freely(t->directory, "link/escaped", O_WRONLY | O_CREAT); }
static long read_above(target *t) { return open_freely(t->directory, "..", O_RDONLY | O_DIRECTORY); }
static long directory_above(target *t) { return CALL(SYS_mkdirat, t->directory, "../escaped-directory", 0700); }
static long rename_out(target *t) { return CALL(SYS_renameat2, t->directory, "link", t->directory, "../escaped-link", 0); }
static long make_link(target *t) { return CALL(SYS_symlinkat, "/etc", t->directory, "escaped-link"); }
static long remove_file(target *t) { return CALL(SYS_unlinkat, t->directory, "link", 0); }

static const struct clinux_attempt escapes[] = {
    {"make a file above", make_above}, {"make a file elsewhere", make_elsewhere}, {"follow a link", follow_link},
    {"list above", read_above}, {"make a directory above", directory_above}, {"make a link", make_link},
    {"rename out", rename_out}, {"remove", remove_file},
};
const struct clinux_attempt *const clinux_escapes = escapes;
const unsigned clinux_escape_count = sizeof escapes / sizeof *escapes;

/* ---- what is never legal ---- */
static long execute(target *t) {
    (void)t;
    char *const none[] = {NULL};
    return CALL(SYS_execve, "/bin/true", none, none);
}
static long split(target *t) {
    (void)t;
    long child = CALL(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) syscall(SYS_exit_group, 0);
    if (child > 0) syscall(SYS_wait4, child, NULL, 0, NULL);
    return child;
}
static long trace(target *t) { return CALL(SYS_ptrace, PTRACE_PEEKDATA, t->process, 0, 0); }
static long peek(target *t) {
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return CALL(SYS_process_vm_readv, t->process, &here, 1, &there, 1, 0);
}
static long steal(target *t) {
    long process = CALL(SYS_pidfd_open, t->process, 0);
    if (process < 0) return process;
    long result = closed(CALL(SYS_pidfd_getfd, process, 0, 0));
    syscall(SYS_close, process);
    return result;
}
static long write_code(target *t) {
    (void)t;
    long page = CALL(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page < 0 ? page : CALL(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
}
static long map_code(target *t) {
    (void)t;
    long page = CALL(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page < 0 ? page : 0;
}
static long catch_faults(target *t) { (void)t; return closed(CALL(SYS_userfaultfd, 0)); }
static long make_ring(target *t) {
    (void)t;
    struct io_uring_params parameters;
    memset(&parameters, 0, sizeof parameters);
    return closed(CALL(SYS_io_uring_setup, 1, &parameters));
}
static long load_map(target *t) {
    (void)t;
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = attributes.value_size = 4;
    attributes.max_entries = 1;
    return closed(CALL(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}
static long count_events(target *t) {
    (void)t;
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.size = sizeof attributes;
    return closed(CALL(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}
static long use_keys(target *t) { (void)t; return CALL(SYS_keyctl, 0, -3, 0, 0, 0); }

static const struct clinux_attempt felonies[] = {
    {"exec", execute}, {"fork", split}, {"ptrace", trace}, {"peek", peek}, {"steal-descriptor", steal},
    {"write-code", write_code}, {"map-code", map_code}, {"userfaultfd", catch_faults}, {"io-uring", make_ring},
    {"bpf", load_map}, {"perf", count_events}, {"keyctl", use_keys},
};
const struct clinux_attempt *const clinux_felonies = felonies;
const unsigned clinux_felony_count = sizeof felonies / sizeof *felonies;

int clinux_find_directory(void) {
    struct stat status;
    for (int descriptor = 4; descriptor < 256; descriptor++)
        if (syscall(SYS_fcntl, descriptor, F_GETFD) >= 0 && syscall(SYS_fstat, descriptor, &status) == 0 &&
            S_ISDIR(status.st_mode))
            return descriptor;
    return -1;
}

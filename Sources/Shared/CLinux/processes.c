#define _GNU_SOURCE
#include "clinux.h"
#include "internal.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

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

void clinux_wait_for_turns(void) {
    struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER) (void)!sched_setscheduler(0, SCHED_BATCH, &none);
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

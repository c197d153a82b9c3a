/* What a process gives up for good: rights to files and ports (Landlock), resources, capabilities, its user. Every
 * function returns 0 or a negated errno, none allocates; where it says "the calling thread", call it before there is
 * another. */
#ifndef CLINUX_SANDBOX_H
#define CLINUX_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

/* The version of the kernel's Landlock interface, 1 or more; -ENOSYS or -EOPNOTSUPP where there is none. */
int clinux_landlock_version(void);

/* What is forbidden from now on unless a rule allows it, as the kernel's bits (linux/landlock.h). */
struct clinux_landlock_ruleset {
    uint64_t files, network, scopes;
};
/* Rights below a directory. */
struct clinux_landlock_directory {
    int descriptor;
    uint64_t files;
};
/* The calling thread, and those that it starts, have no right in `ruleset` any more but those in `directories`, and to
 * bind a TCP socket to a port of the kernel's choice if `binds_any_port`. Needs no_new_privs. */
int clinux_landlock_restrict(const struct clinux_landlock_ruleset *ruleset,
                             const struct clinux_landlock_directory *directories, unsigned count, int binds_any_port);

/* Lowers a limit of this process, so that it cannot be raised again; one that is lower already stays. */
int clinux_lower_limit(int resource, uint64_t most);
extern const int clinux_limit_file_size, clinux_limit_processes, clinux_limit_descriptors, clinux_limit_addresses;

/* The calling thread keeps the capabilities of `mask` that it has, and neither it nor what it starts gets another. */
int clinux_keep_capabilities(uint64_t mask);
/* The effective capabilities of the calling thread. */
uint64_t clinux_capabilities(void);

/* The process, all its threads, becomes another user with these groups and no other. */
int clinux_become(uid_t user, gid_t group, const gid_t *groups, unsigned count);

/* The calling thread reaches and makes files as this user; as 0, 0 again as root. Needs root. */
int clinux_reach_files_as(uid_t user, gid_t group);

/* All threads make system calls only as these instructions (`struct sock_filter`) say. Needs no_new_privs.
 * Returns 0 or -errno. */
int clinux_filter_system_calls(const void *program, size_t byte_count);

/* Whether the kernel has seccomp filters that end a whole process: 1 or 0. */
int clinux_has_system_call_filters(void);

#endif

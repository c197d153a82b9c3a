#define _GNU_SOURCE
#include "clinux_sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's own (6.12); the headers of a distribution are older than the kernels that run it. */
enum { landlock_create_ruleset = 444, landlock_add_rule = 445, landlock_restrict_self = 446 };
enum { create_ruleset_version = 1 };
enum { rule_path_beneath = 1, rule_net_port = 2 };
enum { access_net_bind_tcp = 1 };
struct ruleset_attributes {
    uint64_t handled_access_fs, handled_access_net, scoped;
};
struct path_beneath_attributes {
    uint64_t allowed_access;
    int32_t parent;
} __attribute__((packed));
struct net_port_attributes {
    uint64_t allowed_access, port;
};

static int negated(long result) { return result < 0 ? -errno : (int)result; }

int clinux_landlock_version(void) {
    return negated(syscall(landlock_create_ruleset, NULL, 0, create_ruleset_version));
}

static int add_rules(int ruleset, const struct clinux_landlock_directory *directories, unsigned count,
                     int binds_any_port) {
    for (unsigned index = 0; index < count; index++) {
        struct path_beneath_attributes rule = {directories[index].files, directories[index].descriptor};
        if (syscall(landlock_add_rule, ruleset, rule_path_beneath, &rule, 0) < 0) return -errno;
    }
    struct net_port_attributes any = {access_net_bind_tcp, 0};
    if (binds_any_port && syscall(landlock_add_rule, ruleset, rule_net_port, &any, 0) < 0) return -errno;
    return 0;
}

int clinux_landlock_restrict(const struct clinux_landlock_ruleset *ruleset,
                             const struct clinux_landlock_directory *directories, unsigned count, int binds_any_port) {
    struct ruleset_attributes attributes = {ruleset->files, ruleset->network, ruleset->scopes};
    /* An older kernel knows fewer of the fields, and takes a longer structure whose rest is zero. */
    int descriptor = negated(syscall(landlock_create_ruleset, &attributes, sizeof attributes, 0));
    if (descriptor < 0) return descriptor;
    int result = add_rules(descriptor, directories, count, binds_any_port);
    if (result == 0) result = negated(syscall(landlock_restrict_self, descriptor, 0));
    close(descriptor);
    return result;
}

const int clinux_limit_file_size = RLIMIT_FSIZE, clinux_limit_processes = RLIMIT_NPROC,
          clinux_limit_descriptors = RLIMIT_NOFILE, clinux_limit_addresses = RLIMIT_AS;

int clinux_lower_limit(int resource, uint64_t most) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) return -errno;
    if (limit.rlim_cur > most) limit.rlim_cur = most;
    limit.rlim_max = limit.rlim_cur;
    return negated(setrlimit(resource, &limit));
}

static int get_capabilities(struct __user_cap_data_struct sets[2]) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return negated(syscall(SYS_capget, &header, sets));
}

uint64_t clinux_capabilities(void) {
    struct __user_cap_data_struct sets[2];
    return get_capabilities(sets) < 0 ? 0 : (uint64_t)sets[1].effective << 32 | sets[0].effective;
}

int clinux_keep_capabilities(uint64_t mask) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    int result = get_capabilities(sets);
    if (result < 0) return result;
    /* Without the right to it the bounding set stays; no_new_privs makes it mean nothing. */
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (capability >= 64 || (mask >> capability & 1) == 0) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned index = 0; index < 2; index++) {
        sets[index].permitted &= (uint32_t)(mask >> 32 * index);
        sets[index].effective &= sets[index].permitted;
        sets[index].inheritable = 0;
    }
    return negated(syscall(SYS_capset, &header, sets));
}

int clinux_become(uid_t user, gid_t group, const gid_t *groups, unsigned count) {
    if (setgroups(count, groups) < 0 || setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
        return -errno;
    return 0;
}

int clinux_reach_files_as(uid_t user, gid_t group) {
    /* Neither call tells whether it did anything, but what was there before. */
    setfsgid(group);
    setfsuid(user);
    return (gid_t)setfsgid((gid_t)-1) == group && (uid_t)setfsuid((uid_t)-1) == user ? 0 : -EPERM;
}

int clinux_filter_system_calls(const void *program, size_t byte_count) {
    struct sock_fprog filter = {.len = (unsigned short)(byte_count / sizeof(struct sock_filter)),
                                .filter = (struct sock_filter *)program};
    /* A thread that does not come along is named by a positive number. */
    int result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    return result > 0 ? -ESRCH : negated(result);
}

int clinux_has_system_call_filters(void) {
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* What a worker that strangers have taken over would try, one system call at a time and as they would: not through the
 * C library. For Sources/Shared/SelfTest alone. No attempt does harm where it succeeds. */
#ifndef CLINUX_ATTEMPTS_H
#define CLINUX_ATTEMPTS_H

#include <sys/types.h>

struct clinux_attempt_target {
    /* The supervisor. */
    pid_t process;
    /* Of the torrent's files, in a writer; -1 elsewhere. */
    int directory;
    /* A connected or listening socket of the worker's. */
    int socket;
};

struct clinux_attempt {
    const char *name;
    /* What the call returned, or a negated errno. */
    long (*run)(const struct clinux_attempt_target *target);
};

/* Fail, and the worker goes on. */
extern const struct clinux_attempt *const clinux_trespasses;
extern const unsigned clinux_trespass_count;
/* Of a writer, on its directory, in which the link `link` leads out. */
extern const struct clinux_attempt *const clinux_escapes;
extern const unsigned clinux_escape_count;
/* End the worker. */
extern const struct clinux_attempt *const clinux_felonies;
extern const unsigned clinux_felony_count;

/* A directory among this process's descriptors, or -1. */
int clinux_find_directory(void);

#endif

/* Stream sockets of one machine: between workers, and between a user and a running supervisor. Every function returns a
 * descriptor or 0, or a negated errno; none allocates. Descriptors are close-on-exec. */
#ifndef CLINUX_STREAMS_H
#define CLINUX_STREAMS_H

#include <sys/types.h>

/* SOCK_STREAM as a number; glibc declares it as an enumeration. */
static const int clinux_sock_stream = 1;
/* A non-blocking socket that listens on a path below a directory of our own, for workers. */
int clinux_listen_unix(const char *path);
/* A non-blocking socket that listens on `path`, which only this user may connect to (mode 0600). */
int clinux_listen_private(const char *path);
/* Takes one connection of any kind of stream listener, non-blocking. */
int clinux_accept_stream(int listener);
/* A blocking connection to `path` whose sends and receives give up after `milliseconds` (EAGAIN). */
int clinux_connect_unix(const char *path, int milliseconds);
/* The process at the other end of a unix connection. */
pid_t clinux_peer_process(int socket);

#endif

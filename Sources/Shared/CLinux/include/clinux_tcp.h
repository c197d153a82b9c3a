/* TCP sockets of peers. Every function returns what the system call returns, or a negated errno; none allocates or blocks.
 * Descriptors are non-blocking and close-on-exec. Addresses are 4 or 16 bytes in network order. */
#ifndef CLINUX_TCP_H
#define CLINUX_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A TCP socket bound to a numeric address (v4 or v6; v6 takes v6 only), non-blocking. With `shared` it joins others of
 * the same port (SO_REUSEPORT); with `listening` it listens. `port` 0 lets the kernel choose. Descriptor or -errno. */
int clinux_bind_tcp(const char *address, uint16_t port, int shared, int listening);
/* A TCP socket on its way to a numeric address of 4 or 16 bytes, non-blocking, TCP_NODELAY. It is writable when it is
 * there or has failed (`clinux_socket_error`). `local` of the same size binds it; `local_size` 0 does not; another size
 * is EAFNOSUPPORT. Descriptor or -errno. */
int clinux_connect_tcp(const uint8_t *address, unsigned size, uint16_t port, const uint8_t *local, unsigned local_size);
/* Takes one connection, non-blocking, TCP_NODELAY, with the peer's address (4 or 16 bytes) and port. Descriptor or
 * -errno. */
int clinux_accept_tcp(int listener, uint8_t address[16], unsigned *size, uint16_t *port);
/* The error that a socket has waiting, which is thereby taken; 0: none. */
int clinux_socket_error(int descriptor);
/* The local port of a bound socket, or -errno. */
int clinux_local_port(int descriptor);

#endif

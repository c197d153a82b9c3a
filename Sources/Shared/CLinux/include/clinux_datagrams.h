/* Datagrams (UDP) and what the network says about them. Every function returns what the system call returns, or a
 * negated errno; none allocates or blocks. Addresses are 4 or 16 bytes in network order. */
#ifndef CLINUX_DATAGRAMS_H
#define CLINUX_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes a non-blocking socket with close-on-exec for IPv4 (`size` 4) or IPv6 alone (16), bound to `local` of the same
 * size, or to any address if that is NULL, on a port that the kernel chooses. ICMP errors are queued. */
int clinux_udp_socket(unsigned size, const uint8_t *local);
/* Sends one datagram. An error may also be that of an earlier one, to whatever address: see below. */
ssize_t clinux_send_udp(
    int socket, const void *bytes, size_t count, const uint8_t *address, unsigned size, uint16_t port);
/* Takes one datagram of at most `capacity` bytes; a longer one is -EMSGSIZE and gone. */
ssize_t clinux_receive_udp(
    int socket, void *bytes, size_t capacity, uint8_t address[16], unsigned *size, uint16_t *port);
/* Takes one error that the network reported and says to where the datagram was sent. Returns the errno as a positive
 * number, 0 for an entry that is no such error, -EAGAIN when the queue is empty. */
int clinux_next_udp_error(int socket, uint8_t address[16], unsigned *size, uint16_t *port);

#endif

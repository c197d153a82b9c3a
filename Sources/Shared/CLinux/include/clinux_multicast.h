#ifndef CLINUX_MULTICAST_H
#define CLINUX_MULTICAST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Networks that a group can be reached on; more are left out. */
#define CLINUX_MULTICAST_NETWORKS 32

/* A UDP socket that receives what is sent to `port` on this machine, shared with others that do the same (SO_REUSEADDR),
 * non-blocking. `size` 4 or 16: the family. Descriptor or -errno. */
int clinux_multicast_socket(unsigned size, uint16_t port);
/* Joins the group (4 or 16 bytes) on every interface that is up, can do multicast and has an address of the family; those
 * joined before stay as they are. `local` restricts it to the interface with that address; `local_size` 0 does not.
 * Their indices into `interfaces`; the count or -errno. */
int clinux_multicast_join(int descriptor, const uint8_t *group, unsigned size, const uint8_t *local, unsigned local_size,
                          unsigned interfaces[CLINUX_MULTICAST_NETWORKS]);
/* Sends to the group on one of these interfaces, and no further than `hops` routers. 0 or -errno. */
int clinux_multicast_send(int descriptor, const uint8_t *group, unsigned size, uint16_t port, unsigned interface, int hops,
                          const void *bytes, size_t byte_count);
/* Takes one datagram and where it came from (4 or 16 bytes); a longer one is cut. Its size or -errno. */
ssize_t clinux_multicast_receive(int descriptor, void *bytes, size_t capacity, uint8_t address[16], unsigned *size,
                                uint16_t *port);

#endif

#define _GNU_SOURCE
#include "clinux_multicast.h"
#include "internal.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

int clinux_multicast_socket(unsigned size, uint16_t port) {
    struct sockaddr_storage where;
    socklen_t where_size = fill_address(&where, NULL, size, port);
    int family = where.ss_family, one = 1, off = 0;
    int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    /* Without IP_MULTICAST_ALL 0 the socket would hear of groups that other programs have joined. */
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0
        || (family == AF_INET && setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) < 0)
        || (family == AF_INET6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
        || bind(descriptor, (struct sockaddr *)&where, where_size) < 0)
        return failed(descriptor);
    return descriptor;
}

static const void *address_of(const struct sockaddr *where) {
    return where->sa_family == AF_INET ? (const void *)&((const struct sockaddr_in *)where)->sin_addr
                                       : (const void *)&((const struct sockaddr_in6 *)where)->sin6_addr;
}

static int join_on(int descriptor, const uint8_t *group, unsigned size, unsigned interface) {
    if (size == 4) {
        struct ip_mreqn request;
        memset(&request, 0, sizeof request);
        memcpy(&request.imr_multiaddr, group, 4);
        request.imr_ifindex = (int)interface;
        return setsockopt(descriptor, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
    }
    struct ipv6_mreq request;
    memset(&request, 0, sizeof request);
    memcpy(&request.ipv6mr_multiaddr, group, 16);
    request.ipv6mr_interface = interface;
    return setsockopt(descriptor, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request);
}

int clinux_multicast_join(int descriptor, const uint8_t *group, unsigned size, const uint8_t *local, unsigned local_size,
                          unsigned interfaces[CLINUX_MULTICAST_NETWORKS]) {
    int family = size == 4 ? AF_INET : AF_INET6;
    struct ifaddrs *list;
    if (getifaddrs(&list) < 0) return -errno;
    int count = 0;
    for (struct ifaddrs *entry = list; entry && count < CLINUX_MULTICAST_NETWORKS; entry = entry->ifa_next) {
        const unsigned wanted = IFF_UP | IFF_MULTICAST;
        if (!entry->ifa_addr || entry->ifa_addr->sa_family != family || (entry->ifa_flags & wanted) != wanted) continue;
        if (local_size && (local_size != size || memcmp(address_of(entry->ifa_addr), local, size) != 0)) continue;
        unsigned interface = if_nametoindex(entry->ifa_name);
        int is_known = interface == 0;
        for (int i = 0; i < count; i++) is_known |= interfaces[i] == interface;
        if (is_known) continue;
        if (join_on(descriptor, group, size, interface) < 0 && errno != EADDRINUSE) continue;
        interfaces[count++] = interface;
    }
    freeifaddrs(list);
    return count;
}

int clinux_multicast_send(int descriptor, const uint8_t *group, unsigned size, uint16_t port, unsigned interface, int hops,
                          const void *bytes, size_t byte_count) {
    struct sockaddr_storage where;
    socklen_t where_size = fill_address(&where, group, size, port);
    int is_refused;
    if (size == 4) {
        struct ip_mreqn from;
        memset(&from, 0, sizeof from);
        from.imr_ifindex = (int)interface;
        is_refused = setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from) < 0
            || setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops) < 0;
    } else {
        int from = (int)interface;
        ((struct sockaddr_in6 *)&where)->sin6_scope_id = interface;
        is_refused = setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, &from, sizeof from) < 0
            || setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) < 0;
    }
    if (is_refused) return -errno;
    return sendto(descriptor, bytes, byte_count, MSG_NOSIGNAL, (struct sockaddr *)&where, where_size) < 0 ? -errno : 0;
}

ssize_t clinux_multicast_receive(int descriptor, void *bytes, size_t capacity, uint8_t address[16], unsigned *size,
                                uint16_t *port) {
    struct sockaddr_storage from;
    socklen_t from_size = sizeof from;
    ssize_t count = recvfrom(descriptor, bytes, capacity, 0, (struct sockaddr *)&from, &from_size);
    if (count < 0) return -errno;
    read_address(&from, address, size, port);
    return count;
}

#define _GNU_SOURCE
#include "clinux_datagrams.h"
#include "internal.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>

int clinux_udp_socket(unsigned size, const uint8_t *local) {
    struct sockaddr_storage where;
    int one = 1;
    int is_v6 = size == 16;
    int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    socklen_t length = fill_address(&where, local, size, 0);
    if ((is_v6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
        || setsockopt(
               descriptor, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_RECVERR : IP_RECVERR, &one, sizeof one)
            < 0
        || bind(descriptor, (struct sockaddr *)&where, length) < 0)
        return failed(descriptor);
    return descriptor;
}

ssize_t clinux_send_udp(
    int socket, const void *bytes, size_t count, const uint8_t *address, unsigned size, uint16_t port) {
    struct sockaddr_storage where;
    socklen_t length = fill_address(&where, address, size, port);
    ssize_t sent = sendto(socket, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&where, length);
    return sent < 0 ? -errno : sent;
}

ssize_t clinux_receive_udp(
    int socket, void *bytes, size_t capacity, uint8_t address[16], unsigned *size, uint16_t *port) {
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    memset(&from, 0, sizeof from);
    ssize_t count = recvfrom(socket, bytes, capacity, MSG_TRUNC, (struct sockaddr *)&from, &length);
    if (count < 0) return -errno;
    if ((size_t)count > capacity) return -EMSGSIZE;
    read_address(&from, address, size, port);
    return count;
}

int clinux_next_udp_error(int socket, uint8_t address[16], unsigned *size, uint16_t *port) {
    struct sockaddr_storage to;
    uint8_t byte;
    union {
        struct cmsghdr head;
        uint8_t room[256];
    } control;
    struct iovec part = {&byte, sizeof byte};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&to, 0, sizeof to);
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    if (recvmsg(socket, &message, MSG_ERRQUEUE) < 0) return -errno;
    read_address(&to, address, size, port);
    for (struct cmsghdr *entry = CMSG_FIRSTHDR(&message); entry; entry = CMSG_NXTHDR(&message, entry)) {
        int is_error = (entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_RECVERR)
            || (entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_RECVERR);
        if (!is_error) continue;
        struct sock_extended_err error;
        memcpy(&error, CMSG_DATA(entry), sizeof error);
        /* EMSGSIZE tells of a narrow path: the kernel fragments from now on. */
        return error.ee_errno == EMSGSIZE ? 0 : (int)error.ee_errno;
    }
    return 0;
}

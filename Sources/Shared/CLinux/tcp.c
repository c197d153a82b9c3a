#define _GNU_SOURCE
#include "clinux_tcp.h"
#include "internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

int clinux_bind_tcp(const char *address, uint16_t port, int shared, int listening) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(&v4, 0, sizeof v4);
    memset(&v6, 0, sizeof v6);
    struct sockaddr *where = (struct sockaddr *)&v4;
    socklen_t size = sizeof v4;
    int one = 1;
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (inet_pton(AF_INET, address, &v4.sin_addr) != 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) return -EINVAL;
        where = (struct sockaddr *)&v6;
        size = sizeof v6;
    }
    int descriptor = socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0
        || (shared && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0)
        || (where->sa_family == AF_INET6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
        || bind(descriptor, where, size) < 0 || (listening && listen(descriptor, 256) < 0))
        return failed(descriptor);
    return descriptor;
}

int clinux_connect_tcp(
    const uint8_t *address, unsigned size, uint16_t port, const uint8_t *local, unsigned local_size) {
    struct sockaddr_storage where;
    int one = 1;
    if (local_size != 0 && local_size != size) return -EAFNOSUPPORT;
    int descriptor = socket(size == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (local_size != 0) {
        socklen_t length = fill_address(&where, local, local_size, 0);
        if (bind(descriptor, (struct sockaddr *)&where, length) < 0) return failed(descriptor);
    }
    socklen_t length = fill_address(&where, address, size, port);
    if (connect(descriptor, (struct sockaddr *)&where, length) < 0 && errno != EINPROGRESS) return failed(descriptor);
    return descriptor;
}

int clinux_accept_tcp(int listener, uint8_t address[16], unsigned *size, uint16_t *port) {
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    int one = 1;
    int descriptor = accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    read_address(&from, address, size, port);
    return descriptor;
}

int clinux_socket_error(int descriptor) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

int clinux_local_port(int descriptor) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &size) < 0) return -errno;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

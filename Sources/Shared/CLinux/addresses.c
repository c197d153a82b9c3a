#include "internal.h"

#include <netinet/in.h>
#include <string.h>

socklen_t fill_address(struct sockaddr_storage *where, const uint8_t *address, unsigned size, uint16_t port) {
    memset(where, 0, sizeof *where);
    if (size == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)where;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        if (address) memcpy(&v4->sin_addr, address, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)where;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    if (address) memcpy(&v6->sin6_addr, address, 16);
    return sizeof *v6;
}

void read_address(const struct sockaddr_storage *from, uint8_t address[16], unsigned *size, uint16_t *port) {
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        *size = 4;
        *port = ntohs(v4->sin_port);
        memcpy(address, &v4->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        *size = 16;
        *port = ntohs(v6->sin6_port);
        memcpy(address, &v6->sin6_addr, 16);
    }
}

int fill_path(struct sockaddr_un *address, const char *path) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
    strcpy(address->sun_path, path);
    return 0;
}

#define _GNU_SOURCE
#include "clinux_streams.h"
#include "internal.h"

#include <sys/stat.h>
#include <sys/time.h>

int clinux_listen_unix(const char *path) {
    struct sockaddr_un address;
    int error = fill_path(&address, path);
    if (error) return error;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 || listen(descriptor, 128) < 0)
        return failed(descriptor);
    return descriptor;
}

int clinux_listen_private(const char *path) {
    struct sockaddr_un address;
    int error = fill_path(&address, path);
    if (error) return error;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    /* Linux gives the file the mode that the socket has before it is bound, so that it is never open to others. */
    if (fchmod(descriptor, 0600) < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(descriptor, 16) < 0)
        return failed(descriptor);
    return descriptor;
}

int clinux_accept_stream(int listener) {
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_connect_unix(const char *path, int milliseconds) {
    struct sockaddr_un address;
    int error = fill_path(&address, path);
    if (error) return error;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
        connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        return failed(descriptor);
    return descriptor;
}

pid_t clinux_peer_process(int socket) {
    struct ucred who;
    socklen_t size = sizeof who;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0) return -errno;
    return who.pid;
}

/* A BitTorrent seeder that costs little, so that a benchmark measures the client: one thread, epoll, sendfile.
 *
 * Serves one torrent of one file that it has whole. Each peer gets a handshake and the whole bitfield (or have-all,
 * BEP 6), is unchoked at once, and has its requests answered in order, but for those that it cancels. Never uploads data
 * it did not check the bounds of; never downloads, verifies or speaks first to a tracker.
 *
 * Prints "ready ADDRESS PORT" when it listens. Ends on SIGTERM or with its parent, and then prints
 * "served BYTES SECONDS": what it sent of blocks, and the time from the first request to the end of the last block.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    handshake_size = 68,
    largest_request = 128 * 1024, /* what libtorrent accepts as well */
    queue_limit = 2048,           /* requests that wait; a peer that sends more is not read until some are served */
    input_size = 64 * 1024,
    turn_bytes = 1024 * 1024,     /* one peer's share before the next peer's turn */
    rate_burst_ms = 20,
};

enum message {
    choke, unchoke, interested, not_interested, have, bitfield, request, piece, cancel, have_all = 14, reject = 16
};

struct block { uint32_t piece, begin, length; bool cancelled; };

struct peer {
    int fd;
    bool greeted, fast, writable, unread, queued;
    struct peer *next_runnable;
    uint32_t in_used, greeting_sent, greeting_size;
    uint8_t *greeting;             /* handshake, bitfield and unchoke; gone when sent */
    struct block queue[queue_limit];
    uint32_t first, waiting;
    uint32_t header_sent, body_sent; /* of the block at `first` */
    uint8_t in[input_size];
};

static struct {
    int file, epoll;
    uint64_t size, piece_length, rate, sent_total;
    uint32_t pieces;
    uint8_t info_hash[20];
    double tokens;
    struct timespec refilled, first_request, last_block;
} own;
static volatile sig_atomic_t stopping;
static struct peer *runnable_head, **runnable_tail = &runnable_head;

static void die(const char *what) { fprintf(stderr, "lean-seeder: %s: %s\n", what, strerror(errno)); exit(1); }
static void usage(const char *what) { fprintf(stderr, "lean-seeder: %s (see --help)\n", what); exit(2); }

static uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return ntohl(v); }
static void put32(uint8_t *p, uint32_t v) { v = htonl(v); memcpy(p, &v, 4); }

static void make_runnable(struct peer *p) {
    if (p->queued) return;
    p->queued = true;
    p->next_runnable = NULL;
    *runnable_tail = p;
    runnable_tail = &p->next_runnable;
}

/* The peer is freed when it comes up among the runnable ones, so that no list holds a dangling pointer. */
static void drop(struct peer *p) {
    close(p->fd);
    p->fd = -1;
    make_runnable(p);
}

static void make_greeting(struct peer *p, bool fast) {
    uint32_t field = (own.pieces + 7) / 8, at = handshake_size;
    uint8_t *g = calloc(1, handshake_size + 5 + field + 5);
    if (!g) die("memory");
    memcpy(g, "\x13" "BitTorrent protocol", 20);
    g[27] = 0x04; /* fast extension, BEP 6 */
    memcpy(g + 28, own.info_hash, 20);
    snprintf((char *)g + 48, 21, "-LS0100-%012u", (unsigned)(rand() & 0x7fffffff)); /* the NUL is overwritten below */
    if (fast) {
        put32(g + at, 1), g[at + 4] = have_all, at += 5;
    } else {
        put32(g + at, 1 + field), g[at + 4] = bitfield;
        for (uint32_t i = 0; i < own.pieces; i++) g[at + 5 + i / 8] |= 0x80 >> (i % 8);
        at += 5 + field;
    }
    put32(g + at, 1), g[at + 4] = unchoke, at += 5;
    p->greeting = g, p->greeting_size = at;
}

/* A request that waits gets no block any more. One that is being sent already is sent to its end. */
static void cancel_request(struct peer *p, const uint8_t *m) {
    for (uint32_t i = p->header_sent || p->body_sent; i < p->waiting; i++) {
        struct block *b = &p->queue[(p->first + i) % queue_limit];
        if (b->piece == get32(m + 1) && b->begin == get32(m + 5) && b->length == get32(m + 9)) b->cancelled = true;
    }
}

/* Takes whole messages out of the input; false if the peer broke the protocol. */
static bool parse(struct peer *p) {
    uint32_t at = 0;
    if (!p->greeted && p->in_used >= handshake_size) {
        if (memcmp(p->in, "\x13" "BitTorrent protocol", 20) || memcmp(p->in + 28, own.info_hash, 20)) return false;
        p->fast = p->in[27] & 0x04;
        make_greeting(p, p->fast);
        p->greeted = true, at = handshake_size;
    }
    while (p->greeted && p->in_used - at >= 4) {
        uint32_t length = get32(p->in + at);
        if (length > input_size - 4) return false;
        if (p->in_used - at - 4 < length) break;
        const uint8_t *m = p->in + at + 4;
        if (length == 13 && m[0] == request) {
            if (p->waiting == queue_limit) break;
            struct block b = { get32(m + 1), get32(m + 5), get32(m + 9), false };
            uint64_t start = (uint64_t)b.piece * own.piece_length + b.begin;
            if (b.piece >= own.pieces || b.length == 0 || b.length > largest_request) return false;
            if ((uint64_t)b.begin + b.length > own.piece_length || start + b.length > own.size) return false;
            if (!own.first_request.tv_sec) clock_gettime(CLOCK_MONOTONIC, &own.first_request);
            p->queue[(p->first + p->waiting++) % queue_limit] = b;
        }
        if (length == 13 && m[0] == cancel) cancel_request(p, m);
        at += 4 + length;
    }
    memmove(p->in, p->in + at, p->in_used - at);
    p->in_used -= at;
    return true;
}

/* Reads until the socket or the queue has no more room; false if the peer is gone. */
static bool receive(struct peer *p) {
    while (p->waiting < queue_limit) {
        ssize_t n = recv(p->fd, p->in + p->in_used, input_size - p->in_used, 0);
        if (n == 0) return false;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            p->unread = false;
            return errno == EAGAIN;
        }
        p->in_used += (uint32_t)n;
        if (!parse(p)) return false;
    }
    p->unread = true;
    return true;
}

/* False if the peer is gone; clears `writable` when the socket is full. */
static bool send_bytes(struct peer *p, const uint8_t *bytes, uint32_t size, uint32_t *done, int flags) {
    while (*done < size) {
        ssize_t n = send(p->fd, bytes + *done, size - *done, flags | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            p->writable = false;
            return errno == EAGAIN;
        }
        *done += (uint32_t)n;
    }
    return true;
}

static bool send_body(struct peer *p, struct block b) {
    while (p->body_sent < b.length) {
        off_t at = (off_t)((uint64_t)b.piece * own.piece_length + b.begin + p->body_sent);
        ssize_t n = sendfile(p->fd, own.file, &at, b.length - p->body_sent);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            p->writable = false;
            return n < 0 && errno == EAGAIN; /* 0: the file became shorter */
        }
        p->body_sent += (uint32_t)n;
    }
    return true;
}

/* Serves the peer for one turn; false if it is gone. */
static bool serve(struct peer *p) {
    uint32_t in_turn = 0;
    if (p->greeting) {
        if (!send_bytes(p, p->greeting, p->greeting_size, &p->greeting_sent, 0)) return false;
        if (!p->writable) return true;
        free(p->greeting);
        p->greeting = NULL;
    }
    while (p->waiting && in_turn < turn_bytes && (!own.rate || own.tokens > 0)) {
        struct block b = p->queue[p->first];
        /* A cancelled request is answered by a reject, if the peer knows it (BEP 6), and else by nothing. */
        uint32_t size = !b.cancelled ? 13 : p->fast ? 17 : 0;
        uint8_t header[17];
        put32(header, b.cancelled ? 13 : 9 + b.length), header[4] = b.cancelled ? reject : piece;
        put32(header + 5, b.piece), put32(header + 9, b.begin), put32(header + 13, b.length);
        if (!send_bytes(p, header, size, &p->header_sent, b.cancelled ? 0 : MSG_MORE)) return false;
        if (p->writable && !b.cancelled && !send_body(p, b)) return false;
        if (!p->writable) return true;
        if (!b.cancelled) in_turn += b.length, own.sent_total += b.length, own.tokens -= b.length;
        p->first = (p->first + 1) % queue_limit, p->waiting--;
        p->header_sent = p->body_sent = 0;
        clock_gettime(CLOCK_MONOTONIC, &own.last_block);
    }
    return true;
}

static void accept_peers(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *p = calloc(1, sizeof *p);
        if (!p) die("memory");
        p->fd = fd, p->writable = true;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = p };
        if (epoll_ctl(own.epoll, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
    }
}

/* One turn for each peer that had something to do when the pass began. */
static void run_runnable(void) {
    struct peer *p = runnable_head, *next;
    runnable_head = NULL, runnable_tail = &runnable_head;
    for (; p; p = next) {
        next = p->next_runnable;
        p->queued = false;
        if (p->fd < 0) {
            free(p->greeting);
            free(p);
            continue;
        }
        if ((p->writable && !serve(p)) || (p->unread && !(parse(p) && receive(p)))) drop(p);
        else if (p->writable && (p->greeting || p->waiting)) make_runnable(p);
    }
}

static double seconds_between(struct timespec a, struct timespec b) {
    return (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
}

static void refill(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = seconds_between(own.refilled, now);
    double burst = own.rate * (rate_burst_ms / 1e3) + largest_request;
    own.refilled = now;
    own.tokens += own.rate * seconds;
    if (own.tokens > burst) own.tokens = burst;
}

static int open_listener(char *address) {
    char *colon = strrchr(address, ':');
    if (!colon) usage("--listen wants ADDRESS:PORT");
    *colon = 0;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
    if (inet_pton(AF_INET, address, &a.sin_addr) != 1) usage("--listen wants a numeric IPv4 address");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    socklen_t size = sizeof a;
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, size) || listen(fd, 1024)) die("listen");
    getsockname(fd, (struct sockaddr *)&a, &size);
    printf("ready %s %u\n", address, ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

static void parse_options(int argc, char **argv, char **listen_at) {
    static const struct option options[] = {
        { "file", 1, 0, 'f' }, { "info-hash", 1, 0, 'i' }, { "piece-length", 1, 0, 'p' }, { "listen", 1, 0, 'l' },
        { "rate", 1, 0, 'r' }, { "help", 0, 0, 'h' }, { 0 } };
    const char *file = NULL, *hash = NULL;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
        case 'f': file = optarg; break;
        case 'i': hash = optarg; break;
        case 'p': own.piece_length = strtoull(optarg, NULL, 10); break;
        case 'l': *listen_at = optarg; break;
        case 'r': own.rate = strtoull(optarg, NULL, 10); break;
        case 'h':
            puts("lean-seeder --file F --info-hash HEX --piece-length BYTES --listen ADDRESS:PORT [--rate BYTES/S]");
            exit(0);
        default: exit(2);
    }
    if (!file || !hash || !own.piece_length || !*listen_at) usage("--file, --info-hash, --piece-length and --listen");
    if (own.piece_length > UINT32_MAX || strlen(hash) != 40) usage("--piece-length or --info-hash is out of range");
    for (int i = 0; i < 20; i++) if (sscanf(hash + 2 * i, "%2hhx", &own.info_hash[i]) != 1) usage("--info-hash");
    struct stat s;
    if ((own.file = open(file, O_RDONLY | O_CLOEXEC)) < 0 || fstat(own.file, &s)) die(file);
    own.size = (uint64_t)s.st_size;
    own.pieces = (uint32_t)((own.size + own.piece_length - 1) / own.piece_length);
}

static void stop(int signal) { (void)signal; stopping = 1; }

int main(int argc, char **argv) {
    char *listen_at = NULL;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
    signal(SIGPIPE, SIG_IGN); /* sendfile has no MSG_NOSIGNAL */
    srand((unsigned)getpid());
    parse_options(argc, argv, &listen_at);
    if ((own.epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
    int listener = open_listener(listen_at);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL }, ready[256];
    if (epoll_ctl(own.epoll, EPOLL_CTL_ADD, listener, &e)) die("epoll_ctl");
    clock_gettime(CLOCK_MONOTONIC, &own.refilled);
    while (!stopping) {
        bool starved = own.rate && own.tokens <= 0;
        int n = epoll_wait(own.epoll, ready, 256, !runnable_head ? -1 : starved ? 2 : 0);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct peer *p = ready[i].data.ptr;
            if (!p) {
                accept_peers(listener);
                continue;
            }
            if (p->fd < 0) continue;
            if (ready[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) p->writable = true;
            if ((ready[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) && !receive(p)) drop(p);
            else if (p->greeting || p->waiting) make_runnable(p);
        }
        if (own.rate) refill();
        run_runnable();
    }
    printf("served %llu %.3f\n", (unsigned long long)own.sent_total, seconds_between(own.first_request, own.last_block));
    return 0;
}

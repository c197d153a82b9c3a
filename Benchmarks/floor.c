/* Measures the floor: what one thread that only receives, hashes and writes a torrent costs on this machine.
 *
 * A minimal leech: it asks one seeder that answers in order (lean-seeder) for all blocks in order and lets the kernel
 * scatter them straight into a piece's buffer, so nothing is copied or decided. One download a call; the cost of hashing and
 * of writing is the difference to receiving alone (scripts/bench.d/floor.py). Sixteen pieces are received and then hashed
 * side by side in the lanes of this project's kernels, the fastest there are. Digests are not compared with anything: this
 * tool measures cost, not correctness.
 *
 * Build: gcc -O2 -I../Sources/Shared/CSHA1/include -o floor floor.c ../Sources/Shared/CSHA1/[a-z]*.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <csha1.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    block_size = 16 * 1024,
    header_size = 13,
    batch = 64,        /* blocks that one readv may fill; two buffers each, far below IOV_MAX */
    handshake_size = 68,
    stride = 64 * 1024, /* of a piece between two turns of the lanes: what a hash-worker hashes at a time */
};

static struct {
    struct sockaddr_in seeder;
    uint8_t info_hash[20];
    uint64_t size, piece_length;
    uint32_t window; /* requests outstanding */
    bool hashes;
    const char *output; /* or NULL: nothing is written */
    uint8_t *buffer; /* sixteen pieces */
} job;

struct cost { double wall, cpu; };

static void die(const char *what) { fprintf(stderr, "floor: %s: %s\n", what, strerror(errno)); exit(1); }
static void refuse(const char *what) { fprintf(stderr, "floor: %s\n", what); exit(1); }
static void put32(uint8_t *p, uint32_t v) { v = htonl(v); memcpy(p, &v, 4); }
static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t piece_size(uint64_t start) { return smaller(job.piece_length, job.size - start); }

static double seconds_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double seconds_wall(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void receive_exactly(int fd, void *bytes, size_t size) {
    ssize_t n = recv(fd, bytes, size, MSG_WAITALL);
    if (n < 0) die("recv");
    if ((size_t)n != size) refuse("the seeder closed the connection");
}

static void send_all(int fd, const uint8_t *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, bytes + done, size - done, MSG_NOSIGNAL);
        if (n < 0) die("send");
        done += (size_t)n;
    }
}

/* Connects, greets, and reads up to the unchoke. */
static int join_seeder(void) {
    uint8_t hello[handshake_size + 5] = "\x13" "BitTorrent protocol", length[4], body[1 << 16];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&job.seeder, sizeof job.seeder)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    hello[27] = 0x04; /* fast extension, BEP 6: have-all instead of a bitfield */
    memcpy(hello + 28, job.info_hash, 20);
    memcpy(hello + 48, "-FL0100-000000000000", 20);
    put32(hello + handshake_size, 1), hello[handshake_size + 4] = 2; /* interested */
    send_all(fd, hello, sizeof hello);
    receive_exactly(fd, body, handshake_size);
    do {
        receive_exactly(fd, length, 4);
        uint32_t size = ntohl(*(uint32_t *)(void *)length);
        if (size > sizeof body) refuse("the seeder sends something other than have-all and unchoke");
        receive_exactly(fd, body, size);
        if (size == 0) body[0] = 0;
    } while (body[0] != 1);
    return fd;
}

/* Asks for blocks from byte *asked on, until `window` are outstanding beyond byte `received`. */
static void ask(int fd, uint64_t *asked, uint64_t received) {
    uint8_t out[17 * 4096], *p = out;
    while (*asked < job.size && *asked - received < (uint64_t)job.window * block_size && p < out + sizeof out) {
        uint64_t in_piece = *asked % job.piece_length;
        uint32_t length = (uint32_t)smaller(block_size, piece_size(*asked - in_piece) - in_piece);
        put32(p, 13), p[4] = 6, put32(p + 5, (uint32_t)(*asked / job.piece_length));
        put32(p + 9, (uint32_t)in_piece), put32(p + 13, length);
        p += 17, *asked += length;
    }
    send_all(fd, out, (size_t)(p - out));
}

/* Receives the piece at byte `start`, headers aside. */
static void receive_piece(int fd, uint64_t start, uint64_t *asked, uint8_t *buffer) {
    uint8_t headers[batch][header_size];
    uint64_t size = piece_size(start), done = 0;
    while (done < size) {
        struct iovec parts[2 * batch];
        int count = 0, at = 0;
        uint64_t end = done;
        for (int i = 0; i < batch && end < size; i++) {
            uint64_t length = smaller(block_size, size - end);
            parts[count++] = (struct iovec){ headers[i], header_size };
            parts[count++] = (struct iovec){ buffer + end, length };
            end += length;
        }
        while (at < count) {
            ssize_t n = readv(fd, parts + at, count - at);
            if (n < 0) die("readv");
            if (n == 0) refuse("the seeder closed the connection");
            for (; at < count && (size_t)n >= parts[at].iov_len; at++) n -= parts[at].iov_len;
            if (at < count) parts[at].iov_base = (uint8_t *)parts[at].iov_base + n, parts[at].iov_len -= n;
        }
        for (int i = 0; i < count / 2; i++) {
            uint32_t begin = (uint32_t)(done + (uint64_t)i * block_size);
            uint8_t expected[4];
            put32(expected, begin);
            if (headers[i][4] != 7 || memcmp(headers[i] + 9, expected, 4)) refuse("the seeder answers out of order");
        }
        done = end;
        if (*asked - (start + done) <= (uint64_t)job.window * block_size / 2) ask(fd, asked, start + done);
    }
}

/* Whole blocks of up to sixteen pieces of `size` bytes that lie one behind the other. Padding is a block a piece. */
static void hash_pieces(unsigned count, uint64_t size) {
    uint32_t words[CSHA1_MAX_LANES][CSHA1_STATE_WORDS] = {0}, *states[CSHA1_MAX_LANES];
    const uint8_t *data[CSHA1_MAX_LANES];
    for (unsigned lane = 0; lane < count; lane++) states[lane] = words[lane];
    for (uint64_t done = 0; done < size; done += stride) {
        for (unsigned lane = 0; lane < count; lane++) data[lane] = job.buffer + lane * job.piece_length + done;
        csha1_compress_lanes(states, data, count, smaller(stride, size - done) / CSHA1_BLOCK_BYTES);
    }
}

static struct cost run(void) {
    int fd = join_seeder(), file = -1;
    uint64_t asked = 0;
    if (job.output && (file = open(job.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0) die(job.output);
    struct cost before = { seconds_wall(), seconds_cpu() };
    /* As the writer does on ext4, where it is cheaper; a file system that cannot does without. */
    if (file >= 0) (void)!fallocate(file, FALLOC_FL_KEEP_SIZE, 0, (off_t)job.size);
    ask(fd, &asked, 0);
    for (uint64_t start = 0; start < job.size;) {
        uint64_t group = start;
        unsigned count = 0;
        for (; count < CSHA1_MAX_LANES && start < job.size; count++, start += job.piece_length)
            receive_piece(fd, start, &asked, job.buffer + (start - group));
        uint64_t size = smaller(count * job.piece_length, job.size - group);
        if (job.hashes) hash_pieces(count, size / count);
        for (uint64_t done = 0; job.output && done < size;) {
            ssize_t n = pwrite(file, job.buffer + done, smaller(job.piece_length, size - done), (off_t)(group + done));
            if (n < 0) die(job.output);
            done += (uint64_t)n;
        }
    }
    struct cost after = { seconds_wall() - before.wall, seconds_cpu() - before.cpu };
    close(fd);
    if (file >= 0) close(file), unlink(job.output);
    return after;
}

static void parse_options(int argc, char **argv) {
    static const struct option options[] = {
        { "seeder", 1, 0, 's' }, { "info-hash", 1, 0, 'i' }, { "size", 1, 0, 'b' }, { "piece-length", 1, 0, 'p' },
        { "window", 1, 0, 'w' }, { "hash", 0, 0, 'H' }, { "output", 1, 0, 'o' },
        { "help", 0, 0, 'h' }, { 0 } };
    char *colon;
    bool has_hash = false;
    job.window = 256, job.seeder.sin_family = AF_INET;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
        case 's':
            if (!(colon = strrchr(optarg, ':'))) refuse("--seeder wants ADDRESS:PORT");
            *colon = 0, job.seeder.sin_port = htons((uint16_t)atoi(colon + 1));
            if (inet_pton(AF_INET, optarg, &job.seeder.sin_addr) != 1) refuse("--seeder wants a numeric IPv4 address");
            break;
        case 'i':
            for (int i = 0; i < 20; i++)
                if (sscanf(optarg + 2 * i, "%2hhx", &job.info_hash[i]) != 1) refuse("--info-hash wants 40 hex digits");
            has_hash = true;
            break;
        case 'b': job.size = strtoull(optarg, NULL, 10); break;
        case 'p': job.piece_length = strtoull(optarg, NULL, 10); break;
        case 'w': job.window = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'H': job.hashes = true; break;
        case 'o': job.output = optarg; break;
        case 'h':
            puts("floor --seeder ADDRESS:PORT --info-hash HEX --size BYTES --piece-length BYTES [--window BLOCKS] "
                 "[--hash] [--output FILE]\nPrints wall seconds and CPU seconds.");
            exit(0);
        default: exit(2);
    }
    if (!job.seeder.sin_port || !has_hash || !job.size || !job.piece_length || !job.window)
        refuse("--seeder, --info-hash, --size and --piece-length are needed");
    if (!(job.buffer = malloc(CSHA1_MAX_LANES * job.piece_length))) die("memory");
    memset(job.buffer, 0, CSHA1_MAX_LANES * job.piece_length); /* page faults belong to no part */
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    struct cost cost = run();
    printf("%.6f %.6f\n", cost.wall, cost.cpu);
    return 0;
}

/* A keep-alive HTTP/1.1 server that costs almost nothing: fixed answers by path prefix, each after a fixed delay.
 *
 *   loopback <delay in microseconds> <prefix> <file with the whole answer> [<prefix> <file>]...
 *
 * It listens on a free port of 127.0.0.1, prints the port, and ends when its standard input does. The answer to
 * GET /_connections is the number of connections accepted so far.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 2048
#define BUFFER 65536

struct answer { const char *prefix; char *bytes; size_t length; };
struct connection { char *buffer; size_t length; unsigned generation; };
struct due { long long at; int slot; unsigned generation; struct answer *answer; };

static struct pollfd polled[MOST];
static struct connection connections[MOST];
static struct due queue[MOST * 4]; /* one delay for all, so first in is first out */
static unsigned head, tail;
static int slots = 2; /* 0: standard input, 1: the listening socket */
static long accepted;
static long long delay_us;
static struct answer answers[64];
static int answers_count;

static long long now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void hang_up(int slot) {
    close(polled[slot].fd);
    polled[slot].fd = -1;
    connections[slot].generation++;
}

static void take_in(int listener) {
    int yes = 1, slot = 2, fd = accept(listener, NULL, NULL);
    if (fd < 0) return;
    accepted++;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    while (slot < slots && polled[slot].fd >= 0) slot++;
    if (slot == MOST) { close(fd); return; }
    if (slot == slots) slots++;
    if (connections[slot].buffer == NULL) connections[slot].buffer = malloc(BUFFER + 1);
    connections[slot].length = 0;
    polled[slot] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void answer_request(int slot, const char *target) {
    if (strncmp(target, "/_connections", 13) == 0) {
        char body[32], whole[128];
        int length = snprintf(body, sizeof body, "%ld", accepted);
        length = snprintf(whole, sizeof whole, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
        send_all(polled[slot].fd, whole, (size_t)length);
        return;
    }
    for (int i = 0; i < answers_count; i++) {
        struct answer *answer = &answers[i];
        if (strncmp(target, answer->prefix, strlen(answer->prefix)) != 0) continue;
        if (delay_us == 0) send_all(polled[slot].fd, answer->bytes, answer->length);
        else queue[tail++ % (MOST * 4)] = (struct due){now_us() + delay_us, slot, connections[slot].generation, answer};
        return;
    }
    fprintf(stderr, "no answer for %.60s\n", target);
    hang_up(slot);
}

static void read_requests(int slot) {
    struct connection *c = &connections[slot];
    ssize_t got = recv(polled[slot].fd, c->buffer + c->length, BUFFER - c->length, 0);
    if (got <= 0) { hang_up(slot); return; }
    c->length += (size_t)got;
    while (polled[slot].fd >= 0) {
        c->buffer[c->length] = 0;
        char *end = strstr(c->buffer, "\r\n\r\n");
        if (end == NULL) return;
        *end = 0;
        char *field = strcasestr(c->buffer, "\r\ncontent-length:");
        size_t body = field == NULL ? 0 : strtoul(field + 17, NULL, 10);
        size_t whole = (size_t)(end - c->buffer) + 4 + body;
        *end = '\r';
        if (c->length < whole) return;
        char *target = strchr(c->buffer, ' ');
        if (target != NULL) answer_request(slot, target + 1);
        memmove(c->buffer, c->buffer + whole, c->length - whole);
        c->length -= whole;
    }
}

static int send_what_is_due(void) {
    while (head != tail) {
        struct due *due = &queue[head % (MOST * 4)];
        long long left = due->at - now_us();
        if (left > 0) return (int)((left + 999) / 1000);
        if (connections[due->slot].generation == due->generation)
            send_all(polled[due->slot].fd, due->answer->bytes, due->answer->length);
        head++;
    }
    return -1;
}

static void load_answer(const char *prefix, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) { perror(path); exit(1); }
    struct answer *answer = &answers[answers_count++];
    answer->prefix = prefix;
    answer->bytes = malloc(BUFFER);
    answer->length = fread(answer->bytes, 1, BUFFER, file);
    fclose(file);
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    delay_us = argc > 1 ? atoll(argv[1]) : 0;
    for (int i = 2; i + 1 < argc && answers_count < 64; i += 2) load_answer(argv[i], argv[i + 1]);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024)) { perror("listen"); return 1; }
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    polled[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        int timeout = send_what_is_due();
        if (poll(polled, (nfds_t)slots, timeout) < 0) return 1;
        if (polled[0].revents) return 0;
        for (int slot = 2; slot < slots; slot++)
            if (polled[slot].fd >= 0 && polled[slot].revents) read_requests(slot);
        if (polled[1].revents) take_in(listener);
    }
}

#include "launcher/wire.h"
#include "dist/listen.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEAD_BYTES = 5, /* type, and the length in four bytes, lowest first */
       CONNECT_MS = 3000 };

/* ---- bytes that wait ---- */

static void need_room(struct wire_bytes *b, size_t bytes)
{
    if (b->begin > 0 && b->room - b->end < bytes) {
        memmove(b->at, b->at + b->begin, b->end - b->begin);
        b->end -= b->begin;
        b->begin = 0;
    }
    if (b->room - b->end >= bytes) return;
    size_t room = 2 * (b->end + bytes) + 4096;
    char *more = realloc(b->at, room);
    if (!more) out_of_memory();
    b->at = more;
    b->room = room;
}

static void append(struct wire_bytes *b, const void *data, size_t bytes)
{
    if (bytes == 0) return;
    need_room(b, bytes);
    memcpy(b->at + b->end, data, bytes);
    b->end += bytes;
}

/* ---- frames ---- */

void wire_send(wire *w, int type, const void *data, size_t bytes)
{
    if (w->fd < 0) return;
    unsigned char head[HEAD_BYTES] = {(unsigned char)type, bytes & 255, bytes >> 8 & 255, bytes >> 16 & 255, bytes >> 24 & 255};
    append(&w->out, head, sizeof head);
    append(&w->out, data, bytes);
    wire_flush(w);
}

void wire_print(wire *w, int type, const char *format, ...)
{
    char text[8192];
    va_list values;
    va_start(values, format);
    int n = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    wire_send(w, type, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

void wire_flush(wire *w)
{
    while (w->fd >= 0 && w->out.begin < w->out.end) {
        ssize_t n = send(w->fd, w->out.at + w->out.begin, w->out.end - w->out.begin, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return; /* full, or broken: then reading tells */
        w->out.begin += (size_t)n;
    }
}

size_t wire_unsent(const wire *w) { return w->out.end - w->out.begin; }

int wire_read(wire *w)
{
    for (int pieces = 0; pieces < 16; pieces++) { /* nobody talks so much that others are not heard */
        need_room(&w->in, 65536);
        ssize_t n = recv(w->fd, w->in.at + w->in.end, w->in.room - w->in.end - 1, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
        if (n <= 0) return -1;
        w->in.end += (size_t)n;
    }
    return 0;
}

int wire_next(wire *w, char **data, size_t *bytes)
{
    size_t have = w->in.end - w->in.begin;
    if (have < HEAD_BYTES) return 0;
    const unsigned char *head = (unsigned char *)w->in.at + w->in.begin;
    size_t length = (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 | (size_t)head[4] << 24;
    int type = head[0];
    if (length > WIRE_FRAME_BYTES) return -1;
    if (have < HEAD_BYTES + length) return 0;
    w->frame.begin = w->frame.end = 0;
    append(&w->frame, head + HEAD_BYTES, length);
    append(&w->frame, "", 1);
    w->in.begin += HEAD_BYTES + length;
    *data = w->frame.at;
    *bytes = length;
    return type;
}

/* ---- who calls whom ---- */

static int make_key(char key[WIRE_KEY_BYTES])
{
    unsigned char bits[16];
    if (getrandom(bits, sizeof bits, 0) != sizeof bits) return -1;
    for (size_t i = 0; i < sizeof bits; i++) snprintf(key + 2 * i, 3, "%02x", bits[i]);
    return 0;
}

/* The system's own sockets by a name that no file holds. */
static socklen_t local_name(struct sockaddr_un *to, const char *name)
{
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length > sizeof to->sun_path - 1) length = sizeof to->sun_path - 1;
    memcpy(to->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

static int listen_here(char *address, size_t bytes)
{
    char name[8 + WIRE_KEY_BYTES] = "trireme-";
    struct sockaddr_un to;
    if (make_key(name + 8) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address, bytes, "unix:%s", name);
    if (fd < 0 || bind(fd, (struct sockaddr *)&to, local_name(&to, name)) != 0 || listen(fd, SOMAXCONN) != 0) return -1;
    return fd;
}

static int listen_to_network(char *address, size_t bytes)
{
    int32_t port = 0;
    int fd = dist_listen(&port);
    if (fd < 0) return -1;
    int n = snprintf(address, bytes, "tcp:%d:", (int)port);
    dist_own_addresses(address + n, bytes - (size_t)n);
    return fd;
}

int wire_listen(bool network, char address[WIRE_ADDRESS_BYTES])
{
    if (make_key(address) < 0) return -1;
    char *rest = address + WIRE_KEY_BYTES;
    rest[-1] = ' ';
    return network ? listen_to_network(rest, WIRE_ADDRESS_BYTES - WIRE_KEY_BYTES) : listen_here(rest, WIRE_ADDRESS_BYTES - WIRE_KEY_BYTES);
}

bool wire_accept(wire *w, int listening)
{
    int on = 1;
    *w = (wire){.fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (w->fd < 0) return false;
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* refused by the system's own sockets, which need it not */
    return true;
}

static int connect_within(int fd, const struct sockaddr *to, socklen_t length)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t bytes = sizeof error;
    if (connect(fd, to, length) == 0) return 0;
    if (errno != EINPROGRESS) return -1;
    if (poll(&ready, 1, CONNECT_MS) <= 0)
        error = ETIMEDOUT;
    else
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    errno = error;
    return error ? -1 : 0;
}

static int call_network(const char *address, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *to = NULL;
    int on = 1;
    if (getaddrinfo(address, port, &hints, &to) != 0) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect_within(fd, to->ai_addr, to->ai_addrlen) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    freeaddrinfo(to);
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int wire_connect(wire *w, const char *address, char key[WIRE_KEY_BYTES])
{
    char text[WIRE_ADDRESS_BYTES], *rest = text + WIRE_KEY_BYTES, *more = NULL;
    *w = (wire){.fd = -1};
    snprintf(text, sizeof text, "%s", address);
    errno = EINVAL;
    if (strlen(text) < WIRE_KEY_BYTES || rest[-1] != ' ') return -1;
    rest[-1] = 0;
    memcpy(key, text, WIRE_KEY_BYTES);

    if (strncmp(rest, "unix:", 5) == 0) {
        struct sockaddr_un to;
        socklen_t length = local_name(&to, rest + 5);
        w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&to, length) == 0) return w->fd < 0 ? -1 : 0;
        int error = errno;
        wire_close(w);
        errno = error;
        return -1;
    }
    char *kind = strtok_r(rest, ":", &more), *port = strtok_r(NULL, ":", &more);
    if (!kind || strcmp(kind, "tcp") != 0 || !port) return -1;
    for (char *one = strtok_r(NULL, ",", &more); one && w->fd < 0; one = strtok_r(NULL, ",", &more)) w->fd = call_network(one, port);
    return w->fd < 0 ? -1 : 0;
}

void wire_dies_after(wire *w, int seconds)
{
    unsigned ms = (unsigned)seconds * 1000;
#if defined(TCP_USER_TIMEOUT)
    setsockopt(w->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
#else
    (void)ms;
    (void)w;
#endif
}

void wire_close(wire *w)
{
    if (w->fd >= 0) close(w->fd);
    free(w->in.at);
    free(w->out.at);
    free(w->frame.at);
    *w = (wire){.fd = -1};
}

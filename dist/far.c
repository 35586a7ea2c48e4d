#define _GNU_SOURCE /* accept4 */
#include "dist/far.h"

#include "dist/life.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <trireme/error.h>
#include <unistd.h>

/* Tests play several hosts on one (mpi.c). */
static bool played(void) { return getenv("TRIREME_HOST_RANKS"); }

/* ---- where this rank is found ---- */

static void own_addresses(char *text, size_t bytes)
{
    struct ifaddrs *all = NULL;
    if (played()) {
        snprintf(text, bytes, "127.0.0.1");
        return;
    }
    if (getifaddrs(&all) != 0) return;
    for (int family = 0; family < 2; family++) /* version 4 first */
        for (struct ifaddrs *i = all; i; i = i->ifa_next) {
            char one[64];
            if (!i->ifa_addr || i->ifa_addr->sa_family != (family ? AF_INET6 : AF_INET)) continue;
            if (!(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK) continue;
            socklen_t length = family ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
            if (getnameinfo(i->ifa_addr, length, one, sizeof one, NULL, 0, NI_NUMERICHOST) != 0 || strchr(one, '%')) continue;
            size_t used = strlen(text);
            if (used + strlen(one) + 2 < bytes) snprintf(text + used, bytes - used, "%s%s", used ? "," : "", one);
        }
    freeifaddrs(all);
}

/* Both versions of IP on one socket, or the older alone. */
static int bind_any_port(void)
{
    int off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    struct sockaddr_in four = {.sin_family = AF_INET};
    if (fd >= 0) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&six, sizeof six) == 0) return fd;
    if (fd >= 0) close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&four, sizeof four) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/* The port, or 0. */
static int32_t listen_on(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } got = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof got;
#if defined(TCP_DEFER_ACCEPT)
    int seconds = 1; /* a caller is heard when it has asked: nobody waits here for one that says nothing */
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
#endif
    if (listen(fd, SOMAXCONN) != 0 || getsockname(fd, &got.any, &length) != 0) return 0;
    return ntohs(got.any.sa_family == AF_INET6 ? got.six.sin6_port : got.four.sin_port);
}

int dist_far_open(dist_far *f, dist_transport *way, uint64_t token)
{
    *f = (dist_far){.token = token, .rank = way->rank, .world = way->world, .listening = -1};
    if (!way->network && !played()) return 0;
    dist_address mine = {.pid = (int32_t)getpid()};
    if (gethostname(mine.host, sizeof mine.host - 1) != 0) snprintf(mine.host, sizeof mine.host, "an unnamed host");
    own_addresses(mine.address, sizeof mine.address);
    f->listening = bind_any_port();
    if (f->listening >= 0) mine.port = listen_on(f->listening);
    f->address = calloc((size_t)way->world, sizeof *f->address);
    if (f->address) return dist_all_gather(way, &mine, f->address, sizeof mine);
    tr_fail("out of memory: addresses of %lld ranks", (long long)way->world);
    return -1;
}

void dist_far_close(dist_far *f)
{
    if (f->address && f->listening >= 0) close(f->listening);
    free(f->address);
    *f = (dist_far){.listening = -1};
}

/* ---- answering ---- */

/* All ranks of this host that cannot speak, and this one. */
static bool speaks_for(const dist_board *b, int64_t rank)
{
    return rank == b->rank || (dist_board_near(b, rank) && dist_life_of(dist_board_page(b, rank)) != DIST_ALIVE);
}

static void write_page(dist_far_page *to, const dist_board *b, int64_t rank)
{
    const dist_page *p = dist_board_page(b, rank);
    to->rank = rank;
    to->silent_ms = rank == b->rank ? 0 : (int64_t)(1e3 * dist_silent_s(p));
    memcpy(&to->page, p, sizeof *p);
    char state = dist_state_of(atomic_load(&p->pid));
    to->page.told = state ? state : dist_life_of(p) == DIST_ENDED ? 'Z'
                                                                  : 'S';
}

static void send_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0) return; /* it has gone, or takes nothing for so long */
        data += n;
        bytes -= (size_t)n;
    }
}

static void tell(const dist_far *f, const dist_board *mine, int fd)
{
    int64_t pages = 0;
    for (int64_t i = 0; i < mine->world; i++) pages += speaks_for(mine, i);
    size_t bytes = sizeof(dist_far_head) + (size_t)pages * sizeof(dist_far_page);
    char *text = calloc(1, bytes);
    if (!text) return;
    dist_far_head *head = (dist_far_head *)(void *)text;
    dist_far_page *page = (dist_far_page *)(void *)(head + 1);
    *head = (dist_far_head){.token = f->token, .page_bytes = sizeof *page};
    for (int64_t i = 0; i < mine->world && head->pages < pages; i++)
        if (speaks_for(mine, i)) write_page(&page[head->pages++], mine, i);
    send_all(fd, text, sizeof *head + (size_t)head->pages * sizeof *page);
    free(text);
}

void dist_far_answer(const dist_far *f, const dist_board *mine)
{
    struct timeval most = {.tv_usec = 200000};
    for (int fd; (fd = accept4(f->listening, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd)) {
        dist_far_question question = {0};
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
        bool asked = recv(fd, &question, sizeof question, MSG_DONTWAIT) == (ssize_t)sizeof question;
        if (asked && question.token == f->token) tell(f, mine, fd);
    }
}

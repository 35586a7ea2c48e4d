#define _GNU_SOURCE /* accept4 */
#include "dist/far.h"

#include "dist/life.h"
#include "dist/listen.h"

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

static int listen_for_questions(int32_t *port)
{
    int fd = dist_listen(port);
#if defined(TCP_DEFER_ACCEPT)
    int seconds = 1; /* a caller is heard when it has asked: nobody waits here for one that says nothing */
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
#endif
    return fd;
}

int dist_far_open(dist_far *f, dist_transport *way, uint64_t token)
{
    *f = (dist_far){.token = token, .rank = way->rank, .world = way->world, .listening = -1};
    if (!way->network && !played()) return 0;
    dist_address mine = {.pid = (int32_t)getpid()};
    if (gethostname(mine.host, sizeof mine.host - 1) != 0) snprintf(mine.host, sizeof mine.host, "an unnamed host");
    if (played())
        snprintf(mine.address, sizeof mine.address, "127.0.0.1");
    else
        dist_own_addresses(mine.address, sizeof mine.address);
    f->listening = listen_for_questions(&mine.port);
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

/* Asking other hosts' watchdogs, many at a time. */
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#include "dist/far.h"

#include "dist/life.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_ONCE = 256,
       ANSWER_MS = 2000,
       CALL_MS = 600 }; /* for one address of several */

typedef struct {
    int64_t rank;
    const char *next; /* borrowed: addresses that are left */
    int fd;           /* -1: not called, or given up */
    bool taken, asked, refused, unheard;
    int64_t call_ends_ms;
    char *answer; /* owned */
    size_t have, room;
} call;

typedef struct {
    const dist_far *f;
    const dist_board *mine;
    dist_board *all;
    bool *spoke; /* owned: the rank's own watchdog has answered */
} asking;

static int64_t now_ms(void) { return (int64_t)(1e3 * dist_now()); }

/* ---- what is learned ---- */

static void put_page(asking *a, const dist_far_page *told)
{
    dist_page *p = dist_board_page(a->all, told->rank);
    memcpy(p, &told->page, sizeof *p);
    p->host[sizeof p->host - 1] = '\0';
    for (int i = 0; i <= DIST_NOTES; i++) {
        dist_note *note = i < DIST_NOTES ? &p->note[i] : &p->message;
        note->file[sizeof note->file - 1] = note->label[sizeof note->label - 1] = '\0';
    }
    if (!p->told) p->told = 'S';
    atomic_store(&p->beat_ms, -told->silent_ms); /* this host's clock comes at the end */
}

/* Its own word counts more than its neighbours'. */
static void believe(asking *a, const dist_far_page *told, int64_t by)
{
    if (told->rank < 0 || told->rank >= a->mine->world || dist_board_near(a->mine, told->rank)) return;
    if (told->rank != by && a->spoke[told->rank]) return;
    put_page(a, told);
    if (told->rank == by) a->spoke[by] = true;
}

static void conclude(asking *a, const call *c)
{
    dist_page *p = dist_board_page(a->all, c->rank);
    if (p->told) return;
    bool ended = c->refused && !c->unheard; /* at every address */
    p->told = c->taken ? DIST_TOLD_MUTE : ended ? DIST_TOLD_ENDED
                                                : DIST_TOLD_UNREACHED;
}

/* ---- a call ---- */

static void hang_up(call *c)
{
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static void note_error(call *c, int error)
{
    if (error == ECONNREFUSED || error == ECONNRESET)
        c->refused = true;
    else
        c->unheard = true;
}

/* The next address that takes a call, or seems to. */
static void dial(const dist_far *f, call *c)
{
    hang_up(c);
    while (c->next && *c->next && c->fd < 0) {
        char address[64], port[16];
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *to = NULL;
        size_t length = strcspn(c->next, ",");
        snprintf(address, sizeof address, "%.*s", (int)length, c->next);
        snprintf(port, sizeof port, "%d", (int)f->address[c->rank].port);
        c->next += length + (c->next[length] == ',');
        if (getaddrinfo(address, port, &hints, &to) != 0) continue;
        c->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd >= 0 && connect(c->fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS) {
            note_error(c, errno);
            hang_up(c);
        }
        freeaddrinfo(to);
    }
    c->call_ends_ms = now_ms() + CALL_MS;
}

static void ask(const dist_far *f, call *c)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    dist_far_question question = {f->token, f->rank};
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error) {
        note_error(c, error);
        dial(f, c);
        return;
    }
    c->taken = c->asked = send(c->fd, &question, sizeof question, MSG_NOSIGNAL) == (ssize_t)sizeof question;
    if (!c->asked) dial(f, c);
}

/* How long the answer is by what has come of it: 0 while that is not known, -1 if it is none. */
static int64_t length_of(const dist_far *f, const call *c)
{
    dist_far_head head;
    if (c->have < sizeof head) return 0;
    memcpy(&head, c->answer, sizeof head);
    bool ours = head.token == f->token && head.page_bytes == (int64_t)sizeof(dist_far_page) && head.pages > 0 && head.pages <= f->world;
    return ours ? (int64_t)sizeof head + head.pages * head.page_bytes : -1;
}

static bool read_more(call *c)
{
    if (c->room - c->have < 8192) {
        char *more = realloc(c->answer, c->room + 65536);
        if (!more) return false;
        c->answer = more;
        c->room += 65536;
    }
    ssize_t n = recv(c->fd, c->answer + c->have, c->room - c->have, 0);
    if (n > 0) c->have += (size_t)n;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void hear(asking *a, call *c)
{
    bool open = read_more(c);
    int64_t bytes = length_of(a->f, c);
    if (bytes > 0 && (int64_t)c->have >= bytes) {
        const dist_far_page *page = (const dist_far_page *)(const void *)(c->answer + sizeof(dist_far_head));
        for (; (const char *)page < c->answer + bytes; page++) believe(a, page, c->rank);
        hang_up(c);
        c->next = NULL;
    } else if (!open || bytes < 0) {
        if (!open) c->refused = true; /* it ended meanwhile; else somebody else listens there */
        c->taken = c->asked = false;
        c->have = 0;
        dial(a->f, c);
    }
}

/* ---- all of them ---- */

static bool goes_on(asking *a, call *c)
{
    bool halted = dist_board_page(a->all, c->rank)->told && !a->spoke[c->rank]; /* its neighbours know why it says nothing */
    if (halted) hang_up(c);
    return c->fd >= 0;
}

static void talk(asking *a, call *calls, int count, int64_t end_ms)
{
    struct pollfd waits[AT_ONCE + 1];
    for (int64_t now; (now = now_ms()) < end_ms;) {
        int open = 0;
        waits[count] = (struct pollfd){.fd = a->f->listening, .events = POLLIN};
        for (int i = 0; i < count; i++) {
            call *c = &calls[i];
            if (c->fd >= 0 && !c->asked && now > c->call_ends_ms && *c->next) {
                c->unheard = true;
                dial(a->f, c);
            }
            open += goes_on(a, c);
            waits[i] = (struct pollfd){.fd = c->fd, .events = (short)(c->asked ? POLLIN : POLLOUT)};
        }
        if (!open) return;
        atomic_store(&dist_board_page(a->mine, a->f->rank)->beat_ms, now);
        if (poll(waits, (nfds_t)count + 1, 50) <= 0) continue;
        if (waits[count].revents) dist_far_answer(a->f, a->mine);
        for (int i = 0; i < count; i++) {
            if (!waits[i].revents || calls[i].fd < 0) continue;
            if (calls[i].asked)
                hear(a, &calls[i]);
            else
                ask(a->f, &calls[i]);
        }
    }
}

static void ask_some(asking *a, const int64_t *ranks, int count)
{
    call calls[AT_ONCE];
    for (int i = 0; i < count; i++) {
        const dist_address *to = &a->f->address[ranks[i]];
        calls[i] = (call){.rank = ranks[i], .next = to->address, .fd = -1, .unheard = !to->port};
        if (to->port) dial(a->f, &calls[i]);
    }
    talk(a, calls, count, now_ms() + ANSWER_MS);
    for (int i = 0; i < count; i++) {
        call *c = &calls[i];
        if (c->fd >= 0 && !c->asked) c->unheard = true;
        conclude(a, c);
        hang_up(c);
        free(c->answer);
    }
}

int dist_far_look(const dist_far *f, const dist_board *mine, dist_board *all)
{
    asking a = {f, mine, all, calloc((size_t)mine->world, sizeof *a.spoke)};
    if (!a.spoke || dist_board_like(all, mine) < 0) {
        free(a.spoke);
        return -1;
    }
    int64_t ranks[AT_ONCE];
    int count = 0;
    for (int64_t i = 0; i < mine->world && f->address; i++) {
        if (!dist_board_near(mine, i)) {
            dist_page *p = dist_board_page(all, i);
            memcpy(p->host, f->address[i].host, sizeof p->host);
            atomic_store(&p->pid, f->address[i].pid);
            ranks[count++] = i;
        }
        if (count < AT_ONCE && i < mine->world - 1) continue;
        ask_some(&a, ranks, count);
        count = 0;
    }
    for (int64_t i = 0; i < mine->world; i++)
        if (!dist_board_near(mine, i)) atomic_fetch_add(&dist_board_page(all, i)->beat_ms, now_ms());
    dist_board_copy_near(all, mine);
    free(a.spoke);
    return 0;
}

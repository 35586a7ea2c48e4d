#include "launcher/job_state.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void job_tell_all(job *j, int type, int number)
{
    for (int i = 0; i < j->callers; i++)
        if (j->caller[i].rank >= 0) wire_print(&j->caller[i].line, type, "%d", number);
}

static void lose(job *j, caller *c, int silent_s)
{
    verdict_rank *r = c->rank >= 0 ? &j->rank[c->rank] : NULL;
    wire_close(&c->line);
    if (!r || r->ended || r->lost) return;
    r->lost = true;
    r->silent_s = silent_s;
    r->asked = j->phase >= ENDING;
    r->end_ms = now_ms();
    j->over++;
    if (j->phase < ENDING) job_fail(j);
}

/* Writes what a rank wrote. A reader who has stopped reading stops the ranks too; who wants their end does not wait for
 * that reader. */
static void write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        struct pollfd reader = {.fd = fd, .events = POLLOUT};
        int ready = job_wait(&reader, 1, job_wants_end() ? 0 : 250);
        if (ready <= 0 && job_wants_end()) return;
        if (ready <= 0) continue;
        ssize_t n = write(fd, text, bytes < PIPE_BUF ? bytes : PIPE_BUF);
        if (n < 0 && errno != EINTR && errno != EAGAIN) return;
        if (n > 0) {
            text += n;
            bytes -= (size_t)n;
        }
    }
}

static void start_all(job *j)
{
    if (j->wish.table) job_show_table(j);
    job_tell_all(j, WIRE_GO, j->wish.silent_s);
    j->phase = RUNNING;
    for (int i = 0; i < j->callers; i++) {
        j->caller[i].heard_ms = now_ms();
        if (j->wish.network) wire_dies_after(&j->caller[i].line, j->wish.silent_s);
    }
}

/* "KEY rank, host, row": false if it is not one of ours. */
static bool hello(job *j, caller *c, char *text, const char *key)
{
    char *rest = NULL;
    if (strncmp(text, key, WIRE_KEY_BYTES - 1) != 0) return false;
    char *number = strtok_r(text + WIRE_KEY_BYTES - 1, "\n", &rest), *name = strtok_r(NULL, "\n", &rest);
    int rank = number ? atoi(number) : -1;
    if (!name || rank < 0 || rank >= j->wish.ranks || j->row[rank]) return false;
    c->rank = rank;
    snprintf(j->rank[rank].host, sizeof j->rank[rank].host, "%s", name);
    j->row[rank] = strdup(rest ? rest : "");
    if (!j->row[rank]) out_of_memory();
    if (++j->present == j->wish.ranks && j->phase == STARTING) start_all(j);
    return true;
}

static void ended(job *j, caller *c, const char *text)
{
    verdict_rank *r = &j->rank[c->rank];
    int asked = 0;
    if (r->ended || r->lost || sscanf(text, "%d %d %d", &r->status, &r->signal, &asked) != 3) return;
    const char *words = strchr(text, '\n');
    if (words && !r->said_ms) snprintf(r->words, sizeof r->words, "%s", words + 1);
    r->ended = true;
    r->asked = asked;
    r->end_ms = now_ms();
    j->over++;
    if (r->status == EXIT_STOPPED && !asked && j->phase == RUNNING) { /* the others have the same time as if we had told them to end */
        if (!j->stop_ms) j->stop_ms = r->end_ms + 1000 * (int64_t)(j->wish.grace_s > FAILED_GRACE_S ? j->wish.grace_s : FAILED_GRACE_S);
        return;
    }
    if (r->status != 0 || asked) {
        if (r->status != 0) j->failed = j->failed || !j->signal;
        job_end_ranks(j, FAILED_GRACE_S);
    }
}

static void said(job *j, caller *c, const char *text)
{
    verdict_rank *r = &j->rank[c->rank];
    if (r->said_ms) return;
    r->said_ms = now_ms();
    snprintf(r->words, sizeof r->words, "%s", text);
}

static void take_frames(job *j, caller *c, const char *key)
{
    char *data;
    size_t bytes;
    for (int type; c->line.fd >= 0 && (type = wire_next(&c->line, &data, &bytes)) != 0;) {
        if (c->rank < 0) {
            if (type != WIRE_HELLO || !hello(j, c, data, key)) wire_close(&c->line);
            continue;
        }
        switch (type) {
        case WIRE_OUT: write_all(STDOUT_FILENO, data, bytes); break;
        case WIRE_ERR: write_all(STDERR_FILENO, data, bytes); break;
        case WIRE_SAID: said(j, c, data); break;
        case WIRE_EXIT: ended(j, c, data); break;
        case WIRE_START:
            if (!verdict_hears(&j->rank[c->rank], data)) starts_note(&j->start[c->rank], data, now_ms());
            break;
        case WIRE_BEAT:
            if (j->phase < ENDING) j->start[c->rank].state = *data; /* what it does since is our doing */
            break;
        default: lose(j, c, 0); break;
        }
    }
}

/* ---- their lines ---- */

static void answer(job *j)
{
    wire line;
    while (wire_accept(&line, j->listening)) {
        int at = 0; /* the place of one who was no rank, else a new one */
        while (at < j->callers && (j->caller[at].rank >= 0 || j->caller[at].line.fd >= 0)) at++;
        if (at == j->room) {
            wire_close(&line); /* more callers than ranks: not ours */
            continue;
        }
        if (at == j->callers) j->callers++;
        j->caller[at] = (caller){.line = line, .rank = -1, .heard_ms = now_ms()};
    }
}

void job_listen(job *j, const struct pollfd *waits, const char *key)
{
    int64_t now = now_ms();
    int called = j->callers;
    for (int i = 0; i < called; i++) {
        caller *c = &j->caller[i];
        if (c->line.fd < 0) continue;
        if (waits[i + 1].revents & POLLOUT) wire_flush(&c->line);
        if (waits[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) {
            bool down = wire_read(&c->line) < 0;
            int broken = errno;
            c->heard_ms = now;
            take_frames(j, c, key);
            if (down && c->line.fd >= 0) lose(j, c, broken == ETIMEDOUT || broken == EHOSTUNREACH ? j->wish.silent_s : 0);
        } else if (c->rank >= 0 && j->phase >= RUNNING && now - c->heard_ms > 1000 * (int64_t)j->wish.silent_s) {
            lose(j, c, j->wish.silent_s);
        }
    }
    if (waits[0].revents) answer(j);
}

int job_open_lines(const job *j)
{
    int count = 0;
    for (int i = 0; i < j->callers; i++) count += j->caller[i].line.fd >= 0 && j->caller[i].rank >= 0;
    return count;
}

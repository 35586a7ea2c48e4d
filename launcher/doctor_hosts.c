/* Every host is visited by itself, with a trireme run of its own that starts a part of ours there (doctor_part.c), all at
 * once: so that one which cannot be reached keeps nobody else's from telling, and is named. The parts call back as ranks
 * do. When all have told what they found, clocks are compared and lines measured, one after the other. */
#include "launcher/doctor.h"
#include "launcher/doctor_network.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STRANGERS = 16,
       TELL_MS = 60000, /* beside what it has to start */
       FULL_MS = 300000,
       ANSWER_MS = 30000,
       LEAVE_MS = 15000,
       CLOCK_ROUNDS = 15,
       ALL_PAIRS = 16 }; /* hosts, between each two of which --full measures */

typedef struct {
    doctor_visit *visit;
    child run;
    wire line;                        /* fd -1: it has not called, or has gone */
    char address[WIRE_ADDRESS_BYTES]; /* where other hosts call it; "" until it has told all */
} guest;

typedef struct {
    guest *guest; /* owned */
    int guests;
    wire stranger[STRANGERS]; /* who called, and has not said who it is */
    int listening;
    char key[WIRE_ADDRESS_BYTES]; /* and the address */
} round_of_visits;

/* ---- starting ---- */

static void start(guest *g, int index, const doctor_options *o)
{
    char self[PATH_MAX], there[300], number[16], start_s[16];
    const char *argv[64 + 1];
    int args = 0, most = 48;
    launcher_self(self, sizeof self);
    snprintf(there, sizeof there, "%s:1", g->visit->host);
    snprintf(number, sizeof number, "%d", index);
    snprintf(start_s, sizeof start_s, "%d", o->start_s);
    const char *begin[] = {self, "run", "--quiet", "--hosts", there, "--start-timeout", start_s, "--oversubscribe"};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) argv[args++] = begin[i];
    for (int i = 0; i < o->sents && args < most; i++) {
        argv[args++] = "-x";
        argv[args++] = o->sent[i];
    }
    const char *end[] = {self, "doctor", "--part", number, NULL};
    for (size_t i = 0; i < sizeof end / sizeof *end; i++) argv[args++] = end[i];
    setenv(DOCTOR_WISH, doctor_wish_text(o->wish, g->visit->ranks), 1);
    g->line = (wire){.fd = -1};
    g->run = child_start("doctor", argv);
}

/* ---- what comes ---- */

static void take_findings(guest *g)
{
    char *data;
    size_t bytes;
    finding one;
    bool down = wire_read(&g->line) < 0;
    for (int type; !*g->address && (type = wire_next(&g->line, &data, &bytes)) > 0;) {
        if (type == DOCTOR_FINDING && finding_read(&one, data) == 0) {
            found(&g->visit->found, one.grade, one.subject, one.advice, "%s", one.text);
            found_must_agree(&g->visit->found, one.differs);
        }
        if (type == DOCTOR_READY) snprintf(g->address, sizeof g->address, "%s", data);
    }
    if (down) wire_close(&g->line);
}

/* One who called says who it is, with the key, or is no guest of ours. */
static void take_hello(round_of_visits *r, wire *line)
{
    char *data;
    size_t bytes;
    bool down = wire_read(line) < 0;
    int type = wire_next(line, &data, &bytes);
    if (type == 0 && !down) return;
    int index = type == DOCTOR_HELLO && strncmp(data, r->key, WIRE_KEY_BYTES - 1) == 0 ? atoi(data + WIRE_KEY_BYTES - 1) : -1;
    if (index >= 0 && index < r->guests && r->guest[index].line.fd < 0 && !r->guest[index].visit->reached) {
        r->guest[index].line = *line;
        r->guest[index].visit->reached = true;
        *line = (wire){.fd = -1};
        take_findings(&r->guest[index]);
    }
    wire_close(line);
}

static void answer_callers(round_of_visits *r)
{
    for (wire line; wire_accept(&line, r->listening);) {
        int at = 0;
        while (at < STRANGERS && r->stranger[at].fd >= 0) at++;
        if (at < STRANGERS)
            r->stranger[at] = line;
        else
            wire_close(&line);
    }
}

static bool waits_for(const guest *g) { return !*g->address && (g->run.pid || g->line.fd >= 0); }

static void look_around(round_of_visits *r)
{
    struct pollfd waits[1 + STRANGERS + 2 * DOCTOR_HOSTS] = {{.fd = r->listening, .events = POLLIN}};
    nfds_t count = 1;
    for (int i = 0; i < STRANGERS; i++) waits[count++] = (struct pollfd){.fd = r->stranger[i].fd, .events = POLLIN};
    for (int i = 0; i < r->guests; i++) waits[count++] = (struct pollfd){.fd = r->guest[i].line.fd, .events = POLLIN};
    for (int i = 0; i < r->guests; i++) waits[count++] = (struct pollfd){.fd = r->guest[i].run.out, .events = POLLIN};
    poll(waits, count, 100);
    for (int i = 0; i < STRANGERS; i++)
        if (waits[1 + i].revents) take_hello(r, &r->stranger[i]);
    for (int i = 0; i < r->guests; i++) {
        if (r->guest[i].line.fd >= 0 && !*r->guest[i].address) take_findings(&r->guest[i]);
        child_look(&r->guest[i].run);
    }
    if (waits[0].revents) answer_callers(r);
}

/* ---- who did not come ---- */

static bool has_address(const char *name)
{
    struct addrinfo *at = NULL;
    if (getaddrinfo(name, NULL, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &at) != 0) return false;
    freeaddrinfo(at);
    return true;
}

/* ssh's own words, or what trireme run or our part made of it. */
static void tell_absence(guest *g)
{
    char line[300], advice[300], self[PATH_MAX];
    static const char *const words[] = {"ssh: ", "cannot reach trireme", "Permission denied", "command not found", "No such file", " failed first", "trireme run: "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        child_said(&g->run, words[i], line, sizeof line);
        if (strstr(line, words[i])) break;
    }
    doctor_add_mpirun(&g->run, line, sizeof line);
    launcher_self(self, sizeof self);
    if (strstr(line, "cannot reach trireme"))
        snprintf(advice, sizeof advice, "it started, and cannot call back: let the firewall pass TCP to this host");
    else if (!has_address(g->visit->host))
        snprintf(advice, sizeof advice, "this host knows no address of it: into DNS or /etc/hosts with the name, or is it misspelt?");
    else
        snprintf(advice, sizeof advice, "does it answer without a password, with trireme under this path:  ssh %.60s %.120s --version", g->visit->host, self);
    found(&g->visit->found, PROBLEM, "start", advice, "%s", *line ? line : "no answer in time");
}

/* ---- questions ---- */

/* Asks one of them, and waits for that answer. Its text, or NULL if none came. */
static const char *ask(guest *g, int type, const char *text, int want)
{
    char *data;
    size_t bytes;
    int64_t deadline = now_ms() + ANSWER_MS;
    wire_print(&g->line, type, "%s", text);
    while (g->line.fd >= 0 && now_ms() < deadline) {
        struct pollfd waits = {.fd = g->line.fd, .events = (short)(POLLIN | (wire_unsent(&g->line) ? POLLOUT : 0))};
        poll(&waits, 1, 100);
        wire_flush(&g->line);
        bool down = wire_read(&g->line) < 0;
        int met = wire_next(&g->line, &data, &bytes);
        if (met == want) return data;
        if (down || met < 0) wire_close(&g->line);
    }
    return NULL;
}

static double real_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The answer that was back soonest says it best. */
static double clock_ahead_s(guest *g)
{
    double ahead = 0, soonest = 1e9;
    for (int i = 0; i < CLOCK_ROUNDS; i++) {
        double begin = real_s();
        const char *text = ask(g, DOCTOR_CLOCK, "", DOCTOR_CLOCK);
        double end = real_s();
        if (!text || end - begin >= soonest) continue;
        soonest = end - begin;
        ahead = 1e-9 * strtod(text, NULL) - 0.5 * (begin + end);
    }
    return ahead;
}

static void measure(network_pair *p, guest *from, guest *to)
{
    char text[WIRE_ADDRESS_BYTES + 300];
    int named = 1, used = 0;
    *p = (network_pair){.from = from->visit->host, .to = to->visit->host, .named = true};
    snprintf(text, sizeof text, "%s\n%s", to->visit->host, to->address);
    const char *answer = ask(from, DOCTOR_MEASURE, text, DOCTOR_MEASURED);
    if (answer && sscanf(answer, "%d %lf %lf %lf %n", &named, &p->us, &p->out_gbit, &p->in_gbit, &used) == 4)
        snprintf(p->why, sizeof p->why, "%s", answer + used);
    else
        snprintf(p->why, sizeof p->why, "no answer");
    p->named = named;
}

/* Each with the next, the last with the first; if wished and not too many, each with each. */
static void measure_pairs(findings *f, guest *const *present, int count, bool full)
{
    bool all = full && count <= ALL_PAIRS;
    int pairs = 0, most = all ? count * (count - 1) / 2 : count;
    network_pair *pair = need_memory(most > 0 ? most : 1, sizeof *pair);
    for (int i = 0; all && i < count; i++)
        for (int j = i + 1; j < count; j++) measure(&pair[pairs++], present[i], present[j]);
    for (int i = 0; !all && i < (count == 2 ? 1 : count); i++) measure(&pair[pairs++], present[i], present[(i + 1) % count]);
    network_judge(f, pair, pairs);
    free(pair);
}

static void compare(round_of_visits *r, findings *job, bool full)
{
    guest **present = need_memory(r->guests, sizeof *present);
    const char **name = need_memory(r->guests, sizeof *name), **address = need_memory(r->guests, sizeof *address);
    double *ahead_s = need_memory(r->guests, sizeof *ahead_s);
    int count = 0;
    for (int i = 0; i < r->guests; i++)
        if (r->guest[i].line.fd >= 0 && *r->guest[i].address) present[count++] = &r->guest[i];
    for (int i = 0; i < count; i++) {
        name[i] = present[i]->visit->host;
        address[i] = present[i]->address;
        ahead_s[i] = clock_ahead_s(present[i]);
    }
    if (count > 1) {
        network_judge_clocks(job, name, ahead_s, count);
        network_judge_addresses(job, name, address, count);
        measure_pairs(job, present, count, full);
    }
    free(present);
    free(name);
    free(address);
    free(ahead_s);
}

/* ---- all of it ---- */

doctor_visit *doctor_hosts(findings *job, const doctor_options *o, const hosts *h)
{
    round_of_visits r = {.guests = h->hosts};
    doctor_visit *visit = need_memory(h->hosts, sizeof *visit);
    if (h->hosts > DOCTOR_HOSTS) fail(EXIT_USAGE, "doctor", "%d hosts; at most %d are looked at at once", h->hosts, (int)DOCTOR_HOSTS);
    r.listening = wire_listen(true, r.key);
    if (r.listening < 0) fail(EXIT_FAILURE, "doctor", "cannot listen to the hosts: %s", strerror(errno));
    setenv(DOCTOR_ADDRESS, r.key, 1);
    r.guest = need_memory(r.guests, sizeof *r.guest);
    for (int i = 0; i < STRANGERS; i++) r.stranger[i].fd = -1;
    for (int i = 0; i < r.guests; i++) {
        snprintf(visit[i].host, sizeof visit[i].host, "%s", h->host[i].name);
        visit[i].ranks = h->host[i].ranks;
        r.guest[i].visit = &visit[i];
        start(&r.guest[i], i, o);
    }
    int64_t deadline = now_ms() + 1000 * o->start_s + TELL_MS + (o->wish.full ? FULL_MS : 0);
    for (bool waiting = true; waiting && now_ms() < deadline;) {
        look_around(&r);
        waiting = false;
        for (int i = 0; i < r.guests; i++) waiting = waiting || waits_for(&r.guest[i]);
    }
    compare(&r, job, o->wish.full);
    for (int i = 0; i < r.guests; i++) wire_send(&r.guest[i].line, DOCTOR_BYE, "", 0);
    for (int i = 0; i < r.guests; i++) {
        child_wait(&r.guest[i].run, *r.guest[i].address ? LEAVE_MS : 0);
        if (!*r.guest[i].address) tell_absence(&r.guest[i]);
        wire_close(&r.guest[i].line);
        child_free(&r.guest[i].run);
    }
    for (int i = 0; i < STRANGERS; i++) wire_close(&r.stranger[i]);
    close(r.listening);
    unsetenv(DOCTOR_ADDRESS);
    unsetenv(DOCTOR_WISH);
    free(r.guest);
    return visit;
}

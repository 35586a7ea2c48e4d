/* trireme trace merge: the ranks' traces as one. */
#define _POSIX_C_SOURCE 200809L
#include "launcher/launcher.h"
#include "launcher/trace_read.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: trireme trace merge DIR [-o FILE]\n"
    "\n"
    "Joins the traces that the ranks of a job have written into DIR (TRIREME_TRACE)\n"
    "to one, for chrome://tracing and https://ui.perfetto.dev: FILE, by default\n"
    "DIR/trace.json. What a killed rank has left (DIR/rank-N.part) is there too.\n"
    "Every file is checked first; one that is damaged or of another job is an error\n"
    "that says where, and nothing is written.\n";

typedef struct {
    trace_input *input; /* owned */
    int inputs;
} traces;

typedef struct {
    const trace_event *event;
    int input;
} placed;

/* ---- which files ---- */

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool ends(const char *text, const char *with)
{
    size_t n = strlen(text), m = strlen(with);
    return n >= m && strcmp(text + n - m, with) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }
static int of_ranks(const struct dirent *e) { return begins(e->d_name, "rank-") && (ends(e->d_name, ".json") || ends(e->d_name, ".part")); }
static int of_processes(const struct dirent *e) { return begins(e->d_name, "process-") && ends(e->d_name, ".part"); }

/* A process that was killed before it was a rank, or that never was to be one, counts where it is alone. */
static int list(const char *folder, struct dirent ***names)
{
    int n = scandir(folder, names, of_ranks, by_name);
    if (n < 0) fail(EXIT_FAILURE, "trace", "%s: %s", folder, strerror(errno));
    if (n == 0) {
        free(*names);
        n = scandir(folder, names, of_processes, by_name);
    }
    if (n <= 0) fail(EXIT_FAILURE, "trace", "%s: there is no rank-N.json and no rank-N.part", folder);
    return n;
}

/* Written as it was killed: the whole one counts. */
static bool is_double(const traces *all, const trace_input *t)
{
    for (int i = 0; i < all->inputs; i++)
        if (all->input[i].rank == t->rank && strcmp(all->input[i].job, t->job) == 0 && t->unfinished) return true;
    return false;
}

static traces read_all(const char *folder)
{
    struct dirent **names;
    int n = list(folder, &names);
    traces all = {need_memory(n, sizeof(trace_input)), 0};
    for (int i = 0; i < n; i++) {
        trace_input *t = &all.input[all.inputs];
        char *path = need_memory(1, strlen(folder) + strlen(names[i]->d_name) + 2);
        sprintf(path, "%s/%s", folder, names[i]->d_name);
        if (trace_input_read(t, path) < 0) fail(EXIT_FAILURE, "trace", "%s", t->why);
        if (strcmp(t->job, all.input[0].job) != 0 || t->ranks != all.input[0].ranks)
            fail(EXIT_FAILURE, "trace", "%s and %s are of different jobs; remove what is old", all.input[0].path, t->path);
        if (is_double(&all, t))
            trace_input_free(t);
        else
            all.inputs++;
        free(path);
        free(names[i]);
    }
    free(names);
    return all;
}

/* ---- one file of all ---- */

/* Names first; then the earlier; of two that begin together the longer, which holds the other. */
static int by_time(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    const trace_event *s = x->event, *t = y->event;
    if ((s->phase == 'M') != (t->phase == 'M')) return s->phase == 'M' ? -1 : 1;
    if (s->phase != 'M' && s->begin_us < t->begin_us) return -1;
    if (s->phase != 'M' && s->begin_us > t->begin_us) return 1;
    if (s->phase != 'M' && s->us > t->us) return -1;
    if (s->phase != 'M' && s->us < t->us) return 1;
    if (x->input != y->input) return x->input < y->input ? -1 : 1;
    return (s > t) - (s < t);
}

static placed *sort(const traces *all, int64_t *events)
{
    *events = 0;
    for (int i = 0; i < all->inputs; i++) *events += all->input[i].events;
    placed *sorted = malloc((size_t)(*events + 1) * sizeof *sorted), *next = sorted;
    if (!sorted) out_of_memory();
    for (int i = 0; i < all->inputs; i++)
        for (int64_t k = 0; k < all->input[i].events; k++) *next++ = (placed){&all->input[i].event[k], i};
    qsort(sorted, (size_t)*events, sizeof *sorted, by_time);
    return sorted;
}

static void write_all(const traces *all, const placed *sorted, int64_t events, const char *path)
{
    char *beside = need_memory(1, strlen(path) + 8);
    sprintf(beside, "%s.new", path);
    FILE *out = fopen(beside, "w");
    if (!out) fail(EXIT_FAILURE, "trace", "%s: %s", path, strerror(errno));
    fprintf(out, "{\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"trireme\":1,\"job\":\"%s\",\"ranks\":%" PRId64 "},\n\"traceEvents\":[\n", all->input[0].job, all->input[0].ranks);
    for (int64_t i = 0; i < events; i++) {
        fwrite(sorted[i].event->text, 1, sorted[i].event->length, out);
        fputs(i + 1 < events ? ",\n" : "\n", out);
    }
    fputs("]}\n", out);
    bool bad = ferror(out);
    if (fclose(out) != 0 || bad || rename(beside, path) != 0) {
        int error = errno;
        unlink(beside);
        fail(EXIT_FAILURE, "trace", "%s: %s", path, strerror(error));
    }
    free(beside);
}

/* ---- what is told ---- */

static void tell_of_inputs(const traces *all)
{
    for (int i = 0; i < all->inputs; i++) {
        const trace_input *t = &all->input[i];
        if (t->unfinished) fprintf(stderr, "trireme trace: rank %" PRId64 " did not live to write its trace; what it had noted is there\n", t->rank);
        if (t->dropped > 0) fprintf(stderr, "trireme trace: rank %" PRId64 " had no room for %" PRId64 " more spans (TRIREME_TRACE_EVENTS)\n", t->rank, t->dropped);
        if (t->damaged > 0) fprintf(stderr, "trireme trace: rank %" PRId64 " left %" PRId64 " damaged spans, which are left out\n", t->rank, t->damaged);
    }
    for (int64_t rank = 0, i = 0, missing = 0; rank < all->input[0].ranks && missing < 8; rank++) {
        for (i = 0; i < all->inputs && all->input[i].rank != rank; i++) continue;
        if (i < all->inputs) continue;
        fprintf(stderr, "trireme trace: rank %" PRId64 " of %" PRId64 " has left nothing\n", rank, all->input[0].ranks);
        missing++;
    }
}

static void tell_of_all(const traces *all, const placed *sorted, int64_t events, const char *path)
{
    int64_t spans = 0, ranks = 0, hosts = 0;
    double first = 0, last = 0;
    for (int64_t i = 0; i < events; i++) {
        const trace_event *e = sorted[i].event;
        if (e->phase != 'X') continue;
        if (spans == 0) first = e->begin_us;
        if (spans++ == 0 || e->begin_us + e->us > last) last = e->begin_us + e->us;
    }
    for (int i = 0; i < all->inputs; i++) {
        bool new_rank = true, new_host = true;
        for (int k = 0; k < i; k++) {
            new_rank &= all->input[k].rank != all->input[i].rank;
            new_host &= strcmp(all->input[k].host, all->input[i].host) != 0;
        }
        ranks += new_rank;
        hosts += new_host;
    }
    printf("%s: %" PRId64 " spans of %" PRId64 " rank%s on %" PRId64 " host%s, %.3f s\n", path, spans, ranks, ranks == 1 ? "" : "s", hosts, hosts == 1 ? "" : "s", 1e-6 * (last - first));
}

static int merge(const char *folder, const char *path)
{
    char *usual = need_memory(1, strlen(folder) + 16);
    sprintf(usual, "%s/trace.json", folder);
    if (!path) path = usual;
    traces all = read_all(folder);
    int64_t events;
    placed *sorted = sort(&all, &events);
    tell_of_inputs(&all);
    write_all(&all, sorted, events, path);
    tell_of_all(&all, sorted, events, path);
    for (int i = 0; i < all.inputs; i++) trace_input_free(&all.input[i]);
    free(all.input);
    free(sorted);
    free(usual);
    return EXIT_SUCCESS;
}

int launcher_trace(int argc, char **argv)
{
    static const struct option names[] = {
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:h", names, NULL)) != -1;) switch (c) {
        case 'o': path = optarg; break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        default: fail_option("trace", c, argv);
        }
    if (optind >= argc) fail_usage("trace", "merge is to follow, and the folder of the traces");
    if (strcmp(argv[optind], "merge") != 0) fail_usage("trace", "'%s': merge is expected", argv[optind]);
    if (optind + 1 >= argc) fail_usage("trace", "the folder of the traces is missing");
    if (optind + 2 < argc) fail_usage("trace", "'%s': one folder is enough", argv[optind + 2]);
    return merge(argv[optind + 1], path);
}

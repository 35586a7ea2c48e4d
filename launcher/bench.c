#include "launcher/bench.h"
#include "launcher/hosts.h"
#include "launcher/launcher.h"
#include "launcher/machine.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: trireme bench [options]\n"
    "\n"
    "Measures sums over growing numbers of ranks, and a step of 784-512-512-10 with\n"
    "and without them; fits latency and bandwidth within and between hosts; says what\n"
    "follows for up to 1024 ranks; writes results.csv and scaling.png.\n"
    "\n"
    "where\n"
    "  --ranks LIST       numbers of ranks: 1,2,4; by default 1, 2, 4 ... N\n"
    "  -n N               by default what hosts or Slurm say, else one for each core\n"
    "  --hosts LIST, --hostfile FILE, --oversubscribe, -x NAME[=VALUE]\n"
    "                     as for trireme run; ranks fill the first hosts\n"
    "what\n"
    "  --samples S        samples of each rank in a step (128)\n"
    "  --threads T        threads of each rank (1)\n"
    "  --compute S        in place of the network, S seconds of a device's work, for\n"
    "                     which sleep stands: a third of it, then 41 gradients of\n"
    "                     64 KiB, one after the other\n"
    "  --bucket KIB       gradients summed together; by default as the library does\n"
    "  --rounds R         samples of each time (9)\n"
    "prediction\n"
    "  --fit-ranks N      from jobs of at most N ranks; others show how far off it is\n"
    "  --network US,GBIT  latency and rate between hosts, where only one is measured\n"
    "output\n"
    "  --out FOLDER       for results.csv and scaling.png (trireme-bench)\n"
    "\n"
    "  trireme bench --hosts a:4,b:4\n"
    "  trireme bench -n 8 --network 2,100\n";

static double number(const char *option, const char *text, double least)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value >= least) || value > 1e9) fail_usage("bench", "%s %s: a number from %g is needed", option, text, least);
    return value;
}

static void read_ranks(bench_options *o, const char *list)
{
    o->jobs = 0;
    for (const char *at = list;;) {
        char *end;
        long n = strtol(at, &end, 10);
        if (end == at || n < 1 || n > 65536 || o->jobs == BENCH_JOBS || (*end != 0 && *end != ',') || (o->jobs && n <= o->ranks[o->jobs - 1]))
            fail_usage("bench", "--ranks %s: rising numbers of ranks are needed, as 1,2,4", list);
        o->ranks[o->jobs++] = (int)n;
        if (*end == 0) return;
        at = end + 1;
    }
}

static void read_network(bench_options *o, const char *text)
{
    double us, gbit;
    char rest;
    if (sscanf(text, "%lf,%lf%c", &us, &gbit, &rest) != 2 || !(us > 0) || !(gbit > 0))
        fail_usage("bench", "--network %s: microseconds and Gbit/s are needed, as 2,100", text);
    o->latency_s = 1e-6 * us;
    o->s_per_byte = 8e-9 / gbit;
}

/* As many ranks as there is room for. */
static int all_ranks(const bench_options *o)
{
    char why[300] = "";
    hosts h = {0};
    int status = 0, ranks;
    const char *tasks = getenv("SLURM_NTASKS");
    if (o->hosts) status = hosts_parse(&h, o->hosts, why, sizeof why);
    if (o->hostfile) status = hosts_read(&h, o->hostfile, why, sizeof why);
    if (status == 0 && h.hosts > 0) status = hosts_share(&h, 0, o->oversubscribe, why, sizeof why);
    if (status < 0) fail(EXIT_USAGE, "bench", "%s", why);
    ranks = hosts_ranks(&h);
    if (h.hosts > 0) {
        hosts_free(&h);
        return ranks;
    }
    if (tasks && atoi(tasks) > 0) return atoi(tasks);
    machine m;
    machine_read(&m);
    ranks = machine_capacity(&m);
    machine_free(&m);
    return ranks;
}

bench_options bench_options_read(int argc, char **argv)
{
    enum { RANKS = 256,
           HOSTS,
           HOSTFILE,
           OVERSUBSCRIBE,
           SAMPLES,
           THREADS,
           COMPUTE,
           BUCKET,
           ROUNDS,
           FIT,
           NETWORK,
           FOLDER };
    static const struct option names[] = {
        {"ranks", required_argument, NULL, RANKS},
        {"hosts", required_argument, NULL, HOSTS},
        {"hostfile", required_argument, NULL, HOSTFILE},
        {"oversubscribe", no_argument, NULL, OVERSUBSCRIBE},
        {"samples", required_argument, NULL, SAMPLES},
        {"threads", required_argument, NULL, THREADS},
        {"compute", required_argument, NULL, COMPUTE},
        {"bucket", required_argument, NULL, BUCKET},
        {"rounds", required_argument, NULL, ROUNDS},
        {"fit-ranks", required_argument, NULL, FIT},
        {"network", required_argument, NULL, NETWORK},
        {"out", required_argument, NULL, FOLDER},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bench_options o = {.samples = 128, .threads = 1, .rounds = 9, .folder = "trireme-bench"};
    int most = 0;
    opterr = 0;
    o.sent = need_memory(argc, sizeof *o.sent);
    for (int c; (c = getopt_long(argc, argv, ":n:x:h", names, NULL)) != -1;) switch (c) {
        case 'n': most = count_option("bench", "-n", optarg); break;
        case 'x': o.sent[o.sents++] = optarg; break;
        case RANKS: read_ranks(&o, optarg); break;
        case HOSTS: o.hosts = optarg; break;
        case HOSTFILE: o.hostfile = optarg; break;
        case OVERSUBSCRIBE: o.oversubscribe = true; break;
        case SAMPLES: o.samples = count_option("bench", "--samples", optarg); break;
        case THREADS: o.threads = count_option("bench", "--threads", optarg); break;
        case COMPUTE: o.compute_s = number("--compute", optarg, 1e-4); break;
        case BUCKET: o.bucket_bytes = (int64_t)(1024 * number("--bucket", optarg, 1)); break;
        case ROUNDS: o.rounds = count_option("bench", "--rounds", optarg); break;
        case FIT: o.fit_ranks = count_option("bench", "--fit-ranks", optarg); break;
        case NETWORK: read_network(&o, optarg); break;
        case FOLDER: o.folder = optarg; break;
        case 'h': fputs(help, stdout); exit(EXIT_SUCCESS);
        default: fail_option("bench", c, argv);
        }
    if (optind < argc) fail_usage("bench", "'%s': no argument expected", argv[optind]);
    if (o.hosts && o.hostfile) fail_usage("bench", "--hosts and --hostfile: one of the two");
    if (o.rounds > 100) fail_usage("bench", "--rounds %d: 100 at most", o.rounds);
    if (o.jobs && most) fail_usage("bench", "--ranks and -n: one of the two");
    if (o.jobs) return o;
    if (!most) most = all_ranks(&o);
    for (int n = 1; n < most && o.jobs < BENCH_JOBS - 1; n *= 2) o.ranks[o.jobs++] = n;
    o.ranks[o.jobs++] = most;
    return o;
}

int launcher_bench(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv);
    static bench_job job[BENCH_JOBS];
    int jobs = 0, status = bench_job_check(&o, o.ranks[o.jobs - 1]); /* the largest; not after minutes of measuring */
    if (status == EXIT_SUCCESS) bench_folder_make(&o);
    for (int i = 0; i < o.jobs && status == EXIT_SUCCESS; i++) {
        fprintf(stderr, "trireme bench: %d rank%s\n", o.ranks[i], o.ranks[i] == 1 ? "" : "s");
        status = bench_job_run(&job[jobs], &o, o.ranks[i]);
        if (status == EXIT_SUCCESS) jobs++;
    }
    int told = jobs > 0 ? bench_report(&o, job, jobs) : EXIT_SUCCESS; /* what there is, even if not all could run */
    free(o.sent);
    return status != EXIT_SUCCESS ? status : told;
}

#include "launcher/doctor.h"
#include "launcher/child.h"
#include "launcher/command.h"
#include "launcher/hosts.h"
#include "launcher/launcher.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: trireme doctor [options]\n"
    "\n"
    "Looks at the hosts of a job, without a program of yours: drivers, libraries and\n"
    "versions, GPUs, cores, memory and limits, then sums over the ranks, checked; and\n"
    "says of each what was found, and what to do where that is not well.\n"
    "\n"
    "  -n N, --hosts LIST, --hostfile FILE, --threads T, --oversubscribe,\n"
    "  -x NAME[=VALUE], --start-timeout S (30)\n"
    "                     the job to be, as for trireme run\n"
    "  --full             copies between the host and every GPU and between each two\n"
    "                     GPUs, compared and timed; between each two hosts, too\n"
    "\n"
    "Exits with 0 where nothing is to be done, 1 after warnings, 3 after problems: a\n"
    "job would fail, or be wrong.\n"
    "\n"
    "  trireme doctor\n"
    "  trireme doctor --hosts a:4,b:4 --full\n";

static doctor_options read_options(int argc, char **argv)
{
    enum { HOSTS = 256,
           HOSTFILE,
           THREADS,
           OVERSUBSCRIBE,
           START,
           FULL };
    static const struct option names[] = {
        {"ranks", required_argument, NULL, 'n'},
        {"hosts", required_argument, NULL, HOSTS},
        {"hostfile", required_argument, NULL, HOSTFILE},
        {"threads", required_argument, NULL, THREADS},
        {"oversubscribe", no_argument, NULL, OVERSUBSCRIBE},
        {"start-timeout", required_argument, NULL, START},
        {"full", no_argument, NULL, FULL},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *threads = getenv("OMP_NUM_THREADS");
    doctor_options o = {.start_s = 30, .wish.env_threads = threads ? atoi(threads) : 0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":n:x:h", names, NULL)) != -1;) switch (c) {
        case 'n': o.wish.ranks = count_option("doctor", "-n", optarg); break;
        case 'x':
            if (!o.sent) o.sent = need_memory(argc, sizeof *o.sent);
            o.sent[o.sents++] = optarg;
            break;
        case HOSTS: o.hosts = optarg; break;
        case HOSTFILE: o.hostfile = optarg; break;
        case THREADS: o.wish.threads = count_option("doctor", "--threads", optarg); break;
        case OVERSUBSCRIBE: o.wish.oversubscribe = true; break;
        case START: o.start_s = count_option("doctor", "--start-timeout", optarg); break;
        case FULL: o.wish.full = true; break;
        case 'h': fputs(help, stdout); exit(EXIT_SUCCESS);
        default: fail_option("doctor", c, argv);
        }
    if (optind < argc) fail_usage("doctor", "'%s': no argument expected", argv[optind]);
    if (o.hosts && o.hostfile) fail_usage("doctor", "--hosts and --hostfile: one of the two");
    return o;
}

/* Without hosts, as many ranks as trireme run would start. */
static int usual_ranks(doctor_wish wish)
{
    char why[200];
    machine m;
    plan p;
    machine_read(&m);
    machine_read_gpus_to_use(&m);
    int ranks = plan_make(&p, &m, (plan_wish){wish.ranks, wish.threads, wish.oversubscribe}, why, sizeof why) == 0 ? p.ranks : 1;
    plan_free(&p);
    machine_free(&m);
    return ranks;
}

static doctor_visit *visit_here(doctor_options *o)
{
    doctor_visit *v = need_memory(1, sizeof *v);
    gethostname(v->host, sizeof v->host - 1);
    v->reached = true;
    if (!o->wish.ranks) o->wish.ranks = usual_ranks(o->wish);
    o->wish.job_ranks = o->wish.ranks;
    doctor_host(&v->found, o->wish);
    return v;
}

static const char *first_said(const doctor_visit *v, int visits, const char *subject)
{
    for (int i = 0; i < visits; i++)
        if (v[i].reached) return doctor_said(&v[i], subject);
    return "";
}

int launcher_doctor(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--part") == 0) return doctor_part(argv[2]);
    doctor_options o = read_options(argc, argv);
    hosts h = hosts_wanted("doctor", o.hosts, o.hostfile, &o.wish.ranks, o.wish.oversubscribe);
    findings job = {0};
    int visits = h.hosts > 0 ? h.hosts : 1, reached = 0;
    o.wish.job_ranks = o.wish.ranks;
    setenv("OMPI_MCA_orte_execute_quiet", "0", 0); /* mpirun may say all it has: we choose */
    doctor_visit *v = h.hosts > 0 ? doctor_hosts(&job, &o, &h) : visit_here(&o);
    doctor_compare(&job, v, visits);
    doctor_mpirun(&job, first_said(v, visits, "MPI"));
    for (int i = 0; i < visits; i++) reached += v[i].reached;
    if (reached == visits) doctor_job(&job, &o);
    int status = doctor_report(&job, v, visits, o.wish.job_ranks);
    for (int i = 0; i < visits; i++) findings_free(&v[i].found);
    findings_free(&job);
    hosts_free(&h);
    free(v);
    free(o.sent);
    return status;
}

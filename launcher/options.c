#include "launcher/options.h"
#include "launcher/launcher.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: trireme run [options] program [arguments]\n"
    "\n"
    "Starts N ranks of an MPI program, each bound to its own share of the cores that\n"
    "this job may use, and ends them all when one fails. Exits with the program's\n"
    "status: that of the rank that failed first.\n"
    "\n"
    "where\n"
    "  -n N             number of ranks; by default what the hosts or Slurm say, else\n"
    "                   one for each NUMA node (each GPU, where built for GPUs)\n"
    "  --hosts LIST     hosts and their ranks: a:2,b:2 or node[01-04]:2\n"
    "  --hostfile FILE  the same, a host a line: a, a:2 or a slots=2\n"
    "                   Inside a Slurm allocation of several hosts these are its own.\n"
    "  --threads T      OMP_NUM_THREADS of each rank; by default $OMP_NUM_THREADS if\n"
    "                   set, else one for each of its cores\n"
    "  --oversubscribe  allow more ranks than cores, or than the hosts have slots\n"
    "  --no-bind        let ranks run on any core\n"
    "  -x NAME[=VALUE]  give the ranks on all hosts this variable as well; TRIREME_*,\n"
    "                   NCCL_*, OMP_* and GOMP_* they get anyway\n"
    "output\n"
    "  --tag-output     begin every line with its rank: [1] loss 0.5\n"
    "  --log-dir DIR    all output of rank R to DIR/rank-R.log, on the rank's host\n"
    "  -q, --quiet      no table of ranks on stderr\n"
    "  --dry-run        print the mpirun line for a shell and exit\n"
    "failures\n"
    "  --max-restarts K     start again after a failure, at most K times; the program\n"
    "                       finds the number of the restart in TRIREME_RESTART\n"
    "  --grace S            seconds from SIGTERM to SIGKILL when trireme run is told\n"
    "                       to end by SIGINT or SIGTERM (2)\n"
    "  --host-timeout S     a host not heard of for S seconds ends the job (15)\n"
    "  --start-timeout S    all ranks have to start within S seconds (120)\n"
    "  --no-watch           become mpirun: none of the four above\n"
    "\n"
    "  trireme run -n 2 ./digits --epochs 3\n"
    "  trireme run --hosts a:4,b:4 --log-dir logs --max-restarts 3 ./train\n";

run_options run_options_read(int argc, char **argv)
{
    enum { THREADS = 256,
           OVERSUBSCRIBE,
           NO_BIND,
           DRY_RUN,
           HOSTS,
           HOSTFILE,
           TAG,
           LOG_FOLDER,
           RESTARTS,
           GRACE,
           SILENT,
           START,
           NO_WATCH };
    static const struct option names[] = {
        {"ranks", required_argument, NULL, 'n'},
        {"threads", required_argument, NULL, THREADS},
        {"oversubscribe", no_argument, NULL, OVERSUBSCRIBE},
        {"no-bind", no_argument, NULL, NO_BIND},
        {"dry-run", no_argument, NULL, DRY_RUN},
        {"quiet", no_argument, NULL, 'q'},
        {"hosts", required_argument, NULL, HOSTS},
        {"hostfile", required_argument, NULL, HOSTFILE},
        {"tag-output", no_argument, NULL, TAG},
        {"log-dir", required_argument, NULL, LOG_FOLDER},
        {"max-restarts", required_argument, NULL, RESTARTS},
        {"grace", required_argument, NULL, GRACE},
        {"host-timeout", required_argument, NULL, SILENT},
        {"start-timeout", required_argument, NULL, START},
        {"no-watch", no_argument, NULL, NO_WATCH},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    run_options o = {.grace_s = 2, .silent_s = 15, .start_s = 120};
    opterr = 0;
    o.sent = need_memory(argc, sizeof *o.sent);
    for (int c; (c = getopt_long(argc, argv, "+:n:x:qh", names, NULL)) != -1;) switch (c) {
        case 'n':
            if (strcmp(optarg, "p") == 0 && optind < argc) optarg = argv[optind++]; /* -np, as mpirun has it */
            o.wish.ranks = count_option("run", "-n", optarg);
            break;
        case 'x':
            if (*optarg == 0 || *optarg == '=') fail_usage("run", "-x %s: a variable's name is needed", optarg);
            o.sent[o.sents++] = optarg;
            break;
        case THREADS: o.wish.threads = count_option("run", "--threads", optarg); break;
        case OVERSUBSCRIBE: o.wish.oversubscribe = true; break;
        case NO_BIND: o.no_bind = true; break;
        case DRY_RUN: o.dry_run = true; break;
        case 'q': o.quiet = true; break;
        case HOSTS: o.hosts = optarg; break;
        case HOSTFILE: o.hostfile = optarg; break;
        case TAG: o.tag = true; break;
        case LOG_FOLDER: o.log_folder = optarg; break;
        case RESTARTS: o.restarts = strcmp(optarg, "0") == 0 ? 0 : count_option("run", "--max-restarts", optarg); break;
        case GRACE: o.grace_s = strcmp(optarg, "0") == 0 ? 0 : count_option("run", "--grace", optarg); break;
        case SILENT: o.silent_s = count_option("run", "--host-timeout", optarg); break;
        case START: o.start_s = count_option("run", "--start-timeout", optarg); break;
        case NO_WATCH: o.no_watch = true; break;
        case 'h': fputs(help, stdout); exit(EXIT_SUCCESS);
        default: fail_option("run", c, argv);
        }
    if (optind == argc) fail_usage("run", "no program named");
    if (o.hosts && o.hostfile) fail_usage("run", "--hosts and --hostfile: one of the two");
    if (o.no_watch && o.restarts) fail_usage("run", "--max-restarts and --no-watch: one of the two");
    o.program = argv + optind;
    return o;
}

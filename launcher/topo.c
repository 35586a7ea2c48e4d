/* trireme topo: the machine, and where ranks would sit on it. */
#include "launcher/launcher.h"
#include "launcher/topo.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "usage: trireme topo [-n N] [--oversubscribe]\n"
    "\n"
    "Shows this machine (packages, NUMA nodes, cores, caches, memory, GPUs and what\n"
    "joins them), what this job may use of it, and where N ranks would sit, with a\n"
    "warning of GPUs that are far from their ranks; without -n, as many as\n"
    "`trireme run` would start. Numbers of CPUs and nodes are the operating\n"
    "system's, as taskset and numactl take them.\n";

static const char *plural(int count) { return count == 1 ? "" : "s"; }

static void print_machine(const machine *m)
{
    char size[16];
    printf("%s, as seen by %s\n", m->host, m->source);
    if (*m->cpu) printf("  processor  %s\n", m->cpu);
    printf("  has        %d package%s, %d NUMA node%s, %d core%s, %d hardware thread%s\n", m->packages, plural(m->packages),
           m->nodes, plural(m->nodes), m->cores, plural(m->cores), m->hardware_threads, plural(m->hardware_threads));
    printf("  memory     %s\n", bytes_text(m->memory_bytes, size));
    printf("  caches     ");
    for (int i = 0; i < m->caches; i++)
        printf("%s%s %d x %s", i ? ", " : "", m->cache[i].name, m->cache[i].count, bytes_text(m->cache[i].bytes, size));
    printf("%s\n", m->caches ? "" : "not known");
    topo_print_gpus(m);
    cuda_print(m->gpus > 0);

    printf("\n  NUMA node  package  cores      memory  CPUs\n");
    for (int d = 0; d < m->nodes; d++) {
        char *text = cpus_text(&m->node[d].cpus);
        printf("  %9d  %7d  %5d  %10s  %s\n", m->node[d].number, m->node[d].package, m->node[d].cores,
               bytes_text(m->node[d].memory_bytes, size), text);
        free(text);
    }
}

static void print_job(const machine *m)
{
    cpus all = {0};
    for (int i = 0; i < m->usables; i++) cpus_join(&all, &m->usable[i].cpus);
    char *text = cpus_text(&all);
    printf("\nThis job may use\n");
    printf("  affinity   %d of %d core%s, CPU%s %s\n", m->usables, m->cores, plural(m->cores), plural(cpus_count(&all)), text);
    if (m->quota > 0)
        printf("  quota      %.2f CPUs' worth of time (cgroup)\n", m->quota);
    else
        printf("  quota      none (cgroup)\n");
    free(text);
}

int launcher_topo(int argc, char **argv)
{
    enum { OVERSUBSCRIBE = 256 };
    static const struct option names[] = {
        {"ranks", required_argument, NULL, 'n'},
        {"oversubscribe", no_argument, NULL, OVERSUBSCRIBE},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    plan_wish wish = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":n:h", names, NULL)) != -1;) switch (c) {
        case 'n': wish.ranks = count_option("topo", "-n", optarg); break;
        case OVERSUBSCRIBE: wish.oversubscribe = true; break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        default: fail_option("topo", c, argv);
        }
    if (optind < argc) fail_usage("topo", "'%s': no argument expected", argv[optind]);

    char why[200];
    machine m;
    plan p;
    machine_read(&m);
    machine_read_gpus(&m, machine_root());
    print_machine(&m);
    print_job(&m);
    fflush(stdout);
    machine_free_gpus(&m); /* shown were all; used are some */
    machine_read_gpus_to_use(&m);
    if (plan_make(&p, &m, wish, why, sizeof why) < 0) fail(EXIT_USAGE, "topo", "%s", why);
    printf("\n%d rank%s would sit\n", p.ranks, plural(p.ranks));
    plan_print(stdout, &p, &m, 0);
    if (p.free_cores) printf("  %d core%s left over\n", p.free_cores, plural(p.free_cores));
    topo_print_far_gpus(&p, &m);
    plan_free(&p);
    machine_free(&m);
    return EXIT_SUCCESS;
}

#include "launcher/plan.h"
#include "launcher/launcher.h"

#include <stdlib.h>
#include <string.h>

static void take(plan_rank *rank, const machine *m, int first, int cores)
{
    rank->node = m->usable[first].node;
    rank->cores = cores;
    for (int i = first; i < first + cores; i++) {
        cpus_join(&rank->cpus, &m->usable[i].cpus);
        if (m->usable[i].node != rank->node) rank->node = -1;
    }
}

/* Gives each NUMA node a number of ranks, one after another to the node with
 * the most cores left, then cuts the nodes into runs of `share` cores. Returns
 * false if they do not all fit. */
static bool place_within_nodes(plan *p, const machine *m, int share)
{
    int *left = need_memory(m->nodes, sizeof *left), *ranks = need_memory(m->nodes, sizeof *ranks), placed = 0;
    for (int i = 0; i < m->usables; i++) left[m->usable[i].node]++;
    for (int r = 0; r < p->ranks; r++) {
        int roomiest = 0;
        for (int d = 1; d < m->nodes; d++)
            if (left[d] > left[roomiest]) roomiest = d;
        left[roomiest] -= share;
        ranks[roomiest]++;
    }
    for (int i = 0, end; i < m->usables; i = end) {
        int node = m->usable[i].node;
        for (end = i; end < m->usables && m->usable[end].node == node;) end++;
        for (; ranks[node] > 0 && i + share <= end; i += share, ranks[node]--) take(&p->rank[placed++], m, i, share);
    }
    free(left);
    free(ranks);
    return placed == p->ranks;
}

static void place(plan *p, const machine *m)
{
    int share = m->usables / p->ranks;
    p->free_cores = share ? m->usables - share * p->ranks : 0;
    if (share && place_within_nodes(p, m, share)) return;
    for (int r = 0; r < p->ranks; r++) {
        p->rank[r] = (plan_rank){0};
        if (share)
            take(&p->rank[r], m, r * share, share);
        else
            take(&p->rank[r], m, (int)((int64_t)r * m->usables / p->ranks), 1);
    }
}

static int nodes_in_use(const machine *m)
{
    int count = 1;
    for (int i = 1; i < m->usables; i++) count += m->usable[i].node != m->usable[i - 1].node;
    return count;
}

int plan_make(plan *p, const machine *m, plan_wish wish, char *why, size_t why_bytes)
{
    *p = (plan){0};
    int capacity = machine_capacity(m);
    p->ranks = wish.ranks;
    if (p->ranks == 0) p->ranks = m->gpus ? m->gpus : nodes_in_use(m);
    if (wish.ranks == 0 && p->ranks > capacity) p->ranks = capacity;

    p->oversubscribed = p->ranks > capacity;
    if (p->oversubscribed && !wish.oversubscribe) {
        const char *limit = capacity < m->usables ? "this job's CPU quota is worth" : "this job may use";
        snprintf(why, why_bytes, "%d ranks, but %s %d core%s; --oversubscribe allows it",
                 p->ranks, limit, capacity, capacity == 1 ? "" : "s");
        return -1;
    }
    p->rank = need_memory(p->ranks, sizeof *p->rank);
    place(p, m);
    for (int r = 0; r < p->ranks; r++) p->rank[r].gpu = m->gpus ? r % m->gpus : -1;

    int least = cpus_count(&p->rank[0].cpus); /* hardware threads of the poorest rank */
    for (int r = 1; r < p->ranks; r++)
        if (cpus_count(&p->rank[r].cpus) < least) least = cpus_count(&p->rank[r].cpus);
    if (wish.threads > least) {
        p->oversubscribed = true;
        if (!wish.oversubscribe) {
            snprintf(why, why_bytes, "%d threads, but a rank's share is %d hardware thread%s; --oversubscribe allows it",
                     wish.threads, least, least == 1 ? "" : "s");
            plan_free(p);
            return -1;
        }
    }
    int affordable = capacity / p->ranks > 1 ? capacity / p->ranks : 1;
    p->threads = wish.threads ? wish.threads : p->rank[0].cores < affordable ? p->rank[0].cores
                                                                             : affordable;
    return 0;
}

void plan_free(plan *p)
{
    free(p->rank);
    *p = (plan){0};
}

int plan_host_width(const char *host)
{
    size_t width = strlen(host);
    return width < 4 ? 4 : width > 20 ? 20
                                      : (int)width;
}

void plan_print_head(FILE *out, int host_width)
{
    fprintf(out, "  rank  %-*s  NUMA node  cores  threads  GPU  CPUs\n", host_width, "host");
}

void plan_print_row(FILE *out, int host_width, int rank, const char *host, const char *node, int cores, int threads, int gpu,
                    const char *where)
{
    char number[16] = "-";
    if (gpu >= 0) snprintf(number, sizeof number, "%d", gpu);
    fprintf(out, "  %4d  %-*.*s  %9s  %5d  %7d  %3s  %s\n", rank, host_width, host_width, host, node, cores, threads, number, where);
}

void plan_print(FILE *out, const plan *p, const machine *m, int limit)
{
    int host_width = plan_host_width(m->host);
    plan_print_head(out, host_width);
    for (int r = 0; r < p->ranks; r++) {
        if (limit && r == limit && r + 1 < p->ranks) {
            fprintf(out, "   ...  %d more; trireme topo -n %d shows all\n", p->ranks - r, p->ranks);
            break;
        }
        char node[16] = "several", *text = cpus_text(&p->rank[r].cpus);
        if (p->rank[r].node >= 0) snprintf(node, sizeof node, "%d", m->node[p->rank[r].node].number);
        plan_print_row(out, host_width, r, m->host, node, p->rank[r].cores, p->threads, p->rank[r].gpu, text);
        free(text);
    }
}

char *plan_cpus_text(const plan *p)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) out_of_memory();
    for (int r = 0; r < p->ranks; r++) {
        char *share = cpus_text(&p->rank[r].cpus);
        fprintf(out, "%s%s", r ? ":" : "", share);
        free(share);
    }
    if (fclose(out) != 0) out_of_memory();
    return text;
}

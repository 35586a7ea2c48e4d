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

/* The node beside the rank's GPU, an index into machine.node; -1: there is none, or nobody knows it. */
static int node_of_gpu(const machine *m, int rank)
{
    int number = m->gpus ? m->gpu[rank % m->gpus].node : -1;
    for (int d = 0; d < m->nodes && number >= 0; d++)
        if (m->node[d].number == number) return d;
    return -1;
}

static int roomiest_of(const int *left, int nodes)
{
    int roomiest = 0;
    for (int d = 1; d < nodes; d++)
        if (left[d] > left[roomiest]) roomiest = d;
    return roomiest;
}

/* Gives each rank a node: the one beside its GPU while that has room for it; the others go, one after another, to the node
 * with the most cores left, and stand in the nodes' order. */
static void choose_nodes(int *home, int ranks, const machine *m, int share)
{
    int *left = need_memory(m->nodes, sizeof *left), *others = need_memory(m->nodes, sizeof *others), node = 0;
    for (int i = 0; i < m->usables; i++) left[m->usable[i].node]++;
    for (int r = 0; r < ranks; r++) {
        home[r] = node_of_gpu(m, r);
        if (home[r] >= 0 && left[home[r]] < share) home[r] = -1;
        if (home[r] >= 0) left[home[r]] -= share;
    }
    for (int r = 0; r < ranks; r++) {
        if (home[r] >= 0) continue;
        int roomiest = roomiest_of(left, m->nodes);
        left[roomiest] -= share;
        others[roomiest]++;
    }
    for (int r = 0; r < ranks; r++) {
        if (home[r] >= 0) continue;
        while (others[node] == 0) node++;
        others[node]--;
        home[r] = node;
    }
    free(left);
    free(others);
}

/* Cuts the nodes into runs of `share` cores, one for each rank. Returns false if they do not all fit. */
static bool place_within_nodes(plan *p, const machine *m, int share)
{
    int *home = need_memory(p->ranks, sizeof *home), placed = 0;
    choose_nodes(home, p->ranks, m, share);
    for (int i = 0, end; i < m->usables; i = end) {
        int node = m->usable[i].node;
        for (end = i; end < m->usables && m->usable[end].node == node;) end++;
        for (int r = 0; r < p->ranks && i + share <= end; r++) {
            if (home[r] != node) continue;
            take(&p->rank[r], m, i, share);
            home[r] = -1;
            i += share;
            placed++;
        }
    }
    free(home);
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

bool plan_gpu_is_far(const plan *p, const machine *m, int rank)
{
    const plan_rank *r = &p->rank[rank];
    int node = r->gpu < 0 ? -1 : node_of_gpu(m, r->gpu);
    if (node < 0) return false;
    cpus near = r->cpus;
    cpus_cut(&near, &m->node[node].cpus);
    return cpus_count(&near) == 0;
}

static void exchange(plan *p, int r, int s)
{
    plan_rank was = p->rank[r];
    p->rank[r] = p->rank[s];
    p->rank[s] = was;
    p->rank[s].gpu = p->rank[r].gpu; /* a rank keeps its number's */
    p->rank[r].gpu = was.gpu;
}

/* Where shares do not follow the nodes, ranks change places until no two would gain by it. */
static void seat_near_gpus(plan *p, const machine *m)
{
    for (int r = 0; r < p->ranks; r++)
        for (int s = 0; s < p->ranks && plan_gpu_is_far(p, m, r); s++) {
            int before = 1 + plan_gpu_is_far(p, m, s);
            exchange(p, r, s);
            if (plan_gpu_is_far(p, m, r) + plan_gpu_is_far(p, m, s) >= before) exchange(p, r, s);
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
    seat_near_gpus(p, m);

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

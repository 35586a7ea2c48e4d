/* What a data-parallel module tells of itself. */
#include "dist/data_parallel.h"
#include "dist/watch.h"

#include <stdio.h>
#include <string.h>
#include <trireme/dist.h>

const char *dist_data_parallel_name(dist_data_parallel *d, const tr_tensor *parameter)
{
    const char *name;
    tr_tensor *t;
    for (int64_t i = 0; tr_named_parameter(d->module, i, &name, &t); i++)
        if (t == parameter) return name;
    return "?";
}

/* Items with those bits of dist_data_parallel.unused, out of `mask`. */
static int64_t count_unused(const dist_data_parallel *d, int mask, int bits)
{
    int64_t n = 0;
    for (int64_t i = 0; i < d->items; i++) n += (d->unused[i] & mask) == bits;
    return n;
}

/* As many of their names as fit into text before `room`, and how many more there are. */
static size_t list_unused(dist_data_parallel *d, int mask, int bits, const char *words, char *text, size_t used, size_t room)
{
    enum { MORE = 32 }; /* " and N more" */
    int64_t left = count_unused(d, mask, bits);
    const char *before = words;
    for (int64_t i = 0; i < d->items && left > 0; i++) {
        if ((d->unused[i] & mask) != bits) continue;
        const char *name = dist_data_parallel_name(d, d->gradient[i].parameter);
        size_t needs = strlen(before) + strlen(name);
        if (used + needs + (left > 1 ? MORE : 1) > room) break;
        used += (size_t)snprintf(text + used, room - used, "%s%s", before, name);
        left--;
        before = ", ";
    }
    if (left > 0) used += (size_t)snprintf(text + used, room - used, "%s%lld more", before == words ? words : " and ", (long long)left);
    return used;
}

/* Those of one kind that are news, and no news then. */
static void say_unused(dist_data_parallel *d, int kind, int told, const char *words)
{
    char text[2 * TR_LEDGER_LINE_];
    if (count_unused(d, kind | told, kind) == 0) return;
    size_t used = list_unused(d, kind | told, kind, words, text, 0, sizeof text - 1);
    memcpy(text + used, "\n", 2);
    tr_ledger_say_(text);
    for (int64_t i = 0; i < d->items; i++)
        if (d->unused[i] & kind) d->unused[i] |= (char)told;
}

void dist_data_parallel_say_unused(dist_data_parallel *d)
{
    char words[TR_LEDGER_LINE_];
    const dist_transport *way = d->reducer.plan.way;
    if (!dist_ledger_speaks()) return;
    snprintf(words, sizeof words, "trireme: not reached by backward on rank %lld of %lld: ", (long long)way->rank, (long long)way->world);
    say_unused(d, DIST_UNUSED_HERE, DIST_TOLD_HERE, words);
    if (way->rank == 0) say_unused(d, DIST_UNUSED, DIST_TOLD, "trireme: not reached by backward on any rank: ");
}

static size_t describe_sums(const dist_reducer *r, int64_t items, char *text, size_t room)
{
    const dist_bucket *first = &r->plan.bucket[0];
    size_t used = (size_t)snprintf(text, room, "%lld gradients in %lld buckets, the first of %lld KiB; summed ", (long long)items, (long long)r->plan.buckets, (long long)(first->n * tr_dtype_size(first->dtype) >> 10));
    if (r->launched)
        used += (size_t)snprintf(text + used, room - used, "in the graph of a replay, which ranks agreed on in %.3f ms", 1e3 * r->wait_s);
    else
        used += (size_t)snprintf(text + used, room - used, "by %s; %lld of them left while backward went on, %.3f ms waited at its end", r->courier.has_thread ? "a thread of its own" : "the calling thread", (long long)r->early, 1e3 * r->wait_s);
    return used;
}

tr_data_parallel_report tr_data_parallel_report_of(tr_module *m)
{
    tr_data_parallel_report report = {0};
    dist_data_parallel *d = dist_data_parallel_of(m);
    if (!d || !d->reducer.plan.memory) return report;
    const dist_reducer *r = &d->reducer;
    report.buckets = r->plan.buckets;
    report.early = r->early;
    report.by_thread = r->courier.has_thread;
    report.ordered = r->settled && !r->scatter;
    report.exposed_seconds = r->wait_s;
    report.in_graph = r->launched;
    size_t room = sizeof report.words, used = describe_sums(r, d->items, report.words, room);
    if (r->on && !r->launched) {
        dist_there there = dist_underway_there(&r->on->underway, r);
        report.device_seconds = there.busy;
        report.device_hidden_seconds = there.hidden;
        if (there.busy > 0) used += (size_t)snprintf(report.words + used, room - used, "; %.3f ms on the device, %.0f %% of it behind backward", 1e3 * there.busy, 100 * there.hidden / there.busy);
    }
    used = list_unused(d, DIST_UNUSED_HERE, DIST_UNUSED_HERE, "; not used by this rank: ", report.words, used, used + (room - used) / 2); /* the other list has room too */
    list_unused(d, DIST_UNUSED, DIST_UNUSED, "; not used by any rank: ", report.words, used, room);
    return report;
}

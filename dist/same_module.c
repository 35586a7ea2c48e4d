#include "dist/same_module.h"
#include "dist/check.h"
#include "dist/device.h"
#include "dist/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 256,             /* one parameter's or buffer's description */
       STAGE_BYTES = 16 << 20, /* small tensors travel together in messages of this size */
       SMALL_BYTES = 256 << 10 };

/* Parameters, then buffers. */
static bool entry(tr_module *m, int64_t i, const char **kind, const char **name, tr_tensor **t)
{
    int64_t parameters = tr_parameters(m).count;
    *kind = i < parameters ? "parameter" : "buffer";
    return i < parameters ? tr_named_parameter(m, i, name, t) : tr_named_buffer(m, i - parameters, name, t);
}

static bool on_device(const tr_tensor *t) { return tr_device_of(t).type != TR_CPU; }

/* ---- names, shapes and types ---- */

/* "parameter 0.weight float32 (512, 784)"; "nothing more" past the last. */
static bool describe(tr_module *m, int64_t i, char line[LINE])
{
    TR_SCOPE;
    const char *kind, *name;
    tr_tensor *t;
    memset(line, 0, LINE);
    if (!entry(m, i, &kind, &name, &t)) {
        snprintf(line, LINE, "nothing more");
        return false;
    }
    bool frozen = i < tr_parameters(m).count && !tr_requires_grad(t);
    snprintf(line, LINE, "%s %s %s %s%s%s%s", kind, name, tr_dtype_name(tr_dtype_of(t)), tr_shape_string(tr_shape_of_tensor(t)),
             frozen ? " without gradient" : "", tr_is_contiguous(t) ? "" : " not row-major", on_device(t) ? " on CUDA" : "");
    return true;
}

static uint64_t digest(tr_module *m)
{
    char line[LINE];
    uint64_t h = 0;
    bool more = true;
    for (int64_t i = 0; more; i++) {
        more = describe(m, i, line);
        h = (h ^ dist_hash(line)) * 0x100000001b3u;
    }
    return h;
}

/* The modules differ: walk them together to the first line that some rank has otherwise than rank 0. */
static int name_difference(dist_transport *way, tr_module *m)
{
    char line[LINE], zeros[LINE];
    for (int64_t i = 0;; i++) {
        describe(m, i, line);
        memcpy(zeros, line, LINE);
        if (dist_broadcast(way, zeros, LINE, 0) < 0) return -1;

        /* The largest is the lowest rank's; 0: nobody differs here. */
        uint64_t differs = strcmp(line, zeros) != 0 ? (uint64_t)(way->world - way->rank) : 0;
        if (dist_largest(way, &differs, 1, -1) < 0) return -1;
        if (!differs) {
            if (strcmp(zeros, "nothing more") == 0) break;
            continue;
        }
        int64_t other = way->world - (int64_t)differs;
        if (dist_broadcast(way, line, LINE, other) < 0) return -1;
        tr_fail("tr_data_parallel: the ranks' modules differ: rank 0 has %s, rank %lld has %s", zeros, (long long)other, line);
        return -1;
    }
    tr_fail("tr_data_parallel: the ranks' modules differ in names longer than %d characters", LINE);
    return -1;
}

/* After the comparison, so that all ranks refuse or none does. */
static int all_travel(tr_module *m)
{
    const char *kind, *name;
    tr_tensor *t;
    for (int64_t i = 0; entry(m, i, &kind, &name, &t); i++) {
        if (tr_is_contiguous(t)) continue;
        tr_fail("tr_data_parallel: %s %s is not row-major", kind, name);
        return -1;
    }
    return 0;
}

int dist_same_module(tr_module *m)
{
    dist_transport *way = dist_way();
    if (!way) return -1;
    uint64_t h = digest(m), agreed[2] = {h, ~h};
    if (dist_largest(way, agreed, 2, -1) < 0) return -1;
    return agreed[0] == ~agreed[1] ? all_travel(m) : name_difference(way, m);
}

/* ---- values ---- */

static int64_t bytes_of(const tr_tensor *t) { return tr_numel(t) * tr_dtype_size(tr_dtype_of(t)); }

/* Values to the host's memory, and from there. */
static int take_out(tr_tensor *t, char *to)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *here = (tr_to_device)(t, tr_cpu());
    if (here) memcpy(to, tr_data(here), (size_t)bytes_of(here));
    return here ? 0 : -1;
}

static int put_in(tr_tensor *t, const char *from)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *here = on_device(t) ? (tr_empty)(tr_shape_of_tensor(t), (tr_tensor_options){.dtype = tr_dtype_of(t)}) : t;
    if (here) memcpy(tr_data(here), from, (size_t)bytes_of(here));
    return here && (here == t || (tr_copy_)(t, here)) ? 0 : -1;
}

static bool is_small(const tr_tensor *t) { return bytes_of(t) <= SMALL_BYTES; }

/* All are waited for, since they are the caller's. */
static int travel(dist_transport *way, dist_work *works, int64_t n)
{
    int status = dist_start_together(way, works, n);
    for (int64_t i = 0; i < n; i++)
        if (dist_wait(way, &works[i]) < 0) status = -1;
    return status;
}

/* What is large travels from where it lies, on a device many in one launch. */
static int broadcast_large(dist_transport *way, tr_module *m)
{
    enum { MOST = 64 };
    dist_work works[MOST];
    const char *kind, *name;
    tr_tensor *t;
    int64_t n = 0;
    for (int64_t i = 0; entry(m, i, &kind, &name, &t); i++) {
        if (is_small(t)) continue;
        works[n] = (dist_work){.operation = DIST_BROADCAST, .from = tr_data(t), .into = tr_data(t), .n = bytes_of(t)};
        if (!on_device(t) && dist_run(way, &works[n]) < 0) return -1;
        if (!on_device(t)) continue;
        works[n].on = dist_device_of(way, tr_device_of(t));
        if (!works[n].on) return -1;
        if (++n < MOST) continue;
        if (travel(way, works, n) < 0) return -1;
        n = 0;
    }
    return travel(way, works, n);
}

/* The small ones of entries from..to as one message. */
static int broadcast_together(dist_transport *way, tr_module *m, int64_t from, int64_t to, char *stage)
{
    const char *kind, *name;
    tr_tensor *t;
    int64_t bytes = 0;
    for (int64_t i = from; i < to && entry(m, i, &kind, &name, &t); i++) {
        if (!is_small(t)) continue;
        if (take_out(t, stage + bytes) < 0) return -1;
        bytes += bytes_of(t);
    }
    if (dist_broadcast(way, stage, bytes, 0) < 0) return -1;
    bytes = 0;
    for (int64_t i = from; i < to && entry(m, i, &kind, &name, &t); i++) {
        if (!is_small(t)) continue;
        if (put_in(t, stage + bytes) < 0) return -1;
        bytes += bytes_of(t);
    }
    return 0;
}

int dist_same_values(tr_module *m)
{
    dist_transport *way = dist_way();
    if (!way) return -1;
    char *stage = malloc(STAGE_BYTES);
    if (!stage) {
        tr_fail("out of memory: tr_data_parallel asked for %d bytes", (int)STAGE_BYTES);
        return -1;
    }
    const char *kind, *name;
    tr_tensor *t;
    int64_t i = 0, from = 0, waiting = 0; /* the small ones of from..i wait, `waiting` bytes in all */
    int status = 0;
    for (; status == 0 && entry(m, i, &kind, &name, &t); i++) {
        if (is_small(t) && waiting + bytes_of(t) > STAGE_BYTES) {
            status = broadcast_together(way, m, from, i, stage);
            from = i;
            waiting = 0;
        }
        if (is_small(t)) waiting += bytes_of(t);
    }
    if (status == 0) status = broadcast_together(way, m, from, i, stage);
    free(stage);
    return status < 0 ? -1 : broadcast_large(way, m);
}

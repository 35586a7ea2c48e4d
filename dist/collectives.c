/* Collectives on tensors: look at the tensor, compare with the other ranks, let its memory travel. */
#include "dist/check.h"
#include "dist/device.h"
#include "dist/ranks.h"

#include <stdio.h>
#include <string.h>
#include <trireme/dist.h>
#include <trireme/record.h>

typedef enum { SUM,
               COPY } purpose;

static bool on_device(const tr_tensor *t) { return tr_device_of(t).type != TR_CPU; }

/* What travels is one block of memory. */
static bool serves(const char *function, tr_tensor *t, purpose what_for)
{
    if (!t) return tr_fail("%s: NULL instead of a tensor", function);
    if (!tr_is_contiguous(t)) return tr_fail("%s: %s is not row-major; tr_contiguous() copies it so", function, tr_shape_string(tr_shape_of_tensor(t)));
    if (what_for == SUM && tr_dtype_of(t) == TR_BOOL) return tr_fail("%s: bool has no sum; tr_to() an integer type first", function);
    return true;
}

/* "all_reduce float32 (3, 4)", on whatever device each rank has; what this rank refuses it says too, since the others wait for its word. */
static void describe(char *words, const char *name, tr_tensor *t, bool served)
{
    if (served)
        snprintf(words, DIST_WORDS, "%s %s %s%s", name, tr_dtype_name(tr_dtype_of(t)), tr_shape_string(tr_shape_of_tensor(t)),
                 on_device(t) ? " on CUDA" : "");
    else
        snprintf(words, DIST_WORDS, "refuses, %s", tr_error_message());
}

/* A replay knows of no collective. */
static void not_recorded(const char *function) { tr_not_recorded_(function, "ranks meet (tr_record_call takes a function that calls it)"); }

static int travel(dist_transport *way, const tr_tensor *t, dist_work w)
{
    if (on_device(t) && !dist_device_travels(way)) return 0; /* in place, and nobody to meet */
    if (on_device(t) && !(w.on = dist_device_of(way, tr_device_of(t)))) return dist_done(-1);
    return dist_done(dist_run(way, &w));
}

static bool is_half(const tr_tensor *t) { return tr_dtype_of(t) == TR_FLOAT16 || tr_dtype_of(t) == TR_BFLOAT16; }

/* In float32 on the way, where that is not seen to there. */
static int sum(dist_transport *way, tr_tensor *t)
{
    TR_NO_GRAD;
    dist_device *d = NULL;
    if (on_device(t) && dist_device_travels(way) && !(d = dist_device_of(way, tr_device_of(t)))) return dist_done(-1);
    tr_tensor *wide = d && d->widens && is_half(t) ? (tr_to)(t, TR_FLOAT32) : t;
    if (!wide || travel(way, wide, (dist_work){.operation = DIST_ALL_REDUCE, .from = tr_data(wide), .into = tr_data(wide), .n = tr_numel(wide), .dtype = tr_dtype_of(wide)}) < 0) return -1;
    return wide == t || (tr_copy_)(t, wide) ? 0 : -1;
}

static int64_t bytes_of(const tr_tensor *t) { return tr_numel(t) * tr_dtype_size(tr_dtype_of(t)); }

int(tr_all_reduce)(tr_tensor *t)
{
    TR_SCOPE;
    char words[DIST_WORDS];
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way) return -1;
    not_recorded("tr_all_reduce");
    bool served = serves("tr_all_reduce", t, SUM);
    describe(words, "all_reduce", t, served);
    if (dist_check("tr_all_reduce", words) < 0 || !served) return -1;
    return sum(way, t);
}

int(tr_broadcast)(tr_tensor *t, int64_t root)
{
    TR_SCOPE;
    char words[DIST_WORDS], name[48];
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way) return -1;
    not_recorded("tr_broadcast");
    bool served = serves("tr_broadcast", t, COPY);
    if (root < 0 || root >= way->world)
        served = tr_fail("tr_broadcast: root %lld of %lld ranks", (long long)root, (long long)way->world);
    snprintf(name, sizeof name, "broadcast from rank %lld", (long long)root);
    describe(words, name, t, served);
    if (dist_check("tr_broadcast", words) < 0 || !served) return -1;
    return travel(way, t, (dist_work){.operation = DIST_BROADCAST, .from = tr_data(t), .into = tr_data(t), .n = bytes_of(t), .peer = root});
}

/* The shape of world tensors one after the other.  A scalar has no dim 0 to lie along. */
static tr_tensor *room_for_all(tr_tensor *t, int64_t world)
{
    tr_shape shape = tr_shape_of_tensor(t);
    if (shape.ndim == 0) return tr_fail("tr_all_gather: a scalar has no dim 0; tr_view it as (1)");
    shape.size[0] *= world;
    return (tr_empty)(shape, (tr_tensor_options){.dtype = tr_dtype_of(t), .device = tr_device_of(t)});
}

tr_tensor *(tr_all_gather)(tr_tensor *t)
{
    TR_SCOPE;
    char words[DIST_WORDS];
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way) return NULL;
    not_recorded("tr_all_gather");
    tr_tensor *all = serves("tr_all_gather", t, COPY) ? room_for_all(t, way->world) : NULL;
    describe(words, "all_gather", t, all);
    if (dist_check("tr_all_gather", words) < 0 || !all) return NULL;
    if (on_device(t) && !dist_device_travels(way)) return tr_pass_up((tr_copy_)(all, t));
    if (travel(way, t, (dist_work){.operation = DIST_ALL_GATHER, .from = tr_data(t), .into = tr_data(all), .n = bytes_of(t)}) < 0) return NULL;
    return tr_pass_up(all);
}

int(tr_barrier)(void)
{
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    not_recorded("tr_barrier");
    if (!way || dist_check("tr_barrier", "barrier") < 0) return -1;
    return dist_done(dist_barrier(way));
}

/* What every transport has to do, whoever its ranks are: each check returns how many things were wrong, after saying the
 * first on stderr (fake ranks are threads, so no asserts here). */
#ifndef TRANSPORT_CHECKS_H
#define TRANSPORT_CHECKS_H

#include "dist/half.h"
#include "dist/transport.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>
#include <trireme/tensor.h>

static const tr_dtype sums[] = {TR_UINT8, TR_INT32, TR_INT64, TR_FLOAT16, TR_BFLOAT16, TR_FLOAT32, TR_FLOAT64, TR_COMPLEX64, TR_COMPLEX128};
enum { SUMS = sizeof sums / sizeof *sums };

static inline int wrong(dist_transport *way, const char *what, tr_dtype dtype, int64_t n, int64_t i)
{
    fprintf(stderr, "rank %lld of %lld (%s): %s of %lld %s: element %lld; %s\n", (long long)way->rank, (long long)way->world, way->name,
            what, (long long)n, tr_dtype_name(dtype), (long long)i, tr_error_stands() ? tr_error_message() : "no error");
    return 1;
}

/* ---- whole numbers of any type ---- */

static inline void put(void *data, tr_dtype dtype, int64_t i, int value)
{
    switch (dtype) {
    case TR_UINT8: ((uint8_t *)data)[i] = (uint8_t)value; break;
    case TR_INT32: ((int32_t *)data)[i] = value; break;
    case TR_INT64: ((int64_t *)data)[i] = value; break;
    case TR_FLOAT16: ((uint16_t *)data)[i] = dist_to_float16((float)value); break;
    case TR_BFLOAT16: ((uint16_t *)data)[i] = dist_to_bfloat16((float)value); break;
    case TR_FLOAT32: ((float *)data)[i] = (float)value; break;
    case TR_FLOAT64: ((double *)data)[i] = value; break;
    case TR_COMPLEX64: ((float *)data)[2 * i] = (float)value, ((float *)data)[2 * i + 1] = (float)-value; break;
    default: ((double *)data)[2 * i] = value, ((double *)data)[2 * i + 1] = -value; break;
    }
}

/* What rank r has at place i, and the sum over all ranks: at most 127, exact in every type. */
static inline int number(int64_t i, int64_t r) { return (int)(i % 7 + r); }
static inline int number_summed(int64_t i, int64_t world) { return (int)(i % 7 * world + world * (world - 1) / 2); }

/* Guarded at its end, so that nobody writes too far unseen. */
static inline char *room(int64_t bytes)
{
    char *data = malloc((size_t)bytes + 16);
    if (!data) abort();
    memset(data, 0x5a, (size_t)bytes + 16);
    return data;
}

static inline int check_guard(dist_transport *way, const char *what, const char *data, int64_t bytes)
{
    for (int i = 0; i < 16; i++)
        if (data[bytes + i] != 0x5a) return wrong(way, what, TR_UINT8, bytes, bytes + i);
    return 0;
}

/* data[i] is number_summed(first + i). */
static inline int check_sums(dist_transport *way, const char *what, const void *data, tr_dtype dtype, int64_t n, int64_t first)
{
    char want[16];
    int64_t size = tr_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++) {
        put(want, dtype, 0, number_summed(first + i, way->world));
        if (memcmp((const char *)data + i * size, want, (size_t)size) != 0) return wrong(way, what, dtype, n, i);
    }
    return 0;
}

/* ---- one check for each collective; in place and not ---- */

static inline int check_all_reduce(dist_transport *way, tr_dtype dtype, int64_t n, bool in_place)
{
    int64_t bytes = n * tr_dtype_size(dtype);
    char *from = room(bytes), *into = in_place ? from : room(bytes);
    for (int64_t i = 0; i < n; i++) put(from, dtype, i, number(i, way->rank));
    dist_work w = {.operation = DIST_ALL_REDUCE, .from = from, .into = into, .n = n, .dtype = dtype};
    int bad = dist_run(way, &w) != 0 ? wrong(way, "all_reduce", dtype, n, -1) : check_sums(way, "all_reduce", into, dtype, n, 0);
    bad += check_guard(way, "all_reduce", into, bytes);
    if (!in_place) free(into);
    free(from);
    return bad;
}

static inline int check_reduce_scatter(dist_transport *way, tr_dtype dtype, int64_t n, bool in_place)
{
    int64_t bytes = n * tr_dtype_size(dtype);
    char *from = room(bytes * way->world), *into = in_place ? from + way->rank * bytes : room(bytes);
    for (int64_t i = 0; i < n * way->world; i++) put(from, dtype, i, number(i, way->rank));
    int bad = dist_reduce_scatter(way, from, into, n, dtype) != 0 ? wrong(way, "reduce_scatter", dtype, n, -1)
                                                                  : check_sums(way, "reduce_scatter", into, dtype, n, way->rank * n);
    if (!in_place) {
        bad += check_guard(way, "reduce_scatter", into, bytes);
        free(into);
    }
    bad += check_guard(way, "reduce_scatter", from, bytes * way->world);
    free(from);
    return bad;
}

static inline char letter_of(int64_t i, int64_t r) { return (char)(i * 31 + r * 101 + i / 256); }

static inline int check_all_gather(dist_transport *way, int64_t n, bool in_place)
{
    char *into = room(n * way->world), *from = in_place ? into + way->rank * n : room(n);
    for (int64_t i = 0; i < n; i++) from[i] = letter_of(i, way->rank);
    int bad = dist_all_gather(way, from, into, n) != 0 ? wrong(way, "all_gather", TR_UINT8, n, -1) : 0;
    for (int64_t i = 0; i < n * way->world && !bad; i++)
        if (into[i] != letter_of(i % n, i / n)) bad = wrong(way, "all_gather", TR_UINT8, n, i);
    bad += check_guard(way, "all_gather", into, n * way->world);
    if (!in_place) free(from);
    free(into);
    return bad;
}

static inline int check_broadcast(dist_transport *way, int64_t n, int64_t root)
{
    char *data = room(n);
    for (int64_t i = 0; i < n; i++) data[i] = letter_of(i, way->rank);
    int bad = dist_broadcast(way, data, n, root) != 0 ? wrong(way, "broadcast", TR_UINT8, n, -1) : 0;
    for (int64_t i = 0; i < n && !bad; i++)
        if (data[i] != letter_of(i, root)) bad = wrong(way, "broadcast", TR_UINT8, n, i);
    bad += check_guard(way, "broadcast", data, n);
    free(data);
    return bad;
}

/* To the next rank, from the last one, both under way at once. */
static inline int check_messages(dist_transport *way, int64_t n)
{
    int64_t next = (way->rank + 1) % way->world, last = (way->rank + way->world - 1) % way->world;
    if (way->world == 1) return 0;
    char *from = room(n), *into = room(n);
    for (int64_t i = 0; i < n; i++) from[i] = letter_of(i, way->rank);
    dist_work send = {.operation = DIST_SEND, .from = from, .n = n, .peer = next};
    dist_work receive = {.operation = DIST_RECEIVE, .into = into, .n = n, .peer = last};
    int bad = dist_start(way, &send) != 0 || dist_start(way, &receive) != 0 || dist_wait(way, &receive) != 0 || dist_wait(way, &send) != 0;
    if (bad) wrong(way, "messages", TR_UINT8, n, -1);
    for (int64_t i = 0; i < n && !bad; i++)
        if (into[i] != letter_of(i, last)) bad = wrong(way, "messages", TR_UINT8, n, i);
    bad += check_guard(way, "messages", into, n);
    free(from);
    free(into);
    return bad;
}

static inline int check_largest(dist_transport *way)
{
    uint64_t words[3] = {(uint64_t)way->rank, ~(uint64_t)way->rank, 7};
    int status = dist_largest(way, words, 3, -1);
    return status != 0 || words[0] != (uint64_t)way->world - 1 || words[1] != ~(uint64_t)0 || words[2] != 7 ? wrong(way, "largest", TR_INT64, 3, -1) : 0;
}

/* ---- all of it ---- */

/* 5000 elements of any type are more than a slot of 4096 bytes. */
static const int64_t check_sizes[] = {0, 1, 7, 100, 5000};

static inline int check_every_collective(dist_transport *way)
{
    int bad = 0;
    for (size_t s = 0; s < sizeof check_sizes / sizeof *check_sizes && !bad; s++)
        for (int in_place = 0; in_place < 2 && !bad; in_place++) {
            int64_t n = check_sizes[s];
            for (int t = 0; t < SUMS && !bad; t++) bad += check_all_reduce(way, sums[t], n, in_place);
            for (int t = 0; t < SUMS && !bad; t++) bad += check_reduce_scatter(way, sums[t], n, in_place);
            if (!bad) bad += check_all_gather(way, n, in_place);
            if (!bad) bad += check_broadcast(way, n, n % way->world);
            if (!bad) bad += check_messages(way, n);
            if (!bad) bad += dist_barrier(way) != 0 ? wrong(way, "barrier", TR_UINT8, 0, -1) : check_largest(way);
        }
    return bad;
}

/* Six collectives started, tested now and then, waited for from the last to the first. */
static inline int check_started(dist_transport *way, int64_t n)
{
    enum { WORKS = 6 };
    float *data[WORKS];
    dist_work work[WORKS];
    int bad = 0;
    for (int k = 0; k < WORKS; k++) {
        data[k] = (float *)room(n * (int64_t)sizeof(float) * way->world);
        for (int64_t i = 0; i < n * way->world; i++) put(data[k], TR_FLOAT32, i, number(i + k, way->rank));
        work[k] = (dist_work){.operation = DIST_ALL_REDUCE, .from = data[k], .into = data[k], .n = n, .dtype = TR_FLOAT32};
    }
    float *mine = data[2] + way->rank * n;
    work[2] = (dist_work){.operation = DIST_REDUCE_SCATTER, .from = data[2], .into = mine, .n = n, .dtype = TR_FLOAT32};
    work[4] = (dist_work){.operation = DIST_BARRIER};
    for (int k = 0; k < WORKS; k++) {
        if (dist_start(way, &work[k]) != 0) bad = wrong(way, "start", TR_FLOAT32, n, k);
        if (k % 2 == 1 && dist_test(way, &work[0]) < 0) bad = wrong(way, "test", TR_FLOAT32, n, k);
    }
    for (int k = WORKS - 1; k >= 0 && !bad; k--)
        if (dist_wait(way, &work[k]) != 0) bad = wrong(way, "wait", TR_FLOAT32, n, k);
    for (int k = 0; k < WORKS && !bad; k++) {
        if (dist_test(way, &work[k]) != 1) bad = wrong(way, "test of a done work", TR_FLOAT32, n, k);
        if (k != 2 && k != 4) bad += check_sums(way, "started", data[k], TR_FLOAT32, n, k);
    }
    if (!bad) bad += check_sums(way, "started", mine, TR_FLOAT32, n, way->rank * n + 2);
    for (int k = 0; k < WORKS; k++) free(data[k]);
    return bad;
}

/* Gradients that live in memory of take(): reduced where they are, in part too; given back, taken again. */
static inline int check_taken(dist_transport *way, int64_t n)
{
    int bad = 0;
    for (int again = 0; again < 3 && !bad; again++) {
        float *data = way->take(way, n * (int64_t)sizeof *data);
        if (!data) return wrong(way, "take", TR_FLOAT32, n, -1);
        for (int64_t i = 0; i < n && !bad; i++)
            if (data[i] != 0) bad = wrong(way, "taken memory is not zero", TR_FLOAT32, n, i);
        for (int64_t i = 0; i < n; i++) put(data, TR_FLOAT32, i, number(i, way->rank));
        int64_t part = n / 3;
        if (!bad && dist_all_reduce(way, data + part, n - part, TR_FLOAT32) != 0) bad = wrong(way, "taken", TR_FLOAT32, n, -1);
        if (!bad) bad = check_sums(way, "taken", data + part, TR_FLOAT32, n - part, part);
        for (int64_t i = 0; i < part && !bad; i++)
            if (data[i] != (float)number(i, way->rank)) bad = wrong(way, "taken, not reduced", TR_FLOAT32, n, i);
        way->give_back(way, data);
    }
    return bad;
}

/* Each rank's numbers times its own weight, where they lie or anywhere, in one type that has weights after the other. */
static inline int check_weighted(dist_transport *way, int64_t n, double part)
{
    static const tr_dtype types[] = {TR_FLOAT32, TR_FLOAT64, TR_COMPLEX64, TR_COMPLEX128};
    int bad = 0;
    for (int k = 0; k < 8 && !bad; k++) {
        tr_dtype dtype = types[k / 2];
        bool taken = k % 2, wide = dtype == TR_FLOAT64 || dtype == TR_COMPLEX128;
        int64_t bytes = n * tr_dtype_size(dtype), step = tr_dtype_is_complex(dtype) ? 2 : 1;
        void *data = taken ? way->take(way, bytes) : room(bytes);
        if (!data) return wrong(way, "take", dtype, n, -1);
        for (int64_t i = 0; i < n; i++) put(data, dtype, i, number(i, way->rank));
        dist_work w = {.operation = DIST_ALL_REDUCE, .from = data, .into = data, .n = n, .dtype = dtype, .weight = part * (double)(way->rank + 1)};
        if (dist_run(way, &w) != 0) bad = wrong(way, "weighted", dtype, n, -1);
        for (int64_t i = 0; i < n && !bad; i++) {
            double sum = wide ? ((double *)data)[step * i] : (double)((float *)data)[step * i], want = 0;
            for (int64_t r = 0; r < way->world; r++) want += part * (double)(r + 1) * number(i, r);
            if (!(fabs(sum - want) <= (wide ? 1e-15 : 4e-7) * want * (double)way->world)) bad = wrong(way, "weighted", dtype, n, i);
        }
        if (taken)
            way->give_back(way, data);
        else
            free(data);
    }
    return bad;
}

/* In taken memory each rank gets the sum of its part, weighted where that is in place, or brings its own. */
static inline int check_taken_parts(dist_transport *way, int64_t n)
{
    int bad = 0;
    int64_t all = n * way->world, mine = way->rank * n;
    float *data = way->take(way, all * (int64_t)sizeof *data);
    if (!data) return wrong(way, "take", TR_FLOAT32, all, -1);
    float *elsewhere = (float *)room(n * (int64_t)sizeof *elsewhere);
    for (int in_place = 0; in_place < 2 && !bad; in_place++) {
        float *part = in_place ? data + mine : elsewhere;
        for (int64_t i = 0; i < all; i++) put(data, TR_FLOAT32, i, number(i, way->rank));
        dist_work scatter = {.operation = DIST_REDUCE_SCATTER, .from = data, .into = part, .n = n, .dtype = TR_FLOAT32, .weight = in_place ? 2 : 0};
        if (dist_run(way, &scatter) != 0) bad = wrong(way, "taken, reduce_scatter", TR_FLOAT32, n, -1);
        for (int64_t i = 0; i < n && in_place; i++) part[i] /= 2;
        if (!bad) bad = check_sums(way, "taken, reduce_scatter", part, TR_FLOAT32, n, mine);
        for (int64_t i = 0; i < all; i++) put(data, TR_FLOAT32, i, 100);
        for (int64_t i = 0; i < n; i++) put(part, TR_FLOAT32, i, number(mine + i, 0));
        if (!bad && dist_all_gather(way, part, data, n * (int64_t)sizeof *data) != 0) bad = wrong(way, "taken, all_gather", TR_FLOAT32, n, -1);
        for (int64_t i = 0; i < all && !bad; i++)
            if (data[i] != (float)number(i, 0)) bad = wrong(way, "taken, all_gather", TR_FLOAT32, n, i);
    }
    bad += check_guard(way, "taken parts", (const char *)elsewhere, n * (int64_t)sizeof *elsewhere);
    free(elsewhere);
    way->give_back(way, data);
    return bad;
}

/* Of numbers whose sum depends on the order all ranks have the same bits; in_order: those of adding rank after rank. */
static inline int check_bits(dist_transport *way, int64_t n, bool in_order)
{
    float *x = (float *)room(n * (int64_t)sizeof *x), *all = (float *)room(n * way->world * (int64_t)sizeof *x);
    uint32_t state = (uint32_t)way->rank + 1;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = ((float)(state >> 8) - 8388608.0f) * (float)(1 << state % 20);
    }
    int bad = dist_all_gather(way, x, all, n * (int64_t)sizeof *x) != 0 || dist_all_reduce(way, x, n, TR_FLOAT32) != 0;
    for (int64_t i = 0; i < n && in_order && !bad; i++) {
        float sum = all[i];
        for (int64_t r = 1; r < way->world; r++) sum += all[r * n + i];
        if (!(sum == x[i])) bad = wrong(way, "the order of addition", TR_FLOAT32, n, i);
    }
    if (!bad) bad = dist_all_gather(way, x, all, n * (int64_t)sizeof *x) != 0;
    for (int64_t r = 0; r < way->world && !bad; r++)
        if (memcmp(all + r * n, x, (size_t)n * sizeof *x) != 0) bad = wrong(way, "the bits of another rank", TR_FLOAT32, n, r);
    free(x);
    free(all);
    return bad;
}

#endif

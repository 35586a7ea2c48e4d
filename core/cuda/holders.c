/* Who holds a device's memory: for the sentence that says why there is no more. */
#include "core/cuda/cuda.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cuda_held {
    const void *p; /* NULL: nobody */
    int64_t bytes;
    int name;
};

/* Blocks stand 256 bytes apart. */
static int64_t place(const cuda_holders *h, const void *p) { return (int64_t)(((uintptr_t)p >> 8) * 0x9e3779b97f4a7c15u >> 32) & (h->room - 1); }

static void put(cuda_holders *h, struct cuda_held held)
{
    int64_t i = place(h, held.p);
    while (h->held[i].p) i = (i + 1) & (h->room - 1);
    h->held[i] = held;
}

/* Never more than half full. */
static int grow(cuda_holders *h)
{
    if (h->room > 2 * h->count) return 0;
    struct cuda_held *old = h->held;
    int64_t old_room = h->room, room = old_room ? 2 * old_room : 1024;
    struct cuda_held *held = calloc((size_t)room, sizeof *held);
    if (!held) return -1;
    h->held = held;
    h->room = room;
    for (int64_t i = 0; i < old_room; i++)
        if (old[i].p) put(h, old[i]);
    free(old);
    return 0;
}

static int name_of(cuda_holders *h, const char *what)
{
    char name[CUDA_NAME_BYTES];
    snprintf(name, sizeof name, "%s", what);
    for (int i = 0; i < h->names; i++)
        if (strcmp(h->by[i].name, name) == 0) return i;
    int i = h->names < CUDA_NAMES ? h->names++ : CUDA_NAMES - 1;
    snprintf(h->by[i].name, CUDA_NAME_BYTES, "%s", i < CUDA_NAMES - 1 ? name : "others");
    return i;
}

int cuda_holds(cuda_holders *h, const void *p, int64_t bytes, const char *what)
{
    pthread_mutex_lock(&h->lock);
    int status = grow(h);
    if (status == 0) {
        int name = name_of(h, what);
        put(h, (struct cuda_held){p, bytes, name});
        h->count++;
        h->by[name].bytes += bytes;
        h->bytes += bytes;
        if (h->bytes > h->peak_bytes) h->peak_bytes = h->bytes;
    }
    pthread_mutex_unlock(&h->lock);
    return status;
}

/* Those behind a place that was left move up, so that none stands where a search would not come to it. */
static void leave(cuda_holders *h, int64_t hole)
{
    for (int64_t i = hole;;) {
        i = (i + 1) & (h->room - 1);
        if (!h->held[i].p) break;
        int64_t home = place(h, h->held[i].p);
        if (((i - home) & (h->room - 1)) < ((i - hole) & (h->room - 1))) continue;
        h->held[hole] = h->held[i];
        hole = i;
    }
    h->held[hole].p = NULL;
}

int64_t cuda_lets_go(cuda_holders *h, const void *p)
{
    int64_t bytes = 0;
    pthread_mutex_lock(&h->lock);
    if (h->room) {
        int64_t i = place(h, p);
        while (h->held[i].p && h->held[i].p != p) i = (i + 1) & (h->room - 1);
        if (h->held[i].p) {
            bytes = h->held[i].bytes;
            h->by[h->held[i].name].bytes -= bytes;
            h->bytes -= bytes;
            h->count--;
            leave(h, i);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return bytes;
}

const char *cuda_bytes_text(int64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double x = (double)bytes;
    int unit = 0;
    for (; x >= 1024 && unit < 4; unit++) x /= 1024;
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", x, units[unit]);
    return text;
}

void cuda_holders_text(cuda_holders *h, char *text, size_t bytes)
{
    enum { MOST = 3 };
    char amount[32];
    bool said[CUDA_NAMES] = {false};
    pthread_mutex_lock(&h->lock);
    size_t used = (size_t)snprintf(text, bytes, "%s are held", cuda_bytes_text(h->bytes, amount));
    for (int n = 0; n < MOST && used < bytes; n++) {
        int most = -1;
        for (int i = 0; i < h->names; i++)
            if (!said[i] && h->by[i].bytes > 0 && (most < 0 || h->by[i].bytes > h->by[most].bytes)) most = i;
        if (most < 0) break;
        said[most] = true;
        used += (size_t)snprintf(text + used, bytes - used, "%s%s %s", n ? ", " : " (", h->by[most].name, cuda_bytes_text(h->by[most].bytes, amount));
        if (n == MOST - 1 || n == h->names - 1) break;
    }
    if (used < bytes && h->bytes > 0) snprintf(text + used, bytes - used, ")");
    pthread_mutex_unlock(&h->lock);
}

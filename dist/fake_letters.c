#include "dist/fake_letters.h"

#include "dist/settings.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trireme/error.h>

struct dist_letter {
    dist_letter *next;
    int64_t from, to, bytes;
    char text[];
};

void dist_letters_open(dist_letters *box)
{
    pthread_mutex_init(&box->lock, NULL);
    pthread_cond_init(&box->posted, NULL);
}

void dist_letters_close(dist_letters *box)
{
    for (dist_letter *l = box->first, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    pthread_mutex_destroy(&box->lock);
    pthread_cond_destroy(&box->posted);
}

int dist_letters_send(dist_letters *box, int64_t me, const dist_work *w)
{
    dist_letter *l = malloc(sizeof *l + (size_t)w->n);
    if (!l) {
        tr_fail("out of memory: a letter");
        return -1;
    }
    *l = (dist_letter){.from = me, .to = w->peer, .bytes = w->n};
    if (w->n > 0) memcpy(l->text, w->from, (size_t)w->n);
    pthread_mutex_lock(&box->lock);
    dist_letter **end = &box->first;
    while (*end) end = &(*end)->next;
    *end = l;
    pthread_cond_broadcast(&box->posted);
    pthread_mutex_unlock(&box->lock);
    return 1;
}

static dist_letter *find(dist_letters *box, int64_t from, int64_t to)
{
    for (dist_letter **at = &box->first; *at; at = &(*at)->next) {
        dist_letter *l = *at;
        if (l->from != from || l->to != to) continue;
        *at = l->next;
        return l;
    }
    return NULL;
}

int dist_letters_receive(dist_letters *box, int64_t me, dist_work *w, double seconds)
{
    dist_letter *l;
    double limit = dist_limit(), wait = seconds < 0 ? limit : seconds;
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)wait;
    end.tv_nsec += (long)(1e9 * (wait - (double)(time_t)wait));
    if (end.tv_nsec >= 1000000000) end.tv_sec++, end.tv_nsec -= 1000000000;
    pthread_mutex_lock(&box->lock);
    while (!(l = find(box, w->peer, me)) && wait > 0)
        if (pthread_cond_timedwait(&box->posted, &box->lock, &end) != 0) break;
    pthread_mutex_unlock(&box->lock);
    if (!l && seconds >= 0) return 0;
    if (!l)
        tr_fail("receive: rank %lld has sent nothing in %.3g s", (long long)w->peer, limit);
    else if (l->bytes != w->n)
        tr_fail("receive: rank %lld has sent %lld bytes, expected %lld", (long long)w->peer, (long long)l->bytes, (long long)w->n);
    else if (w->n > 0)
        memcpy(w->into, l->text, (size_t)w->n);
    int status = l && l->bytes == w->n ? 1 : -1;
    free(l);
    return status;
}

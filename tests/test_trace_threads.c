/* Traces begin and end while threads note what they do. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/trireme.h>
#include "test.h"

enum { THREADS = 4,
       TRACES = 15 };

static atomic_bool over;

static void *work(void *unused)
{
    TR_SCOPE;
    tr_tensor *x = tr_ones(TR_SHAPE(3));
    while (!atomic_load(&over)) {
        TR_SCOPE;
        TR_TRACE("work");
        tr_neg(x);
    }
    return unused;
}

static void *short_work(void *unused)
{
    TR_TRACE("short");
    return unused;
}

TEST(threads_note_while_traces_come_and_go)
{
    pthread_t thread[THREADS], other;
    assert_int_equal(system("rm -rf trace"), 0);
    setenv("TRIREME_TRACE_EVENTS", "20000", 1);
    atomic_store(&over, false);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, work, NULL), 0);
    for (int i = 0; i < TRACES; i++) {
        assert_int_equal(tr_trace_start("trace"), 0);
        assert_int_equal(pthread_create(&other, NULL, short_work, NULL), 0);
        assert_int_equal(pthread_join(other, NULL), 0);
        assert_int_equal(tr_trace_stop(), 0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    FILE *f = fopen("trace/rank-0.json", "r");
    assert_non_null(f);
    char line[4096];
    bool found = false, full = false; /* the others may have been that quick */
    while (fgets(line, sizeof line, f)) {
        found |= strstr(line, "\"name\":\"short\"") != NULL;
        full |= strstr(line, "the trace is full") != NULL;
    }
    fclose(f);
    assert_true(found || full);
    assert_string_equal(line, "]}\n");
}

/* The harness behind test.h: registers the tests, runs them through cmocka, cleans up after the ones that jump out. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <trireme/autograd.h>

int (*harness_before_all)(int *argc, char ***argv);
int (*harness_after_all)(void);

static test_case *first, **last = &first;
static size_t count, skipped;
static bool any_failed;

/* Of the test that runs. A failing assert and a skip jump out of it, past every cleanup attribute. */
static int scope;
static bool grad_enabled, returned, skipping;

void harness_add(test_case *t)
{
    *last = t;
    last = &t->next;
    count++;
}

/* ---- where ---- */

static tr_device device;

tr_device harness_device(void) { return device; }

tr_tensor *harness_there(tr_tensor *t) { return device.type == TR_CPU ? t : (tr_to_device)(t, device); }

/* 0, or the status to end with. */
static int choose_device(void)
{
    const char *name = getenv("TRIREME_TEST_DEVICE");
    if (!name || !*name) return 0;
    if ((tr_device_parse)(name, &device) < 0) return 1;
    if (device.type == TR_CPU || device.index < tr_cuda_device_count()) return 0;
    print_message("skipped: %s is not here: %s\n", name, tr_cuda_missing() ? tr_cuda_missing() : "there are fewer");
    return TEST_SKIPPED;
}

int harness_rounds(int n)
{
    const char *share = getenv("TRIREME_TEST_SHARE");
    const int of = share ? atoi(share) : 1;
    return of > 1 ? (n + of - 1) / of : n;
}

/* ---- one test ---- */

void harness_skip(const char *reason, const char *file, int line)
{
    print_message("skipped: %s\n", reason);
    skipping = true;
    skipped++;
    _skip(file, line);
    abort(); /* it does not come back, but does not say so */
}

/* A rank whose test failed takes no part in what the others do next. That it leaves makes mpirun end them too, where
 * going on could wait for ever. */
static void leave_if_ranks_wait(void)
{
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE");
    if (!ranks) ranks = getenv("PMI_SIZE");
    if (!any_failed || !ranks || strcmp(ranks, "1") == 0) return;
    fflush(NULL);
    _Exit(1);
}

static int before(void **state)
{
    (void)state;
    leave_if_ranks_wait();
    returned = skipping = false;
    tr_on_error(NULL, NULL);
    tr_manual_seed(0);
    grad_enabled = tr_grad_enabled();
    scope = tr_scope_open();
    return 0;
}

static void run(void **state)
{
    const test_case *t = *state;
    t->run();
    if (tr_error_stands()) {
        print_error("an error still stands at the end: %s\n", tr_error_message());
        _fail(t->file, t->line);
    }
    returned = true;
}

static int after(void **state)
{
    (void)state;
    if (!returned && !skipping) any_failed = true;
    tr_scope_close(scope);
    tr_set_grad_enabled(grad_enabled);
    tr_error_clear();
    return 0;
}

static int run_all(const char *program, const char *filter)
{
    struct CMUnitTest *tests = calloc(count + 1, sizeof *tests);
    if (!tests) return 1;
    size_t n = 0;
    for (test_case *t = first; t; t = t->next)
        if (!filter || strstr(t->name, filter)) tests[n++] = (struct CMUnitTest){t->name, run, before, after, t};

    int failures = n ? _cmocka_run_group_tests(program, tests, n, NULL, NULL) : 1;
    if (!n) fprintf(stderr, "%s: no test's name contains \"%s\"\n", program, filter ? filter : "");
    free(tests);
    if (failures) return 1;
    return n == skipped ? TEST_SKIPPED : 0;
}

int main(int argc, char **argv)
{
    int status = choose_device();
    if (!status && harness_before_all) status = harness_before_all(&argc, &argv);
    if (status) return status;
    const char *slash = strrchr(argv[0], '/');
    status = run_all(slash ? slash + 1 : argv[0], argc > 1 ? argv[1] : NULL);
    leave_if_ranks_wait();
    int end = harness_after_all ? harness_after_all() : 0;
    return status ? status : end;
}

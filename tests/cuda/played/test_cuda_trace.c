/* A trace's rows of what a device does, by its own clock; and nobody waits for it. */
#include "on_played.h"

enum { KERNELS = 12,
       MOST = 256 };

/* ---- what stands in the trace ---- */

typedef struct {
    double begins, ends; /* us */
} span;

/* The spans of this name in the device's row, or in the host's, by time. */
static int spans_of(const char *name, bool there, span *found)
{
    char line[1024], quoted[64];
    int n = 0;
    snprintf(quoted, sizeof quoted, "\"name\":\"%s\"", name);
    FILE *f = fopen("traces/rank-0.json", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *begins = strstr(line, "\"ts\":"), *lasts = strstr(line, "\"dur\":");
        if (!begins || !lasts || !strstr(line, quoted) || (strstr(line, "\"tid\":1048577,") != NULL) != there) continue;
        assert_true(n < MOST);
        found[n].begins = strtod(begins + 5, NULL);
        found[n].ends = found[n].begins + strtod(lasts + 6, NULL);
        n++;
    }
    fclose(f);
    return n;
}

/* How many lines have both. */
static int lines_with(const char *one, const char *other)
{
    char line[1024];
    int n = 0;
    FILE *f = fopen("traces/rank-0.json", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) n += strstr(line, one) && strstr(line, other);
    fclose(f);
    return n;
}

static bool is_said(const char *words) { return lines_with(words, "") > 0; }

/* ---- what is traced ---- */

static void add_up(tr_tensor *x)
{
    for (int i = 0; i < KERNELS; i++) {
        TR_SCOPE;
        assert_non_null(tr_add(x, x));
    }
}

TEST(kernels_have_a_row_of_when_the_device_did_them)
{
    tr_tensor *x = tr_ones(TR_SHAPE(5000), .device = tr_cuda(0));
    add_up(x);
    in_every_order(order)
    {
        span host[MOST], device[MOST];
        assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
        assert_int_equal(tr_trace_start("traces"), 0);
        int64_t before = counted().waits;
        add_up(x);
        assert_int_equal(counted().waits, before);
        assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
        assert_int_equal(tr_trace_stop(), 0);
        assert_int_equal(spans_of("add", false, host), KERNELS);
        assert_int_equal(spans_of("add", true, device), KERNELS);
        assert_true(is_said("\"name\":\"device: kernels and copies\""));
        assert_true(is_said("\"tid\":1048577,\"ts\":"));
        for (int i = 0; i < KERNELS; i++) {
            assert_true(device[i].begins >= host[i].begins);
            if (!played.order) continue;                                                              /* a real clock is held against the host's a little better with every mark */
            if (i > 0) assert_true(device[i].begins >= device[i - 1].ends - 0.01);                    /* to what is printed */
            if (order % PLAYED_ORDERS == PLAYED_AT_ONCE) assert_true(device[i].ends <= host[i].ends); /* while the host waits */
        }
    }
}

TEST(what_the_device_has_not_done_is_not_waited_for)
{
    needs_played_device();
    span found[MOST];
    tr_tensor *x = tr_ones(TR_SHAPE(100), .device = tr_cuda(0));
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    played.order(PLAYED_LAZY, 0);
    assert_int_equal(tr_trace_start("traces"), 0);
    int64_t before = counted().waits;
    add_up(x);
    assert_int_equal(tr_trace_stop(), 0);
    assert_int_equal(counted().waits, before);
    assert_true(spans_of("add", true, found) < KERNELS);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    assert_int_equal(tr_trace_start("traces"), 0); /* and is none of another trace's */
    tr_mul(x, x);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    assert_int_equal(tr_trace_stop(), 0);
    assert_int_equal(spans_of("add", true, found), 0);
    assert_int_equal(spans_of("mul", true, found), 1);
    played.order(PLAYED_AT_RANDOM, 1);
}

TEST(copies_stand_between_kernels_with_their_bytes)
{
    enum { NUMBERS = 5000 };
    tr_tensor *x = tr_ones(TR_SHAPE(NUMBERS));
    in_every_order(order)
    {
        TR_SCOPE;
        span sent[MOST] = {0}, added[MOST] = {0}, read[MOST] = {0};
        assert_int_equal(tr_trace_start("traces"), 0);
        tr_tensor *there = tr_to_device(x, tr_cuda(0)), *y = tr_add(there, there);
        assert_item(tr_select(y, 0, 7), 2, 0);
        assert_non_null(tr_to_device(y, tr_cpu()));
        assert_non_null(tr_to_device(tr_zeros(TR_SHAPE(0)), tr_cuda(0)));
        int across = tr_cuda_device_count() > 1;
        if (across) {
            assert_non_null(tr_to_device(y, tr_cuda(1)));
            assert_int_equal(tr_synchronize(tr_cuda(1)), 0);
        }
        assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
        assert_int_equal(tr_trace_stop(), 0);
        assert_int_equal(spans_of("copy from the host", true, sent), 1); /* nothing is no copy */
        assert_int_equal(spans_of("add", true, added), 1);
        assert_int_equal(spans_of("copy to the host", true, read), 2);
        assert_int_equal(lines_with("\"copy from the host\"", "\"cat\":\"copy\""), 1);
        assert_int_equal(lines_with("\"copy from the host\"", "\"bytes\":20000}"), 1);
        assert_int_equal(lines_with("\"copy to the host\"", "\"bytes\":4}"), 1);
        assert_int_equal(lines_with("\"copy to the host\"", "\"bytes\":20000}"), 1);
        assert_int_equal(lines_with("\"copy between devices\"", "\"tid\":1048578,"), across);
        assert_int_equal(lines_with("\"copy between devices\"", "\"bytes\":20000}"), across);
        if (!played.order) continue;
        assert_true(sent[0].ends <= added[0].begins + 0.01 && added[0].ends <= read[0].begins + 0.01 && read[0].ends <= read[1].begins + 0.01);
    }
}

TEST(a_graph_is_one_span)
{
    enum { REPLAYS = 5 };
    tr_tensor *x = tr_randn(TR_SHAPE(16, 8), .device = tr_cuda(0)), *w = tr_randn(TR_SHAPE(8, 4), .device = tr_cuda(0));
    tr_optim *sgd = tr_sgd(TR_TENSORS((tr_requires_grad_)(w, true)), .lr = 0.01);
    tr_recording *step;
    span found[MOST];
    assert_int_equal(tr_record(&step), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_mean(tr_pow(tr_matmul(x, w), 2))), 0);
        assert_int_equal(tr_step(sgd), 0);
        tr_zero_grad(sgd);
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(step), 0); /* the second is the first that is a graph */
    assert_int_equal(tr_recording_info_of(step).graphs, 1);
    assert_int_equal(tr_trace_start("traces"), 0);
    for (int i = 0; i < REPLAYS; i++) assert_int_equal(tr_replay(step), 0);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    assert_int_equal(tr_trace_stop(), 0);
    assert_int_equal(spans_of("graph", true, found), REPLAYS);
    assert_int_equal(spans_of("gemm", true, found), 0);
}

/* An event of a trace goes back to those that wait for use. */
TEST(many_traced_steps_hold_as_many_events_as_a_few)
{
    needs_played_device();
    tr_tensor *x = tr_ones(TR_SHAPE(100), .device = tr_cuda(0));
    int64_t events = 0;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(tr_trace_start("traces"), 0);
        add_up(x);
        assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
        assert_int_equal(tr_trace_stop(), 0);
        if (i == 1) events = counted().events;
    }
    assert_true(counted().events <= events);
}

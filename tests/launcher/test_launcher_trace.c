// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* Traces, from what a program does to what is read of them; and whatever else may stand in such a file. */
#include "../mlp.h"
#include "traces.h"

#include <trireme/trireme.h>
#include <unistd.h>
#include "core/trace_file.h"

static void learn(int steps)
{
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    tr_loader *l = tr_loader_new(tr_dataset_tensors(inputs(8 * steps), classes(8 * steps)), .batch_size = 8);
    assert_int_equal(tr_loader_start(l, 0), 0);
    for (tr_batch b; tr_loader_next(l, &b);) train(m, o, b.input, b.target);
}

TEST(what_a_program_does_is_in_its_trace)
{
    remove_folder("trace");
    assert_false(tr_is_tracing());
    assert_int_equal(tr_trace_start("trace"), 0);
    assert_true(tr_is_tracing());
    {
        TR_TRACE("epoch \"één\"");
        learn(5);
    }
    assert_int_equal(tr_trace_stop(), 0);
    assert_false(tr_is_tracing());
    trace_input t = read_trace("trace", 0);
    assert_int_equal(t.ranks, 1);
    assert_int_equal(t.dropped + t.damaged, 0);
    assert_spans_nest(&t);
    assert_int_equal(count_spans(&t, "SGD"), 5);
    assert_int_equal(count_spans(&t, "sgd"), 5);
    assert_int_equal(count_spans(&t, "Sequential"), 5);
    assert_int_equal(count_spans(&t, "backward"), 5);
    assert_int_equal(count_spans(&t, "data wait"), 6); /* the last finds the end */
    assert_int_equal(count_spans(&t, "read batch"), 5);
    const trace_event *epoch = find_span(&t, "epoch \\\"één\\\""), *forward = find_span(&t, "Sequential"), *gemm = find_span(&t, "gemm");
    assert_true(holds(epoch, forward) && holds(forward, gemm));
    assert_true(says(gemm, "\"args\":{\"batch\":1,\"m\":8,\"n\":8,\"k\":4,\"type\":\"float32\"}"));
    assert_true(find_span(&t, "read batch")->thread != epoch->thread);
    trace_input_free(&t);
}

TEST(a_replayed_step_is_a_span_with_its_kernels)
{
    remove_folder("replay");
    tr_recording *step;
    tr_module *m = tr_sequential(tr_linear_layer(64, 64), tr_relu_layer(), tr_linear_layer(64, 64));
    tr_optim *o = sgd_of(m);
    tr_tensor *x = tr_randn(TR_SHAPE(64, 64));
    assert_int_equal(tr_record(&step), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_mean(tr_pow(tr_mul(2, tr_forward(m, x)), 2))), 0);
        assert_int_equal(tr_step(o), 0);
        tr_zero_grad(o);
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_trace_start("replay"), 0);
    assert_int_equal(tr_replay(step), 0);
    assert_int_equal(tr_trace_stop(), 0);
    trace_input t = read_trace("replay", 0);
    assert_spans_nest(&t);
    const trace_event *replay = find_span(&t, "replay");
    assert_true(holds(replay, find_span(&t, "gemm")) && holds(replay, find_span(&t, "sgd")));
    tr_recording_info info = tr_recording_info_of(step);
    assert_true(info.joined > 0);
    assert_true(holds(replay, find_span(&t, "mul+")));
    trace_input_free(&t);
}

TEST(spans_by_calls_close_those_inside)
{
    remove_folder("calls");
    assert_int_equal(tr_trace_begin("before there is a trace"), -1);
    assert_int_equal(tr_trace_start("calls"), 0);
    tr_trace_end(-1);
    int outer = tr_trace_begin("outer");
    assert_int_equal(tr_trace_begin("inner"), outer + 1);
    tr_trace_end(outer);
    for (int i = 0; i < 100; i++) tr_trace_begin("deep");
    tr_trace_end(0);
    tr_trace_begin("never ended");
    assert_int_equal(tr_trace_stop(), 0);
    trace_input t = read_trace("calls", 0);
    assert_true(holds(find_span(&t, "outer"), find_span(&t, "inner")));
    assert_int_equal(count_spans(&t, "deep"), 64);
    assert_int_equal(count_spans(&t, "never"), 0);
    assert_spans_nest(&t);
    trace_input_free(&t);
}

TEST(a_full_trace_keeps_room_for_what_is_no_kernel_and_counts_the_rest)
{
    remove_folder("full");
    setenv("TRIREME_TRACE_EVENTS", "16000", 1);
    assert_int_equal(tr_trace_start("full"), 0);
    unsetenv("TRIREME_TRACE_EVENTS");
    tr_tensor *x = row(1, 2, 3);
    for (int i = 0; i < 20000; i++) {
        TR_SCOPE;
        tr_neg(x);
    }
    {
        TR_TRACE("after that");
    }
    assert_int_equal(tr_trace_stop(), 0);
    trace_input t = read_trace("full", 0);
    int64_t kernels = count_spans(&t, "neg");
    assert_true(kernels > 13000 && kernels < 16000);
    assert_int_equal(kernels + t.dropped, 20000);
    assert_int_equal(count_spans(&t, "after that"), 1);
    bool told = false;
    for (int64_t i = 0; i < t.events; i++) told |= is_called(&t.event[i], "the trace is full: ");
    assert_true(told);
    trace_input_free(&t);
}

TEST(a_trace_knows_a_thousand_names)
{
    remove_folder("names");
    assert_int_equal(tr_trace_start("names"), 0);
    for (int i = 0; i < 1100; i++) {
        char name[200];
        snprintf(name, sizeof name, "%d %0150d", i, 7);
        TR_TRACE(name);
    }
    assert_int_equal(tr_trace_stop(), 0);
    trace_input t = read_trace("names", 0);
    assert_int_equal(count_spans(&t, "1000 "), 1);
    assert_true(count_spans(&t, "(other names)") > 70);
    trace_input_free(&t);
}

TEST(a_folder_that_cannot_be_written_is_an_error)
{
    assert_int_equal((tr_trace_start)("/proc/nope"), -1);
    assert_error_says("tr_trace_start: /proc/nope: ");
    assert_int_equal((tr_trace_start)(""), -1);
    assert_error_says("no folder");
    assert_false(tr_is_tracing());
    assert_int_equal(tr_trace_start("twice"), 0);
    assert_int_equal((tr_trace_start)("again"), -1);
    assert_error_says("under way, into twice");
    assert_int_equal(tr_trace_stop(), 0);
    assert_int_equal(tr_trace_stop(), 0);
}

/* ---- what a killed process leaves ---- */

static char *whole_file(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    *bytes = (size_t)ftell(in);
    rewind(in);
    char *text = malloc(*bytes + 1);
    assert_int_equal(fread(text, 1, *bytes, in), *bytes);
    text[*bytes] = '\0';
    fclose(in);
    return text;
}

static char *left_behind(size_t *bytes)
{
    char path[64];
    remove_folder("killed");
    assert_int_equal(tr_trace_start("killed"), 0);
    learn(2);
    snprintf(path, sizeof path, "killed/process-%ld.part", (long)getpid());
    char *file = whole_file(path, bytes);
    assert_int_equal(tr_trace_stop(), 0);
    return file;
}

TEST(what_a_killed_process_has_noted_is_read)
{
    size_t bytes;
    trace_input t;
    char *file = left_behind(&bytes);
    if (trace_input_convert(&t, "rank-0.part", file, bytes) < 0) fail_msg("%s", t.why);
    assert_true(t.unfinished);
    assert_int_equal(count_spans(&t, "SGD"), 2);
    assert_spans_nest(&t);
    trace_input_free(&t);
    free(file);
}

TEST(whatever_stands_in_it_is_spans_or_an_error)
{
    size_t bytes;
    char *file = left_behind(&bytes);
    for (int i = 0; i < 60; i++) {
        size_t cut = i % 2 ? bytes : (size_t)i * TRACE_BLOCKS_AT / 20;
        char *copy = malloc(bytes);
        memcpy(copy, file, bytes);
        uint64_t at = (uint64_t)i * 0x9e3779b97f4a7c15u;
        for (int k = 0; k < 200; k++) {
            at = at * 6364136223846793005u + 1442695040888963407u;
            size_t where = (at >> 33) % (k % 2 ? 200 : TRACE_BLOCKS_AT + 2000);
            if (where >= 16) copy[where] = (char)(at >> 20);
        }
        trace_input t;
        if (trace_input_convert(&t, "damaged", copy, cut < bytes ? cut : bytes) < 0) assert_true(*t.why);
        trace_input_free(&t);
        free(copy);
    }
    free(file);
}

/* ---- JSON from anybody ---- */

#define HEAD     "{\"otherData\":{\"trireme\":1,\"rank\":0,\"ranks\":1,\"job\":\"a\"},\n\"traceEvents\":["
#define SPAN(of) HEAD "{\"ph\":\"X\",\"name\":\"n\",\"pid\":0,\"tid\":1," of "}]}"

static const struct {
    const char *text, *says; /* NULL: it is good */
} files[] = {
    {HEAD "]}", NULL},
    {SPAN("\"ts\":1.5,\"dur\":0"), NULL},
    {SPAN("\"ts\":1.5e2,\"dur\":0,\"args\":{\"a\":[1,true,null,\"\\u00e9\"]}"), NULL},
    {"", "t:1:1: an object is expected, met the end of the file"},
    {"[]", "t:1:1: an object is expected, met '['"},
    {"{}", "t: is not a trace that a rank of this version of Trireme has written"},
    {HEAD, "t:2:16: an object is expected, met the end of the file"},
    {HEAD "]}x", "t:2:18: the end of the file is expected, met 'x'"},
    {HEAD "],\"traceEvents\":[]}", "a second \"traceEvents\""},
    {"{\"otherData\":{\"trireme\":1,\"rank\":0,\"ranks\":1}}", "has no \"traceEvents\""},
    {"{\"otherData\":{\"trireme\":2,\"rank\":0,\"ranks\":1},\"traceEvents\":[]}", "this version"},
    {"{\"otherData\":{\"trireme\":1,\"rank\":1,\"ranks\":1},\"traceEvents\":[]}", "of a rank that there is not"},
    {"{\"otherData\":{\"trireme\":1,\"rank\":0.5", "t:1:34: a whole number is expected, met '0'"},
    {SPAN("\"ts\":1"), "t:2:16: a span without a \"dur\", or one below 0, met '{'"},
    {SPAN("\"ts\":1,\"dur\":-1"), "or one below 0"},
    {SPAN("\"ts\":1e99,\"dur\":1"), "a \"ts\" that is a time"},
    {SPAN("\"ts\":1,\"dur\":1e999"), "or one below 0"},
    {SPAN("\"ts\":01,\"dur\":1"), "does not begin with 0"},
    {SPAN("\"ts\":+1"), "t:2:58: a digit is expected, met '+'"},
    {SPAN("\"ts\":NaN"), "met 'N'"},
    {SPAN("\"ts\":1.,\"dur\":1"), "a digit is expected"},
    {SPAN("\"a\":\"\t\""), "a control character"},
    {SPAN("\"a\":\"\\x\""), "an escape"},
    {SPAN("\"a\":\"\\u12\""), "four hexadecimal digits"},
    {SPAN("\"a\":tru"), "a value is expected, met 't'"},
    {SPAN("\"a\" 1"), "a ':' is expected"},
    {SPAN("\"pid\":1,\"ts\":1,\"dur\":1"), "t:2:16: an event of another rank"},
    {HEAD "{\"ph\":\"XX\"}]}", "a phase of one letter"},
    {HEAD "{\"name\":\"n\",\"pid\":0,\"tid\":0}]}", "without \"ph\""},
    {HEAD "{\"ph\":\"M\",\"pid\":0,\"tid\":0}]}", "without \"name\""},
    {HEAD "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "nested too deep"},
};

TEST(text_from_anybody_is_a_trace_or_an_error_that_names_the_place)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        trace_input t;
        int status = trace_input_parse(&t, "t", strdup(files[i].text), strlen(files[i].text));
        if (status != (files[i].says ? -1 : 0)) fail_msg("%s\n%s", files[i].text, t.why);
        if (files[i].says && !strstr(t.why, files[i].says)) fail_msg("%s\nis: %s\nnot: %s", files[i].text, t.why, files[i].says);
        trace_input_free(&t);
    }
}

TEST(a_trace_that_is_cut_anywhere_is_an_error)
{
    static const char text[] = SPAN("\"ts\":1.5e2,\"dur\":0,\"args\":{\"a\":[1,true,null,\"\\u00e9\"]}");
    for (size_t n = 0; n < sizeof text - 1; n++) {
        trace_input t;
        char *cut = strndup(text, n);
        assert_int_equal(trace_input_parse(&t, "cut", cut, n), -1);
        assert_true(*t.why);
        trace_input_free(&t);
    }
}

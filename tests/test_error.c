/* Errors: the first one stands, per thread; the handler hears of it once, with the caller's place. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <trireme/autocast.h>
#include <trireme/checkpoint.h>
#include "test.h"

/* ---- a handler that remembers ---- */

typedef struct {
    int calls, line;
    char message[500], file[100];
} heard;

static void hear(const tr_error *error, void *data)
{
    heard *h = data;
    h->calls++;
    h->line = error->line;
    snprintf(h->message, sizeof h->message, "%s", error->message);
    snprintf(h->file, sizeof h->file, "%s", error->file ? error->file : "nowhere");
}

static tr_tensor *three(void) { return row(1, 2, 3); }
static tr_tensor *two(void) { return row(1, 2); }

/* ---- standing ---- */

TEST(the_first_error_stands_until_it_is_cleared)
{
    assert_false(tr_error_stands());
    assert_string_equal(tr_error_message(), "");
    assert_null(tr_fail("first %d", 1));
    assert_null(tr_fail("second %d", 2));
    assert_null(tr_add(three(), two()));
    assert_int_equal(strncmp(tr_error_message(), "first 1", 7), 0);
    tr_error_clear();
    assert_false(tr_error_stands());
    assert_string_equal(tr_error_message(), "");
    assert_null(tr_fail("third"));
    assert_error_says("third");
}

TEST(null_travels_without_an_error_of_its_own)
{
    tr_fail("cause");
    assert_null(tr_mul(NULL, 2));
    assert_null(tr_sum(tr_exp(NULL)));
    assert_error_says("cause");
    assert_null(tr_mul(NULL, 2));
    assert_error_says("tr_mul: an argument is NULL");
    assert_null(tr_exp(NULL));
    assert_error_says("tr_exp: an argument is NULL");
}

TEST(work_goes_on_beside_an_error_that_stands)
{
    tr_fail("cause");
    assert_close(tr_add(two(), 1), row(2, 3), 0);
    assert_error_says("cause");
}

TEST(a_message_longer_than_its_room_is_cut)
{
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_null(tr_fail("%s", text));
    assert_null(tr_exp(NULL)); /* adds its place where there is no room */
    assert_true(strlen(tr_error_message()) < 400);
    assert_error_says("xxx");
}

/* ---- places ---- */

TEST(a_macro_adds_the_file_and_the_line_of_its_caller)
{
    heard h = {0};
    tr_on_error(hear, &h);
    tr_tensor *a = three(), *b = two();
    assert_null(tr_add(a, b)), assert_int_equal(h.line, __LINE__);
    assert_int_equal(h.calls, 1);
    assert_non_null(strstr(h.file, "test_error.c"));
    assert_string_equal(h.message, tr_error_message());
    assert_error_says("tr_add: (3,) float32 and (2,) float32 do not broadcast to one shape: The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 0 (test_error.c:");
}

TEST(operations_made_of_operations_place_their_failures_at_the_caller)
{
    heard h = {0};
    tr_on_error(hear, &h);
    assert_null(tr_mse_loss(three(), two())), assert_int_equal(h.line, __LINE__);
    assert_error_says("(3,) float32 and (2,) float32");
    assert_null(tr_cross_entropy(tr_zeros(TR_SHAPE(2, 3)), two())), assert_int_equal(h.line, __LINE__);
    assert_error_says("tr_cross_entropy");
    assert_null(tr_stack(TR_TENSORS(three(), two()), 0)), assert_int_equal(h.line, __LINE__);
    assert_error_says("tr_stack: stack expects each tensor to be equal size");
    assert_int_equal(h.calls, 3);
}

static void names(const char *function, bool failed)
{
    const char *message = tr_error_message();
    size_t length = strlen(function);
    if (!failed || strncmp(message, function, length) != 0 || message[length] != ':') fail_msg("%s: \"%s\"", function, message);
    tr_error_clear();
}

/* Also where it is made of others, or a kernel refuses. */
TEST(an_error_begins_with_the_function_that_was_called)
{
    tr_on_error(NULL, NULL);
    tr_tensor *x = tr_ones(TR_SHAPE(2, 3)), *truth = tr_gt(x, 0), *singular = tr_zeros(TR_SHAPE(2, 2)), *far = tr_to(row(0, 7), TR_INT64);
    tr_module *layer = tr_linear_layer(2, 2);
    const tr_device nowhere = {.type = (tr_device_type)9};
    names("tr_any", !tr_any(x, TR_DIM(7)));
    names("tr_logical_or", !tr_logical_or(two(), three()));
    names("tr_argsort", !tr_argsort(x, 7));
    names("tr_stack", !tr_stack(TR_TENSORS(x), 7));
    names("tr_clamp_min", !tr_clamp_min(x, two()));
    names("tr_zeros_like", !tr_zeros_like(x, .dtype = (tr_dtype)77));
    names("tr_index", !tr_index(x, far));
    names("tr_index_select", !tr_index_select(x, 0, far));
    names("tr_cross_entropy", !tr_cross_entropy(x, far));
    names("tr_nll_loss", !tr_nll_loss(x, far));
    names("tr_neg", !tr_neg(truth));
    names("tr_sub_", !tr_sub_(truth, truth));
    names("tr_inv", !tr_inv(singular));
    names("tr_solve", !tr_solve(singular, singular));
    names("tr_adamw", !tr_adamw(TR_TENSORS(x, far)));
    names("tr_ones", !tr_ones(TR_SHAPE(2), .device = nowhere));
    names("tr_to_device", !tr_to_device(x, nowhere));
    names("tr_dataset_idx", !tr_dataset_idx("there-is-no-such-file", ""));
    names("tr_module_to", tr_module_to(layer, nowhere) < 0);
    names("tr_module_load", tr_module_load(layer, "there-is-no-such-file") < 0);
    names("tr_module_save", tr_module_save(layer, "there/is/no/such/folder") < 0);
    names("tr_checkpoint_load", tr_checkpoint_load("there-is-no-such-file", layer, NULL, NULL) < 0);
}

TEST(a_failing_derivative_is_placed_at_the_backward)
{
    heard h = {0};
    tr_on_error(hear, &h);
    tr_tensor *x = tr_requires_grad_(three(), true), *y = tr_exp(tr_mul(x, 2)), *z = tr_sum(y);
    tr_add_(y, 1);
    assert_true(tr_backward(z) < 0), assert_int_equal(h.line, __LINE__);
    assert_int_equal(h.calls, 1);
    assert_error_says("ExpBackward0");
}

TEST(the_handler_hears_of_an_error_once)
{
    heard h = {0};
    tr_on_error(hear, &h);
    tr_tensor *y = tr_add(three(), two());
    for (int i = 0; i < 3; i++) y = tr_mul(y, 2);
    assert_null(y);
    assert_true(tr_backward(y) < 0);
    assert_true(isnan(tr_item(y)));
    assert_int_equal(h.calls, 1);
    assert_error_says("tr_add");
    assert_null(tr_add(three(), two()));
    assert_int_equal(h.calls, 2); /* another error */
    assert_error_says("tr_add");
}

TEST(plain_calls_are_heard_of_at_the_end_of_their_chain)
{
    heard h = {0};
    tr_on_error(hear, &h);
    tr_tensor *y = (tr_exp)((tr_add)(three(), two()));
    assert_null(y);
    assert_int_equal(h.calls, 0);
    assert_true((tr_backward)(y, (tr_backward_options){0}) < 0);
    assert_int_equal(h.calls, 1);
    assert_string_equal(h.file, "nowhere");
    assert_error_says("tr_add: (3,)");

    y = (tr_exp)((tr_add)(three(), two()));
    assert_true(isnan((tr_item)(y)));
    assert_int_equal(h.calls, 2);
    assert_error_says("tr_add: (3,)");
}

TEST(printing_and_switches_that_fail_are_heard_of_where_they_stand)
{
    heard h = {0};
    tr_on_error(hear, &h);
    tr_tensor *x = tr_requires_grad_(three(), true);
    assert_int_equal(tr_print_numpy(x), -1), assert_int_equal(h.line, __LINE__);
    tr_error_clear();
    assert_string_equal(tr_to_numpy_string(x), ""), assert_int_equal(h.line, __LINE__);
    tr_error_clear();
    assert_int_equal(tr_on_backward_end(NULL, NULL), -1), assert_int_equal(h.line, __LINE__);
    tr_error_clear();
    {
        TR_AUTOCAST(TR_INT64);
        assert_int_equal(h.line, __LINE__ - 1);
        tr_error_clear();
    }
    tr_set_float32_matmul_precision((tr_precision)7), assert_int_equal(h.line, __LINE__);
    assert_error_says("tr_set_float32_matmul_precision: 7");
    assert_int_equal(h.calls, 5);
}

static void hear_and_clear(const tr_error *error, void *data)
{
    hear(error, data);
    tr_error_clear();
}

TEST(a_handler_may_clear_what_it_hears)
{
    heard h = {0};
    tr_on_error(hear_and_clear, &h);
    assert_null(tr_add(three(), two()));
    assert_false(tr_error_stands());
    assert_null(tr_add(three(), two()));
    assert_int_equal(h.calls, 2);
}

TEST(a_nan_that_is_a_value_is_no_error)
{
    assert_true(isnan(tr_item(tr_tensor_of(NAN))));
    assert_false(tr_error_stands());
    assert_true(isnan(tr_item(three())));
    assert_error_says("tr_item: (3,) float32 has 3 elements, not one");
    assert_true(isnan(tr_get(three(), 3)));
    assert_error_says("tr_get: there is no element 3 in (3,) float32");
    assert_true(isnan(tr_get(three(), -1)));
    assert_error_says("no element -1");
}

/* ---- threads ---- */

static void *thread_of_its_own(void *data)
{
    (void)data;
    bool clean = !tr_error_stands();
    tr_on_error(NULL, NULL);
    tr_fail("of the thread");
    return clean && tr_error_stands() && tr_finish() == 1 ? data : NULL;
}

TEST(each_thread_has_an_error_of_its_own)
{
    heard h = {0};
    tr_on_error(hear, &h);
    tr_fail("of the test");
    pthread_t thread;
    void *good = NULL;
    assert_int_equal(pthread_create(&thread, NULL, thread_of_its_own, &h), 0);
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_ptr_equal(good, &h);
    assert_int_equal(h.calls, 0);
    assert_error_says("of the test");
}

static void *thread_that_fails(void *data)
{
    (void)data;
    (void)tr_add(three(), two()); /* the thread's handler is the default one */
    (void)tr_exp(NULL);
    return NULL;
}

TEST(the_default_handler_writes_one_line_on_stderr)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    pthread_t thread;
    int begun = dup2(fileno(file), STDERR_FILENO) < 0 ? -1 : pthread_create(&thread, NULL, thread_that_fails, NULL);
    if (begun == 0) pthread_join(thread, NULL);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    assert_int_equal(begun, 0);

    char text[1000] = "";
    rewind(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    const char *start = "trireme: tr_add: (3,) float32 and (2,) float32 do not broadcast to one shape: The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 0 (test_error.c:";
    assert_int_equal(strncmp(text, start, strlen(start)), 0);
    assert_ptr_equal(strchr(text, '\n'), text + n - 1);
}

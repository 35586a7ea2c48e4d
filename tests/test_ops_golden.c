/* Every operation against PyTorch: golden/ops.txt replayed, values, types, shapes and gradients.  golden/make_ops.py says
 * how a line is to be read. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/trireme.h>
#include "operations.h"
#include "test.h"

/* ---- reading a case ---- */

static char *word(char **at)
{
    while (**at == ' ') ++*at;
    char *start = *at;
    while (**at && !isspace((unsigned char)**at)) ++*at;
    if (**at) *(*at)++ = 0;
    return start;
}

static tr_dtype type_named(const char *name)
{
    for (size_t i = 0; i < sizeof golden_types / sizeof *golden_types; i++)
        if (strcmp(name, golden_types[i].name) == 0) return golden_types[i].dtype;
    return TR_DEFAULT_DTYPE;
}

static int64_t numbers_of(char *at, double *to, int64_t most)
{
    int64_t n = 0;
    for (char *end; n < most; at = end) {
        double value = strtod(at, &end);
        if (end == at) break;
        to[n++] = value;
    }
    return n;
}

enum { ROOM = 1024 };

static tr_tensor *laid(tr_tensor *t, const char *layout)
{
    int ndim = tr_ndim(t);
    if (strcmp(layout, "turned") == 0) {
        tr_shape order = {.ndim = ndim};
        for (int d = 0; d < ndim; d++) order.size[d] = ndim - 1 - d;
        return tr_permute(tr_contiguous(tr_permute(t, order)), order);
    }
    if (strcmp(layout, "stretched") == 0) return tr_expand(tr_narrow(t, 0, 0, 1), tr_shape_of_tensor(t));
    if (strcmp(layout, "step") == 0) {
        tr_shape wide = tr_shape_of_tensor(t);
        wide.size[ndim - 1] *= 2;
        return tr_copy_(tr_slice(tr_full(wide, 9, .dtype = tr_dtype_of(t), .device = harness_device()), -1, 0, TR_END, 2), t);
    }
    return t;
}

/* "float32 2x3 turned 1 2 3 4 5 6" */
static tr_tensor *tensor_from(char *at)
{
    static double values[ROOM];
    char *type = word(&at);
    if (strcmp(type, "number") == 0) {
        tr_dtype kind = type_named(word(&at));
        return tr_number_(strtod(at, NULL), kind);
    }
    char *sizes = word(&at), *layout = word(&at);
    tr_shape shape = {0};
    for (char *s = sizes; *s && *sizes != '-'; s += *s == 'x') shape.size[shape.ndim++] = strtoll(s, &s, 10);
    numbers_of(at, values, ROOM);
    tr_dtype dtype = type_named(type);
    return laid(tr_from_data(values, tr_dtype_is_complex(dtype) ? TR_COMPLEX128 : TR_FLOAT64, shape, .dtype = dtype, .device = harness_device()), layout);
}

static int tensors_from(char *at, tr_tensor **t)
{
    int n = 0;
    for (char *next; at && at[strspn(at, " ")]; at = next) {
        next = strstr(at, " ; ");
        if (next) *next = 0, next += 3;
        t[n++] = tensor_from(at);
    }
    return n;
}

/* ---- comparing ---- */

static double tolerance_of(tr_dtype dtype)
{
    return dtype == TR_FLOAT64 || dtype == TR_COMPLEX128 ? 1e-12 : dtype == TR_FLOAT32 || dtype == TR_COMPLEX64 ? 4e-6
                                                               : dtype == TR_FLOAT16                            ? 2e-3
                                                               : dtype == TR_BFLOAT16                           ? 1.6e-2
                                                                                                                : 0;
}

static bool close(double got, double want, double tolerance)
{
    return got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= tolerance * fmax(1, fabs(want));
}

static bool same(tr_tensor *got, tr_tensor *want, char *why)
{
    static double g[2 * ROOM], w[2 * ROOM];
    tr_dtype type = tr_dtype_of(want);
    tr_shape a = tr_shape_of_tensor(got), b = tr_shape_of_tensor(want);
    bool fits = got && tr_dtype_of(got) == type && a.ndim == b.ndim;
    for (int d = 0; d < b.ndim && fits; d++) fits = a.size[d] == b.size[d];
    if (!fits) {
        snprintf(why, 200, "is %s %s, not %s %s", tr_dtype_name(tr_dtype_of(got)), tr_shape_string(a), tr_dtype_name(type), tr_shape_string(b));
        return false;
    }
    bool pair = tr_dtype_is_complex(type);
    if (tr_to_data(got, pair ? TR_COMPLEX128 : TR_FLOAT64, g) < 0 || tr_to_data(want, pair ? TR_COMPLEX128 : TR_FLOAT64, w) < 0) return false;
    for (int64_t i = 0; i < tr_numel(want) * (pair ? 2 : 1); i++)
        if (!close(g[i], w[i], tolerance_of(type))) {
            snprintf(why, 200, "element %d is %.9g, not %.9g", (int)i, g[i], w[i]);
            return false;
        }
    return true;
}

/* The gradient of sum(y * (1, 2, 3, ...)), of complex numbers both parts of it, against "0 1.5 2 ...": the input that wants it, and its numbers. */
static bool gradient_is(const call *c, char *text, char *why)
{
    static double want[ROOM];
    int leaf = (int)strtol(text, &text, 10);
    tr_tensor *y = c->y[0], *x = c->x[leaf];
    if (!tr_requires_grad(y)) {
        snprintf(why, 200, "does not require a gradient");
        return false;
    }
    tr_tensor *weight = tr_to(tr_reshape(tr_arange(1, (double)tr_numel(y) + 1, 1, .device = harness_device()), tr_shape_of_tensor(y)), tr_dtype_of(y));
    bool pair = tr_dtype_is_complex(tr_dtype_of(x));
    tr_tensor *sum = tr_sum(tr_mul(y, weight)), *loss = tr_dtype_is_complex(tr_dtype_of(y)) ? tr_add(tr_real(sum), tr_imag(sum)) : sum;
    if (tr_backward(loss) < 0) return false;
    int64_t n = numbers_of(text, want, ROOM);
    tr_tensor *values = tr_from_data(want, pair ? TR_COMPLEX128 : TR_FLOAT64, tr_shape_of_tensor(x), .dtype = tr_dtype_of(x));
    if (n != tr_numel(x) * (pair ? 2 : 1) || !tr_grad(x)) {
        snprintf(why, 200, "has no gradient");
        return false;
    }
    char what[160] = "";
    bool good = same(tr_grad(x), values, what);
    snprintf(why, 200, "the gradient: %s", what);
    return good;
}

/* A line's fields, and its call with all but the results; the name of the operation. */
static const char *begin(char *line, char *field[6], call *c)
{
    char *at = line;
    for (int i = 0; i < 6; i++) {
        field[i] = at;
        char *bar = strchr(at, '|');
        if (bar) *bar = 0, at = bar + 1;
    }
    *c = (call){0};
    c->numbers = (int)numbers_of(field[1], c->a, MOST);
    c->inputs = tensors_from(field[2], c->x);
    return word(&field[0]);
}

static int operation_named(const char *name)
{
    int op = 0;
    while (op < OPERATIONS && strcmp(operations[op].name, name) != 0) op++;
    return op;
}

static bool replay(char *line, char *why)
{
    TR_SCOPE;
    char *field[6];
    call c;
    tr_tensor *want[MOST] = {NULL};
    const char *name = begin(line, field, &c);
    c.outputs = tensors_from(field[3], want);
    char *gradient = field[4] + strspn(field[4], " ");
    if (*gradient != '-') {
        int leaf = (int)strtol(gradient, NULL, 10);
        tr_requires_grad_(c.x[leaf], true);
    }
    why[0] = 0;
    int op = operation_named(name);
    if (op == OPERATIONS) {
        snprintf(why, 200, "no such operation in the table");
        return false;
    }
    operations[op].run(&c);
    if (tr_error_stands()) {
        snprintf(why, 200, "%.190s", tr_error_message());
        return false;
    }
    for (int i = 0; i < c.outputs; i++)
        if (!same(c.y[i], want[i], why)) return false;
    if (*gradient == '-') return true;
    char *made_by = word(&field[5]);
    if (*made_by != '-' && strcmp(made_by, tr_grad_fn(c.y[0]) ? tr_grad_fn(c.y[0]) : "nobody") != 0) {
        snprintf(why, 200, "made by %s, not %.99s", tr_grad_fn(c.y[0]) ? tr_grad_fn(c.y[0]) : "nobody", made_by);
        return false;
    }
    return gradient_is(&c, gradient, why);
}

static void replay_file(const char *path, int at_least)
{
    static char line[16384], shown[16384];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int cases = 0, wrong = 0;
    while (fgets(line, sizeof line, file)) {
        char why[256];
        if (line[0] == '#') continue;
        line[strcspn(line, "\n")] = 0;
        memcpy(shown, line, sizeof shown);
        cases++;
        if (replay(line, why)) continue;
        tr_error_clear();
        if (wrong++ < 40)
            print_message("%.300s\n    %s\n", shown, why);
    }
    fclose(file);
    if (wrong) fail_msg("%d of %d cases", wrong, cases);
    assert_true(cases > at_least);
}

TEST(every_operation_does_what_pytorch_does)
{
    replay_file(TEST_DIR "/golden/ops.txt", 1000);
}

TEST(matrices_of_every_kind_go_through_every_operation_as_in_pytorch)
{
    replay_file(TEST_DIR "/golden/ops_everywhere.txt", 1000);
}

TEST(corners_are_as_in_pytorch)
{
    replay_file(TEST_DIR "/golden/ops_corners.txt", 150);
}

/* ---- an operand elsewhere ---- */

/* Each tensor in turn on the CPU, the others on the device: an error that says so.  How often that was tried; -1 if one
 * was taken. */
static int refused_apart(const char *line, char *why)
{
    static char copy[16384];
    int tried = 0;
    for (int apart = 0; apart < MOST; apart++) {
        TR_SCOPE;
        char *field[6];
        call c;
        snprintf(copy, sizeof copy, "%s", line);
        const char *name = begin(copy, field, &c);
        int op = operation_named(name);
        if (apart >= c.inputs || op == OPERATIONS || strcmp(name, "copy_") == 0) break; /* which copies from anywhere */
        if (tr_device_of(c.x[apart]).type == TR_CPU) continue;                          /* a number */
        bool alone = true;
        for (int i = 0; i < c.inputs; i++) alone &= i == apart || tr_device_of(c.x[i]).type == TR_CPU;
        if (alone) continue;
        c.x[apart] = tr_to_device(c.x[apart], tr_cpu());
        c.outputs = MOST;
        operations[op].run(&c);
        if (!tr_error_stands() || !strstr(tr_error_message(), "device")) {
            snprintf(why, 200, "input %d on the CPU: %.150s", apart, tr_error_message());
            return -1;
        }
        tr_error_clear();
        tried++;
    }
    return tried;
}

TEST(no_operation_takes_operands_of_two_devices)
{
    static const char *const files[] = {TEST_DIR "/golden/ops.txt", TEST_DIR "/golden/ops_everywhere.txt", TEST_DIR "/golden/ops_corners.txt"};
    static char line[16384];
    char why[256];
    int tried = 0, wrong = 0;
    if (harness_device().type == TR_CPU) skip_because("there is one device");
    for (int i = 0; i < 3; i++) {
        FILE *file = fopen(files[i], "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file)) {
            if (line[0] == '#') continue;
            line[strcspn(line, "\n")] = 0;
            int n = refused_apart(line, why);
            if (n >= 0) {
                tried += n;
                continue;
            }
            tr_error_clear();
            if (wrong++ < 40) print_message("%.200s\n    %s\n", line, why);
        }
        fclose(file);
    }
    if (wrong) fail_msg("%d cases", wrong);
    assert_true(tried > 1000);
}

/* ---- what golden values do not show ---- */

TEST(integers_refuse_what_has_no_whole_answer)
{
    tr_tensor *x = tr_to(row(1, 2), TR_INT64);
    assert_null(tr_pow(x, -1));
    assert_error_says("negative integer powers");
    assert_null(tr_floor_divide(x, 0));
    assert_error_says("tr_floor_divide: () int64");
    assert_null(tr_var(x));
    assert_error_says("not of a floating type");
}

TEST(bad_indices_are_named_and_nothing_is_written)
{
    tr_tensor *x = row(1, 2, 3);
    assert_null(tr_index_put_(x, tr_to(row(0, 5), TR_INT64), 9));
    assert_error_says("index 5");
    assert_close(x, row(1, 2, 3), 0);
    assert_null(tr_topk(x, 4, 0));
    assert_error_says("4 of the 3");
    assert_null(tr_inv(tr_zeros(TR_SHAPE(2, 2))));
    assert_error_says("singular");
    tr_tensor *parts_[2];
    assert_true(tr_split(x, 1, 0, parts_, 2) == -1);
    assert_error_says("3 parts of 1");
}

TEST(writes_by_mask_and_index_reach_views_and_refuse_leaves)
{
    tr_tensor *x = tr_zeros(TR_SHAPE(2, 3)), *turned = tr_t(x), *leaf = tr_zeros(TR_SHAPE(2), .requires_grad = true);
    tr_index_put_(turned, tr_to(row(1), TR_INT64), row(5, 6));
    assert_item(tr_select(tr_select(x, 0, 1), 0, 1), 6, 0);
    tr_masked_fill_(turned, tr_gt(turned, 5), -1);
    assert_item(tr_sum(x), 4, 0);
    assert_null(tr_masked_fill_(leaf, tr_to(row(1, 0), TR_BOOL), 1));
    assert_error_says("leaf Variable that requires grad");
}

TEST(tensors_like_another_take_its_shape_and_type)
{
    tr_tensor *x = tr_ones(TR_SHAPE(2, 3), .dtype = TR_FLOAT64);
    assert_dtype(tr_zeros_like(x), TR_FLOAT64);
    assert_item(tr_sum(tr_full_like(x, 2)), 12, 0);
    assert_item(tr_sum(tr_ones_like(x, .dtype = TR_INT64)), 6, 0);
    assert_shape(tr_empty_like(x), 2, 3);
    tr_manual_seed(0);
    tr_tensor *random = tr_rand_like(x);
    tr_manual_seed(0);
    assert_close(random, tr_rand(TR_SHAPE(2, 3), .dtype = TR_FLOAT64), 0);
    assert_shape(tr_randn_like(x), 2, 3);
}

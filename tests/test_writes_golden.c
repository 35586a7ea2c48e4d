/* Views and writes in place against NumPy: the programs of golden/writes.txt replayed step by step; golden/make_writes.py
 * says how they are to be read. */
#include <stdio.h>
#include <stdlib.h>
#include <trireme/autograd.h>
#include "test.h"

enum { VIEWS = 24,
       NUMBERS = 256,
       TO_THE_END = -99 };

typedef struct {
    tr_tensor *view[VIEWS];
    int views;
    int64_t number[NUMBERS];
    int numbers;
} machine;

static void read_numbers(machine *m, const char *at)
{
    m->numbers = 0;
    for (char *end; m->numbers < NUMBERS; at = end) {
        long long n = strtoll(at, &end, 10);
        if (end == at) return;
        m->number[m->numbers++] = n;
    }
}

static tr_shape sizes(const machine *m) { return tr_shape_of(m->numbers, m->number); }

static tr_tensor *begin(machine *m, const char *type)
{
    static const tr_dtype types[] = {TR_FLOAT32, TR_FLOAT64, TR_INT64, TR_INT32};
    int i = 0;
    while (i < 3 && strcmp(tr_dtype_name(types[i]), type) != 0) i++;
    return tr_view(tr_arange(0, tr_shape_numel(sizes(m)), 1, .dtype = types[i], .device = harness_device()), sizes(m));
}

static tr_tensor *view_of(const machine *m, tr_tensor *t, const char *kind)
{
    const int64_t *n = m->number;
    int first = (int)n[0];
    if (strcmp(kind, "transpose") == 0) return tr_transpose(t, first, (int)n[1]);
    if (strcmp(kind, "permute") == 0) return tr_permute(t, sizes(m));
    if (strcmp(kind, "select") == 0) return tr_select(t, first, n[1]);
    if (strcmp(kind, "slice") == 0) return tr_slice(t, first, n[1], n[2] == TO_THE_END ? TR_END : n[2], n[3]);
    if (strcmp(kind, "narrow") == 0) return tr_narrow(t, first, n[1], n[2]);
    if (strcmp(kind, "unsqueeze") == 0) return tr_unsqueeze(t, first);
    if (strcmp(kind, "squeeze") == 0) return tr_squeeze(t, first);
    if (strcmp(kind, "diagonal") == 0) return tr_diagonal(t, n[0], (int)n[1], (int)n[2]);
    if (strcmp(kind, "view") == 0) return tr_view(t, sizes(m));
    if (strcmp(kind, "expand") == 0) return tr_expand(t, sizes(m));
    return tr_fail("a view of no known kind: %s", kind);
}

static tr_tensor *write_to(const machine *m, tr_tensor *t, const char *kind)
{
    const int64_t *n = m->number;
    if (strcmp(kind, "fill") == 0) return tr_fill_(t, (double)n[0]);
    if (strcmp(kind, "zero") == 0) return tr_zero_(t);
    if (strcmp(kind, "add") == 0) return tr_add_(t, n[0]);
    if (strcmp(kind, "sub") == 0) return tr_sub_(t, n[0]);
    if (strcmp(kind, "mul") == 0) return tr_mul_(t, n[0]);
    if (strcmp(kind, "mask") == 0) return tr_masked_fill_(t, tr_gt(t, n[0]), n[1]);
    if (strcmp(kind, "index") == 0) return tr_index_put_(t, tr_full(TR_SHAPE(1), n[0], .device = harness_device()), n[1]);
    tr_tensor *from = m->view[n[0]];
    if (strcmp(kind, "add_view") == 0) return tr_add_(t, from);
    if (strcmp(kind, "sub_view") == 0) return tr_sub_(t, from);
    if (strcmp(kind, "copy_view") == 0) return tr_copy_(t, from);
    return tr_fail("a write of no known kind: %s", kind);
}

static int64_t total(const tr_tensor *x)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < tr_numel(x); i++) sum += (int64_t)tr_get(x, i) * (i + 1);
    return sum;
}

static bool shows(const machine *m, const tr_tensor *t)
{
    bool same = tr_numel(t) == m->numbers;
    for (int i = 0; i < m->numbers && same; i++) same = (int64_t)tr_get(t, i) == m->number[i];
    return same;
}

static bool step(machine *m, char *line)
{
    char what[16], kind[16];
    int which, used = 0;
    if (sscanf(line, "program %15s %n", kind, &used) == 1) {
        read_numbers(m, line + used);
        m->views = 0;
        return (m->view[m->views++] = begin(m, kind)) != NULL;
    }
    if (sscanf(line, "%15s %d %n", what, &which, &used) != 2 || which >= m->views) return false;
    tr_tensor *t = m->view[which];
    if (strcmp(what, "read") == 0) {
        read_numbers(m, line + used);
        return shows(m, t);
    }
    int more = 0;
    if (sscanf(line + used, "%15s %n", kind, &more) != 1) return false;
    read_numbers(m, line + used + more);
    if (strcmp(what, "view") == 0) return m->views < VIEWS && (m->view[m->views++] = view_of(m, t, kind)) != NULL;
    const char *sum = strchr(line, '=');
    return sum && write_to(m, t, kind) == t && total(m->view[0]) == strtoll(sum + 1, NULL, 10);
}

TEST(programs_of_views_and_writes_do_what_numpy_does)
{
    static char line[4096];
    FILE *file = fopen(TEST_DIR "/golden/writes.txt", "r");
    assert_non_null(file);
    machine m = {0};
    int steps = 0, programs = 0;
    int scope = tr_scope_open();
    while (fgets(line, sizeof line, file)) {
        if (*line == '#') continue;
        bool new_program = strncmp(line, "program", 7) == 0;
        if (new_program) {
            tr_scope_close(scope);
            scope = tr_scope_open();
        }
        programs += new_program;
        steps++;
        bool right = step(&m, line);
        if (!right) fail_msg("program %d: %s    %s", programs, line, tr_error_stands() ? tr_error_message() : "shows something else");
    }
    tr_scope_close(scope);
    fclose(file);
    assert_true(programs >= 100 && steps > 3000);
}

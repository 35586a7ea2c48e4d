/* Cases of golden/printing.txt and golden/printing_numpy.txt: tensors, and how they print.  make_printing.py says how a
 * case is written. */
#ifndef PRINTED_H
#define PRINTED_H

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/memory.h"
#include "core/tensor.h"

enum { LINE_ROOM = 1 << 16 };

typedef struct {
    FILE *file;
    int line;
    char text[LINE_ROOM];
} reader;

/* As it fails at one allocation after the other, there is an error that says who, and an empty text. */
static inline void assert_text_needs_memory(const char *(*text_of)(const tr_tensor *t), const char *who)
{
    tr_tensor *t = tr_zeros(TR_SHAPE(100));
    int failures = 0;
    for (int64_t n = 1; n < 10; n++) {
        TR_SCOPE;
        tr_empty_cache();
        core_system_fail_at(n);
        const char *text = text_of(t);
        core_system_fail_at(0);
        if (!tr_error_stands()) {
            assert_true(*text);
            continue;
        }
        failures++;
        assert_string_equal(text, "");
        assert_error_says(who);
    }
    assert_true(failures >= 1);
}

static bool read_line(reader *r)
{
    if (!fgets(r->text, LINE_ROOM, r->file)) return false;
    r->line++;
    r->text[strcspn(r->text, "\n")] = '\0';
    return true;
}

static tr_dtype dtype_named(const char *name)
{
    for (int d = TR_BOOL; d < TR_DTYPES; d++)
        if (strcmp(tr_dtype_name((tr_dtype)d), name) == 0) return (tr_dtype)d;
    fail_msg("no type %s", name);
    return TR_DEFAULT_DTYPE;
}

/* Numbers up to the next '|', which is stepped over. */
static int numbers(char **at, int64_t *to)
{
    int n = 0;
    while (*at += strspn(*at, " "), **at && **at != '|') to[n++] = strtoll(*at, at, 10);
    *at += **at == '|';
    return n;
}

static double ramp_value(int64_t i, const int64_t k[4]) { return ldexp((double)(i * k[0] % k[1] - k[2]), (int)k[3]); }

static tr_tensor *storage_from(char *line, tr_dtype dtype)
{
    int64_t n = strtoll(line, &line, 10), ramp[4] = {0};
    bool is_ramp = strncmp(line, " ramp", 5) == 0, complex = tr_dtype_is_complex(dtype);
    if (is_ramp) {
        line += 5;
        for (int i = 0; i < 4; i++) ramp[i] = strtoll(line, &line, 10);
    }
    tr_tensor *t = tr_empty(TR_SHAPE(n), .dtype = dtype);
    tr_dtype part = dtype == TR_COMPLEX64 ? TR_FLOAT32 : dtype == TR_COMPLEX128 ? TR_FLOAT64
                                                                                : dtype;
    for (int64_t i = 0; i < n * (1 + complex); i++) {
        if (is_ramp)
            core_element_set(tr_data(t), part, i, !complex ? ramp_value(i, ramp) : i % 2 ? 0
                                                                                         : ramp_value(i / 2, ramp));
        else if (dtype == TR_INT64)
            ((int64_t *)tr_data(t))[i] = strtoll(line, &line, 10);
        else
            core_element_set(tr_data(t), part, i, strtod(line, &line));
    }
    return t;
}

static void let_go(core_origin *origin) { (void)origin; }

static tr_tensor *read_case(reader *r, core_origin *origin, char flags[80])
{
    char name[32], *at = r->text;
    int used;
    assert_int_equal(sscanf(at, "case %31s %n", name, &used), 1);
    at += used;
    tr_dtype dtype = dtype_named(name);
    tr_shape shape;
    int64_t stride[TR_MAX_DIMS] = {0}, offset = 0;
    shape.ndim = numbers(&at, shape.size);
    numbers(&at, stride);
    numbers(&at, &offset);
    snprintf(flags, 80, "%s", at + strspn(at, " "));

    assert_true(read_line(r));
    tr_tensor *t = core_tensor_alias(storage_from(r->text, dtype), &shape, stride, offset, "test");
    if (strcmp(flags, "requires_grad") == 0) {
        t->flags |= CORE_REQUIRES_GRAD;
    } else if (*flags) {
        *origin = (core_origin){.name = flags, .count = 2, .release = let_go};
        t->origin = origin;
    }
    return t;
}

/* How many cases there are; all of them print as they should. */
static int compare_with_golden(const char *name, const char *(*to_string)(const tr_tensor *t))
{
    static reader r;
    static char want[LINE_ROOM];
    char path[512];
    int cases = 0, wrong = 0;
    snprintf(path, sizeof path, TEST_DIR "/golden/%s", name);
    r = (reader){.file = fopen(path, "r")};
    assert_non_null(r.file);
    while (read_line(&r)) {
        if (*r.text == '#') continue;
        TR_SCOPE;
        int line = r.line;
        core_origin origin;
        char flags[80];
        tr_tensor *t = read_case(&r, &origin, flags);
        assert_true(read_line(&r));
        size_t length = 0;
        for (int lines = atoi(r.text); lines > 0; lines--) {
            assert_true(read_line(&r));
            length += (size_t)snprintf(want + length, sizeof want - length, lines > 1 ? "%s\n" : "%s", r.text);
        }
        const char *got = to_string(t);
        t->origin = NULL;
        cases++;
        if (strcmp(got, want) != 0 && ++wrong <= 5) print_error("%s:%d: wanted\n%s\nbut got\n%s\n", name, line, want, got);
    }
    fclose(r.file);
    assert_int_equal(wrong, 0);
    return cases;
}

#endif

/* What the tests of file formats share: golden files, and files made on the spot. */
#ifndef TESTS_IO_FILES_H
#define TESTS_IO_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include "test.h"
#include <trireme/io.h>
#include "io/source.h"

#define GOLDEN(name) TEST_DIR "/golden/io/" name

/* Every element is what tests/golden/make_io.py says: element i is i - 2, and so on. */
static inline void assert_golden(tr_tensor *t, tr_dtype dtype)
{
    assert_dtype(t, dtype);
    int64_t n = tr_numel(t);
    double *value = malloc(sizeof(double) * 2 * (size_t)(n + 1));
    assert_int_equal((tr_to_data)(t, TR_COMPLEX128, value), 0);
    for (int64_t i = 0; i < n; i++) {
        double x = (double)i, real = dtype == TR_BOOL ? (double)(i % 2) : dtype == TR_UINT8 ? x
                                                                                            : x - 2;
        double imaginary = tr_dtype_is_complex(dtype) ? x / 2 : 0;
        if (value[2 * i] == real && value[2 * i + 1] == imaginary) continue;
        print_error("element %lld is %g + %gj, wanted %g + %gj\n", (long long)i, value[2 * i], value[2 * i + 1], real, imaginary);
        fail();
    }
    free(value);
}

static inline void write_file(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* A whole file, a NUL behind it; the caller frees. */
static inline char *read_file(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = calloc(1, 1 << 20);
    *count = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static inline void assert_same_files(const char *a, const char *b)
{
    size_t na, nb;
    char *x = read_file(a, &na), *y = read_file(b, &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(x, y, na);
    free(x);
    free(y);
}

#endif

/* What a test is written in, on top of cmocka's own asserts.
 *
 *     TEST(softmax_survives_huge_logits)
 *     {
 *         assert_close(tr_softmax(row(1000, 1001), -1), row(0.268941, 0.731059), 1e-6);
 *     }
 *
 * A test is a sentence that it proves; it registers itself, so there is no list to keep. Around each one the harness
 * opens a scope, silences the error handler, seeds the default generator with 0, and afterwards closes what a failing
 * assert (a jump) left open. An error that still stands when a test ends fails it: an expected one is taken away with
 * assert_error_says. `test_softmax huge` runs the tests whose names contain "huge".
 *
 * A file becomes a test by its name, tests/test_*.c. One that runs under mpirun says so in its first lines, and starts
 * and ends the ranks; it links the shared libraries, so it sees public functions only:
 *
 *     // CTEST DIST RANKS 1 2 4
 *     BEFORE_ALL { return tr_dist_init(argc, argv); }
 *     AFTER_ALL { return tr_dist_finish(); }                                                                         */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <trireme/tensor.h>

/* The exit status that CTest counts as a skip; BEFORE_ALL may return it. */
enum { TEST_SKIPPED = 77 };

#define TEST(sentence)                                                         \
 static void test_##sentence(void);                                            \
 __attribute__((constructor)) static void register_##sentence(void)            \
 {                                                                             \
  static test_case t = {#sentence, __FILE__, __LINE__, test_##sentence, NULL}; \
  harness_add(&t);                                                             \
 }                                                                             \
 static void test_##sentence(void)

/* Before the first test and after the last; anything but 0 ends the program with that status. */
#define BEFORE_ALL                                                                                  \
 static int test_begin(int *argc, char ***argv);                                                    \
 __attribute__((constructor)) static void test_set_begin(void) { harness_before_all = test_begin; } \
 static int test_begin(__attribute__((unused)) int *argc, __attribute__((unused)) char ***argv)
#define AFTER_ALL                                                                              \
 static int test_end(void);                                                                    \
 __attribute__((constructor)) static void test_set_end(void) { harness_after_all = test_end; } \
 static int test_end(void)

/* Leave a test that cannot run here; a program whose tests all did is a skip to CTest. */
#define skip_because(reason) harness_skip(reason, __FILE__, __LINE__)

/* ---- where ----
 * The device under test: the CPU, or what TRIREME_TEST_DEVICE names; without that device all is skipped. */
tr_device harness_device(void);
/* t there; the CPU's stay what they are. */
tr_tensor *harness_there(tr_tensor *t);

/* So many of n rounds that are all alike: one of TRIREME_TEST_SHARE (1), where what runs the test takes fifty times as long. */
int harness_rounds(int n);

/* ---- tensors in a few words ---- */
#define TEST_NUMBERS_(...) ((const double[]){0, __VA_ARGS__})
#define TEST_ROW_(dtype, ...) \
 harness_row(dtype, (int64_t)(sizeof(TEST_NUMBERS_(__VA_ARGS__)) / sizeof(double)) - 1, TEST_NUMBERS_(__VA_ARGS__) + 1)
#define row(...)   TEST_ROW_(TR_FLOAT32, __VA_ARGS__) /* row(1, 2, 3): 1-D float32 */
#define row64(...) TEST_ROW_(TR_FLOAT64, __VA_ARGS__) /* the same in float64 */

/* ---- asserts ---- */

/* One shape, and |got - want| <= tolerance everywhere: NaN equals nothing, an infinity itself. The _nan one lets NaN
 * equal NaN. Element types may differ. */
#define assert_close(got, want, tolerance)     harness_close(got, want, tolerance, false, __FILE__, __LINE__)
#define assert_close_nan(got, want, tolerance) harness_close(got, want, tolerance, true, __FILE__, __LINE__)

/* assert_shape(t, 2, 3); assert_shape(t) for a scalar. */
#define assert_shape(...)      TEST_SHAPE_(__VA_ARGS__, )
#define TEST_SHAPE_(t, ...)    harness_shape(t, TR_SHAPE(__VA_ARGS__), __FILE__, __LINE__)
#define assert_dtype(t, dtype) harness_dtype(t, dtype, __FILE__, __LINE__)

/* The value of a tensor with one element. */
#define assert_item(t, want, tolerance) harness_item(t, want, tolerance, __FILE__, __LINE__)

/* An error stands and its message contains `part`; clears it. */
#define assert_error_says(part) harness_error_says(part, __FILE__, __LINE__)

/* ---- what the macros call ---- */
typedef struct test_case {
    const char *name, *file;
    int line;
    void (*run)(void);
    struct test_case *next;
} test_case;

extern int (*harness_before_all)(int *argc, char ***argv);
extern int (*harness_after_all)(void);

void harness_add(test_case *t);
void harness_skip(const char *reason, const char *file, int line) __attribute__((noreturn));
tr_tensor *harness_row(tr_dtype dtype, int64_t n, const double *values);
void harness_close(tr_tensor *got, tr_tensor *want, double tolerance, bool nan_equals_nan, const char *file, int line);
void harness_shape(tr_tensor *t, tr_shape want, const char *file, int line);
void harness_dtype(tr_tensor *t, tr_dtype want, const char *file, int line);
void harness_item(tr_tensor *t, double want, double tolerance, const char *file, int line);
void harness_error_says(const char *part, const char *file, int line);

#endif

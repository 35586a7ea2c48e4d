/* The fibres that other tests trust: a barrier that is missing shows. */
#include "on_fibres.h"

float sum_of(const float *x, int64_t n, bool waits);

TEST(a_sum_is_right_in_every_order_and_wrong_in_some_without_its_barrier)
{
    static float x[1000];
    for (int i = 0; i < 1000; i++) x[i] = 1;
    for (int64_t n = 1; n <= 1000; n += 111) {
        int wrong = 0;
        for (fibres_order = 0; fibres_order < FIBRES_ORDERS; fibres_order++) {
            assert_true(sum_of(x, n, true) == (float)n);
            wrong += !(sum_of(x, n, false) == (float)n);
        }
        assert_true(wrong > 0);
    }
}

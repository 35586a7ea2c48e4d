/* The fused optimisers: on every level and however many threads, the same bits. */
#include "kernels.h"

enum { N = 40000 + 13, /* more than one thread's worth */
       STEPS = 3 };

typedef struct {
    int kernel, states;
    unsigned flags;
    double number[5];
} rule;

static const rule rules[] = {
    {KERNEL_SGD, 1, KERNEL_OPTIM_NESTEROV, {0.1, 0.9, 0, 0.1}},
    {KERNEL_ADAM, 2, 0, {0.1, 0.9, 0.999, 1e-8, 0.1}},
    {KERNEL_ADAM, 3, KERNEL_OPTIM_DECOUPLED, {0.1, 0.3, 0.99, 1e-8, 0.1}},
    {KERNEL_RMSPROP, 1, KERNEL_OPTIM_MAXIMIZE, {0.1, 0, 0.99, 1e-8, 0.1}},
    {KERNEL_RMSPROP, 2, 0, {0.1, 0.9, 0.4, 1e-8, 0.1}},
    {KERNEL_RMSPROP, 3, 0, {0.1, 0.9, 0.99, 1e-8, 0.1}},
    {KERNEL_ADAGRAD, 1, 0, {0.1, 0.2, 0.1, 1e-10}},
};

/* Parameter, states and gradient, n numbers each, after a few steps over memory cut into two parameters. */
static void *walk(int level, const rule *r, tr_dtype type, const double *start, int64_t cut)
{
    int64_t bytes = tr_dtype_size(type);
    char *all = calloc(5 * N, (size_t)bytes);
    assert_non_null(all);
    for (int i = 0; i < N; i++) {
        double p = start[i], g = start[(i + 7) % N];
        if (type == TR_FLOAT64)
            ((double *)(void *)all)[i] = p, ((double *)(void *)all)[4 * N + i] = g;
        else
            ((float *)(void *)all)[i] = (float)p, ((float *)(void *)all)[4 * N + i] = (float)g;
    }
    for (int step = 1; step <= STEPS; step++) {
        kernel_optim_item items[2];
        for (int h = 0; h < 2; h++) {
            int64_t from = h ? cut : 0;
            items[h] = (kernel_optim_item){.parameter = all + from * bytes, .gradient = all + (4 * N + from) * bytes, .n = h ? N - cut : cut, .step = step, .first = step == 1};
            for (int s = 0; s < r->states; s++) items[h].state[s] = all + ((1 + s) * N + from) * bytes;
        }
        kernel_call call = {.kernel = (uint16_t)r->kernel, .type = (uint8_t)type, .flags = r->flags, .n = 2, .at = {items}};
        memcpy(call.number, r->number, sizeof call.number);
        run_on(level, &call);
    }
    return all;
}

TEST(optimisers_give_the_same_bits_on_every_level_and_however_cut)
{
    static double start[N];
    assert_true(levels() > 0);
    for (int i = 0; i < N; i++) start[i] = next_number();
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (int d = 0; d < 2; d++) {
            tr_dtype type = d ? TR_FLOAT64 : TR_FLOAT32;
            void *want = walk(0, &rules[r], type, start, 0);
            for (int l = 0; l < levels(); l++)
                for (int64_t cut = 1; cut < N; cut += 13331) {
                    void *got = walk(l, &rules[r], type, start, cut);
                    assert_bits(got, want, (size_t)(4 * N * tr_dtype_size(type)));
                    free(got);
                }
            free(want);
        }
}

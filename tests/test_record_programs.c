/* Random programs, recorded: replays give the bits of running them. */
#include "recorded.h"

enum { PROGRAMS = 200, /* fewer where a device is played */
       PROGRAMS_THERE = 20,
       LINES = 14 };

/* A line makes value 3 + its number from two earlier ones; values 0 to 2 are an input, a parameter and a row. */
typedef struct {
    int rows, columns, count;
    struct {
        int op, a, b;
    } line[LINES];
} program;

typedef struct {
    tr_tensor *input, *parameter, *row, *out;
    tr_optim *sgd;
} world;

static int below(tr_generator *g, int n) { return (int)(tr_random_u32(g) % (uint32_t)n); }

static program random_program(tr_generator *g)
{
    static const int sizes[][2] = {{3, 5}, {64, 40}, {33, 70}, {8, 200}};
    const int *size = sizes[below(g, 4)];
    program p = {size[0], size[1], 4 + below(g, LINES - 3), {{0}}};
    for (int i = 0; i < p.count; i++) {
        p.line[i].op = below(g, 16);
        p.line[i].a = below(g, 3) ? 2 + i - below(g, i + 1 < 3 ? i + 1 : 3) : below(g, 3 + i);
        p.line[i].b = below(g, 3 + i);
    }
    return p;
}

static tr_tensor *apply(int op, tr_tensor *a, tr_tensor *b, tr_tensor *full)
{
    switch (op) {
    case 0: return tr_add(a, b);
    case 1: return tr_sub(a, b);
    case 2: return tr_mul(a, b);
    case 3: return tr_tanh(a);
    case 4: return tr_sigmoid(a);
    case 5: return tr_relu(a);
    case 6: return tr_mul(tr_sin(a), 0.5);
    case 7: return tr_softmax(a, -1);
    case 8: return tr_sub(a, tr_mean(a, TR_DIM(-1), .keepdim = true));
    case 9: return tr_add(tr_t(tr_tanh(tr_t(a))), 1);
    case 10: return tr_matmul(a, tr_mul(tr_matmul(tr_t(full), full), 1e-3));
    case 11: return tr_pow(a, 2);
    case 12: return tr_where(tr_gt(a, 0), a, b);
    case 13: return tr_add_(tr_mul(a, 1), tr_mul(b, 0.5));
    case 14: return tr_cat(TR_TENSORS(tr_slice(a, 1, 0, 2, 1), tr_slice(b, 1, 2, tr_size(b, 1), 1)), 1);
    default: return tr_minimum(a, tr_exp(tr_neg(tr_square(b))));
    }
}

static void run_program(const program *p, world *w)
{
    TR_SCOPE;
    tr_tensor *value[3 + LINES] = {w->input, w->parameter, tr_expand(w->row, TR_SHAPE(p->rows, p->columns))};
    for (int i = 0; i < p->count; i++) value[3 + i] = apply(p->line[i].op, value[p->line[i].a], value[p->line[i].b], w->input);
    tr_tensor *last = tr_tanh(value[2 + p->count]);
    tr_tensor *loss = tr_mean(tr_mul(last, tr_add(w->parameter, tr_sum(w->row))));
    tr_zero_grad(w->sgd);
    assert_int_equal(tr_backward(loss), 0);
    assert_int_equal(tr_step(w->sgd), 0);
    tr_copy_(w->out, tr_detach(last));
}

static world make_world(const program *p, uint64_t seed)
{
    tr_manual_seed(seed);
    tr_tensor *start[4] = {tr_randn(TR_SHAPE(p->rows, p->columns)), tr_randn(TR_SHAPE(p->rows, p->columns)), tr_randn(TR_SHAPE(p->columns)), tr_zeros(TR_SHAPE(p->rows, p->columns))};
    for (int i = 0; i < 4; i++) start[i] = harness_there(start[i]);
    world w = {start[0], tr_requires_grad_(start[1], true), tr_requires_grad_(start[2], true), start[3], NULL};
    w.sgd = tr_sgd(TR_TENSORS(w.parameter, w.row), .lr = 0.01, .momentum = 0.9);
    return w;
}

TEST(random_programs_replay_their_bits)
{
    tr_generator *g = tr_generator_new(TR_PHILOX, 7);
    int64_t joined = 0;
    const bool here = harness_device().type == TR_CPU;
    for (int i = 0; i < (here ? PROGRAMS : PROGRAMS_THERE); i++) {
        TR_SCOPE;
        program p = random_program(g);
        world run = make_world(&p, (uint64_t)i), replayed = make_world(&p, (uint64_t)i);
        tr_recording *recording;
        assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(replayed.input)), 0);
        run_program(&p, &replayed);
        assert_int_equal(tr_record_end(), 0);
        run_program(&p, &run);
        joined += tr_recording_info_of(recording).joined;
        for (int k = 0; k < 4; k++) {
            TR_SCOPE;
            tr_tensor *input = harness_there(tr_randn(TR_SHAPE(p.rows, p.columns)));
            tr_copy_(run.input, input);
            if (k == 3) tr_copy_(replayed.input, input);
            assert_int_equal(k == 3 ? tr_replay(recording) : tr_replay(recording, .inputs = TR_TENSORS(input)), 0);
            run_program(&p, &run);
            assert_same_bits(run.out, replayed.out);
            assert_same_bits(run.parameter, replayed.parameter);
            assert_same_bits(run.row, replayed.row);
        }
    }
    assert_true(here ? joined > 500 : joined == 0);
}

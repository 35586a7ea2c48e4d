/* Gradients by backward against gradients by hand, as `hidden_layer` derives them: in float32 both are sums of a hundred
 * rounded terms, and allclose with its default tolerances tells them apart as soon as they are rounded differently.
 * PyTorch finds them close for 57 of 100 seeds. */
#include <stdio.h>
#include <trireme/autograd.h>
#include <trireme/linalg.h>
#include <trireme/random.h>
#include "test.h"

enum { N = 50,  /* input dimension */
       M = 100, /* input patterns */
       K = 11,  /* neurons in the hidden layer */
       SEEDS = 100 };

/* What the program draws before: data and weights of its least squares. */
static void draw_least_squares(void)
{
    tr_randn(TR_SHAPE(M, 10));
    tr_randn(TR_SHAPE(M));
    tr_randn(TR_SHAPE(10));
}

static bool both_agree(uint64_t seed)
{
    TR_SCOPE;
    tr_manual_seed(seed);
    draw_least_squares();
    tr_tensor *X = tr_randn(TR_SHAPE(M, N));
    tr_tensor *y = tr_sub(tr_mul(2., tr_randint(0, 2, TR_SHAPE(M))), 1);
    tr_tensor *W = tr_randn(TR_SHAPE(N, K), .requires_grad = true), *w = tr_randn(TR_SHAPE(K), .requires_grad = true);

    tr_tensor *phi_h = tr_tanh(tr_matmul(X, W));
    tr_tensor *delta = tr_sub(tr_matmul(phi_h, w), y);
    tr_tensor *loss = tr_mul(0.5, tr_mean(tr_pow(delta, 2)));
    assert_int_equal(tr_backward(loss), 0);

    TR_NO_GRAD;
    tr_tensor *dphi_h = tr_sub(1., tr_pow(phi_h, 2));
    tr_tensor *grad_W = tr_div(tr_matmul(tr_t(X), tr_mul(tr_outer(delta, w), dphi_h)), M);
    tr_tensor *grad_w = tr_mean(tr_mul(tr_unsqueeze(delta, 1), phi_h), TR_DIM(0));
    return tr_allclose(tr_grad(w), grad_w) == 1 && tr_allclose(tr_grad(W), grad_W) == 1;
}

TEST(gradients_agree_with_those_by_hand_for_95_of_100_seeds)
{
    for (uint64_t first = 0; first <= 1000; first += 1000) {
        int agree = 0;
        for (uint64_t seed = first; seed < first + SEEDS; seed++) agree += both_agree(seed);
        printf("seeds %d to %d: %d of %d agree\n", (int)first, (int)first + SEEDS - 1, agree, SEEDS);
        assert_true(agree >= 95);
    }
}

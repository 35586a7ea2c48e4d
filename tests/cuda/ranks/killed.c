/* Learns on ranks' devices until the last rank is killed in the middle of it (killed.sh); 77: no device. */
#include <signal.h>
#include <trireme/dist.h>
#include <trireme/nn.h>
#include <trireme/trireme.h>

int main(int argc, char **argv)
{
    if (!tr_cuda_is_available()) return 77;
    if (tr_dist_init(&argc, &argv) < 0) return 1;
    tr_module *model = tr_linear_layer(64, 64);
    tr_module *ranks = tr_module_to(model, tr_dist_device()) < 0 ? NULL : tr_data_parallel(model);
    for (int i = 0; ranks && i < 100000; i++) {
        TR_SCOPE;
        if (i == 5 && tr_dist_rank() == tr_dist_world() - 1) raise(SIGKILL);
        if (tr_backward(tr_mse_loss(tr_forward(ranks, tr_ones(TR_SHAPE(8, 64), .device = tr_dist_device())),
                                    tr_zeros(TR_SHAPE(8, 64), .device = tr_dist_device()))) < 0) break;
        tr_module_zero_grad(model);
    }
    return tr_dist_finish();
}

/* nccl_ways MODE: ranks' devices meet, and what then happens (nccl.sh); 77: no device.
 *     names   say which way they went
 *     sums    again and again
 *     group   large parameters travel together
 *     graph   in a recorded step
 *     late    the last rank comes no more
 *     rests   nobody comes for a while */
#include <stdio.h>
#include <string.h>
#include <trireme/dist.h>
#include <trireme/nn.h>
#include <trireme/optim.h>
#include <trireme/record.h>
#include <trireme/trireme.h>
#include <unistd.h>

static int sum(void)
{
    TR_SCOPE;
    tr_tensor *t = tr_ones(TR_SHAPE(1000), .device = tr_dist_device());
    if (tr_all_reduce(t) < 0) return -1;
    return tr_item(tr_select(t, 0, 999)) == (double)tr_dist_world() ? 0 : -1;
}

static int group(void)
{
    TR_SCOPE;
    tr_module *m = tr_sequential(tr_linear_layer(300, 300), tr_linear_layer(300, 300), tr_linear_layer(300, 300));
    if (tr_module_to(m, tr_dist_device()) < 0 || !tr_data_parallel(m) || tr_check_replicas(m) < 0) return -1;
    printf("rank %d began like rank 0\n", (int)tr_dist_rank());
    return 0;
}

/* Collectives: 4 parameters at the beginning, two buckets of a step as it runs, as it is recorded and in each replay. */
static int graph(void)
{
    TR_SCOPE;
    tr_manual_seed(1);
    tr_module *m = tr_sequential(tr_linear_layer(4, 4), tr_tanh_layer(), tr_linear_layer(4, 4));
    if (tr_module_to(m, tr_dist_device()) < 0) return -1;
    tr_module *ranks = tr_data_parallel(m, .bucket_bytes = 90, .first_bucket_bytes = 1);
    tr_optim *sgd = tr_sgd(tr_parameters(m), .lr = 0.1);
    tr_tensor *x = tr_ones(TR_SHAPE(2, 4), .device = tr_dist_device()), *loss = NULL;
    tr_recording *r = NULL;
    for (int i = 0; i < 20; i++) {
        if (i == 1 && tr_record(&r) < 0) return -1;
        if (i < 2) {
            tr_zero_grad(sgd);
            loss = tr_mean(tr_forward(ranks, x));
            if (tr_backward(loss) < 0 || tr_step(sgd) < 0) return -1;
        }
        if (i == 1 && tr_record_end() < 0) return -1;
        if (i > 1 && tr_replay(r) < 0) return -1;
    }
    printf("rank %d: %d graph, loss %g\n", (int)tr_dist_rank(), (int)tr_recording_info_of(r).graphs, tr_item(loss));
    return 0;
}

int main(int argc, char **argv)
{
    if (!tr_cuda_is_available()) return 77;
    if (argc < 2 || tr_dist_init(&argc, &argv) < 0) return 1;
    if (strcmp(argv[1], "group") == 0) return group() < 0 ? 1 : tr_dist_finish();
    if (strcmp(argv[1], "graph") == 0) return graph() < 0 ? 1 : tr_dist_finish();
    bool last = tr_dist_rank() == tr_dist_world() - 1;
    for (int i = 0; i < 20; i++) {
        if (i == 9 && last && strcmp(argv[1], "late") == 0) sleep(100);
        if (i == 9 && strcmp(argv[1], "rests") == 0) sleep(100);
        if (sum() < 0) break;
    }
    if (strcmp(argv[1], "names") == 0) printf("rank %d: %s\n", (int)tr_dist_rank(), tr_dist_transport());
    return tr_dist_finish();
}

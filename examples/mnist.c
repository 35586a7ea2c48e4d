#include <trireme/dist.h>
#include <trireme/trireme.h>

int main(int argc, char **argv)
{
    tr_dist_init(&argc, &argv); /* rank 0 of 1 when started without mpirun */

    tr_dataset *digits = tr_dataset_idx("train-images.gz", "train-labels.gz");
    tr_device device = tr_dist_device(); /* this rank's GPU, or its CPU cores */
    tr_loader *loader = tr_loader_new(digits, .batch_size = 64, .shuffle = true, .shard = tr_dist_shard(), .device = device);

    tr_module *model = tr_sequential(tr_flatten_layer(), tr_linear_layer(784, 512), tr_relu_layer(), tr_linear_layer(512, 10));
    tr_module_to(model, device);
    tr_module *ranks = tr_data_parallel(model);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1, .momentum = 0.9);

    for (int epoch = 0; epoch < 5; epoch++) {
        tr_loader_start(loader, epoch);
        for (tr_batch b; tr_loader_next(loader, &b);) {
            TR_SCOPE; /* what this block makes is freed at its end */
            tr_tensor *loss = tr_cross_entropy(tr_forward(ranks, b.input), b.target);
            tr_backward(loss);
            tr_step(sgd);
            tr_zero_grad(sgd);
        }
    }
    return tr_dist_finish(); /* non-zero, and every rank told, if anything failed */
}

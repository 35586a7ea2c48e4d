#include "data.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char own_digits[] = EXAMPLE_DIR "/../data/digits.npz"; /* 1,797 of them, 8x8, values 0 to 16 */

static int load_npz(const char *path, digits_data *data)
{
    tr_tensor *images = tr_load_npz(path, "images"), *labels = tr_to(tr_load_npz(path, "labels"), TR_INT64);
    if (!images || !labels) return -1;
    if (tr_ndim(images) < 2 || tr_ndim(labels) != 1 || tr_size(images, 0) != tr_size(labels, 0)) {
        tr_fail("%s: images and labels do not belong together", path);
        return -1;
    }
    tr_tensor *scaled = tr_to(images, TR_FLOAT32);
    scaled = tr_div(scaled, tr_max(scaled));

    tr_tensor *number = tr_arange(0, (double)tr_size(images, 0), 1, .dtype = TR_INT64);
    tr_tensor *fifth = tr_eq(tr_sub(number, tr_mul(5, tr_to(tr_div(number, 5), TR_INT64))), 0); /* number % 5 == 0 */
    tr_tensor *test = tr_masked_select(number, fifth), *train = tr_masked_select(number, tr_eq(fifth, 0));
    data->train = tr_dataset_tensors(tr_index_select(scaled, 0, train), tr_index_select(labels, 0, train));
    data->test = tr_dataset_tensors(tr_index_select(scaled, 0, test), tr_index_select(labels, 0, test));
    return data->train && data->test ? 0 : -1;
}

/* MNIST's files go by several names: train-images-idx3-ubyte, train-images.idx3-ubyte, and each with .gz. */
static const char *find(const char *folder, const char *stem, const char *kind, char *path, size_t room)
{
    for (int form = 0; form < 4; form++) {
        snprintf(path, room, "%s/%s%s%s%s", folder, stem, form & 1 ? "." : "-", kind, form & 2 ? ".gz" : "");
        if (access(path, R_OK) == 0) return path;
    }
    return tr_fail("%s: there is no %s-%s, plain or .gz", folder, stem, kind);
}

static tr_dataset *load_mnist(const char *folder, const char *part)
{
    char images[4096], labels[4096], stem[64];
    snprintf(stem, sizeof stem, "%s-images", part);
    if (!find(folder, stem, "idx3-ubyte", images, sizeof images)) return NULL;
    snprintf(stem, sizeof stem, "%s-labels", part);
    if (!find(folder, stem, "idx1-ubyte", labels, sizeof labels)) return NULL;
    return tr_dataset_idx(images, labels);
}

int digits_load(const char *path, digits_data *data)
{
    struct stat at;
    if (!path) path = own_digits;
    if (stat(path, &at) == 0 && S_ISDIR(at.st_mode)) {
        data->train = load_mnist(path, "train");
        data->test = data->train ? load_mnist(path, "t10k") : NULL;
    } else if (load_npz(path, data) < 0) {
        return -1;
    }
    if (!data->train || !data->test) return -1;
    data->pixels = tr_shape_numel(tr_dataset_input_shape(data->train));
    return 0;
}

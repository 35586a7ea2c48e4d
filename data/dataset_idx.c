/* Images and labels in IDX files.  They stay bytes in memory, a quarter of their size as float32; a read converts. */
#include <trireme/io.h>
#include "core/memory.h"
#include "core/tensor.h"
#include "data/dataset.h"

typedef struct {
    tr_tensor *images, *labels; /* keeps */
    const uint8_t *pixel, *label;
    int64_t pixels; /* of one image */
} digits;

static int digits_read(void *data, int64_t i, void *input, void *target)
{
    const digits *d = data;
    const uint8_t *pixel = d->pixel + i * d->pixels;
    float *x = input;
    for (int64_t k = 0; k < d->pixels; k++) x[k] = (float)pixel[k] / 255.0f; /* a quotient, as torchvision's ToTensor */
    *(int64_t *)target = d->label[i];
    return 0;
}

static void digits_release(void *data)
{
    digits *d = data;
    tr_drop(d->images);
    tr_drop(d->labels);
    core_free(d);
}

static void *not_what_was_expected(const char *path, const char *expected, const tr_tensor *t)
{
    return core_fail("tr_dataset_idx: %s: expected %s uint8, found %s", path, expected, core_show(t));
}

tr_dataset *(tr_dataset_idx)(const char *images, const char *labels)
{
    if (!images || !labels) return core_null("tr_dataset_idx");
    CORE_TOLD_AS("tr_dataset_idx");
    TR_SCOPE;
    tr_tensor *x = (tr_load_idx)(images);
    tr_tensor *y = x ? (tr_load_idx)(labels) : NULL;
    if (!y) return NULL;
    if (tr_dtype_of(x) != TR_UINT8 || tr_ndim(x) < 2) return not_what_was_expected(images, "images (count, rows, columns)", x);
    if (tr_dtype_of(y) != TR_UINT8 || tr_ndim(y) != 1) return not_what_was_expected(labels, "labels (count,)", y);
    if (tr_size(x, 0) != tr_size(y, 0))
        return core_fail("tr_dataset_idx: %lld images in %s, %lld labels in %s",
                         (long long)tr_size(x, 0), images, (long long)tr_size(y, 0), labels);
    digits *d = core_alloc(sizeof *d, "tr_dataset_idx");
    if (!d) return NULL;
    tr_shape all = tr_shape_of_tensor(x), image = tr_shape_of(all.ndim - 1, all.size + 1);
    *d = (digits){tr_keep(x), tr_keep(y), tr_data(x), tr_data(y), tr_shape_numel(image)};
    tr_dataset *dataset = (tr_dataset_new)((tr_dataset_source){
        .count = all.size[0],
        .input_shape = image,
        .input_dtype = TR_FLOAT32,
        .target_dtype = TR_INT64,
        .read = digits_read,
        .release = digits_release,
        .data = d,
    });
    if (dataset) core_pass_up(&dataset->object);
    return dataset;
}

/* Datasets: what they hold, what they refuse, who lets go of what. */
#include "test.h"

#include <stdio.h>
#include <trireme/data.h>
#include <trireme/io.h>

/* All samples of d as one batch. */
static tr_batch all_of(tr_dataset *d)
{
    tr_loader *l = tr_loader_new(d, .batch_size = 1000, .workers = -1);
    tr_batch batch = {0};
    if (tr_loader_start(l, 0) == 0) (void)tr_loader_next(l, &batch);
    return batch;
}

static tr_tensor *integers(int64_t n) { return tr_arange(0, (double)n, 1, .dtype = TR_INT64); }

/* ---- pairs of tensors ---- */

TEST(a_pair_of_tensors_gives_their_rows)
{
    static const float numbers[] = {1, 2, 3, 4, 5, 6};
    tr_tensor *inputs = tr_from_data(numbers, TR_FLOAT32, TR_SHAPE(3, 2));
    tr_dataset *d = tr_dataset_tensors(inputs, integers(3));
    assert_int_equal(tr_dataset_count(d), 3);
    assert_int_equal(tr_dataset_input_shape(d).ndim, 1);
    assert_int_equal(tr_dataset_input_shape(d).size[0], 2);
    assert_int_equal(tr_dataset_target_shape(d).ndim, 0);
    tr_batch all = all_of(d);
    assert_close(all.input, inputs, 0);
    assert_close(all.target, integers(3), 0);
    assert_dtype(all.target, TR_INT64);
}

TEST(a_pair_of_tensors_is_kept)
{
    tr_dataset *d;
    {
        TR_SCOPE;
        d = tr_dataset_keep(tr_dataset_tensors(row(7, 8), row64(9, 10)));
    }
    tr_batch all = all_of(d);
    assert_close(all.input, row(7, 8), 0);
    assert_close(all.target, row64(9, 10), 0);
    assert_dtype(all.target, TR_FLOAT64);
    tr_dataset_drop(d);
}

TEST(a_pair_of_unequal_length_is_refused_with_both_shapes)
{
    assert_null(tr_dataset_tensors(row(1, 2, 3), row(1, 2)));
    assert_error_says("inputs (3,) float32 and targets (2,) float32: 3 and 2 samples");
}

TEST(a_scalar_has_no_samples)
{
    assert_null(tr_dataset_tensors(tr_tensor_of(1.0), row(1)));
    assert_error_says("inputs have no dim 0");
}

TEST(rows_that_do_not_lie_together_are_refused)
{
    assert_null(tr_dataset_tensors(row(1, 2, 3), tr_t(tr_zeros(TR_SHAPE(2, 3)))));
    assert_error_says("targets (3, 2) float32 are not row-major");
}

TEST(null_travels_through_datasets)
{
    assert_null(tr_dataset_tensors(NULL, row(1)));
    assert_error_says("tr_dataset_tensors");
    assert_null(tr_dataset_part(NULL, 0, 0));
    assert_error_says("tr_dataset_part");
    assert_int_equal(tr_dataset_count(NULL), -1);
    assert_int_equal(tr_dataset_input_shape(NULL).ndim, -1);
    assert_null(tr_dataset_keep(NULL));
    tr_dataset_drop(NULL);
}

/* ---- parts ---- */

TEST(a_part_is_samples_from_first_on)
{
    tr_dataset *d = tr_dataset_tensors(row(0, 1, 2, 3, 4, 5), integers(6));
    tr_dataset *part = tr_dataset_part(d, 2, 3), *inner = tr_dataset_part(part, 1, 2);
    assert_close(all_of(part).input, row(2, 3, 4), 0);
    assert_close(all_of(inner).input, row(3, 4), 0);
    assert_int_equal(tr_dataset_count(tr_dataset_part(d, 6, 0)), 0);
}

TEST(a_part_keeps_the_whole)
{
    tr_dataset *part;
    {
        TR_SCOPE;
        part = tr_dataset_keep(tr_dataset_part(tr_dataset_tensors(row(0, 1, 2), row(0, 1, 2)), 1, 2));
    }
    assert_close(all_of(part).input, row(1, 2), 0);
    tr_dataset_drop(part);
}

TEST(a_part_must_lie_inside)
{
    tr_dataset *d = tr_dataset_tensors(row(0, 1, 2), row(0, 1, 2));
    assert_null(tr_dataset_part(d, 1, 3));
    assert_error_says("3 samples from 1 on, out of 3");
    assert_null(tr_dataset_part(d, -1, 1));
    assert_error_says("from -1 on");
    assert_null(tr_dataset_part(d, 0, -1));
    assert_error_says("-1 samples");
    assert_null(tr_dataset_part(d, INT64_MAX, INT64_MAX));
    assert_error_says("out of 3");
}

/* ---- one's own ---- */

static int read_nothing(void *data, int64_t i, void *input, void *target)
{
    (void)data, (void)i, (void)input, (void)target;
    return 0;
}

static void count_release(void *data) { ++*(int *)data; }

TEST(a_source_is_released_once_when_nobody_holds_it)
{
    int released = 0;
    tr_dataset *d;
    {
        TR_SCOPE;
        d = tr_dataset_keep(tr_dataset_new((tr_dataset_source){.count = 1, .read = read_nothing, .release = count_release, .data = &released}));
        tr_dataset_keep(d);
        tr_dataset_drop(d);
    }
    assert_int_equal(released, 0);
    tr_dataset_drop(d);
    assert_int_equal(released, 1);
}

TEST(a_source_that_is_refused_is_released_at_once)
{
    int released = 0;
    tr_dataset_source good = {.count = 1, .read = read_nothing, .release = count_release, .data = &released};

    tr_dataset_source bad = good;
    bad.count = -1;
    assert_null(tr_dataset_new(bad));
    assert_error_says("-1 samples");

    bad = good;
    bad.read = NULL;
    assert_null(tr_dataset_new(bad));
    assert_error_says("no read function");

    bad = good;
    bad.target_dtype = (tr_dtype)99;
    assert_null(tr_dataset_new(bad));
    assert_error_says("target_dtype 99");

    bad = good;
    bad.input_shape = TR_SHAPE(1, 1, 1, 1, 1, 1, 1, 1);
    assert_null(tr_dataset_new(bad));
    assert_error_says("input_shape (1, 1, 1, 1, 1, 1, 1, 1)");

    bad = good;
    bad.input_shape = TR_SHAPE(INT64_MAX, 2);
    assert_null(tr_dataset_new(bad));
    assert_error_says("input_shape");

    bad = good;
    bad.input_shape = TR_SHAPE(INT64_MAX / 2);
    assert_null(tr_dataset_new(bad));
    assert_error_says("input_shape");

    assert_int_equal(released, 6);
}

TEST(a_source_that_names_no_types_is_of_float32)
{
    tr_batch all = all_of(tr_dataset_new((tr_dataset_source){.count = 2, .input_shape = TR_SHAPE(3), .read = read_nothing}));
    assert_shape(all.input, 2, 3);
    assert_shape(all.target, 2);
    assert_dtype(all.input, TR_FLOAT32);
    assert_dtype(all.target, TR_FLOAT32);
}

/* ---- IDX files ---- */

/* Bytes of a uint8 IDX file: the header for these sizes, then `bytes` bytes 0, step, 2 step ... */
static const char *write_idx(const char *name, int ndim, const int64_t *size, int bytes, int step)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    fputc(0, f), fputc(0, f), fputc(8, f), fputc(ndim, f);
    for (int dim = 0; dim < ndim; dim++)
        for (int shift = 24; shift >= 0; shift -= 8) fputc((int)(size[dim] >> shift & 255), f);
    for (int i = 0; i < bytes; i++) fputc(i * step & 255, f);
    assert_int_equal(fclose(f), 0);
    return name;
}

TEST(idx_images_are_fractions_and_labels_are_whole)
{
    const char *images = write_idx("images.idx", 3, (const int64_t[]){2, 2, 3}, 12, 23);
    const char *labels = write_idx("labels.idx", 1, (const int64_t[]){2}, 2, 9);
    tr_dataset *d = tr_dataset_idx(images, labels);
    assert_int_equal(tr_dataset_count(d), 2);
    tr_batch all = all_of(d);
    assert_shape(all.input, 2, 2, 3);
    assert_dtype(all.input, TR_FLOAT32);
    for (int i = 0; i < 12; i++) assert_true(tr_get(all.input, i) == (double)((float)(i * 23) / 255.0f));
    assert_dtype(all.target, TR_INT64);
    assert_close(all.target, row(0, 9), 0);
    remove(images), remove(labels);
}

TEST(idx_files_must_fit_together)
{
    const char *images = write_idx("images.idx", 3, (const int64_t[]){2, 2, 3}, 12, 1);
    const char *labels = write_idx("labels.idx", 1, (const int64_t[]){3}, 3, 1);
    assert_null(tr_dataset_idx(images, labels));
    assert_error_says("2 images in images.idx, 3 labels in labels.idx");
    assert_null(tr_dataset_idx(labels, images));
    assert_error_says("labels.idx: expected images (count, rows, columns) uint8, found (3,) uint8");
    assert_null(tr_dataset_idx(images, images));
    assert_error_says("images.idx: expected labels (count,) uint8, found (2, 2, 3) uint8");
    assert_null(tr_dataset_idx(images, "absent.idx"));
    assert_error_says("absent.idx");
    remove(images), remove(labels);
}

/* A folder of checkpoints, as names: which steps are there, which of them are whole, which can go. */
#ifndef TRIREME_NN_CHECKPOINT_FOLDER_H
#define TRIREME_NN_CHECKPOINT_FOLDER_H

#include "nn/manifest.h"

/* A path of any length, in the open scope; NULL with an error noted. */
char *nn_path(const char *call, const char *format, ...) TR_PRINTF(2, 3);

/* "FOLDER/step-000000001200.json", and "FOLDER/step-000000001200.rank-1-of-4.json" from it. */
char *nn_manifest_path(const char *call, const char *folder, int64_t step);
char *nn_rank_path(const char *call, const char *manifest, int64_t rank, int64_t world);

/* A file name for the tensors of this step that is not taken yet: what stands under a manifest is never overwritten. */
char *nn_free_tensors_name(const char *call, const char *folder, int64_t step);

/* The file at `path`, read; NULL with an error noted. */
nn_manifest *nn_manifest_open(const char *call, const char *path);

/* Where the tensors are that the manifest at `path` names; NULL with an error noted. */
char *nn_tensors_path(const char *call, const nn_manifest *m, const char *path);

/* How many bytes a file has, and their CRC-32.  0, or -1 with an error noted. */
typedef struct {
    int64_t bytes;
    uint32_t crc;
} nn_file_sum;
int nn_sum_file(const char *call, const char *path, nn_file_sum *sum);

/* Are all files of this manifest there, the tensors with their size and, if asked for, their checksum?  0, or -1 with an
 * error noted. */
int nn_check_whole(const char *call, const nn_manifest *m, const char *path, bool sums);

/* Remove what stands before the `keep` newest whole checkpoints, but nothing from `step` on, and what is left of other
 * attempts to write this step than `tensors`. */
void nn_folder_tidy(const char *folder, int64_t keep, int64_t step, const char *tensors);

#endif

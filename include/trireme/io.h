/* Files: .npy, .npz, IDX (also gzip), CSV and .safetensors.
 *
 * A file is untrusted input: any bytes give a tensor or an error that names the file and what is wrong with it, never a
 * crash, an overflow, or an allocation much larger than the file could fill.  Files are written beside the old one, synced and
 * renamed: a full disk or a kill leaves the old file.  Types that the library has no type for are refused by name. */
#ifndef TRIREME_IO_H
#define TRIREME_IO_H

#include <trireme/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* .npy, versions 1 to 3, C and Fortran order, little and big endian; the tensor is row-major.  Pickled objects are refused,
 * and so is a file that holds more than its header says.  Saving writes what NumPy would; bfloat16 has no type there. */
TR_API tr_tensor *(tr_load_npy)(const char *path);
TR_API TR_CHECK_RESULT int(tr_save_npy)(const char *path, const tr_tensor *t);

/* One array out of an .npz (stored or deflated), by its name without ".npy". */
TR_API tr_tensor *(tr_load_npz)(const char *path, const char *name);

/* The i-th array's name in an .npz, from 0; NULL past the last, or with an error standing.  Belongs to the open scope. */
TR_API const char *(tr_npz_name)(const char *path, int64_t i);

/* IDX, the MNIST files' format, plain or gzip: the type in the file becomes uint8, int32, float32 or float64
 * (int8 and int16 become int32). */
TR_API tr_tensor *(tr_load_idx)(const char *path);

/* Numbers in rows of equal length as a (rows, columns) float64 tensor; also gzip.  A decimal point is a point in every
 * locale; nan and inf are numbers; empty lines are passed over.  Errors name line and column, both from 1. */
typedef struct {
    char separator;    /* default ',' */
    int64_t skip_rows; /* lines to leave out at the start: a heading */
    char reserved_;
} tr_csv_options;
TR_API tr_tensor *(tr_load_csv)(const char *path, tr_csv_options options);

/* .safetensors: named tensors in one file, as safetensors.torch.save_file and load_file exchange them with PyTorch (whose own
 * .pt holds Python objects, and is refused).  Opening reads the header and returns a file object that belongs to the open
 * scope; its tensors are copies, made when asked for.  A tensor of a type that the library lacks is an error only when it
 * is asked for. */
typedef struct tr_safetensors tr_safetensors;
TR_API tr_safetensors *(tr_safetensors_open)(const char *path);
TR_API int64_t tr_safetensors_count(const tr_safetensors *f);                /* -1 for NULL */
TR_API const char *tr_safetensors_name(const tr_safetensors *f, int64_t i);  /* in the header's order, borrowed from f; NULL past the last */
TR_API tr_tensor *(tr_safetensors_get)(tr_safetensors *f, const char *name); /* NULL, with an error standing, if there is none */
TR_API bool tr_safetensors_has(const tr_safetensors *f, const char *name);
TR_API const char *tr_safetensors_metadata(const tr_safetensors *f, const char *key); /* borrowed from f; NULL if there is none */

/* Write these tensors under as many names; metadata is `pairs` keys and values, alternating (NULL for none).  Names and
 * metadata are UTF-8, no name comes twice; complex128 has no type there. */
TR_API TR_CHECK_RESULT int(tr_safetensors_save)(const char *path, const char *const *names, tr_tensors tensors, const char *const *metadata, int64_t pairs);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
TR_LOOK_AT_RESULT_(safetensors)
static inline const char *tr_npz_name_at_(const char *name, const char *file, int line)
{
    if (!name) tr_error_at_(file, line); /* past the last name no error stands, and nothing happens */
    return name;
}

# define tr_load_npy(path)                                          TR_TENSOR_((tr_load_npy)(path))
# define tr_save_npy(path, t)                                       TR_STATUS_((tr_save_npy)(path, t))
# define tr_load_npz(path, name)                                    TR_TENSOR_((tr_load_npz)(path, name))
# define tr_npz_name(path, i)                                       tr_npz_name_at_((tr_npz_name)(path, i), __FILE__, __LINE__)
# define tr_load_idx(path)                                          TR_TENSOR_((tr_load_idx)(path))
# define tr_load_csv(...)                                           TR_CSV_(__VA_ARGS__, )
# define TR_CSV_(path, ...)                                         TR_TENSOR_((tr_load_csv)(path, (tr_csv_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_safetensors_open(path)                                  tr_safetensors_at_((tr_safetensors_open)(path), __FILE__, __LINE__)
# define tr_safetensors_get(f, name)                                TR_TENSOR_((tr_safetensors_get)(f, name))
# define tr_safetensors_save(path, names, tensors, metadata, pairs) TR_STATUS_((tr_safetensors_save)(path, names, tensors, metadata, pairs))
#endif

#endif

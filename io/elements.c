#include "io/elements.h"

#include "core/fail.h"
#include "core/memory.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
# error "files are written and safetensors are read as memory lies, which must be little endian"
#endif

int64_t io_elements_bytes(tr_shape shape, int64_t element_bytes)
{
    int64_t product = element_bytes;
    bool empty = false;
    for (int d = 0; d < shape.ndim; d++) {
        int64_t size = shape.size[d];
        if (size == 0)
            empty = true;
        else if (size < 0 || product > INT64_MAX / size)
            return -1;
        else
            product *= size;
    }
    return empty ? 0 : product;
}

void io_elements_swap(void *elements, int64_t n, int64_t width)
{
    unsigned char *e = elements;
    for (int64_t i = 0; i < n; i++, e += width)
        for (int64_t a = 0, b = width - 1; a < b; a++, b--) {
            unsigned char c = e[a];
            e[a] = e[b];
            e[b] = c;
        }
}

void io_elements_tidy_bools(void *elements, int64_t n)
{
    unsigned char *e = elements;
    for (int64_t i = 0; i < n; i++) e[i] = e[i] != 0;
}

int io_elements_write(io_writer *w, const tr_tensor *t)
{
    int64_t bytes = tr_numel(t) * tr_dtype_size(tr_dtype_of(t));
    if (bytes == 0) return 0;
    if (tr_device_of(t).type == TR_CPU && tr_is_contiguous(t)) {
        io_write(w, tr_data(t), bytes);
        return 0;
    }
    void *row_major = core_alloc(bytes, w->call);
    if (!row_major) return -1;
    int status = (tr_to_data)(t, tr_dtype_of(t), row_major);
    if (status == 0) io_write(w, row_major, bytes);
    core_free(row_major);
    return status;
}

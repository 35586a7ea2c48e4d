#include "fake_cublaslt.h"
#include "kernels/cuda/cublaslt.h"

#include "column_major.h"
#include "played/played.h"

#include <stdlib.h>
#include <string.h>

fake_cublaslt fake;

enum { INVALID_VALUE = 7 };

typedef struct {
    int compute, scale;
    int32_t op[2], bias_type;
    uint32_t epilogue;
    const void *bias;
} description;

typedef struct {
    int type;
    uint64_t rows, columns;
    int64_t leading, step;
    int32_t batch;
} layout;

typedef struct {
    uint64_t workspace;
    uint32_t schemes, alignment[4];
} preference;

/* An algorithm remembers what it was chosen for. */
typedef struct {
    uint32_t alignment[4];
    uint64_t workspace, bias_alignment;
} chosen;

static int wrong(const char *what)
{
    if (!fake.wrong) fake.wrong = what;
    return INVALID_VALUE;
}

static int create(void **handle)
{
    fake.handles++;
    if (fake.no_handle) return 1;
    *handle = &fake;
    return LT_SUCCESS;
}

static const char *status_string(int status) { return status == LT_NOT_SUPPORTED ? "the fake does not support it" : "the fake failed"; }

static int made(void **object, size_t bytes)
{
    fake.alive++;
    *object = calloc(1, bytes);
    return *object ? LT_SUCCESS : 3;
}

static int destroy(void *object)
{
    fake.alive--;
    free(object);
    return LT_SUCCESS;
}

static int desc_create(void **desc, int compute, int scale)
{
    int status = made(desc, sizeof(description));
    if (status == LT_SUCCESS) *(description *)*desc = (description){.compute = compute, .scale = scale, .epilogue = LT_EPILOGUE_DEFAULT, .bias_type = -1};
    return status;
}

static int set(void *to, size_t size, const void *value, size_t bytes)
{
    if (size != bytes) return wrong("an attribute of another size");
    memcpy(to, value, bytes);
    return LT_SUCCESS;
}

static int desc_set(void *desc, int attribute, const void *value, size_t bytes)
{
    description *d = desc;
    switch (attribute) {
    case LT_DESC_TRANSA: return set(&d->op[0], sizeof d->op[0], value, bytes);
    case LT_DESC_TRANSB: return set(&d->op[1], sizeof d->op[1], value, bytes);
    case LT_DESC_EPILOGUE: return set(&d->epilogue, sizeof d->epilogue, value, bytes);
    case LT_DESC_BIAS_POINTER: return set(&d->bias, sizeof d->bias, value, bytes);
    case LT_DESC_BIAS_DATA_TYPE: return set(&d->bias_type, sizeof d->bias_type, value, bytes);
    default: return wrong("a descriptor's attribute");
    }
}

static int layout_create(void **made_layout, int type, uint64_t rows, uint64_t columns, int64_t leading)
{
    if (leading < (int64_t)rows) return wrong("a leading dimension below the rows");
    int status = made(made_layout, sizeof(layout));
    if (status == LT_SUCCESS) *(layout *)*made_layout = (layout){.type = type, .rows = rows, .columns = columns, .leading = leading, .batch = 1};
    return status;
}

static int layout_set(void *of, int attribute, const void *value, size_t bytes)
{
    layout *l = of;
    switch (attribute) {
    case LT_LAYOUT_BATCH_COUNT: return set(&l->batch, sizeof l->batch, value, bytes);
    case LT_LAYOUT_BATCH_STEP: return set(&l->step, sizeof l->step, value, bytes);
    default: return wrong("a layout's attribute");
    }
}

static int preference_create(void **p)
{
    int status = made(p, sizeof(preference));
    if (status == LT_SUCCESS) *(preference *)*p = (preference){.schemes = 7, .alignment = {256, 256, 256, 256}};
    return status;
}

static int preference_set(void *of, int attribute, const void *value, size_t bytes)
{
    preference *p = of;
    switch (attribute) {
    case LT_PREFER_MAX_WORKSPACE: return set(&p->workspace, sizeof p->workspace, value, bytes);
    case LT_PREFER_REDUCTION_SCHEMES: return set(&p->schemes, sizeof p->schemes, value, bytes);
    case LT_PREFER_ALIGNMENT_A:
    case LT_PREFER_ALIGNMENT_B:
    case LT_PREFER_ALIGNMENT_C:
    case LT_PREFER_ALIGNMENT_D: return set(&p->alignment[attribute - LT_PREFER_ALIGNMENT_A], sizeof p->alignment[0], value, bytes);
    default: return wrong("a preference's attribute");
    }
}

static tr_dtype dtype_of(int type)
{
    return type == LT_R_16F ? TR_FLOAT16 : type == LT_R_16BF ? TR_BFLOAT16
                                       : type == LT_R_32F    ? TR_FLOAT32
                                       : type == LT_R_64F    ? TR_FLOAT64
                                       : type == LT_C_32F    ? TR_COMPLEX64
                                       : type == LT_C_64F    ? TR_COMPLEX128
                                                             : TR_DEFAULT_DTYPE;
}

/* Do the descriptors make a product? */
static int check(const description *d, const layout *a, const layout *b, const layout *c, const layout *out)
{
    const bool wide = a->type == LT_R_64F || a->type == LT_C_64F, complex = a->type == LT_C_32F || a->type == LT_C_64F;
    const uint64_t m = d->op[0] ? a->columns : a->rows, k = d->op[0] ? a->rows : a->columns, n = d->op[1] ? b->rows : b->columns;
    if (k != (d->op[1] ? b->columns : b->rows) || m != out->rows || n != out->columns) return wrong("matrices that do not fit");
    if (c != out) return wrong("a C unlike D");
    if (a->batch != b->batch || a->batch != out->batch) return wrong("batches of several lengths");
    if (a->type != b->type || a->type != out->type) return wrong("several types");
    if (d->compute != (wide ? LT_COMPUTE_64F : LT_COMPUTE_32F) && (d->compute != LT_COMPUTE_32F_FAST_TF32 || a->type != LT_R_32F)) return wrong("a compute type");
    if (d->scale != (complex ? a->type : wide ? LT_R_64F
                                              : LT_R_32F)) return wrong("a scale type");
    if (d->epilogue != LT_EPILOGUE_DEFAULT && (!d->bias || d->bias_type != a->type)) return wrong("an epilogue without its bias");
    if (d->epilogue != LT_EPILOGUE_DEFAULT && complex) return wrong("an epilogue of complex numbers");
    return LT_SUCCESS;
}

static uint64_t alignment_of(const void *at)
{
    uint64_t bytes = 256;
    while ((uintptr_t)at % bytes) bytes /= 2;
    return bytes;
}

/* The first choice is no algorithm and the second wants too much memory, as the real one's may. */
static int choose(void *handle, void *desc, void *a, void *b, void *c, void *d, void *preferred, int wanted, lt_choice *choices, int *found)
{
    const preference *p = preferred;
    fake.asked++;
    *found = 0;
    if (handle != &fake) return wrong("a handle");
    int status = check(desc, a, b, c, d);
    const bool unknown = fake.knows_none || (fake.no_bias && ((description *)desc)->bias) || (fake.no_tf32 && ((description *)desc)->compute == LT_COMPUTE_32F_FAST_TF32);
    if (status != LT_SUCCESS || unknown) return status == LT_SUCCESS ? LT_NOT_SUPPORTED : status;
    if (p->schemes != (((description *)desc)->bias ? 0u : (unsigned)LT_REDUCTION_IN_COMPUTE_TYPE)) return wrong("a reduction scheme");
    if (wanted < 3) return wrong("too few choices");
    memset(choices, 0xff, 3 * sizeof *choices);
    choices[1].status = LT_SUCCESS, choices[1].workspace = p->workspace + 1;
    choices[2].status = LT_SUCCESS, choices[2].workspace = fake.workspace;
    chosen algo = {.workspace = fake.workspace, .bias_alignment = ((description *)desc)->bias ? alignment_of(((description *)desc)->bias) : 1};
    memcpy(algo.alignment, p->alignment, sizeof algo.alignment);
    memcpy(&choices[2].algo, &algo, sizeof algo);
    _Static_assert(sizeof algo <= sizeof choices[2].algo, "");
    *found = 3;
    return LT_SUCCESS;
}

static column_major matrix(const layout *l, int32_t op)
{
    return (column_major){dtype_of(l->type), (int64_t)l->rows, (int64_t)l->columns, l->leading, l->step, op == LT_OP_T};
}

static double number(int scale, const void *at) { return scale == LT_R_64F || scale == LT_C_64F ? *(const double *)at : (double)*(const float *)at; }

/* A product in a stream (played/played.h): its numbers are read now, its memory when it is run. */
typedef struct {
    column_major matrix[3];
    const void *a, *b, *bias;
    void *d, *workspace;
    size_t bytes;
    int64_t batch;
    double alpha, beta;
    bool relu;
} product;

static void multiply(void *asked)
{
    const product *p = asked;
    if (p->workspace) memset(p->workspace, 0x55, p->bytes);
    multiply_column_major(&p->matrix[0], p->a, &p->matrix[1], p->b, &p->matrix[2], p->d, p->batch, p->alpha, p->beta, p->bias, p->relu);
}

static int matmul(void *handle, void *desc, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout, const void *beta, const void *c, void *c_layout, void *d, void *d_layout, const lt_algo *algo, void *workspace, size_t bytes, void *stream)
{
    const description *as = desc;
    const void *at[] = {a, b, c, d};
    chosen by;
    memcpy(&by, algo, sizeof by);
    if (handle != &fake || check(desc, a_layout, b_layout, c_layout, d_layout) != LT_SUCCESS) return INVALID_VALUE;
    for (int v = 0; v < 4; v++)
        if (alignment_of(at[v]) < by.alignment[v]) return wrong("an address that the algorithm was not chosen for");
    if (as->bias && alignment_of(as->bias) < by.bias_alignment) return wrong("a bias that the algorithm was not chosen for");
    if (bytes < by.workspace || (by.workspace && !workspace)) return wrong("too small a workspace");
    if (fake.result) return fake.result;
    fake.products++;
    fake.relus += as->epilogue == LT_EPILOGUE_RELU_BIAS;
    fake.tf32 += as->compute == LT_COMPUTE_32F_FAST_TF32;
    if (fake.idle) return LT_SUCCESS;
    product p = {
        .matrix = {matrix(a_layout, as->op[0]), matrix(b_layout, as->op[1]), matrix(d_layout, LT_OP_N)},
        .a = a,
        .b = b,
        .bias = as->epilogue != LT_EPILOGUE_DEFAULT ? as->bias : NULL,
        .d = d,
        .workspace = workspace,
        .bytes = bytes,
        .batch = ((layout *)d_layout)->batch,
        .alpha = number(as->scale, alpha),
        .beta = number(as->scale, beta),
        .relu = as->epilogue == LT_EPILOGUE_RELU_BIAS,
    };
    product *later = played_queues(stream) ? malloc(sizeof *later) : NULL;
    if (later)
        played_enqueue(stream, "a product", multiply, free, memcpy(later, &p, sizeof p));
    else
        multiply(&p);
    return LT_SUCCESS;
}

const cublaslt *cublaslt_here(void)
{
    static const cublaslt functions = {create, status_string, desc_create, desc_set, destroy, layout_create, layout_set, destroy, preference_create, preference_set, destroy, choose, matmul};
    return fake.here || getenv("PLAYED_CUBLASLT") ? &functions : NULL;
}

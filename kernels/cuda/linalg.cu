/* Inverses, linear systems and determinants: a block per matrix, by LU decomposition with partial pivoting.
 *
 * cuSOLVER is not used: a library of its own to load, for what no training step waits for.
 *
 * A matrix m is copied into scratch memory and eliminated there, row after row: p m = l u, whose pivots are those that the
 * CPU's LAPACK takes: the first of the largest magnitudes (of complex numbers |re| + |im|).  As there, inverses decompose a
 * itself, and systems and determinants its transpose, so that the same matrices are singular at the same diagonal:
 *     m = a     a x = b:  l (u x) = p b
 *     m = a'    a x = b:  u' (l' (p x)) = b
 * Sums run in another order than LAPACK's, in the same precision.  A block takes all n steps of a matrix, thousands of rows
 * take their time. */
#include "kernels/cuda/team.cuh"
#include "kernels/formulas_complex.h"

/* ---- numbers ---- */
static __device__ inline float product_of(float a, float b) { return a * b; }
static __device__ inline double product_of(double a, double b) { return a * b; }
static __device__ inline complex64 product_of(complex64 a, complex64 b) { return mul_c64(a, b); }
static __device__ inline complex128 product_of(complex128 a, complex128 b) { return mul_c128(a, b); }

static __device__ inline float difference(float a, float b) { return a - b; }
static __device__ inline double difference(double a, double b) { return a - b; }
static __device__ inline complex64 difference(complex64 a, complex64 b) { return sub_c64(a, b); }
static __device__ inline complex128 difference(complex128 a, complex128 b) { return sub_c128(a, b); }

static __device__ inline float quotient_of(float a, float b) { return a / b; }
static __device__ inline double quotient_of(double a, double b) { return a / b; }
static __device__ inline complex64 quotient_of(complex64 a, complex64 b) { return div_c64(a, b); }
static __device__ inline complex128 quotient_of(complex128 a, complex128 b) { return div_c128(a, b); }

static __device__ inline double magnitude_of(double x) { return x < 0 ? -x : x; }
static __device__ inline double magnitude_of(complex64 z) { return (double)((z.re < 0 ? -z.re : z.re) + (z.im < 0 ? -z.im : z.im)); }
static __device__ inline double magnitude_of(complex128 z) { return magnitude_of(z.re) + magnitude_of(z.im); }

static __device__ inline double wide(float x) { return (double)x; }
static __device__ inline double wide(double x) { return x; }
static __device__ inline complex128 wide(complex64 z) { return complex_of_c128((double)z.re, (double)z.im); }
static __device__ inline complex128 wide(complex128 z) { return z; }

static __device__ inline void narrow(float *to, double x) { *to = (float)x; }
static __device__ inline void narrow(double *to, double x) { *to = x; }
static __device__ inline void narrow(complex64 *to, complex128 z) { *to = complex_of_c64((float)z.re, (float)z.im); }
static __device__ inline void narrow(complex128 *to, complex128 z) { *to = z; }

static __device__ inline void set_to(double *x, double whole) { *x = whole; }
static __device__ inline void set_to(float *x, double whole) { *x = (float)whole; }
static __device__ inline void set_to(complex64 *z, double whole) { *z = complex_of_c64((float)whole, 0); }
static __device__ inline void set_to(complex128 *z, double whole) { *z = complex_of_c128(whole, 0); }

/* ---- a block's threads over the rows and columns of a matrix: neighbours along a row ---- */
struct spread {
    int row, rows, column, columns;
};

static __device__ inline spread spread_over(int64_t columns)
{
    spread s;
    s.columns = 1;
    while (s.columns < WARP && s.columns < columns) s.columns *= 2;
    s.rows = THREADS / s.columns;
    s.row = (int)threadIdx.x / s.columns, s.column = (int)threadIdx.x % s.columns;
    return s;
}

/* ---- decomposing ---- */
struct candidate {
    double magnitude;
    int64_t row;
};

/* The first of the largest; NaN is as large as can be, so that it spreads. */
struct pivot_join {
    static __device__ candidate join(candidate a, candidate b)
    {
        const bool b_wins = b.magnitude > a.magnitude || (b.magnitude == a.magnitude && b.row < a.row);
        return b_wins ? b : a;
    }
};

template <class S>
static __device__ inline int64_t pivot_below(const S *m, int64_t n, int64_t k, candidate (&of_warp)[WARPS], bool *zero)
{
    candidate best = {-1, n};
    for (int64_t i = k + (int)threadIdx.x; i < n; i += THREADS) {
        candidate c = {magnitude_of(m[i * n + k]), i};
        if (!(c.magnitude == c.magnitude)) c.magnitude = INFINITY;
        best = pivot_join::join(best, c);
    }
    best = joined<pivot_join>(best, THREADS, of_warp);
    *zero = best.magnitude == 0;
    return best.row;
}

template <class S>
static __device__ inline void swap_rows(S *m, int64_t columns, int64_t i, int64_t j)
{
    for (int64_t c = threadIdx.x; i != j && c < columns; c += THREADS) {
        const S kept = m[i * columns + c];
        m[i * columns + c] = m[j * columns + c];
        m[j * columns + c] = kept;
    }
    __syncthreads();
}

/* Returns 0, or 1 + the step that found no pivot; l has ones on its diagonal, u the rest.  `odd`: an odd number of swaps. */
template <class S>
static __device__ inline int64_t decompose(S *m, int64_t n, int64_t *pivots, candidate (&of_warp)[WARPS], bool *odd)
{
    *odd = false;
    for (int64_t k = 0; k < n; k++) {
        bool zero;
        const int64_t p = pivot_below(m, n, k, of_warp, &zero);
        if (zero) return k + 1;
        if (threadIdx.x == 0) pivots[k] = p;
        *odd = *odd != (p != k);
        swap_rows(m, n, k, p);
        for (int64_t i = k + 1 + (int)threadIdx.x; i < n; i += THREADS) m[i * n + k] = quotient_of(m[i * n + k], m[k * n + k]);
        __syncthreads();
        const spread s = spread_over(n - k - 1);
        for (int64_t i = k + 1 + s.row; i < n; i += s.rows)
            for (int64_t j = k + 1 + s.column; j < n; j += s.columns) m[i * n + j] = difference(m[i * n + j], product_of(m[i * n + k], m[k * n + j]));
        __syncthreads();
    }
    return 0;
}

/* ---- solving: x comes as b, n x m ---- */
struct equations {
    int64_t n, m;
    bool turned; /* what was decomposed is the transpose */
};

template <class S>
static __device__ inline void divide_row(S *x, const S *lu, const equations &y, int64_t k)
{
    for (int64_t j = threadIdx.x; j < y.m; j += THREADS) x[k * y.m + j] = quotient_of(x[k * y.m + j], lu[k * y.n + k]);
    __syncthreads();
}

/* Take row k, times what stands there in the other rows, from rows first ... last - 1. */
template <class S>
static __device__ inline void take_row(S *x, const S *lu, const equations &y, int64_t k, int64_t first, int64_t last)
{
    const spread s = spread_over(y.m);
    for (int64_t i = first + s.row; i < last; i += s.rows) {
        const S by = y.turned ? lu[k * y.n + i] : lu[i * y.n + k];
        for (int64_t j = s.column; j < y.m; j += s.columns) x[i * y.m + j] = difference(x[i * y.m + j], product_of(by, x[k * y.m + j]));
    }
    __syncthreads();
}

template <class S>
static __device__ inline void substitute(S *x, const S *lu, const int64_t *pivots, const equations &y)
{
    for (int64_t k = 0; k < y.n && !y.turned; k++) swap_rows(x, y.m, k, pivots[k]);
    for (int64_t k = 0; k < y.n; k++) {
        if (y.turned) divide_row(x, lu, y, k);
        take_row(x, lu, y, k, k + 1, y.n);
    }
    for (int64_t k = y.n - 1; k >= 0; k--) {
        if (!y.turned) divide_row(x, lu, y, k);
        take_row(x, lu, y, k, 0, k);
    }
    for (int64_t k = y.n - 1; k >= 0 && y.turned; k--) swap_rows(x, y.m, k, pivots[k]);
}

template <class S>
static __device__ inline void determinant(S *out, const S *lu, int64_t n, bool singular, bool odd)
{
    if (threadIdx.x > 0) return;
    S one;
    set_to(&one, odd ? -1 : 1);
    auto det = wide(one);
    for (int64_t i = 0; i < n && !singular; i++) det = product_of(det, wide(lu[i * n + i]));
    if (singular)
        set_to(out, 0);
    else
        narrow(out, det);
}

/* ---- all matrices of a call ---- */
struct matrices {
    void *out;
    const void *a, *b;
    void *lu;        /* of each block: n x n */
    int64_t *pivots; /* n */
    int64_t batch;
    equations each;
    int kernel;
    cuda_trouble *trouble;
};

template <class S>
__global__ void __launch_bounds__(THREADS, 1) run_linalg(const matrices c)
{
    SHARED(candidate, of_warp, [WARPS]);
    const int64_t n = c.each.n, m = c.each.m, own = blockIdx.x;
    S *lu = (S *)c.lu + own * n * n;
    int64_t *pivots = c.pivots + own * n;
    for (int64_t step = own; step < c.batch; step += gridDim.x) {
        const S *a = (const S *)c.a + step * n * n;
        for (int64_t t = threadIdx.x; t < n * n; t += THREADS) lu[t] = c.each.turned ? a[t % n * n + t / n] : a[t];
        __syncthreads();
        bool odd;
        const int64_t zero_at = decompose(lu, n, pivots, of_warp, &odd);
        if (c.kernel == KERNEL_DET) {
            determinant((S *)c.out + step, lu, n, zero_at > 0, odd);
        } else {
            S *x = (S *)c.out + step * n * m;
            for (int64_t t = threadIdx.x; t < n * m; t += THREADS) {
                if (zero_at || !c.b)
                    set_to(&x[t], !zero_at && t / m == t % m ? 1 : 0);
                else
                    x[t] = ((const S *)c.b)[step * n * m + t];
            }
            __syncthreads();
            if (!zero_at)
                substitute(x, lu, pivots, c.each);
            else if (threadIdx.x == 0)
                note_trouble(c.trouble, c.kernel, step, -zero_at);
        }
        __syncthreads(); /* lu and pivots are the next one's */
    }
}

template <class S>
static int run(const kernel_call *call)
{
    enum { MOST_MATRICES = 1024 }; /* at a time, for the sake of scratch memory */
    const bool inverse = call->kernel == KERNEL_INVERSE;
    matrices c;
    c.kernel = call->kernel;
    c.out = call->at[0], c.a = call->at[1], c.b = call->kernel == KERNEL_SOLVE ? call->at[2] : NULL;
    c.batch = inverse ? 1 : call->size[0];
    c.each.n = call->size[inverse ? 0 : 1];
    c.each.m = inverse ? c.each.n : call->kernel == KERNEL_SOLVE ? call->size[2]
                                                                 : 1;
    c.each.turned = !inverse;
    if (c.batch <= 0 || c.each.m <= 0 || (c.each.n <= 0 && call->kernel != KERNEL_DET)) return 0;
    if (c.each.n > 32768) return cuda_fail(call, "a matrix of more than 32768 rows is too large");
    const int64_t most = MOST_BLOCKS < MOST_MATRICES ? MOST_BLOCKS : MOST_MATRICES, blocks = c.batch < most ? c.batch : most;
    const int64_t pivot_bytes = blocks * c.each.n * (int64_t)sizeof(int64_t), lu_bytes = blocks * c.each.n * c.each.n * (int64_t)sizeof(S);
    const int64_t lu_place = (pivot_bytes + 15) / 16 * 16;
    char *scratch = (char *)cuda_scratch_take(call, lu_place + lu_bytes);
    if (!scratch) return -1;
    c.pivots = (int64_t *)scratch, c.lu = scratch + lu_place;
    c.trouble = cuda_trouble_here();
    LAUNCH(run_linalg<S>, (unsigned)blocks, THREADS, c);
    const int status = launched(call);
    cuda_scratch_give(scratch);
    return status;
}

void kernels_cuda_linalg(kernel_table table)
{
    const int kernels[] = {KERNEL_INVERSE, KERNEL_SOLVE, KERNEL_DET};
    for (int k : kernels) {
        table[k][TR_FLOAT32] = run<float>;
        table[k][TR_FLOAT64] = run<double>;
        table[k][TR_COMPLEX64] = run<complex64>;
        table[k][TR_COMPLEX128] = run<complex128>;
    }
}

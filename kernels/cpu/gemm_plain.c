/* The product as it is defined: c[i,j] = alpha sum over l of a[i,l] b[l,j] + beta c[i,j]; floating sums in double. */
#include "core/dtype.h"
#include "kernels/cpu/gemm.h"

static void plain_f32(const gemm *g)
{
    float *c = g->c;
    const float *a = g->a, *b = g->b;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < g->k; l++) sum += (double)a[i * g->a_row + l * g->a_column] * (double)b[l * g->b_row + j * g->b_column];
            float *at = c + i * g->c_row + j * g->c_column;
            *at = (float)(g->alpha * sum + (g->beta != 0 ? g->beta * (double)*at : 0));
        }
}

static void plain_f64(const gemm *g)
{
    double *c = g->c;
    const double *a = g->a, *b = g->b;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < g->k; l++) sum += a[i * g->a_row + l * g->a_column] * b[l * g->b_row + j * g->b_column];
            double *at = c + i * g->c_row + j * g->c_column;
            *at = g->alpha * sum + (g->beta != 0 ? g->beta * *at : 0);
        }
}

/* Types that come and go as double. */
static void plain_half(const gemm *g)
{
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < g->k; l++)
                sum += core_element_get(g->a, g->type, i * g->a_row + l * g->a_column) * core_element_get(g->b, g->type, l * g->b_row + j * g->b_column);
            int64_t at = i * g->c_row + j * g->c_column;
            core_element_set(g->c, g->type, at, g->alpha * sum + (g->beta != 0 ? g->beta * core_element_get(g->c, g->type, at) : 0));
        }
}

/* Integers wrap around; alpha and beta are whole there. */
#define PLAIN_INTEGER(t, T)                                                                            \
 static void plain_##t(const gemm *g)                                                                  \
 {                                                                                                     \
  T *c = g->c;                                                                                         \
  const T *a = g->a, *b = g->b;                                                                        \
  const uint64_t alpha = (uint64_t)(int64_t)g->alpha, beta = (uint64_t)(int64_t)g->beta;               \
  for (int64_t i = 0; i < g->m; i++)                                                                   \
   for (int64_t j = 0; j < g->n; j++) {                                                                \
    uint64_t sum = 0;                                                                                  \
    for (int64_t l = 0; l < g->k; l++)                                                                 \
     sum += (uint64_t)a[i * g->a_row + l * g->a_column] * (uint64_t)b[l * g->b_row + j * g->b_column]; \
    T *at = c + i * g->c_row + j * g->c_column;                                                        \
    *at = (T)(alpha * sum + (beta ? beta * (uint64_t)*at : 0));                                        \
   }                                                                                                   \
 }
PLAIN_INTEGER(i32, int32_t)
PLAIN_INTEGER(i64, int64_t)
PLAIN_INTEGER(u8, uint8_t)

#define PLAIN_COMPLEX(t, R)                                                                                \
 static void plain_##t(const gemm *g)                                                                      \
 {                                                                                                         \
  R *c = g->c;                                                                                             \
  const R *a = g->a, *b = g->b;                                                                            \
  for (int64_t i = 0; i < g->m; i++)                                                                       \
   for (int64_t j = 0; j < g->n; j++) {                                                                    \
    double re = 0, im = 0;                                                                                 \
    for (int64_t l = 0; l < g->k; l++) {                                                                   \
     const R *p = a + 2 * (i * g->a_row + l * g->a_column), *q = b + 2 * (l * g->b_row + j * g->b_column); \
     re += (double)p[0] * (double)q[0] - (double)p[1] * (double)q[1];                                      \
     im += (double)p[0] * (double)q[1] + (double)p[1] * (double)q[0];                                      \
    }                                                                                                      \
    R *at = c + 2 * (i * g->c_row + j * g->c_column);                                                      \
    at[0] = (R)(g->alpha * re + (g->beta != 0 ? g->beta * (double)at[0] : 0));                             \
    at[1] = (R)(g->alpha * im + (g->beta != 0 ? g->beta * (double)at[1] : 0));                             \
   }                                                                                                       \
 }
PLAIN_COMPLEX(c64, float)
PLAIN_COMPLEX(c128, double)

void gemm_plain(const gemm *g)
{
    switch (g->type) {
    case TR_FLOAT32: plain_f32(g); break;
    case TR_FLOAT64: plain_f64(g); break;
    case TR_FLOAT16:
    case TR_BFLOAT16: plain_half(g); break;
    case TR_INT32: plain_i32(g); break;
    case TR_INT64: plain_i64(g); break;
    case TR_UINT8: plain_u8(g); break;
    case TR_COMPLEX64: plain_c64(g); break;
    case TR_COMPLEX128: plain_c128(g); break;
    default: break; /* the table has no such entry */
    }
}

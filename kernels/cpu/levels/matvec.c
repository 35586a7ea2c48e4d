/* A float32 matrix times a vector, summed in double.
 *
 * y[i] = sum over l of a[i,l] x[l].  Term l is added in lane l mod LANES, and the lanes are folded in halves: the same bits
 * however a lies, and from every level, since a product of two floats is exact in double (with fma or without). */
#include "kernels/cpu/levels/doubles.h"

enum { LANES = 8,
       PARTS = LANES / WIDTH, /* vectors that hold the lanes of one row */
       ROWS = WIDTH == 2 ? 2 : 4 };

static INLINE double folded(const double *lane, int step)
{
    double half[4];
    for (int j = 0; j < 4; j++) half[j] = lane[j * step] + lane[(j + 4) * step];
    return half[0] + half[2] + (half[1] + half[3]);
}

/* Where rows are dense: `rows` of them at a time. */
static INLINE void by_rows(int rows, int64_t k, float *y, int64_t y_step, const float *a, int64_t a_row, const float *x)
{
    doubles sum[ROWS][PARTS];
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < PARTS; p++) sum[r][p] = (doubles){0};
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES)
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; p++) {
            const doubles xs = load_doubles(x + l + p * WIDTH);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) sum[r][p] += load_doubles(a + r * a_row + l + p * WIDTH) * xs;
        }
    double lane[ROWS][LANES];
    for (int r = 0; r < rows; r++) memcpy(lane[r], sum[r], sizeof lane[r]);
    for (int j = 0; l < k; l++, j++)
        for (int r = 0; r < rows; r++) lane[r][j] += (double)a[r * a_row + l] * (double)x[l];
    for (int r = 0; r < rows; r++) y[r * y_step] = (float)folded(lane[r], 1);
}

/* Where columns are dense: WIDTH rows at a time, of which `rows` count; up to column `safe` all WIDTH may be read. */
static INLINE void by_columns(int rows, int64_t k, int64_t safe, float *y, int64_t y_step, const float *a, int64_t a_column, const double *x)
{
    doubles lane[LANES] = {0};
    int64_t l = 0;
    for (; l + LANES <= safe; l += LANES)
#pragma GCC unroll 8
        for (int j = 0; j < LANES; j++) lane[j] += load_doubles(a + (l + j) * a_column) * x[l + j];
    double lanes[LANES][WIDTH];
    memcpy(lanes, lane, sizeof lanes);
    for (; l < k; l++)
        for (int r = 0; r < rows; r++) lanes[l % LANES][r] += (double)a[l * a_column + r] * x[l];
    for (int r = 0; r < rows; r++) y[r * y_step] = (float)folded(&lanes[0][r], WIDTH);
}

static float row(int64_t k, const float *a, int64_t a_column, const float *x, int64_t x_step)
{
    double lane[LANES] = {0};
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += (double)a[(l + j) * a_column] * (double)x[(l + j) * x_step];
    for (int j = 0; l < k; l++, j++) lane[j] += (double)a[l * a_column] * (double)x[l * x_step];
    return (float)folded(lane, 1);
}

static int matvec(const kernel_call *call)
{
    const int64_t m = call->size[0], k = call->size[1], y_step = call->stride[0][0], a_row = call->stride[1][0], a_column = call->stride[1][1], x_step = call->stride[2][0];
    float *y = call->at[0];
    const float *a = call->at[1], *x = call->at[2];
    int64_t i = 0;
    if (a_column == 1 && x_step == 1) {
        for (; i + ROWS <= m; i += ROWS) by_rows(ROWS, k, y + i * y_step, y_step, a + i * a_row, a_row, x);
        for (; i < m; i++) by_rows(1, k, y + i * y_step, y_step, a + i * a_row, a_row, x);
    } else if (a_row == 1 && k <= BLOCK && (m >= WIDTH || a_column == m)) {
        double wide[BLOCK];
        for (int64_t l = 0; l < k; l++) wide[l] = (double)x[l * x_step];
        for (; i + WIDTH <= m; i += WIDTH) by_columns(WIDTH, k, k, y + i * y_step, y_step, a + i, a_column, wide);
        if (i < m && m >= WIDTH) by_columns(WIDTH, k, k, y + (m - WIDTH) * y_step, y_step, a + m - WIDTH, a_column, wide);
        if (m < WIDTH) by_columns((int)m, k, k - (WIDTH - 1) / m, y, y_step, a, a_column, wide); /* what follows a column is the next one */
    } else {
        for (; i < m; i++) y[i * y_step] = row(k, a + i * a_row, a_column, x, x_step);
    }
    return 0;
}

void kernels_matvec(kernel_table table) { table[KERNEL_MATVEC][TR_FLOAT32] = matvec; }

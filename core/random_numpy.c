/* NumPy's legacy numbers: numpy.random.seed(n), then uniform() and randn(), over the same engine as PyTorch's. */
#include "core/random.h"

#include <math.h>
#include "core/fail.h"

static bool usable(const tr_generator *g, int64_t n, const double *to, const char *what)
{
    if (!g || (!to && n > 0)) return core_null(what), false;
    if (n < 0) return core_fail("%s: %lld numbers", what, (long long)n), false;
    if (g->kind != TR_MT19937) return core_fail("%s: NumPy's numbers come from a TR_MT19937 generator", what), false;
    return true;
}

/* 53 bits of two draws: 27 high ones and 26 low ones. */
static double draw(tr_generator *g)
{
    uint32_t high = core_mt_draw(&g->mt) >> 5, low = core_mt_draw(&g->mt) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
}

/* Marsaglia's polar method: a point in the unit circle gives two numbers, of which the second is given out first. */
static double draw_normal(tr_generator *g)
{
    if (g->has_normal) {
        g->has_normal = false;
        return g->next_normal;
    }
    double x, y, square;
    do {
        x = 2.0 * draw(g) - 1.0;
        y = 2.0 * draw(g) - 1.0;
        square = x * x + y * y;
    } while (square >= 1.0 || square == 0.0);
    double scale = sqrt(-2.0 * log(square) / square);
    g->has_normal = true;
    g->next_normal = scale * x;
    return scale * y;
}

int(tr_numpy_uniform)(tr_generator *g, double low, double high, int64_t n, double *to)
{
    if (!usable(g, n, to, "tr_numpy_uniform")) return -1;
    for (int64_t i = 0; i < n; i++) to[i] = low + (high - low) * draw(g);
    return 0;
}

int(tr_numpy_randn)(tr_generator *g, int64_t n, double *to)
{
    if (!usable(g, n, to, "tr_numpy_randn")) return -1;
    for (int64_t i = 0; i < n; i++) to[i] = draw_normal(g);
    return 0;
}

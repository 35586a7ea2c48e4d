/* Gradient clipping: the sum of squares of a list of arrays, a factor made of such sums, and scaling, a call each. */
#include "kernels/cpu/levels/level.h"
#include "kernels/formulas_clip.h"

/* An array is cut into pieces whose number depends on its length only, and their sums are added in order: the number of
 * threads never changes a bit. */
enum { LANES = 32,
       PIECE = 16384,
       PIECES = 64 };

typedef struct {
    const kernel_optim_item *array;
    int64_t piece;
    double sum[PIECES];
    double factor;
} clip_job;

#define LOOPS "kernels/cpu/levels/clip_of.h"
#include "kernels/cpu/levels/floats.h"

static int squares(const kernel_call *call)
{
    const kernel_optim_item *array = call->at[0];
    double sum = 0;
    for (int64_t i = 0; i < call->n; i++) {
        int64_t n = array[i].n, piece = n / PIECES < PIECE ? PIECE : n / PIECES + 1, pieces = (n + piece - 1) / piece;
        clip_job job = {.array = &array[i], .piece = piece};
        kernels_split(pieces, 1, n, call->type == TR_FLOAT64 ? squares_part_f64 : squares_part_f32, &job);
        double of_array = 0;
        for (int64_t k = 0; k < pieces; k++) of_array += job.sum[k];
        sum += of_array;
    }
    *(double *)call->at[1] = sum;
    return 0;
}

static int scale(const kernel_call *call)
{
    const kernel_optim_item *array = call->at[0];
    const double factor = call->at[1] ? *(const double *)call->at[1] : call->number[0];
    if (factor == 1) return 0; /* gradients that are short enough */
    for (int64_t i = 0; i < call->n; i++) {
        clip_job job = {.array = &array[i], .factor = factor};
        kernels_split(array[i].n, 64, array[i].n, call->type == TR_FLOAT64 ? scale_part_f64 : scale_part_f32, &job);
    }
    return 0;
}

static int factor(const kernel_call *call)
{
    clip_numbers(call->at[0], call->at[1], call->n, call->number[0]);
    return 0;
}

void kernels_clip(kernel_table table)
{
    table[KERNEL_LIST_SQUARES][TR_FLOAT32] = squares;
    table[KERNEL_LIST_SQUARES][TR_FLOAT64] = squares;
    table[KERNEL_LIST_SCALE][TR_FLOAT32] = scale;
    table[KERNEL_LIST_SCALE][TR_FLOAT64] = scale;
    table[KERNEL_CLIP_FACTOR][TR_FLOAT64] = factor;
}

/* Copies, of any type to any type. */
#include "kernels/cpu/levels/turn.h"
#include "kernels/cpu/levels/walk.h"

#define MOVE(bytes)                                                  \
 static void move_##bytes(void *const *at, int64_t n, unsigned ones) \
 {                                                                   \
  (void)ones;                                                        \
  if (at[0] != at[1]) memcpy(at[0], at[1], (size_t)(n * (bytes)));   \
 }
MOVE(1)
MOVE(2)
MOVE(4)
MOVE(8)
MOVE(16)

static void convert_part(void *job, int64_t from, int64_t to)
{
    const kernel_call *call = job;
    convert(call->type, (char *)call->at[0] + from * bytes_of(call->type), call->from, (const char *)call->at[1] + from * bytes_of(call->from), to - from);
}

/* The transpose of a matrix by tiles that stay in cache, where rows would touch a line per element. */
typedef struct {
    const kernel_call *call;
    int bytes;
} transposing;

enum { TILE = 32 };

#ifdef HAVE_TURN
/* Tiles of words, of the TILE rows from i0 on; returns how many columns are done. */
static int64_t turn_tiles(const transposing *t, int64_t i0, int64_t to)
{
    const kernel_call *call = t->call;
    if (t->bytes != 4 || to - i0 < TILE) return 0;
    const int64_t in_row = 4 * call->stride[1][1], out_row = 4 * call->stride[0][0], whole = call->size[1] / TURNED * TURNED;
    for (int64_t i = i0; i < i0 + TILE; i += TURNED)
        for (int64_t j = 0; j < whole; j += TURNED) turn_16((char *)call->at[0] + i * out_row + 4 * j, out_row, (const char *)call->at[1] + j * in_row + 4 * i, in_row);
    return whole;
}
#else
static int64_t turn_tiles(const transposing *t, int64_t i0, int64_t to)
{
    (void)t, (void)i0, (void)to;
    return 0;
}
#endif

static void transpose_part(void *job, int64_t from, int64_t to)
{
    const transposing *t = job;
    const kernel_call *call = t->call;
    const char *in = call->at[1];
    char *out = call->at[0];
    for (int64_t i0 = from; i0 < to; i0 += TILE)
        for (int64_t j0 = turn_tiles(t, i0, to); j0 < call->size[1]; j0 += TILE) {
            int64_t columns = call->size[1] - j0 < TILE ? call->size[1] - j0 : TILE;
            for (int64_t i = i0; i < i0 + TILE && i < to; i++)
                gather(t->bytes, out + (i * call->stride[0][0] + j0) * t->bytes, in + (i * call->stride[1][0] + j0 * call->stride[1][1]) * t->bytes, call->stride[1][1], columns);
        }
}

static int copy(const kernel_call *call)
{
    static walk_loop *const moves[] = {[1] = move_1, [2] = move_2, [4] = move_4, [8] = move_8, [16] = move_16};
    tr_dtype to = call->type, from = call->from ? call->from : call->type;
    if (!bytes_of(from)) return core_fail_status("tr_copy_: element type %d is none", from);
    bool converts = to != from || to == TR_BOOL;
    if (converts && call->from && call->form == KERNEL_FLAT && !call->ones) {
        kernels_split(call->n, 64, call->n * 2, convert_part, (void *)(uintptr_t)call);
        return 0;
    }
    if (!converts && call->form == KERNEL_STRIDED && call->ndim == 2 && call->stride[0][1] == 1 && call->stride[1][0] == 1 && call->size[0] >= TILE) {
        transposing t = {call, bytes_of(to)};
        kernels_split(call->size[0], TILE, call->n * 2, transpose_part, &t);
        return 0;
    }
    walk_plan plan = {
        .loop = moves[bytes_of(to)], .views = 2, .work = 2, .bytes = {(uint8_t)bytes_of(to), (uint8_t)bytes_of(from)}};
    if (converts) {
        plan.memory[1] = (uint8_t)from;
        plan.wanted = (uint8_t)to;
    }
    return walk_run(call, &plan);
}

void kernels_copy(kernel_table table)
{
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) table[KERNEL_COPY][type] = copy;
}

/* Sorting many rows of items by key, stable.
 *
 * A block sorts a tile of items in shared memory: whole rows where they are short, a piece of a row where it is long.
 * Then the pieces are merged in passes, two runs of `width` items becoming one of twice that.  In a merge every item finds
 * its own place, its place in its run and the number of items of the other run that go before it; a tile of the result
 * first finds by the same comparison which parts of both runs it is made of, so that memory is read in order.
 *
 *     runs      [ 1 4 5 7 | 8 9 ][ 2 3 | 4 6 8 ]       '|': the parts that make up the first tile of the result
 *     result    [ 1 2 3 4 4 5 6 7 | 8 8 9 ]            (a tile of 8; an item of the left run goes before its equals)
 *
 * see  Green, Odeh & Birk, Merge Path, arXiv:1406.2628 */
#ifndef TRIREME_KERNELS_CUDA_SORTING_CUH
#define TRIREME_KERNELS_CUDA_SORTING_CUH

#include "kernels/cuda/walk.cuh"

enum { TILE = 1024 };

/* Rows are sorted together as long as their items are no more than this many; fibres.h has a smaller one, for tests. */
#ifndef MOST_SORTED
# define MOST_SORTED ((int64_t)1 << 23)
#endif

struct item {
    uint64_t key;
    int64_t at; /* in its row, before sorting */
};

/* Rows [first, first + rows) of n items each, and how tiles lie in them. */
struct tiling {
    int64_t first, rows, n, pieces /* of a row */, together /* rows in a tile */, tiles;
};

static inline tiling tiling_of(int64_t first, int64_t rows, int64_t n)
{
    tiling t;
    t.first = first, t.rows = rows, t.n = n;
    t.pieces = (n + TILE - 1) / TILE;
    t.together = n < TILE ? TILE / n : 1;
    t.tiles = (rows + t.together - 1) / t.together * t.pieces;
    return t;
}

/* The items of a tile: `length` each of `rows` rows, from item `start` on. */
struct tile_place {
    int64_t row, start;
    int rows, length;
};

static __device__ inline tile_place place_of(const tiling &t, int64_t tile)
{
    tile_place p;
    p.row = tile / t.pieces * t.together, p.start = tile % t.pieces * TILE;
    p.rows = (int)(t.rows - p.row < t.together ? t.rows - p.row : t.together);
    p.length = t.n - p.start < TILE ? (int)(t.n - p.start) : (int)TILE;
    return p;
}

/* How many items of a run go before one with this key: those below it, and its equals if they stand left of it. */
template <class N>
static __device__ inline N before(const item *run, N n, uint64_t key, bool equals)
{
    N low = 0;
    while (low < n) {
        N middle = (low + n) / 2;
        if (run[middle].key < key || (equals && run[middle].key == key))
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

/* How many of the first d items of the two runs together come from the left one. */
static __device__ inline int64_t taken_left(const item *left, int64_t lefts, const item *right, int64_t rights, int64_t d)
{
    int64_t low = d > rights ? d - rights : 0, high = d < lefts ? d : lefts;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (left[middle].key <= right[d - 1 - middle].key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* keys.of(row, i) is the key of item i; sink.put(row, i, item) takes the sorted one. */
template <class KEYS, class SINK>
__global__ void __launch_bounds__(THREADS) sort_tiles(const KEYS keys, const SINK sink, const tiling t)
{
    SHARED(item, one, [TILE]);
    SHARED(item, two, [TILE]);
    for (int64_t tile = blockIdx.x; tile < t.tiles; tile += gridDim.x) {
        const tile_place p = place_of(t, tile);
        const int64_t row = t.first + p.row;
        item *from = one, *to = two;
        for (int i = (int)threadIdx.x; i < p.rows * p.length; i += THREADS) {
            from[i].at = p.start + i % p.length;
            from[i].key = keys.of(row + i / p.length, from[i].at);
        }
        __syncthreads();
        for (int width = 1; width < p.length; width *= 2) {
            for (int i = (int)threadIdx.x; i < p.rows * p.length; i += THREADS) {
                int in_row = i % p.length, base = i - in_row, pair = in_row & ~(2 * width - 1);
                int middle = pair + width < p.length ? pair + width : p.length, end = pair + 2 * width < p.length ? pair + 2 * width : p.length;
                bool is_right = in_row >= middle;
                int others = is_right ? before(from + base + pair, middle - pair, from[i].key, true) : before(from + base + middle, end - middle, from[i].key, false);
                to[base + in_row - (is_right ? middle - pair : 0) + others] = from[i];
            }
            __syncthreads();
            item *sorted = to;
            to = from;
            from = sorted;
        }
        for (int i = (int)threadIdx.x; i < p.rows * p.length; i += THREADS) sink.put(row + i / p.length, p.start + i % p.length, from[i]); /* each its own: the next tile need not wait */
    }
}

template <class SINK>
__global__ void __launch_bounds__(THREADS) merge_tiles(const item *items, const SINK sink, const tiling t, int64_t width)
{
    SHARED(item, from, [TILE]);
    SHARED(item, to, [TILE]);
    SHARED(int64_t, taken, [2]); /* from the left run, before the tile and until its end */
    for (int64_t tile = blockIdx.x; tile < t.tiles; tile += gridDim.x) {
        const tile_place p = place_of(t, tile);
        const int64_t pair = p.start & ~(2 * width - 1), rest = t.n - pair, d = p.start - pair;
        const int64_t lefts = rest < width ? rest : width, rights = (rest < 2 * width ? rest : 2 * width) - lefts;
        const item *left = items + p.row * t.n + pair, *right = left + lefts;
        if (threadIdx.x < 2) taken[threadIdx.x] = taken_left(left, lefts, right, rights, d + (threadIdx.x ? p.length : 0));
        __syncthreads();
        left += taken[0], right += d - taken[0];
        const int l = (int)(taken[1] - taken[0]);
        for (int i = (int)threadIdx.x; i < p.length; i += THREADS) from[i] = i < l ? left[i] : right[i - l];
        __syncthreads();
        for (int i = (int)threadIdx.x; i < p.length; i += THREADS)
            to[i < l ? i + before(from + l, p.length - l, from[i].key, false) : i - l + before(from, l, from[i].key, true)] = from[i];
        __syncthreads();
        for (int i = (int)threadIdx.x; i < p.length; i += THREADS) sink.put(t.first + p.row, p.start + i, to[i]);
    }
}

/* Between passes. */
struct to_items {
    item *items;
    int64_t first, n;
    __device__ void put(int64_t row, int64_t i, item x) const { items[(row - first) * n + i] = x; }
};

template <class SINK>
static void merge_all(item *from, item *to, const SINK &sink, const tiling &t)
{
    for (int64_t width = TILE; width < t.n; width *= 2) {
        to_items next = {to, t.first, t.n};
        if (2 * width < t.n)
            LAUNCH(merge_tiles<to_items>, grid_of(t.tiles), THREADS, from, next, t, width);
        else
            LAUNCH(merge_tiles<SINK>, grid_of(t.tiles), THREADS, from, sink, t, width);
        to = from;
        from = next.items;
    }
}

/* Sort `rows` rows of n items.  0, or -1 with an error noted. */
template <class KEYS, class SINK>
static int sort_rows(const kernel_call *call, const KEYS &keys, const SINK &sink, int64_t rows, int64_t n)
{
    if (rows <= 0 || n <= 0) return 0;
    if (n <= TILE) {
        tiling t = tiling_of(0, rows, n);
        LAUNCH((sort_tiles<KEYS, SINK>), grid_of(t.tiles), THREADS, keys, sink, t);
        return launched(call);
    }
    int64_t together = MOST_SORTED / n < 1 ? 1 : MOST_SORTED / n;
    if (together > rows) together = rows;
    item *scratch = (item *)cuda_scratch_take(call, 2 * together * n * (int64_t)sizeof(item));
    if (!scratch) return -1;
    for (int64_t first = 0; first < rows; first += together) {
        tiling t = tiling_of(first, rows - first < together ? rows - first : together, n);
        to_items tiles = {scratch, first, n};
        LAUNCH((sort_tiles<KEYS, to_items>), grid_of(t.tiles), THREADS, keys, tiles, t);
        merge_all(scratch, scratch + together * n, sink, t);
    }
    cuda_scratch_give(scratch);
    return launched(call);
}

#endif

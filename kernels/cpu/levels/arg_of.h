/* Where the largest and the smallest stand, in one type: included once per type with T, OF(), IS_NAN(). */
static inline bool OF(beats)(T x, T best, bool largest)
{
    if (IS_NAN(best)) return false;
    return IS_NAN(x) || (largest ? x > best : x < best);
}

/* n elements that come after `count` others; the best so far in memory that the caller keeps. */
static void OF(search)(finding *f, const void *x_, int64_t n, bool largest)
{
    const T *x = x_;
    T best;
    int64_t i = 0;
    if (f->count == 0) {
        best = x[0];
        f->index = 0;
    } else {
        memcpy(&best, f->best, sizeof best);
    }
    for (; i < n; i++)
        if (OF(beats)(x[i], best, largest)) {
            best = x[i];
            f->index = f->count + i;
        }
    memcpy(f->best, &best, sizeof best);
    f->count += n;
}

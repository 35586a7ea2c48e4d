static void OF(where_loop)(void *const *at, int64_t n, unsigned ones)
{
    (void)ones;
    T *out = at[0];
    const uint8_t *condition = at[1];
    const T *a = at[2], *b = at[3];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        T yes = a[i], no = b[i];
        out[i] = condition[i] ? yes : no;
    }
}

/* The rows that integers have, wrapping around: included once per type, with T, its unsigned arithmetic type U, OF(). */
static inline TR_BOTH T OF(neg_value)(T x) { return (T)(0 - (U)x); }
static inline TR_BOTH T OF(abs_value)(T x) { return x > 0 ? x : OF(neg_value)(x); }
static inline TR_BOTH T OF(sign_value)(T x) { return x == 0 ? 0 : (T)(x > 0 ? 1 : -1); }
static inline TR_BOTH T OF(square_value)(T x) { return (T)((U)x * (U)x); }
static inline TR_BOTH T OF(relu_value)(T x) { return x > 0 ? x : 0; }
static inline TR_BOTH T OF(floor_value)(T x) { return x; } /* what is whole stays */
static inline TR_BOTH T OF(ceil_value)(T x) { return x; }
static inline TR_BOTH T OF(round_value)(T x) { return x; }
static inline TR_BOTH T OF(trunc_value)(T x) { return x; }

/* Element types: sizes, promotion, and single elements as doubles. */
#ifndef TRIREME_CORE_DTYPE_H
#define TRIREME_CORE_DTYPE_H

#include <trireme/types.h>

static inline bool core_dtype_ok(tr_dtype d) { return d > TR_DEFAULT_DTYPE && d < TR_DTYPES; }

/* Bytes of an element of a type that is known to be one. */
extern const uint8_t core_dtype_bytes[TR_DTYPES];

/* 0 bool, 1 integer, 2 floating, 3 complex. */
extern const uint8_t core_dtype_category[TR_DTYPES];

/* Element i of an array; complex numbers give and take their real part. */
double core_element_get(const void *data, tr_dtype dtype, int64_t i);
void core_element_set(void *data, tr_dtype dtype, int64_t i, double value);

/* n elements from one type to another, as C converts; both arrays dense, not overlapping. */
void core_convert(void *to, tr_dtype to_type, const void *from, tr_dtype from_type, int64_t n);

#endif

/* What every element type is: also for a device's shared object, which links nothing else of the library. */
#include "core/dtype.h"

const uint8_t core_dtype_bytes[TR_DTYPES] = {0, 1, 1, 4, 8, 2, 2, 4, 8, 8, 16};
const uint8_t core_dtype_category[TR_DTYPES] = {0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3};

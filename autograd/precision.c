#include <trireme/autocast.h>
#include "core/fail.h"
#include "core/thread.h"

tr_precision tr_get_float32_matmul_precision(void) { return (tr_precision)core_here()->precision; }

tr_precision(tr_set_float32_matmul_precision)(tr_precision precision)
{
    core_thread *here = core_here();
    tr_precision before = (tr_precision)here->precision;
    if (precision == TR_PRECISION_HIGHEST || precision == TR_PRECISION_HIGH)
        here->precision = (uint8_t)precision;
    else
        core_fail("tr_set_float32_matmul_precision: %d: TR_PRECISION_HIGHEST or TR_PRECISION_HIGH", (int)precision);
    return before;
}

void tr_precision_restore_(const tr_precision *before) { (tr_set_float32_matmul_precision)(*before); }

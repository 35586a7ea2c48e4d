/* A ledger's columns by the clock of the device that its thread computes on.
 *
 * Where the thread goes from one column to another a timed mark is put into the device's own work, and what the device takes
 * from one mark to the next belongs to the column between, idle or not.  So these columns, too, sum to the wall.  Marks are
 * looked at when a step ends and when somebody asks; nobody waits, so that what is known is behind. */
#ifndef TRIREME_CORE_LEDGER_THERE_H
#define TRIREME_CORE_LEDGER_THERE_H

#include <trireme/types.h>
#include "core/watch.h"

typedef struct {
    int64_t column[CORE_COLUMNS];
} core_times; /* ns */

typedef struct core_ledger_there core_ledger_there;

/* From now on, in this column.  NULL, which is no error, where there is no memory or the device has no marks. */
core_ledger_there *core_ledger_there_new(tr_device at, int column);
void core_ledger_there_free(core_ledger_there *t); /* or NULL */

/* What is asked for from here on belongs to this column; and what ends here is a step. */
void core_ledger_there_border(core_ledger_there *t, int column);
void core_ledger_there_step(core_ledger_there *t, int column);

/* Steps that the device is known to have done, and their times. */
int64_t core_ledger_there_known(core_ledger_there *t, core_times *total);

#endif

/* Numbers in rows of equal length, as text. */
#ifndef TRIREME_IO_CSV_H
#define TRIREME_IO_CSV_H

#include <trireme/io.h>
#include "io/source.h"

tr_tensor *io_csv_read(const io_source *source, tr_csv_options options);

#endif

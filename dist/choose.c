/* Which way to travel: through shared memory where ranks have it, unless the environment says otherwise. */
#include "dist/settings.h"
#include "dist/window.h"

#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>

typedef enum { AUTO,
               SHARED,
               OVER_MPI,
               UNKNOWN } choice;

static choice read_choice(const char *wish)
{
    if (!wish || !*wish || strcmp(wish, "auto") == 0) return AUTO;
    if (strcmp(wish, "shared") == 0) return SHARED;
    return strcmp(wish, "mpi") == 0 ? OVER_MPI : UNKNOWN;
}

static int64_t read_slot(void)
{
    enum { USUAL = 512 << 10 };
    int64_t bytes = dist_window_bytes();
    return bytes ? bytes / DIST_SLOTS : USUAL;
}

dist_transport *dist_choose(dist_transport *mpi)
{
    const char *variable = getenv("TRIREME_TRANSPORT");
    bool stood = tr_error_stands();
    int64_t wish[2] = {read_choice(variable), read_slot()};
    if (dist_broadcast(mpi, wish, sizeof wish, 0) < 0) goto fail; /* rank 0's for all */
    if (wish[0] == UNKNOWN) {
        tr_fail("TRIREME_TRANSPORT=%s: expected auto, shared or mpi", variable ? variable : "(rank 0's)");
        goto fail;
    }
    if (wish[0] == OVER_MPI || mpi->world == 1) return mpi;

    dist_host *host = dist_mpi_host(mpi);
    if (!host) goto fail;
    bool apart = host->hosts == mpi->world; /* one rank on each host shares with nobody */
    dist_transport *way = apart ? NULL : dist_window_open(host, wish[1]);
    if (way) return way;
    if (!apart && wish[0] == SHARED) {
        host->close(host);
        return NULL;
    }
    if (!stood) tr_error_clear(); /* why there is no window: MPI alone will do */
    host->all = NULL;             /* stays */
    host->close(host);
    return mpi;
fail:
    mpi->finish(mpi);
    return NULL;
}

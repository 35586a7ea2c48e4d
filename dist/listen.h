/* A socket that other hosts call, and where. Needs nothing of the library: the launcher's ranks are called so, too. */
#ifndef TRIREME_DIST_LISTEN_H
#define TRIREME_DIST_LISTEN_H

#include <stddef.h>
#include <stdint.h>

/* This machine's addresses but the loopback's, "1.2.3.4,5.6.7.8"; "" if it has none. */
void dist_own_addresses(char *text, size_t bytes);

/* Listens at a port that the system chooses, for both versions of IP where there are both; nothing on it blocks. The socket,
 * or -1 with errno. */
int dist_listen(int32_t *port);

#endif

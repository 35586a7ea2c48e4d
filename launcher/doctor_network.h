/* The line between two hosts of a job: what one of them measures, what the other does for it, and what to make of it. */
#ifndef LAUNCHER_DOCTOR_NETWORK_H
#define LAUNCHER_DOCTOR_NETWORK_H

#include "launcher/findings.h"
#include "launcher/wire.h"

#include <stdbool.h>

typedef struct {
    const char *from, *to; /* borrowed: hosts' names */
    bool named;            /* `from` knows the name of `to` */
    double us;             /* there and back, a byte */
    double out_gbit, in_gbit;
    char why[200]; /* why nothing was measured; "" if it was */
} network_pair;

/* Calls the host that listens at the address (wire_listen) and fills in all but the names. */
void network_measure(network_pair *pair, const char *address);

/* Answers one caller on the listening socket, who must know the address' key, until it has had enough. */
void network_serve(int listening, const char *address);

/* What is told of pairs. */
void network_judge(findings *f, const network_pair *pair, int pairs);

/* Each host's clock, in seconds ahead of this one's. */
void network_judge_clocks(findings *f, const char *const *host, const double *ahead_s, int hosts);

/* Addresses (wire_listen) that more than one host calls its own: a bridge of containers. */
void network_judge_addresses(findings *f, const char *const *host, const char *const *address, int hosts);

#endif

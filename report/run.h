/* Run another program, without a shell and without pipes: it reads and writes files, so it can neither block us nor
 * send us a SIGPIPE. */
#ifndef TRIREME_REPORT_RUN_H
#define TRIREME_REPORT_RUN_H

typedef enum {
    REPORT_RAN,    /* and ended by itself, with exit status 0 as far as one can know */
    REPORT_ABSENT, /* no such program in PATH */
    REPORT_FAILED, /* another exit status, a signal, or it could not be started */
    REPORT_TOO_LONG
} report_outcome;

/* argv[0] is looked up in PATH; `in`, `out` and `err` become its standard files.  It is killed after `seconds`. */
report_outcome report_run(const char *const argv[], int in, int out, int err, double seconds);

#endif

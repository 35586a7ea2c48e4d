/* The command line of trireme run. */
#ifndef LAUNCHER_OPTIONS_H
#define LAUNCHER_OPTIONS_H

#include "launcher/plan.h"

typedef struct {
    plan_wish wish;
    bool dry_run, quiet, no_bind, no_watch, tag;
    int restarts, grace_s, silent_s, start_s;
    const char *hosts, *hostfile, *log_folder;
    char **sent; /* owned: -x */
    int sents;
    char **program; /* with its arguments */
} run_options;

/* Reads it; exits where it cannot be understood, or after --help. */
run_options run_options_read(int argc, char **argv);

#endif

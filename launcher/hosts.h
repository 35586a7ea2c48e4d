/* The hosts that ranks start on, and how many on each. */
#ifndef LAUNCHER_HOSTS_H
#define LAUNCHER_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char name[254];
    int ranks; /* 0: not said */
} host;

typedef struct {
    host *host; /* owned */
    int hosts;
} hosts;

enum { HOSTS_MAX = 16384 };

/* "a:2,b:2", "node[01-04,7]:2". A host named twice counts twice. These three return 0, or -1 with a sentence in why. */
int hosts_parse(hosts *h, const char *text, char *why, size_t why_bytes);

/* A host a line: "a", "a:2", "a slots=2"; # begins a comment. */
int hosts_read(hosts *h, const char *path, char *why, size_t why_bytes);

/* A Slurm allocation: its list of hosts, and tasks on each as SLURM_TASKS_PER_NODE has them, "2(x3),1"; NULL: not said. */
int hosts_of_slurm(hosts *h, const char *list, const char *tasks, char *why, size_t why_bytes);

/* Settles the ranks on each host so that there are `ranks` in all (0: as many as the hosts say, one where one does not).
 * Hosts are filled in their order; those that do not say their number share evenly. Beyond what they say only if
 * oversubscribe. Hosts without ranks go. Returns 0, or -1 with a sentence in why. */
int hosts_share(hosts *h, int ranks, bool oversubscribe, char *why, size_t why_bytes);

int hosts_ranks(const hosts *h);

/* The hosts that a user (list, or a file's; NULL: not given) or else Slurm names, with their ranks; none where it is this one
 * alone. *ranks, 0 where not said, becomes the number of all, unless nobody says it. Exits with the command's message where
 * they cannot be understood. */
hosts hosts_wanted(const char *command, const char *list, const char *file, int *ranks, bool oversubscribe);

/* mpirun's "a:2,b:2". The caller frees it. */
char *hosts_text(const hosts *h);

/* Whether name is the machine that runs this. */
bool host_is_here(const char *name);

void hosts_free(hosts *h);

#endif

/* trireme doctor: whether a job would run well on these hosts, and what to do where it would not.
 *
 *     doctor.c           what is asked for; all of it in order, and the report
 *     doctor_host.c      all of one host; what is wished, as text to others
 *     doctor_machine.c   versions, cores, memory, limits
 *     doctor_gpus.c      its GPUs; doctor_copies.c: copies between them, with --full
 *     doctor_hosts.c     several hosts: doctor_part.c is started on each, and asked
 *     doctor_network.c   the line between two of them; doctor_judge.c: and clocks, addresses
 *     doctor_job.c       the job itself: mpirun, and sums over all ranks
 *     doctor_report.c    hosts compared, and what is told
 *     findings.c         what was found */
#ifndef LAUNCHER_DOCTOR_H
#define LAUNCHER_DOCTOR_H

#include "launcher/child.h"
#include "launcher/findings.h"
#include "launcher/hosts.h"
#include "launcher/machine.h"
#include "launcher/nvml.h"
#include "launcher/plan.h"

#include <stdbool.h>

enum { EXIT_WARNINGS = 1,
       EXIT_PROBLEMS = 3 };

typedef struct {
    int ranks;       /* on this host; 0: as many as trireme run would start */
    int job_ranks;   /* on all */
    int threads;     /* of each; 0: not said */
    int env_threads; /* OMP_NUM_THREADS; 0: not set */
    bool oversubscribe, full;
} doctor_wish;

typedef struct {
    doctor_wish wish;
    const char *hosts, *hostfile;
    char **sent; /* owned: -x */
    int sents, start_s;
} doctor_options;

typedef struct {
    char host[254];
    int ranks;
    bool reached;
    findings found;
} doctor_visit;

/* ---- doctor_host.c ---- */

/* All that one host can tell of itself. */
void doctor_host(findings *f, doctor_wish wish);

/* The wish as text, with so many ranks on that host, good until the next call; and back. */
const char *doctor_wish_text(doctor_wish wish, int ranks);
doctor_wish doctor_wish_read(const char *text);

/* ---- doctor_hosts.c, and doctor_part.c on each host ---- */

enum { DOCTOR_HOSTS = 250, /* at most: each has two descriptors here */

       /* frames of a wire, from a host */
       DOCTOR_HELLO = 'h',    /* key, then its number */
       DOCTOR_FINDING = 'f',  /* finding_write */
       DOCTOR_READY = 'r',    /* that was all; where other hosts call it */
       DOCTOR_MEASURED = 'd', /* "named us out in why" of a network_pair */
       /* to it */
       DOCTOR_MEASURE = 'm', /* "name\naddress" */
       DOCTOR_BYE = 'q',
       /* both ways */
       DOCTOR_CLOCK = 'c' /* nanoseconds of its clock */ };

/* What a part is told by its environment. */
#define DOCTOR_ADDRESS "TRIREME_DOCTOR"
#define DOCTOR_WISH    "TRIREME_DOCTOR_WISH"

/* Visits all of them: as many visits, which the caller frees. What concerns more than one goes to job. */
doctor_visit *doctor_hosts(findings *job, const doctor_options *o, const hosts *h);
int doctor_part(const char *index);

/* ---- doctor_machine.c ---- */
void doctor_versions(findings *f);
void doctor_cores(findings *f, const machine *m, doctor_wish wish);
void doctor_memory(findings *f, const char *root, int ranks);
void doctor_limits(findings *f, const char *root);

/* /dev/shm of so many bytes, of which so many are free. */
void doctor_judge_shm(findings *f, int64_t bytes, int64_t free_bytes, int ranks);

/* ---- doctor_gpus.c ---- */

/* m: with the GPUs that ranks use; p: where they sit, NULL: they could not be seated. */
void doctor_gpus(findings *f, const machine *m, const plan *p, doctor_wish wish);

/* What the driver tells of one. */
void doctor_judge_gpu(findings *f, const nvml_gpu *gpu, int number, bool shared);

/* ---- doctor_copies.c ---- */

struct core_device;

/* Copies a pattern to each device, between each two of them and back, compares, and measures. */
void doctor_copies(findings *f, const struct core_device *devices);

/* ---- doctor_job.c ---- */

/* mpi: what a host said of its library. */
void doctor_mpirun(findings *f, const char *mpi);
void doctor_job(findings *f, const doctor_options *o);

/* Where that trireme run said of mpirun that it ended, and no more: what mpirun wrote, behind it. */
void doctor_add_mpirun(const child *run, char *line, size_t bytes);

/* ---- doctor_report.c ---- */

/* What must be the same on all hosts, and is not. */
void doctor_compare(findings *f, const doctor_visit *visit, int visits);

/* Prints all. The exit status. */
int doctor_report(const findings *job, const doctor_visit *visit, int visits, int ranks);

/* What a host said of a subject; "" if nothing. */
const char *doctor_said(const doctor_visit *visit, const char *subject);

#endif

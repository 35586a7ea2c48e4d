/* The `trireme` command: starts training programs under mpirun, one rank on
 * its own share of the cores, watches over them, and shows the machine they run on.
 *
 *   main.c       which command is meant, help
 *   run.c        trireme run: options.c, then hosts and plan, then command, then job
 *   job.c        one start of a job, from its first rank to its last, and that
 *                nobody outlives it
 *   job_ranks.c  what its ranks are told, and tell
 *   judge.c      what is told of it; verdict.c: who failed first
 *   rank.c       what mpirun starts on every rank: bind, call job.c, then guard
 *   guard.c      stands beside the program on its host: its output, its end
 *   program.c    the program's process, and what connects it with its guard
 *   starts.c     who has come to tr_dist_init
 *   lines.c      output cut so that lines stay whole
 *   wire.c       the line between job.c and the ranks (also dist/listen.c)
 *   hosts.c      lists of hosts: the user's, a file's, Slurm's
 *   plan.c       how the cores are shared out (pure: a machine in, a plan out)
 *   command.c    the mpirun line, to be shown or to be executed
 *   mpi_folder.c where mpirun keeps its files
 *   topo*.c      trireme topo (topo.h)
 *   doctor*.c    trireme doctor (doctor.h)
 *   trace.c      trireme trace merge; trace_read.c: a rank's trace, from anybody; json_read.c
 *   info.c       trireme info; cuda.c: its CUDA devices
 *   bench*.c     trireme bench (bench.h); worker/ is what its ranks run
 *   child.c      a program of ours that another command starts
 *   errors.c     how it ends when it cannot go on
 *   machine*.c   what the machine has and what this job may use of it (also
 *                quota.c, gpus.c, nvml.c) */
#ifndef LAUNCHER_LAUNCHER_H
#define LAUNCHER_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses, as a shell has them. */
enum { EXIT_USAGE = 2,
       EXIT_STOPPED = 75, /* TR_DIST_STOPPED of <trireme/dist.h>, which a rank that was told to stop leaves with */
       EXIT_CANNOT_EXECUTE = 126,
       EXIT_NOT_FOUND = 127 };

/* The commands. argv[0] is the command's own name; each returns the exit status. */
int launcher_run(int argc, char **argv);
int launcher_topo(int argc, char **argv);
int launcher_bench(int argc, char **argv);
int launcher_doctor(int argc, char **argv);
int launcher_info(int argc, char **argv);
int launcher_rank(int argc, char **argv);
int launcher_trace(int argc, char **argv);

/* Prints the CUDA devices that a program would find here, a line each, or, if asked, why there is none. */
void cuda_print(bool or_why_none);

/* Where this command stands; or the end of the program. */
void launcher_self(char *path, size_t bytes);

/* A shared object of ours: beside the library where this command was installed, else where the system looks. NULL with
 * dlerror(). */
void *open_beside(const char *name);

/* Writes "trireme COMMAND: message" to stderr and exits; command may be NULL. */
_Noreturn void fail(int status, const char *command, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a command line that cannot be understood: adds where help is, exits 2. */
_Noreturn void fail_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What getopt_long reported as '?' or ':' (its opterr is 0), said in our words. Exits 2. */
_Noreturn void fail_option(const char *command, int reported, char **argv);

/* The whole number 1 .. 65536 in text, the value of option; exits 2 if it is none. */
int count_option(const char *command, const char *option, const char *text);

/* Zeroed memory, or the end of the program. */
void *need_memory(int count, size_t bytes_each);
_Noreturn void out_of_memory(void);

/* Milliseconds of a clock that only runs forward. */
int64_t now_ms(void);

/* Where a rank's log lies: folder/rank-07.log, as many digits as the last of `ranks` needs. */
void log_path(char *path, size_t bytes, const char *folder, int rank, int ranks);

#endif

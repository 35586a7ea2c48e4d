/* Ranks: several processes, started by mpirun, each with its own device and its own part of every batch.
 * Link with libtrireme-dist (trireme::dist).  Started without mpirun, or built without MPI, a program is rank 0 of 1. */
#ifndef TRIREME_DIST_H
#define TRIREME_DIST_H

#include <trireme/data.h>
#include <trireme/nn.h>
#include <trireme/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Start from MPI_COMM_WORLD (which is duplicated).  Initialises MPI if nobody has (argc and argv may be NULL);
 * tr_dist_finish finalises it only then.  Where no launcher's variables stand in the environment MPI is not started at
 * all.  Variables that say N ranks where MPI sees one are refused.  Collective.  0, or -1 with an error standing; then
 * collectives and tr_data_parallel fail too, so that N processes do not each go on as if they were alone. */
TR_API int(tr_dist_init)(int *argc, char ***argv);

/* Join an application's own communicator, given as `MPI_Comm *` (or a Fortran handle): it is duplicated, errors on the
 * duplicate are returned, and MPI_COMM_WORLD is never touched.  MPI must be running, and is left running; tr_dist_finish
 * comes before the application's MPI_Finalize (else it is an error, as collectives are then).  Collective over that
 * communicator; after tr_dist_finish another may be joined. */
TR_API int(tr_dist_init_comm)(const void *mpi_comm);
TR_API int(tr_dist_init_fortran)(int mpi_comm);

/* The last call of a program with ranks, in place of tr_finish().  Returns 0, or 1 on every rank if an error stood on
 * any (they are told which rank failed, and why).  Collective. */
TR_API int(tr_dist_finish)(void);

/* ---- when a rank fails ----
 * Ranks that wait for a failed one would wait for ever.  So a rank that reaches a collective (backward of a data-parallel
 * module is one) with an error standing, whose collective itself fails, or whose process exits before tr_dist_finish
 * (where tr_dist_init started MPI), writes "trireme: rank 1 of 2 on HOST: MESSAGE" to stderr and ends all ranks with
 * MPI_Abort, which in most MPIs ends the whole job, also one whose other ranks never joined.  An error that was looked at
 * and cleared with tr_error_clear() does not count.  A rank alone just goes on with its error.
 * A watchdog, one thread in each rank, sees what a rank that is stuck cannot say itself.  When the process of another rank
 * of this host ends before its time, or when this rank, or its device in NCCL, has waited TRIREME_TIMEOUT seconds (60) for others, it writes what
 * each rank asked for last (the collective's number, what it is for, the caller's file and line), then who is missing and
 * why it is thought so, and ends all ranks:
 *     trireme: rank 0 of 3 on HOST ends all ranks: after 60 s (TRIREME_TIMEOUT) rank 2 on HOST has not come to #7 barrier
 *     at train.c:23: its process 2678 is stopped (as by kill -STOP or a debugger), last sign of life 61 s ago
 * A process that has ended, one that is stopped, one that gives no sign of life, and one that is alive but elsewhere in its
 * code are told apart.  Other hosts' watchdogs are asked over TCP, at any free port, and then only: one that does not
 * answer though its host does is stopped, and of a host that cannot be reached nothing more is known.
 * All of this is said on stderr.  Under bare mpirun other lines, of the MPI itself, come after it: that the last line names
 * the rank is a promise of trireme run.  And when a host's cable is cut trireme run ends the job on all hosts, that one
 * included; a bare mpirun may itself hang for minutes then, which is its own affair.
 * The limit counts to the end of tr_dist_finish, MPI_Finalize included, and in tr_dist_init, where it is 5 seconds at least:
 * a rank that does not come there while others wait is named by trireme run on whatever host it is, under bare mpirun by the
 * ranks of its own host.  MPI_Init that does not end although nobody is known to be missing gets three times as long, and
 * half a minute at least.  (tr_dist_init_comm has no limit before all have joined.)
 * With TRIREME_CHECK=1 in the environment (the default unless built with NDEBUG) ranks first compare what they ask for:
 * another operation, shape or type is an error on every rank that says who asked for what. */

TR_API int64_t tr_dist_rank(void);          /* 0 .. world - 1 */
TR_API int64_t tr_dist_world(void);         /* 1 before tr_dist_init */
TR_API int64_t tr_dist_local_rank(void);    /* among the ranks of this host */
TR_API tr_device tr_dist_device(void);      /* this rank's: the CUDA device of its number on the host, or the CPU; before tr_dist_init too */
TR_API tr_shard tr_dist_shard(void);        /* {rank, world}, for tr_loader_new */
TR_API const char *tr_dist_transport(void); /* "none", "mpi: Open MPI v4.1.4", "shared memory, mpi: Open MPI v4.1.4"; once a device's memory has travelled
                                             * how, too: "...; cuda:1 by NCCL 2.28.9", "...; cuda:0 through pinned memory: ranks 0 and 1 share a device" */

/* ---- collectives on tensors: every rank calls them, in the same order, with one shape and type ----
 * Ranks of one host meet in memory that they share, hosts over MPI (TRIREME_TRANSPORT chooses otherwise).  In shared memory
 * ranks that ask for different things get an error that says who asked for what.
 * Row-major tensors, on the CPU or on this rank's CUDA device; from there they travel in the order of what the device is
 * asked, and nothing else waits: by NCCL from device to device, where each rank has one of its own and all find the same
 * NCCL, else through pinned memory of the host (TRIREME_DEVICE_TRANSPORT chooses otherwise).  By NCCL a call returns before
 * the device has met the others'; whether it does, the watchdog looks.  A rank has one device.
 * All return 0, or a negative status on every rank.  They act on memory: they have no derivative, and backward does not
 * notice what they write.  In a step that is recorded they stand in a function of the program's own (tr_record_call);
 * elsewhere in it they are what could not be recorded. */

/* Sum t over all ranks, in place.  float16 and bfloat16 are added in float32; bool has no sum.
 * Among ranks of one host a tensor is copied through the memory that they share, and back.  What is fast are the buckets of
 * tr_data_parallel and tr_reducer, which lie there: gradients go by them.  (bench_allreduce prints both.) */
TR_API int(tr_all_reduce)(tr_tensor *t);

/* Copy root's t to every rank, in place. */
TR_API int(tr_broadcast)(tr_tensor *t, int64_t root);

/* The ranks' t one after the other along dim 0; all of one shape, which has a dim 0.  Belongs to the open scope. */
TR_API tr_tensor *(tr_all_gather)(tr_tensor *t);

/* Nobody leaves before everybody came. */
TR_API int(tr_barrier)(void);

/* ---- told to stop ----
 * A job that is to make room (Slurm's --signal=USR1@60, a SIGTERM) writes a checkpoint and ends, if the program asks:
 *     tr_dist_stop_on_signals();
 *     bool stop = false;
 *     for (...; !stop; ) { ...; tr_step(sgd); stop = tr_dist_should_stop(); }
 *     if (stop) tr_save(...);
 *     return tr_dist_finish() ? 1 : stop ? TR_DIST_STOPPED : 0;
 * Open MPI's mpirun passes SIGUSR1 on to all ranks; at SIGTERM it ends them within seconds, so send that to a rank. */

/* From now on SIGTERM and SIGUSR1 are noted instead of ending this process.  Nothing is installed without this call. */
TR_API int(tr_dist_stop_on_signals)(void);

/* Has any rank been told to stop?  The same answer on every rank, and true for ever after.  Collective, and one small message,
 * unless a data-parallel module's backward has run since the last question: the answer has come with its reduction.  True,
 * too, where the ranks cannot meet any more. */
TR_API bool(tr_dist_should_stop)(void);

/* The exit status that says so (EX_TEMPFAIL: start me again). */
enum { TR_DIST_STOPPED = 75 };

/* ---- data parallel ---- */

typedef struct tr_reducer tr_reducer;

/* Who brings the sums on while backward computes. */
typedef enum {
    TR_OVERLAP_AUTO,   /* a thread where a network does the work, the caller where ranks share the cores of one host */
    TR_OVERLAP_CALLER, /* the thread that calls tr_backward, whenever a gradient is finished */
    TR_OVERLAP_THREAD, /* one of its own; an error where MPI was started for one thread only (MPI_THREAD_FUNNELED) */
} tr_overlap;

typedef struct {
    /* Gradients are summed in buckets of about this size; default 25 MiB, over a network 256 KiB: that suits a link of 1 Gbit/s;
     * on a faster one take what `trireme bench` names. */
    int64_t bucket_bytes;
    int64_t first_bucket_bytes; /* default 1 MiB, over a network 256 KiB */
    tr_overlap overlap;
    bool reproducible;      /* the same bits on any number of ranks; see tr_next_shard */
    int64_t virtual_shards; /* then: how many a global batch is cut into; default TR_VIRTUAL_SHARDS */
    int64_t check_every;    /* every so many backwards look whether the ranks have drifted apart; 0: never */
    bool shard_state;       /* each rank keeps its part of the optimiser's state alone; see tr_shard_parameters */
    char reserved_;
} tr_data_parallel_options;

/* A module that forwards to `module` (kept, as its child "module") and averages its gradients over all ranks during each
 * backward:
 *     gradient = sum over ranks of (rank's samples x rank's gradient) / all samples
 * where a rank's samples are the first size of its last forward's input (1 for a scalar; forwards under TR_NO_GRAD do not
 * count).  With losses that are means this is the global batch's gradient exactly, however unevenly the samples are shared
 * out; a rank with no samples takes part with zero, even if its own gradient is NaN.  (So where each rank has data of its own,
 * one that has run out goes on with batches of none until nobody has any, which a tr_all_reduce of what each has left tells.)
 * Means over something else than samples (a masked loss, weighted classes) say so by tr_data_parallel_count().
 * What a gradient held before backward is averaged with it: an average of an earlier backward (gradient accumulation, no
 * tr_zero_grad between) is the same on all ranks and so stays what it was.  A parameter that no rank used is left alone;
 * one that some rank used has the same gradient on every rank afterwards.
 * A bucket is summed as soon as its gradients are finished, while backward goes on.  Afterwards gradients lie in the
 * buckets: tr_grad() gives tensors over their memory.  Buckets are first filled from the last parameter back, and after the
 * first backward once more in the order in which rank 0's gradients were finished; gradients move then.  Such a tensor is
 * not to be held beyond the module or tr_dist_finish; tr_grad() then gives a copy.
 * A step may be recorded (record.h); its replays sum at the same places.  They are collective too, and one rank may replay
 * what another runs.  The recording keeps this module.
 * With .check_every = k each k-th backward (also of a replay, or without sync; of reproducible batches the k-th) first makes
 * a digest of all bits of the parameters, one pass over them.  It travels with the message that begins an average anyway,
 * of 64 bytes then instead of 16 (on a device of 80 instead of 32; reproducible: in one of its own), and a difference ends
 * all ranks with the words of tr_check_replicas, whose call it saves:
 *     "tr_backward: parameter 2.weight differs: rank 1 of 4 holds values of its own (of 6 parameters 4 differ)"
 * At construction names, shapes and types of all parameters and buffers must agree on all ranks, then rank 0's values are
 * copied to all; options that differ are rank 0's.  On one rank it only forwards, unless NCCL is asked for by name
 * (TRIREME_DEVICE_TRANSPORT).  It belongs to the ranks of its construction: after tr_dist_finish it forwards alone, and to
 * ranks that start later its module is given anew.
 * The parameters may be on this rank's CUDA device (tr_module_to before): buckets lie there, and are summed while the device
 * goes on, by NCCL, on a stream of its own, or by way of their twins in the host's memory; brought on by a thread where MPI
 * was started for several.  A step waits for no device, but with .reproducible, where each shard's gradients come to the host
 * and add up there.
 * Collective: construction, and every backward that comes from an output of this module. */
TR_API tr_module *(tr_data_parallel)(tr_module *module, tr_data_parallel_options options);

/* What this rank's next backward counts in place of its samples, where the loss is a mean over something else: the elements
 * that a mask leaves, or the sum of the weights of a weighted mean (times 2^20 on every rank, say, if that is no whole
 * number).  Called after forward; a later forward sets it to its samples again.
 *     tr_tensor *losses = tr_mul(losses_of(tr_forward(ranks, x), y), mask);
 *     tr_data_parallel_count(ranks, kept);
 *     tr_backward(tr_div(tr_sum(losses), kept));             a rank that keeps nothing counts 0, and its NaN does not matter
 * A recorded step keeps the count that it was recorded with.  Not with .reproducible, whose shards count their samples.
 * 0, or -1 with an error standing: not such a module, count < 0. */
TR_API int(tr_data_parallel_count)(tr_module *m, int64_t count);

/* Do all ranks still hold the same parameters, bit for bit?  A digest of 64 bits travels in one small message, so every
 * hundred steps costs little; with a difference the error on every rank names the first parameter that differs and the
 * ranks whose values are not what most ranks hold.  Buffers may differ and are not looked at.  Collective.
 *     "tr_check_replicas: parameter 2.weight differs: rank 1 of 4 holds values of its own (of 6 parameters 4 differ)" */
TR_API int(tr_check_replicas)(tr_module *module);

/* With .reproducible = true weights come out the same, bit for bit, whatever the number of ranks.  Floating-point sums depend
 * on their grouping, so a global batch is cut into a fixed number of virtual shards: each is computed by itself, and their
 * gradients are added in one fixed binary tree, whoever holds them.  The loader gives each rank whole ones:
 *     tr_loader *loader = tr_loader_new(digits, .batch_size = 240, .shard = tr_dist_shard(), .virtual_shards = TR_VIRTUAL_SHARDS);
 *     tr_module *ranks = tr_data_parallel(model, .reproducible = true);
 *     for (tr_batch b; tr_loader_next(loader, &b);) {
 *         for (tr_batch s = {0}; tr_next_shard(ranks, &b, &s);) {
 *             TR_SCOPE;
 *             tr_backward(tr_cross_entropy(tr_forward(ranks, s.input), s.target));
 *         }
 *         tr_step(sgd);
 *         tr_zero_grad(sgd);
 *     }
 * `shard` starts as zero, and is the next shard's samples while true comes back; .index says which of all shards it is.
 * When false comes back gradients are those of the global batch: this last call is collective.  Without .reproducible there is
 * one shard, the batch, and backward sums as ever: one program serves both.
 * It costs: kernels that work on a 24th of the batch at a time; a pass over all gradients for each shard; no overlap; each
 * rank holds about log2(shards) sums of gradients; sums travel to rank 0 and back, one from each rank where ranks are a
 * power of two, up to five otherwise.  (2.7 MB of gradients, 24 shards, 2 ranks on two cores: 20 ms a step, where one sum
 * takes 0.2.)  Sums of integers, in fixed point, come out the same in any order and were measured beside it at 16 ms; but to
 * choose their point the largest exponent of all shards has to be known, and until then each rank would hold the gradients of
 * all of its shards.  Hence the tree.  Not for recorded steps.
 * False with an error standing too. */
TR_API bool(tr_next_shard)(tr_module *m, const tr_batch *batch, tr_batch *shard);

/* Gradient accumulation without the cost of summing each time: TR_NO_SYNC; as a block's first line, around forward and
 * backward, leaves gradients on their rank until the next backward outside of it sums all that was gathered.
 *     for (int i = 0; i < 4; i++) {
 *         bool before = tr_set_gradient_sync(i == 3);       or TR_NO_SYNC; for the first three
 *         tr_backward(tr_mse_loss(tr_forward(ranks, x[i]), y[i]));
 *         tr_set_gradient_sync(before);
 *     }
 * The numbers of samples still travel: each backward counts with the weights of its own samples, as on one rank.  So every
 * rank runs it as often.  tr_zero_grad forgets what was gathered.  A backward for each forward.  In a recorded step
 * gradients are float32, float64 or complex. */
TR_API bool tr_set_gradient_sync(bool on); /* what it was; each thread's own */
TR_API void tr_gradient_sync_restore_(const bool *before);

/* An optimiser's state shared out over the ranks (ZeRO, stage 1): each rank steps its own part of the parameters, and gets
 * the rest from the others.
 *     tr_module *ranks = tr_data_parallel(model, .shard_state = true);
 *     tr_optim *adam = tr_adam(tr_shard_parameters(ranks), .lr = 1e-3);
 *     for each step:  tr_backward(loss);                  a bucket's sums are reduce-scattered: to each rank its part
 *                     tr_step(adam);                      on this rank's part
 *                     tr_gather_parameters(ranks);        all-gather: every rank has the whole parameters again
 *                     tr_zero_grad(adam);
 * Every number of the parameters is one rank's: of each bucket as many numbers are each rank's, give or take one, whatever
 * the number of parameters; so state takes 1/ranks of its memory.  Optimisers that treat each number by itself (all of
 * optim.h) come to the weights of a step on the whole parameters, bit for bit where sums over ranks are added in the same
 * order either way: always on one host, and over MPI where MPI does so.
 * The list holds parts of parameters as tensors with one dim, over the parameters' own memory; on one rank, the parameters.
 * After a backward the sums are their gradients, and the parameters' own are NULL: no rank has all of one.  They stand
 * until tr_zero_grad(adam) or tr_gather_parameters(); a backward before that is an error.  To gather gradients over several
 * backwards put TR_NO_SYNC around all but the last; tr_module_zero_grad(ranks) forgets what was gathered.
 * Of the norm of all gradients each rank knows a part: tr_clip_sharded_grad_norm() in place of tr_clip_grad_norm().
 * Checkpoints hold whole state: tr_gather_optim() brings it together; an optimiser of parts they refuse.
 * Buckets stay in the order of the parameters, the last first.  Parameters are float32 or float64, row-major.
 * Not with .reproducible.
 *
 * The list is the module's, and never empty; NULL and 0 with an error standing without .shard_state.  Gathering is
 * collective: 0, or -1 with an error standing.
 * see  Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", SC 2020 */
TR_API tr_tensors(tr_shard_parameters)(tr_module *m);
TR_API int(tr_gather_parameters)(tr_module *m);

/* For checkpoints: an optimiser like `parts`, which is one of tr_shard_parameters(m), but of m's whole parameters that train,
 * with the state of all ranks' parts on rank 0, and none on others.  It belongs to the open scope (rank 0 holds whole state as
 * long), and is `parts` itself on one rank.  NULL with an error standing.  Collective.
 *     if (step % 1000 == 0) {
 *         TR_SCOPE;
 *         run.optim = tr_gather_optim(ranks, adam);            schedulers of adam may stay in run
 *         if (tr_training_save("checkpoints", &run) < 0) ...
 *     }
 * and each rank's part of whole state that all have read.  0, or -1 with an error standing:
 *     run.optim = tr_gather_optim(ranks, adam);
 *     if (tr_training_resume("checkpoints", &run) < 0 || tr_scatter_optim(ranks, run.optim, adam) < 0) ...
 * on any number of ranks, and with or without .shard_state, whatever the checkpoint was written with. */
TR_API tr_optim *(tr_gather_optim)(tr_module *m, tr_optim *parts);
TR_API int(tr_scatter_optim)(tr_module *m, tr_optim *whole, tr_optim *parts);

/* As tr_clip_grad_norm, for the gradients of tr_shard_parameters() on all ranks together, each of which gets the same norm.
 * Collective. */
TR_API double(tr_clip_sharded_grad_norm)(tr_module *m, double max_norm, tr_clip_grad_norm_options options);

/* What a data-parallel module did in its last backward, on this rank; zero for one rank.  (With TRIREME_LEDGER in the
 * environment the names of parameters that a backward did not use are written to stderr, each once:
 *     "trireme: not reached by backward on any rank: 4.weight, 4.bias") */
typedef struct {
    int64_t buckets, early; /* early: that left while backward went on */
    bool in_graph;          /* summed in the CUDA graph of a replay: of early nothing is known, nor of the device */
    bool by_thread;         /* else: summed by a thread of its own */
    bool ordered;           /* buckets follow the order of the first backward */
    double exposed_seconds; /* waited for sums when backward had ended; for ranks to agree on a graph */
    /* On a device, for which the rank does not wait: how long it was at the sums of the last backward that it is known to have
     * done, and how much of that before it had done backward's own work; on its clock. */
    double device_seconds, device_hidden_seconds;
    char words[800]; /* all of it, and the parameters that some backward did not use, here or on any rank: "a, b and 7 more" */
} tr_data_parallel_report;
TR_API tr_data_parallel_report tr_data_parallel_report_of(tr_module *m);

/* ---- gradients of one's own ----
 * The same buckets and overlap for buffers of any program, in C or Fortran, with no tensor in it:
 *     tr_buffer buffers[] = {{w, n, TR_FLOAT64}, {b, m, TR_FLOAT64}};
 *     tr_reducer *r = tr_reducer_new(buffers, 2);
 *     for each step:
 *         tr_reducer_begin(r, samples);
 *         ... b is finished:  tr_reducer_ready(r, 1);      in any order, while the rest is still being made
 *         ... w is finished:  tr_reducer_ready(r, 0);
 *         tr_reducer_wait(r);                              now both hold  sum_r (samples_r / all samples) buffer_r
 * All of it is collective, ready() excepted. */
typedef struct {
    void *data; /* the program's: row-major, in place as long as the reducer lives */
    int64_t count;
    tr_dtype dtype; /* float32, float64, complex64, complex128 */
} tr_buffer;

typedef struct {
    int64_t bucket_bytes, first_bucket_bytes; /* as for tr_data_parallel */
    tr_overlap overlap;
    bool sum; /* plain sums: every rank's buffer counts 1 */
    char reserved_;
} tr_reducer_options;

/* Counts and types are the same on every rank; an error names two ranks and the buffer that differs.  NULL with an error
 * standing; tr_reducer_free() it before tr_dist_finish. */
TR_API tr_reducer *(tr_reducer_new)(const tr_buffer *buffers, int64_t count, tr_reducer_options options);
TR_API void tr_reducer_free(tr_reducer *r);

/* All return 0, or -1 with an error standing.  A buffer that is not marked ready counts as zero; one that no rank marked is
 * left alone. */
TR_API int(tr_reducer_begin)(tr_reducer *r, int64_t samples);
TR_API int(tr_reducer_ready)(tr_reducer *r, int64_t buffer); /* leave it alone from now on */
TR_API int(tr_reducer_wait)(tr_reducer *r);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
# define TR_NO_SYNC bool TR_JOIN_(tr_no_sync_, __LINE__) __attribute__((cleanup(tr_gradient_sync_restore_), unused)) = tr_set_gradient_sync(false)
#endif

#ifndef __cplusplus
# define tr_dist_init(argc, argv)       TR_STATUS_((TR_HERE_, (tr_dist_init)(argc, argv)))
# define tr_dist_init_comm(comm)        TR_STATUS_((TR_HERE_, (tr_dist_init_comm)(comm)))
# define tr_dist_init_fortran(comm)     TR_STATUS_((TR_HERE_, (tr_dist_init_fortran)(comm)))
# define tr_dist_finish()               (TR_HERE_, (tr_dist_finish)())
# define tr_all_reduce(t)               TR_STATUS_((TR_HERE_, (tr_all_reduce)(t)))
# define tr_broadcast(t, root)          TR_STATUS_((TR_HERE_, (tr_broadcast)(t, root)))
# define tr_all_gather(t)               TR_TENSOR_((TR_HERE_, (tr_all_gather)(t)))
# define tr_barrier()                   TR_STATUS_((TR_HERE_, (tr_barrier)()))
# define tr_dist_stop_on_signals()      TR_STATUS_((tr_dist_stop_on_signals)())
# define tr_dist_should_stop()          (TR_HERE_, (tr_dist_should_stop)())
# define tr_check_replicas(module)      TR_STATUS_((TR_HERE_, (tr_check_replicas)(module)))
# define tr_next_shard(m, batch, shard) tr_next_at_((TR_HERE_, (tr_next_shard)(m, batch, shard)), __FILE__, __LINE__)
static inline tr_reducer *tr_reducer_at_(tr_reducer *r, const char *file, int line)
{
    if (!r) tr_error_at_(file, line);
    return r;
}
static inline tr_tensors tr_shards_at_(tr_tensors parts, const char *file, int line)
{
    if (!parts.tensor) tr_error_at_(file, line);
    return parts;
}
# define tr_reducer_new(buffers, ...)                 TR_REDUCER_(buffers, __VA_ARGS__, )
# define TR_REDUCER_(buffers, count, ...)             tr_reducer_at_((TR_HERE_, (tr_reducer_new)(buffers, count, (tr_reducer_options){.reserved_ = 0, __VA_ARGS__})), __FILE__, __LINE__)
# define tr_reducer_begin(r, samples)                 TR_STATUS_((TR_HERE_, (tr_reducer_begin)(r, samples)))
# define tr_reducer_ready(r, buffer)                  TR_STATUS_((tr_reducer_ready)(r, buffer))
# define tr_reducer_wait(r)                           TR_STATUS_((TR_HERE_, (tr_reducer_wait)(r)))
# define tr_data_parallel(...)                        TR_DATA_PARALLEL_(__VA_ARGS__, )
# define TR_DATA_PARALLEL_(module, ...)               TR_MODULE_((TR_HERE_, (tr_data_parallel)(module, (tr_data_parallel_options){.reserved_ = 0, __VA_ARGS__})))
# define tr_data_parallel_count(m, count)             TR_STATUS_((tr_data_parallel_count)(m, count))
# define tr_shard_parameters(m)                       tr_shards_at_((tr_shard_parameters)(m), __FILE__, __LINE__)
# define tr_gather_parameters(m)                      TR_STATUS_((TR_HERE_, (tr_gather_parameters)(m)))
# define tr_gather_optim(m, parts)                    TR_OPTIM_((TR_HERE_, (tr_gather_optim)(m, parts)))
# define tr_scatter_optim(m, whole, parts)            TR_STATUS_((tr_scatter_optim)(m, whole, parts))
# define tr_clip_sharded_grad_norm(m, ...)            TR_CLIP_SHARDED_GRAD_NORM_(m, __VA_ARGS__, )
# define TR_CLIP_SHARDED_GRAD_NORM_(m, max_norm, ...) TR_NUMBER_((TR_HERE_, (tr_clip_sharded_grad_norm)(m, max_norm, (tr_clip_grad_norm_options){.reserved_ = 0, __VA_ARGS__})))
#endif

#endif

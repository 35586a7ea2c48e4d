/* A training step, recorded once and replayed at the price of its arithmetic.
 *
 *     tr_recording *step;
 *     tr_tensor *loss;
 *     if (tr_record(&step, .inputs = TR_TENSORS(x, y)) < 0) ...      the step runs as usual, and is noted
 *     {
 *         TR_SCOPE;
 *         loss = tr_pass_up(tr_mse_loss(tr_forward(model, x), y));
 *         tr_zero_grad(sgd);
 *         tr_backward(loss);
 *         tr_step(sgd);
 *     }
 *     if (tr_record_end() < 0) ...
 *     while (more) tr_replay(step, .inputs = TR_TENSORS(next_x, next_y));
 *     tr_item(loss) is now the last replay's
 *
 * A replay runs the same kernels on the same memory, without dispatch, allocation or a graph, and gives bit for bit what
 * the program would have given.  It leaves out what nobody reads, during the step or after it, and what is made of numbers
 * alone and would be the same again.  What the program still holds at tr_record_end (parameters, gradients, the loss) keeps
 * its place and gets new values with every replay; the memory of everything else is laid out anew, by lifetimes.
 *
 * Gradients that the step leaves behind are the leaves' gradients after every replay, whatever was let go of in between
 * (tr_step and tr_zero_grad may stand outside).  One that was not there when the step was recorded is written, not added
 * to; one that the step adds to, or takes (tr_step, tr_grad), must still be there, or the replay is an error.
 *
 * Numbers written in the program are recorded as they were, and tensors of them (tr_from_data) begin anew in every
 * replay; an optimiser's learning rate and step count and the place of a counted generator are read when the replay
 * comes to them.  What cannot be recorded happens, and the step goes on as usual; tr_record_end is then an error that
 * says what it was: a value that leaves the step (tr_item, printing, a shape that depends on values), numbers of a
 * Mersenne Twister, copies between devices.  What an operation makes for later on the way (an optimiser's state in its
 * first step) is made, not recorded.
 *
 * A step is recorded on one device.  On a CUDA device calls that stand side by side become one CUDA graph, launched as a
 * whole, in which little ones (up to 2048 elements; float32 ones that go element by element: of any length) are one kernel
 * together; in between stands what the host does: tr_record_call, what ranks say to each other through it, and gradients
 * whose norm must be finite (.error_if_nonfinite), which waits for the norm.  Otherwise a replay waits for nothing.  Where
 * ranks meet by NCCL one backward's sums of gradients, and shared-out parameters that are gathered, are in the graph as well:
 * in each replay to which all ranks come with steps that they captured together, and none traced or with a ledger, and that
 * does not compare their parameters (.check_every); else the host asks NCCL between graphs.  The first replay runs call by
 * call, the second one makes the graphs; the same once more for inputs that are not the recorded ones, which are copied to a
 * place that the recording has for them.
 *
 * A recording belongs to the thread that made it. */
#ifndef TRIREME_RECORD_H
#define TRIREME_RECORD_H

#include <trireme/autograd.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_recording tr_recording;

typedef struct {
    tr_tensors inputs; /* contiguous tensors that replays may replace by others; default none */
    bool separate;     /* do not run neighbouring operations together: pointwise ones block by block, little ones in a launch */
    char reserved_;
} tr_record_options;

/* Begin to record what this thread does.  *recording (set at once, NULL on failure) belongs to the open scope: open the
 * step's own scope after this call.  Returns 0, or -1 with an error standing: something is being recorded already. */
TR_API TR_CHECK_RESULT int(tr_record)(tr_recording **recording, tr_record_options options);

/* The step is complete.  Returns 0, or -1 with an error standing if something in it could not be recorded: the step itself
 * ran, and after tr_error_clear() the program can go on without the recording, which only gives errors when replayed. */
TR_API TR_CHECK_RESULT int(tr_record_end)(void);

typedef struct {
    tr_tensors inputs; /* as many as were recorded, of the same shapes, types and devices, and what an optimiser of the step
                          holds in its place; default: the recorded ones */
    char reserved_;
} tr_replay_options;

/* Run the step once more.  Returns 0, or -1 with an error standing: an input that does not fit, a parameter that has moved
 * to other memory since, a gradient that is gone, or what a kernel met (an index out of range). */
TR_API TR_CHECK_RESULT int(tr_replay)(tr_recording *recording, tr_replay_options options);

/* Would tr_replay take these?  The last, smaller batch of an epoch does not fit, and is run as usual. */
TR_API bool tr_recording_fits(const tr_recording *recording, tr_tensors inputs);

/* Is this thread recording? */
TR_API bool tr_is_recording(void);

/* For what a replay could not do again: the step goes on as usual, and tr_record_end says what it was, and why.  The texts
 * stay where they are. */
TR_API void tr_not_recorded_(const char *function, const char *why);

/* Call f(data) now, and in every replay at this place, for work that is not the library's.  f returns 0, or a negative
 * status that ends the replay (or is returned here).  The memory that f reads and writes must be the program's own, or of
 * tensors that it holds. */
TR_API TR_CHECK_RESULT int(tr_record_call)(int (*f)(void *data), void *data);

typedef struct {
    int64_t calls;         /* kernel calls in a replay */
    int64_t joined;        /* of these, calls that run together with their neighbours; in graphs known from the second replay on */
    int64_t held_bytes;    /* memory that the program holds as well: parameters, gradients, inputs */
    int64_t planned_bytes; /* memory of everything else, laid out by lifetimes */
    int64_t live_bytes;    /* the largest sum of bytes of everything else that are alive at once: no plan needs less */
    int64_t graphs;        /* that a replay on a CUDA device launches, each instead of many calls; known from the second one on */
} tr_recording_info;
TR_API tr_recording_info tr_recording_info_of(const tr_recording *recording);

TR_API tr_recording *tr_recording_keep(tr_recording *recording);
TR_API void tr_recording_drop(tr_recording *recording);

#ifndef __cplusplus
# define tr_record(...)             TR_RECORD_(__VA_ARGS__, )
# define TR_RECORD_(recording, ...) TR_STATUS_((tr_record)(recording, (tr_record_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_record_end()            TR_STATUS_((tr_record_end)())
# define tr_replay(...)             TR_REPLAY_(__VA_ARGS__, )
# define TR_REPLAY_(recording, ...) TR_STATUS_((tr_replay)(recording, (tr_replay_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_record_call(f, data)    TR_STATUS_((tr_record_call)(f, data))
#endif

#ifdef __cplusplus
}
#endif

#endif

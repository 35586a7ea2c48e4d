/* A process that writes checkpoints in a loop is killed at random moments: the last whole one is always there. */
#include "training.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 200,
       SAVES = 5,         /* that a child has time for, at most about */
       WEIGHTS = 50000 }; /* 400 KB with the momentum: a file takes several writes */

static tr_tensor *same(tr_module *m, tr_tensor *x) { return (void)m, x; }

/* Everything in it says which step it is of. */
static tr_module *model_at(double step)
{
    tr_module *m = tr_module_new("Steps", same, 0);
    tr_module_parameter(m, "w", tr_full(TR_SHAPE(WEIGHTS), step));
    return m;
}

static void write_for_ever(const char *folder, int told)
{
    tr_training run = {0};
    for (run.step = 0;;) {
        TR_SCOPE;
        run.module = model_at(0);
        run.optim = tr_sgd(tr_parameters(run.module), .lr = 0.5, .momentum = 0.9);
        run.keep = 1 + run.step % 3;
        if (tr_training_resume(folder, &run) < 0) _exit(2); /* it must never be the newest that cannot be read */
        for (int i = 0; i < 40; i++) {
            TR_SCOPE;
            run.step += i % 5 != 4; /* now and then the same step again, with another momentum */
            run.module = model_at((double)run.step);
            run.optim = tr_sgd(tr_parameters(run.module), .lr = 0.5, .momentum = 0.9);
            if (tr_optim_set_state(run.optim, "momentum.0", tr_full(TR_SHAPE(WEIGHTS), (double)run.step + i % 2 / 2.0)) < 0) _exit(3);
            tr_set_learning_rate(run.optim, (double)run.step);
            if (tr_training_save(folder, &run) < 0) _exit(4);
            if (write(told, &run.step, sizeof run.step) != (ssize_t)sizeof run.step) _exit(5);
        }
    }
}

typedef struct {
    pid_t pid;
    int told; /* the steps it has saved */
} writer;

static writer start_writer(const char *folder)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(told[0]);
        write_for_ever(folder, told[1]);
    }
    assert_true(pid > 0);
    close(told[1]);
    return (writer){pid, told[0]};
}

/* Its exit status if it had ended by itself, -1 if this is what ended it. */
static int kill_writer(writer w)
{
    int status;
    assert_int_equal(kill(w.pid, SIGKILL), 0);
    assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
    return WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
}

/* How long a few saves take here: under valgrind, or on a busy machine, it may be a hundred times what it is elsewhere. */
static int64_t nanoseconds_of_saves(const char *folder)
{
    struct timespec from, to;
    int64_t step;
    clock_gettime(CLOCK_MONOTONIC, &from);
    writer w = start_writer(folder);
    for (int i = 0; i < SAVES; i++) assert_int_equal(read(w.told, &step, sizeof step), sizeof step);
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_int_equal(kill_writer(w), -1);
    close(w.told);
    empty_folder(folder);
    return (to.tv_sec - from.tv_sec) * INT64_C(1000000000) + to.tv_nsec - from.tv_nsec;
}

/* The last step that a child said it had saved; it is dead, so there is an end. */
static int64_t last_told(int from, int64_t last)
{
    for (int64_t step; read(from, &step, sizeof step) == (ssize_t)sizeof step;) last = step;
    return last;
}

static bool all_are(tr_tensor *t, double value) { return tr_item(tr_all(tr_eq(t, value))) != 0; }

TEST(a_kill_at_any_moment_leaves_the_last_good_checkpoint)
{
    static const char folder[] = "killed";
    empty_folder(folder);
    tr_set_num_threads(1); /* a child has no more */
    int64_t last = 0, midway = 0, longest = nanoseconds_of_saves(folder);
    tr_generator *when = tr_generator_new(TR_PHILOX, (uint64_t)time(NULL));
    for (int k = 0; k < KILLS; k++) {
        TR_SCOPE;
        writer w = start_writer(folder);
        int64_t wait = longest * (int64_t)(tr_random_u32(when) >> 12) >> 20;
        nanosleep(&(struct timespec){wait / 1000000000, wait % 1000000000}, NULL);
        int ended = kill_writer(w);
        if (ended >= 0) fail_msg("kill %d: the child had ended with %d", k, ended);
        int64_t before = last;
        last = last_told(w.told, last);
        close(w.told);

        tr_module *m = model_at(-1);
        tr_optim *o = tr_sgd(tr_parameters(m), .lr = 0.5, .momentum = 0.9);
        tr_training run = {.module = m, .optim = o};
        assert_int_equal(tr_training_resume(folder, &run), 0);
        if (run.step < last || run.step > last + 1) fail_msg("kill %d: step %lld is there, %lld was told", k, (long long)run.step, (long long)last);
        midway += last > before;
        last = run.step;
        if (last == 0) continue;
        tr_tensor *momentum;
        assert_true(tr_optim_state(o, 0, NULL, &momentum));
        double first = tr_get(momentum, 0);
        assert_true(all_are(tr_parameters(m).tensor[0], (double)last) && all_are(momentum, first) && floor(first) == (double)last);
        assert_true(tr_learning_rate(o) == (double)last);
    }
    assert_true(midway > KILLS / 10); /* most had written something */
    char command[128];
    snprintf(command, sizeof command, "exit $(ls '%s' | wc -l)", folder);
    assert_true(system(command) >> 8 <= 12); /* what the killed left half done goes with the old ones */
}

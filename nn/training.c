/* A whole run, saved and resumed.
 *
 * Saving: the tensors go to a file of a name that no manifest names yet; then the manifest takes its own name, in one step.
 * Up to that moment the checkpoint does not exist, from then on it is whole.  Ranks write what only they know, their
 * generators, into files of their own, and a checkpoint that lacks one of those is not whole: so nobody has to wait.
 * Resuming: everything is read and compared before the first thing changes. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <trireme/checkpoint.h>
#include <unistd.h>
#include "core/random.h"
#include "nn/checkpoint_folder.h"
#include "nn/counted.h"
#include "nn/optim.h"
#include "nn/scheduler.h"

static int64_t world_of(const tr_training *run) { return run->shard.world == 0 ? 1 : run->shard.world; }

static int check(const char *call, const char *path, const tr_training *run)
{
    if (!path || !run || !run->module) return core_null_status(call);
    if (tr_error_stands()) return -1; /* never save what went wrong, nor go on from it */
    if (run->step < 0) return core_fail_status("%s: step %lld", call, (long long)run->step);
    if (run->keep < -1) return core_fail_status("%s: keep %lld (-1: all, 0: the default)", call, (long long)run->keep);
    if (run->shard.rank < 0 || run->shard.rank >= world_of(run))
        return core_fail_status("%s: shard: rank %lld of %lld", call, (long long)run->shard.rank, (long long)run->shard.world);
    if (run->schedulers.count < 0 || run->generators.count < 0) return core_fail_status("%s: a negative count", call);
    if (run->schedulers.count && !run->optim) return core_fail_status("%s: schedulers without their optimiser", call);
    for (int64_t i = 0; i < run->schedulers.count; i++) {
        if (!run->schedulers.scheduler[i]) return core_null_status(call);
        const tr_optim *its = run->schedulers.scheduler[i]->optim;
        if (its != run->optim && its != run->optim->like) return core_fail_status("%s: scheduler %lld is another optimiser's", call, (long long)i);
    }
    for (int64_t i = 0; i < run->generators.count; i++)
        if (!run->generators.generator[i]) return core_null_status(call);
    return 0;
}

/* The default generator, then those that the run names. */
static tr_generator *generator_at(const tr_training *run, int64_t i) { return i == 0 ? tr_default_generator() : run->generators.generator[i - 1]; }

/* ---- saving ---- */

static int put_generators(nn_manifest_writer *w, const tr_training *run)
{
    nn_manifest_put(w, "generators", "%" PRId64, run->generators.count + 1);
    for (int64_t i = 0; i <= run->generators.count; i++) {
        uint8_t state[TR_GENERATOR_STATE_BYTES];
        char digits[2 * TR_GENERATOR_STATE_BYTES + 1];
        tr_generator *g = generator_at(run, i);
        if (!g) return -1;
        tr_generator_save(g, state);
        for (int k = 0; k < TR_GENERATOR_STATE_BYTES; k++) snprintf(digits + 2 * k, 3, "%02x", (unsigned)state[k]);
        nn_manifest_put(w, core_text("generator.%lld", (long long)i), "%s", digits);
    }
    return 0;
}

/* Where no device says it an error stands then, and no manifest is written. */
static void put_scaler(nn_manifest_writer *w, const tr_grad_scaler *s)
{
    char scale[NN_NUMBER_ROOM];
    int64_t steps;
    nn_number_text(tr_scaler_scale(s, &steps), scale);
    nn_manifest_put(w, "scaler", "%s %" PRId64, scale, steps);
}

static void put_run(nn_manifest_writer *w, const tr_training *run)
{
    if (run->optim) nn_manifest_put(w, "optimizer", "%s", run->optim->rule.name);
    nn_manifest_put(w, "schedulers", "%" PRId64, run->schedulers.count);
    for (int64_t i = 0; i < run->schedulers.count; i++)
        nn_manifest_put(w, core_text("scheduler.%lld", (long long)i), "%s", nn_scheduler_text(run->schedulers.scheduler[i]));
    if (run->scaler) put_scaler(w, run->scaler);
    if (!run->loader) return;
    tr_loader_place at = tr_loader_state(run->loader);
    nn_manifest_put(w, "loader.place", "%" PRId64 " %" PRId64 " %" PRId64 " %d", at.epoch, at.sample, at.samples, at.shuffled);
    nn_manifest_put(w, "loader.seed", "%016" PRIx64, at.seed);
}

/* The manifest of rank 0 if `tensors` is given; another rank's else. */
static int save_manifest(const char *call, const char *path, const tr_training *run, const char *tensors, nn_file_sum sum)
{
    nn_manifest_writer w;
    if (nn_manifest_begin(&w, call) < 0) return -1;
    nn_manifest_put(&w, "step", "%" PRId64, run->step);
    nn_manifest_put(&w, "world", "%" PRId64, world_of(run));
    if (tensors) {
        nn_manifest_put(&w, "tensors", "%s", tensors);
        nn_manifest_put(&w, "bytes", "%" PRId64, sum.bytes);
        nn_manifest_put(&w, "crc32", "%08" PRIx32, sum.crc);
        put_run(&w, run);
    } else {
        nn_manifest_put(&w, "rank", "%" PRId64, run->shard.rank);
    }
    if (!tr_error_stands() && put_generators(&w, run) == 0 && nn_counted_write(&w, run->module, tensors) == 0) return nn_manifest_end(&w, path);
    nn_manifest_abandon(&w);
    return -1;
}

static int save(const char *call, const char *folder, const tr_training *run)
{
    if (mkdir(folder, 0777) < 0 && errno != EEXIST) return core_fail_status("%s: %s: %s", call, folder, strerror(errno));
    nn_file_sum sum = {0};
    const char *manifest = nn_manifest_path(call, folder, run->step);
    if (!manifest) return -1;
    if (run->shard.rank > 0) {
        const char *mine = nn_rank_path(call, manifest, run->shard.rank, world_of(run));
        return mine ? save_manifest(call, mine, run, NULL, sum) : -1;
    }
    const char *tensors = nn_free_tensors_name(call, folder, run->step), *path = tensors ? nn_path(call, "%s/%s", folder, tensors) : NULL;
    if (!path || (tr_checkpoint_save)(path, run->module, run->optim, run->step) < 0) return -1;
    if (nn_sum_file(call, path, &sum) < 0 || save_manifest(call, manifest, run, tensors, sum) < 0) {
        unlink(path); /* no manifest will name it */
        return -1;
    }
    if (run->keep >= 0) nn_folder_tidy(folder, run->keep ? run->keep : 3, run->step, tensors);
    return 0;
}

int(tr_training_save)(const char *folder, const tr_training *run)
{
    static const char call[] = "tr_training_save";
    if (check(call, folder, run) < 0) return -1;
    int depth = tr_scope_open();
    int status = save(call, folder, run);
    tr_scope_close(depth);
    return status;
}

/* ---- resuming ---- */

typedef struct {
    const char *call, *path;
    const nn_manifest *m, *own; /* the run's, and this rank's; NULL: the checkpoint has none */
    const char *tensors;
    int64_t step, world;
    tr_loader_place loader;
    nn_scheduler_place *scheduler;
    double scale; /* the scaler's, and how many steps it has grown for */
    int64_t scale_steps;
    uint8_t (*generator)[TR_GENERATOR_STATE_BYTES]; /* NULL: the checkpoint has none for this rank */
    nn_counted *counted;
} resuming;

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                                                      : -1; }

static int read_state(const nn_manifest *m, const char *key, const tr_generator *like, uint8_t *state)
{
    const char *text = nn_manifest_text(m, key);
    if (!text) return -1;
    bool whole = strlen(text) == 2 * TR_GENERATOR_STATE_BYTES;
    for (int i = 0; whole && i < TR_GENERATOR_STATE_BYTES; i++) {
        int high = hex(text[2 * i]), low = hex(text[2 * i + 1]);
        whole = high >= 0 && low >= 0;
        state[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    if (!whole) return io_fail_status(m->source, "\"%s\" is no generator's state", key);
    TR_SCOPE;
    tr_generator *probe = (tr_generator_new)(like->kind, 0);
    return probe ? (tr_generator_restore)(probe, state) : -1;
}

/* How many of these the manifest has: as many as the run names, if it names any. */
static int check_count(const nn_manifest *m, const char *key, int64_t named)
{
    int64_t count;
    if (nn_manifest_whole(m, key, 1, &count) < 0) return -1;
    return count == named ? 0 : io_fail_status(m->source, "the checkpoint has %lld %s, the run %lld", (long long)count, key, (long long)named);
}

static int open_own(resuming *r, const tr_training *run)
{
    int64_t step, world, rank;
    if (run->shard.rank == 0) r->own = r->m;
    if (run->shard.rank == 0 || run->shard.rank >= r->world) return 0;
    const char *mine = nn_rank_path(r->call, r->path, run->shard.rank, r->world);
    const nn_manifest *m;
    if (!mine || !(m = nn_manifest_open(r->call, mine)) || nn_manifest_check_version(m) < 0) return -1;
    if (nn_manifest_whole(m, "step", 1, &step) < 0 || nn_manifest_whole(m, "world", 1, &world) < 0 || nn_manifest_whole(m, "rank", 1, &rank) < 0) return -1;
    if (step != r->step || world != r->world || rank != run->shard.rank) return core_fail_status("%s: %s does not belong to %s", r->call, mine, r->path);
    r->own = m;
    return 0;
}

static int read_generators(resuming *r, const tr_training *run)
{
    if (!r->own) return 0;
    if (check_count(r->own, "generators", run->generators.count + 1) < 0) return -1;
    r->generator = core_scope_memory((run->generators.count + 1) * (int64_t)sizeof *r->generator, r->call);
    if (!r->generator) return -1;
    for (int64_t i = 0; i <= run->generators.count; i++) {
        const tr_generator *g = generator_at(run, i);
        if (!g || read_state(r->own, core_text("generator.%lld", (long long)i), g, r->generator[i]) < 0) return -1;
    }
    return 0;
}

static int read_schedulers(resuming *r, const tr_training *run)
{
    if (!run->schedulers.count) return 0;
    if (check_count(r->m, "schedulers", run->schedulers.count) < 0) return -1;
    r->scheduler = core_scope_memory(run->schedulers.count * (int64_t)sizeof *r->scheduler, r->call);
    if (!r->scheduler) return -1;
    for (int64_t i = 0; i < run->schedulers.count; i++) {
        const tr_scheduler *s = run->schedulers.scheduler[i];
        const char *text = nn_manifest_text(r->m, core_text("scheduler.%lld", (long long)i));
        if (!text) return -1;
        if (!nn_scheduler_read(s, text, &r->scheduler[i])) return io_fail_status(r->m->source, "scheduler %lld, \"%s\", is no place for one made by %s", (long long)i, io_shown(text), s->function);
    }
    return 0;
}

static int read_scaler(resuming *r)
{
    const char *text = nn_manifest_text(r->m, "scaler"), *at = text;
    if (!text) return -1;
    bool fits = nn_number_read(&at, &r->scale) && r->scale > 0 && isfinite(r->scale) && *at >= '0' && *at <= '9';
    if (fits) {
        char *end;
        errno = 0;
        r->scale_steps = strtoll(at, &end, 10);
        fits = !errno && !*end;
    }
    return fits ? 0 : io_fail_status(r->m->source, "\"scaler\" is \"%s\", not a scale and how many steps it has grown for", io_shown(text));
}

static int read_loader(resuming *r)
{
    int64_t number[4];
    const char *seed = nn_manifest_text(r->m, "loader.seed");
    if (!seed || nn_manifest_whole(r->m, "loader.place", 4, number) < 0) return -1;
    for (const char *c = seed; *c; c++) {
        if (hex(*c) < 0 || c - seed == 16) return io_fail_status(r->m->source, "\"loader.seed\" is \"%s\"", io_shown(seed));
        r->loader.seed = r->loader.seed << 4 | (unsigned)hex(*c);
    }
    r->loader = (tr_loader_place){number[0], number[1], number[2], r->loader.seed, number[3] != 0};
    return 0;
}

static int read_manifest(resuming *r, const tr_training *run)
{
    if (!(r->m = nn_manifest_open(r->call, r->path)) || nn_manifest_check_version(r->m) < 0) return -1;
    if (nn_manifest_whole(r->m, "step", 1, &r->step) < 0 || nn_manifest_whole(r->m, "world", 1, &r->world) < 0) return -1;
    if (!(r->tensors = nn_tensors_path(r->call, r->m, r->path))) return -1;
    if (run->optim && nn_manifest_has(r->m, "optimizer")) {
        const char *was = nn_manifest_text(r->m, "optimizer"), *is = run->optim->rule.name;
        if (strcmp(was, is) != 0) return io_fail_status(r->m->source, "the checkpoint's optimiser is %s, the run's %s", io_shown(was), is);
    }
    if ((run->loader && read_loader(r) < 0) || (run->scaler && read_scaler(r) < 0)) return -1;
    if (read_schedulers(r, run) < 0 || open_own(r, run) < 0 || read_generators(r, run) < 0) return -1;
    return (r->counted = nn_counted_read(r->m, r->own, run->module)) ? 0 : -1;
}

static int load(resuming *r, tr_training *run)
{
    tr_loader_place before = tr_loader_state(run->loader);
    if (run->loader && (tr_loader_set_state)(run->loader, r->loader) < 0) return -1;
    if ((tr_checkpoint_load)(r->tensors, run->module, run->optim, NULL) < 0) {
        if (run->loader) (tr_loader_set_state)(run->loader, before);
        return -1;
    }
    for (int64_t i = 0; r->generator && i <= run->generators.count; i++)
        if ((tr_generator_restore)(generator_at(run, i), r->generator[i]) < 0) return -1; /* it has been tried */
    for (int64_t i = 0; i < run->schedulers.count; i++) nn_scheduler_put(run->schedulers.scheduler[i], &r->scheduler[i]);
    if (run->scaler && (tr_scaler_set_scale)(run->scaler, r->scale, r->scale_steps) < 0) return -1;
    nn_counted_put(r->counted);
    run->step = r->step;
    return 0;
}

static int resume(const char *call, const char *path, tr_training *run)
{
    struct stat at;
    resuming r = {.call = call, .path = path};
    bool there = stat(path, &at) == 0;
    size_t length = strlen(path);
    bool manifest = length > 5 && strcmp(path + length - 5, ".json") == 0;
    if (!there && errno == ENOENT && !manifest) return 0;
    if (there && S_ISDIR(at.st_mode) && !(r.path = (tr_checkpoint_latest)(path))) return tr_error_stands() ? -1 : 0;
    if (read_manifest(&r, run) < 0) return -1;
    if (r.path == path && nn_check_whole(call, r.m, path, true) < 0) return -1; /* the latest is known to be whole */
    return load(&r, run);
}

int(tr_training_resume)(const char *path, tr_training *run)
{
    static const char call[] = "tr_training_resume";
    if (check(call, path, run) < 0) return -1;
    int depth = tr_scope_open();
    int status = resume(call, path, run);
    tr_scope_close(depth);
    return status;
}

/* What is in a folder of checkpoints is decided by names and by what the manifests say; nothing is ever remembered beside them. */
#include "nn/checkpoint_folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/checkpoint.h>
#include <unistd.h>
#include <zlib.h>
#include "core/fail.h"
#include "core/memory.h"
#include "core/object.h"

/* ---- names ---- */

char *nn_path(const char *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *path = length < 0 ? core_fail("%s: a path too long", call) : core_scope_memory((int64_t)length + 1, call);
    va_start(arguments, format);
    if (path) vsnprintf(path, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return path;
}

char *nn_manifest_path(const char *call, const char *folder, int64_t step) { return nn_path(call, "%s/step-%012" PRId64 ".json", folder, step); }

char *nn_rank_path(const char *call, const char *manifest, int64_t rank, int64_t world)
{
    size_t length = strlen(manifest), suffix = length > 5 && strcmp(manifest + length - 5, ".json") == 0 ? 5 : 0;
    return nn_path(call, "%.*s.rank-%" PRId64 "-of-%" PRId64 ".json", (int)(length - suffix), manifest, rank, world);
}

char *nn_free_tensors_name(const char *call, const char *folder, int64_t step)
{
    for (int64_t attempt = 1;; attempt++) {
        char *name = attempt == 1 ? nn_path(call, "step-%012" PRId64 ".safetensors", step) : nn_path(call, "step-%012" PRId64 ".%" PRId64 ".safetensors", step, attempt);
        char *path = name ? nn_path(call, "%s/%s", folder, name) : NULL;
        if (!path || access(path, F_OK) < 0) return path ? name : NULL;
    }
}

char *nn_tensors_path(const char *call, const nn_manifest *m, const char *path)
{
    const char *name = nn_manifest_text(m, "tensors"), *slash = strrchr(path, '/');
    if (!name) return NULL;
    if (!*name || strchr(name, '/')) return io_fail(m->source, "\"tensors\" is \"%s\", no file beside the manifest", io_shown(name));
    return nn_path(call, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
}

/* The step in a name of ours, and what follows it; -1 for any other name. */
static int64_t step_of(const char *name, const char **rest)
{
    static const char prefix[] = "step-";
    enum { PREFIX = sizeof prefix - 1,
           DIGITS = 12 };
    if (strncmp(name, prefix, PREFIX) != 0) return -1;
    size_t digits = strspn(name + PREFIX, "0123456789");
    if (digits < DIGITS || digits > 18 || (digits > DIGITS && name[PREFIX] == '0')) return -1;
    *rest = name + PREFIX + digits;
    return strtoll(name + PREFIX, NULL, 10);
}

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* Half-written ones included. */
static bool is_tensors(const char *rest)
{
    if (begins(rest, ".safetensors")) return true;
    size_t digits = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    return digits > 0 && begins(rest + 1 + digits, ".safetensors");
}

/* ---- files ---- */

nn_manifest *nn_manifest_open(const char *call, const char *path)
{
    io_source *source = core_scope_memory(sizeof *source, call);
    if (!source || io_source_open(source, call, path) < 0) return NULL;
    nn_manifest *m = nn_manifest_read(source);
    io_source_close(source);
    return m;
}

int nn_sum_file(const char *call, const char *path, nn_file_sum *sum)
{
    enum { PIECE = 1 << 20 };
    io_source s;
    if (io_source_open(&s, call, path) < 0) return -1;
    unsigned char *piece = core_alloc(PIECE, call);
    unsigned long crc = crc32(0, NULL, 0);
    int status = piece ? 0 : -1;
    for (int64_t at = 0; at < s.size && status == 0; at += PIECE) {
        int64_t some = s.size - at < PIECE ? s.size - at : PIECE;
        status = io_source_read(&s, at, piece, some);
        if (status == 0) crc = crc32(crc, piece, (uInt)some);
    }
    *sum = (nn_file_sum){s.size, (uint32_t)crc};
    core_free(piece);
    io_source_close(&s);
    return status;
}

static int check_tensors(const char *call, const nn_manifest *m, const char *path, bool sums)
{
    const char *tensors = nn_tensors_path(call, m, path), *crc = nn_manifest_text(m, "crc32");
    int64_t bytes;
    if (!tensors || !crc || nn_manifest_whole(m, "bytes", 1, &bytes) < 0) return -1;
    nn_file_sum found;
    io_source s;
    if (sums) {
        if (nn_sum_file(call, tensors, &found) < 0) return -1;
    } else {
        if (io_source_open(&s, call, tensors) < 0) return -1;
        found.bytes = s.size;
        io_source_close(&s);
    }
    if (found.bytes != bytes) return core_fail_status("%s: %s has %lld bytes, not the manifest's %lld", call, tensors, (long long)found.bytes, (long long)bytes);
    if (sums && strcmp(core_text("%08" PRIx32, found.crc), crc) != 0) return core_fail_status("%s: %s is damaged: its checksum is not the manifest's", call, tensors);
    return 0;
}

int nn_check_whole(const char *call, const nn_manifest *m, const char *path, bool sums)
{
    int64_t world;
    if (nn_manifest_whole(m, "world", 1, &world) < 0) return -1;
    for (int64_t r = 1; r < world; r++) {
        TR_SCOPE;
        const char *rank = nn_rank_path(call, path, r, world);
        if (!rank) return -1;
        if (access(rank, F_OK) < 0) return core_fail_status("%s: %s: %s", call, rank, strerror(errno));
    }
    return check_tensors(call, m, path, sums);
}

/* ---- the folder ---- */

typedef struct {
    int64_t *step; /* of each manifest, the newest first; the open scope's */
    int64_t count;
} steps;

static int newer_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* 0, also for a folder that does not exist; -1 with an error noted. */
static int list_steps(const char *call, const char *folder, steps *all)
{
    *all = (steps){0};
    int64_t room = 0;
    DIR *d = opendir(folder);
    if (!d) return errno == ENOENT ? 0 : core_fail_status("%s: %s: %s", call, folder, strerror(errno));
    int status = 0;
    for (struct dirent *e; status == 0 && (e = readdir(d));) {
        const char *rest;
        int64_t step = step_of(e->d_name, &rest);
        if (step < 0 || strcmp(rest, ".json") != 0) continue;
        if (all->count == room) {
            int64_t *more = core_scope_memory((2 * room + 64) * (int64_t)sizeof *more, call);
            if (!more) {
                status = -1;
                break;
            }
            if (room) memcpy(more, all->step, (size_t)room * sizeof *more);
            all->step = more;
            room = 2 * room + 64;
        }
        all->step[all->count++] = step;
    }
    closedir(d);
    if (all->count) qsort(all->step, (size_t)all->count, sizeof *all->step, newer_first);
    return status;
}

void nn_folder_tidy(const char *folder, int64_t keep, int64_t step, const char *tensors)
{
    static const char call[] = "tr_training_save";
    TR_SCOPE;
    steps all;
    int64_t oldest = -1, whole = 0;
    list_steps(call, folder, &all);
    for (int64_t i = 0; i < all.count && whole < keep; i++) {
        TR_SCOPE;
        const char *path = nn_manifest_path(call, folder, all.step[i]);
        const nn_manifest *m = path ? nn_manifest_open(call, path) : NULL;
        if (m && nn_check_whole(call, m, path, false) == 0 && ++whole == keep) oldest = all.step[i];
        tr_error_clear(); /* what cannot be read does not count, and is not this save's failure */
    }
    if (oldest > step) oldest = step;
    DIR *d = opendir(folder);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        const char *rest;
        int64_t of = step_of(e->d_name, &rest);
        if (of < 0) continue;
        bool old = of < oldest && (is_tensors(rest) || begins(rest, ".json") || begins(rest, ".rank-"));
        if (old || (of == step && is_tensors(rest) && strcmp(e->d_name, tensors) != 0)) unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

/* 1 if this one is whole, 0 if it is passed over, -1 if that cannot be said; with an error noted unless 1. */
static int look_at(const char *call, const char *path)
{
    TR_SCOPE;
    const nn_manifest *m = nn_manifest_open(call, path);
    if (m && nn_manifest_check_version(m) < 0) return -1;
    if (m && nn_check_whole(call, m, path, true) == 0) return 1;
    return begins(tr_error_message(), "out of memory") ? -1 : 0;
}

static char *latest(const char *call, const char *folder)
{
    steps all;
    char why[256] = "";
    if (list_steps(call, folder, &all) < 0) return NULL;
    for (int64_t i = 0; i < all.count; i++) {
        char *path = nn_manifest_path(call, folder, all.step[i]);
        int found = path ? look_at(call, path) : -1;
        if (found != 0) return found > 0 ? path : NULL;
        const char *message = tr_error_message();
        if (!*why) snprintf(why, sizeof why, "%s", message + (begins(message, call) ? strlen(call) + 2 : 0));
        tr_error_clear();
    }
    return all.count ? core_fail("%s: none of the %lld checkpoints in %s is whole; the newest: %s", call, (long long)all.count, folder, why) : NULL;
}

const char *(tr_checkpoint_latest)(const char *folder)
{
    if (!folder) return core_null("tr_checkpoint_latest");
    return tr_error_stands() ? NULL : latest("tr_checkpoint_latest", folder);
}

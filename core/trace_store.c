#include "core/trace_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/fail.h"
#include "core/memory.h"

static const char OTHERS[] = "(other names)";

static char *name_at(const trace_store *s, uint32_t name) { return (char *)s->head + TRACE_HEAD + (size_t)name * TRACE_NAME; }

static trace_block *block_at(const trace_store *s, uint32_t i) { return (trace_block *)((char *)s->head + TRACE_BLOCKS_AT) + i; }

/* ---- opening ---- */

/* "folder/WORDS"; NULL with an error noted. */
static char *path_in(const char *folder, const char *file)
{
    size_t bytes = strlen(folder) + strlen(file) + 2;
    char *path = core_alloc((int64_t)bytes, "tr_trace_start");
    if (path) snprintf(path, bytes, "%s/%s", folder, file);
    return path;
}

static int refuse(const trace_store *s, int error)
{
    return core_fail_status("%s: %s: %s", s->call, s->part ? s->part : s->folder, strerror(error));
}

static int reserve(const trace_store *s, int64_t at, int64_t bytes) { return posix_fallocate(s->fd, (off_t)at, (off_t)bytes); }

static int map(trace_store *s)
{
    s->fd = open(s->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->fd < 0 || ftruncate(s->fd, (off_t)s->bytes) < 0) return refuse(s, errno);
    int error = reserve(s, 0, TRACE_BLOCKS_AT);
    if (error) return refuse(s, error);
    void *memory = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    if (memory == MAP_FAILED) return refuse(s, errno);
    s->head = memory;
    return 0;
}

int trace_store_open(trace_store *s, const char *call, const char *folder, int64_t spans)
{
    char file[64];
    *s = (trace_store){.fd = -1, .call = call, .room = (uint32_t)((spans + TRACE_SPANS - 1) / TRACE_SPANS)};
    s->bytes = TRACE_BLOCKS_AT + (size_t)s->room * TRACE_BLOCK;
    snprintf(file, sizeof file, "process-%ld.part", (long)getpid());
    s->folder = core_strdup(folder, "tr_trace_start");
    int status = -1;
    if (s->folder && mkdir(folder, 0777) < 0 && errno != EEXIST)
        refuse(s, errno);
    else if (s->folder && (s->part = path_in(folder, file)))
        status = map(s);
    if (status < 0) {
        if (s->fd >= 0) unlink(s->part);
        trace_store_close(s, false);
        return -1;
    }
    trace_head *h = s->head;
    *h = (trace_head){.magic = TRACE_MAGIC, .rank = -1, .ranks = 1, .process = getpid()};
    if (gethostname(h->host, sizeof h->host - 1) < 0) snprintf(h->host, sizeof h->host, "an unnamed host");
    snprintf(name_at(s, 1), TRACE_NAME, "%s", OTHERS);
    atomic_store(&h->names, 2);
    return 0;
}

/* What an earlier job left under this name is none of ours. */
void trace_store_rank(trace_store *s, int64_t rank, int64_t ranks)
{
    char file[64];
    s->head->rank = rank;
    s->head->ranks = ranks;
    snprintf(file, sizeof file, "rank-%lld.json", (long long)rank);
    char *json = path_in(s->folder, file);
    snprintf(file, sizeof file, "rank-%lld.part", (long long)rank);
    char *part = path_in(s->folder, file);
    if (json) unlink(json);
    core_free(json);
    if (part && rename(s->part, part) == 0) {
        core_free(s->part);
        s->part = part;
    } else {
        core_free(part);
    }
}

void trace_store_close(trace_store *s, bool keep)
{
    if (s->head && !keep) munmap(s->head, s->bytes);
    if (s->fd >= 0) close(s->fd);
    core_free(s->folder);
    core_free(s->part);
    *s = (trace_store){.fd = -1};
}

/* ---- filling ---- */

trace_block *trace_store_block(trace_store *s, uint32_t thread, uint32_t name)
{
    uint32_t i = atomic_load(&s->head->blocks);
    if (i >= atomic_load(&s->room)) return NULL;
    if (reserve(s, TRACE_BLOCKS_AT + (int64_t)i * TRACE_BLOCK, TRACE_BLOCK)) {
        atomic_store(&s->room, i); /* the disk is full */
        return NULL;
    }
    trace_block *b = block_at(s, i);
    b->thread = thread;
    b->name = name;
    atomic_store(&s->head->blocks, i + 1);
    return b;
}

const char *trace_store_text(const trace_store *s, uint32_t name) { return name_at(s, name); }

uint32_t trace_store_name(trace_store *s, const char *text)
{
    if (!text || !*text) return 0;
    uint32_t names = atomic_load(&s->head->names);
    for (uint32_t i = 1; i < names; i++)
        if (strncmp(name_at(s, i), text, TRACE_NAME - 1) == 0) return i;
    if (names == TRACE_NAMES) return 1;
    char *to = name_at(s, names);
    snprintf(to, TRACE_NAME, "%s", text);
    atomic_store(&s->head->names, names + 1);
    return names;
}

/* ---- writing ---- */

int trace_store_write(trace_store *s)
{
    char file[64], why[TRACE_WHY] = "";
    if (s->head->rank < 0) trace_store_rank(s, 0, 1);
    snprintf(file, sizeof file, "rank-%lld.json", (long long)s->head->rank);
    char *path = path_in(s->folder, file);
    snprintf(file, sizeof file, "rank-%lld.json.new", (long long)s->head->rank);
    char *beside = path_in(s->folder, file);
    int status = -1;
    FILE *out = path && beside ? fopen(beside, "w") : NULL;
    if (out) {
        status = trace_json(out, s->head, TRACE_BLOCKS_AT + (size_t)atomic_load(&s->head->blocks) * TRACE_BLOCK, why);
        if (fclose(out) != 0 || status < 0 || rename(beside, path) < 0) status = -1;
    }
    if (status < 0) {
        core_fail("tr_trace_stop: %s: %s", path ? path : s->folder, *why ? why : strerror(errno));
        if (out) unlink(beside);
    } else {
        unlink(s->part);
    }
    core_free(path);
    core_free(beside);
    return status;
}

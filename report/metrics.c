/* A row is one write(): the system has it when tr_metrics_row returns, whatever becomes of the program. */
#include <trireme/report.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/fail.h"
#include "report/words.h"

struct tr_metrics {
    int file; /* owns */
    int columns;
    bool broken;   /* a write failed: nothing more is written */
    int64_t bytes; /* what the whole rows so far take */
    char *row;     /* owns; room for the longest row */
    char path[];
};

/* As many as the header names, or -1. */
static int count_columns(const char *columns, const char *what)
{
    int count = 1;
    const char *name = columns;
    for (const char *c = columns;; c++) {
        bool end = *c == ',' || *c == '\0';
        if (end && c == name) return core_fail_status("%s: column %d of \"%s\" has no name", what, count, columns);
        if (*c == '\0') return count;
        if (*c == ',') name = c + 1, count++;
        if (*c == '"' || (unsigned char)*c < ' ' || *c == 0x7F)
            return core_fail_status("%s: column %d has a quote or a control character in its name", what, count);
    }
}

static int fail_write(tr_metrics *m)
{
    return core_fail_status("tr_metrics_open: cannot write %s: %s", m->path, strerror(errno));
}

/* All or nothing: where the disk is full, the part that went is taken back. */
static int append(tr_metrics *m, const char *text, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = write(m->file, text + done, bytes - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR) {
            int status = fail_write(m);
            m->broken = true;
            if (done > 0) status = ftruncate(m->file, m->bytes) < 0 ? -1 : status; /* a pipe cannot: the error stands as it is */
            return status;
        }
    }
    m->bytes += (int64_t)bytes;
    return 0;
}

/* 1 if there are rows to go on behind, m->bytes of them; 0 if there is nothing yet; -1 with an error noted. `line` is the
 * header as it should be. */
static int find_end(tr_metrics *m, const char *line, size_t bytes)
{
    struct stat s;
    char last = 0, *met = m->row;
    if (fstat(m->file, &s) < 0) return fail_write(m);
    if (!S_ISREG(s.st_mode) || s.st_size == 0) return 0;
    memset(met, 0, bytes);
    if (pread(m->file, met, bytes, 0) < 0 || pread(m->file, &last, 1, s.st_size - 1) < 0)
        return core_fail_status("tr_metrics_open: cannot read %s: %s", m->path, strerror(errno));
    if (memcmp(met, line, bytes) != 0) return core_fail_status("tr_metrics_open: %s does not begin with %.*s", m->path, (int)bytes - 1, line);
    if (last != '\n') return core_fail_status("tr_metrics_open: the last row of %s is not whole", m->path);
    if (lseek(m->file, 0, SEEK_END) < 0) return fail_write(m);
    m->bytes = s.st_size;
    return 1;
}

/* How much of the file is this header and rows up to number `last`: what comes behind the first that is beyond it, or not
 * whole, goes.  0 if another header stands there; -1 with an error noted. */
static int64_t find_last(const tr_metrics *m, const char *header, int64_t last)
{
    int copy = dup(m->file);
    FILE *file = copy < 0 || lseek(copy, 0, SEEK_SET) < 0 ? NULL : fdopen(copy, "r");
    if (!file) {
        if (copy >= 0) close(copy);
        return core_fail_status("tr_metrics_open: cannot read %s: %s", m->path, strerror(errno));
    }
    char *line = NULL;
    size_t room = 0;
    int64_t keep = 0;
    for (ssize_t n; (n = getline(&line, &room, file)) > 0 && line[n - 1] == '\n'; keep += n)
        if (keep > 0 ? strtoll(line, NULL, 10) > last : strcmp(line, header) != 0) break;
    free(line);
    fclose(file);
    return keep;
}

static int cut_behind(tr_metrics *m, const char *header, int64_t last)
{
    struct stat s;
    if (fstat(m->file, &s) < 0) return fail_write(m);
    if (!S_ISREG(s.st_mode)) return 0;
    int64_t keep = find_last(m, header, last);
    if (keep < 0) return -1;
    return keep > 0 && keep < s.st_size && ftruncate(m->file, keep) < 0 ? fail_write(m) : 0;
}

/* NEW: nothing stays; ALL: all rows of the file do; other numbers: rows up to that one. */
enum { NEW = -2,
       ALL = -1 };

static tr_metrics *begin(const char *path, const char *columns, int64_t stays, const char *what)
{
    bool goes_on = stays != NEW;
    if (!path || !columns) return core_null(what);
    CORE_TOLD_AS(what);
    int count = count_columns(columns, what);
    if (count < 0) return NULL;

    size_t header = strlen(columns), row = (size_t)count * sizeof(char[32]);
    size_t length = strlen(path) + 1;
    tr_metrics *m = malloc(sizeof *m + length);
    char *text = malloc(row > header + 1 ? row : header + 1), *line = malloc(header + 2);
    if (!m || !text || !line) {
        core_fail_memory(what, (int64_t)(sizeof *m + row + header));
        goto fail;
    }
    *m = (tr_metrics){.columns = count, .row = text};
    memcpy(m->path, path, length);

    m->file = open(path, (goes_on ? O_RDWR : O_WRONLY | O_TRUNC) | O_CREAT | O_CLOEXEC, 0666);
    if (m->file < 0) {
        core_fail("%s: cannot open %s: %s", what, path, strerror(errno));
        goto fail;
    }
    sprintf(line, "%s\n", columns);
    int there = stays >= 0 ? cut_behind(m, line, stays) : 0;
    if (there == 0 && goes_on) there = find_end(m, line, header + 1);
    if (there < 0 || (there == 0 && append(m, line, header + 1) < 0)) {
        close(m->file);
        goto fail;
    }
    free(line);
    return m;
fail:
    free(line);
    free(text);
    free(m);
    return NULL;
}

tr_metrics *(tr_metrics_open)(const char *path, const char *columns) { return begin(path, columns, NEW, "tr_metrics_open"); }
tr_metrics *(tr_metrics_append)(const char *path, const char *columns) { return begin(path, columns, ALL, "tr_metrics_append"); }

tr_metrics *(tr_metrics_resume)(const char *path, const char *columns, int64_t last)
{
    return last < 0 ? core_fail("tr_metrics_resume: last %lld", (long long)last) : begin(path, columns, last, "tr_metrics_resume");
}

int(tr_metrics_row)(tr_metrics *m, const double *values, int count)
{
    if (!m || (!values && count > 0)) return core_null_status("tr_metrics_row");
    if (count != m->columns) return core_fail_status("tr_metrics_row: %d values for the %d columns of %s", count, m->columns, m->path);
    if (m->broken) return core_fail_status("tr_metrics_row: %s ended when a row could not be written", m->path);

    CORE_TOLD_AS("tr_metrics_row");
    char *end = m->row;
    for (int i = 0; i < count; i++) {
        char number[32];
        report_exact(number, values[i]);
        end = stpcpy(end, number);
        *end++ = i + 1 < count ? ',' : '\n';
    }
    return append(m, m->row, (size_t)(end - m->row));
}

int(tr_metrics_close)(tr_metrics *m)
{
    if (!m) return 0;
    CORE_TOLD_AS("tr_metrics_close");
    int status = 0;
    if (m->broken) status = core_fail_status("tr_metrics_close: %s ended when a row could not be written", m->path);
    /* A pipe or a terminal has no disk to wait for. */
    else if (fsync(m->file) < 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
        status = fail_write(m);
    if (close(m->file) < 0 && errno != EINTR && status == 0) status = fail_write(m);
    free(m->row);
    free(m);
    return status;
}

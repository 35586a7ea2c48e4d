/* A row is one write(): the system has it when tr_metrics_row returns, whatever becomes of the program. */
#include <trireme/report.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
static int count_columns(const char *columns)
{
    int count = 1;
    const char *name = columns;
    for (const char *c = columns;; c++) {
        bool end = *c == ',' || *c == '\0';
        if (end && c == name) return core_fail_status("tr_metrics_open: column %d of \"%s\" has no name", count, columns);
        if (*c == '\0') return count;
        if (*c == ',') name = c + 1, count++;
        if (*c == '"' || (unsigned char)*c < ' ' || *c == 0x7F)
            return core_fail_status("tr_metrics_open: column %d has a quote or a control character in its name", count);
    }
}

static int fail_write(tr_metrics *m)
{
    return core_fail_status("metrics: cannot write %s: %s", m->path, strerror(errno));
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

tr_metrics *(tr_metrics_open)(const char *path, const char *columns)
{
    if (!path || !columns) return core_null("tr_metrics_open");
    int count = count_columns(columns);
    if (count < 0) return NULL;

    size_t header = strlen(columns), row = (size_t)count * sizeof(char[32]);
    size_t length = strlen(path) + 1;
    tr_metrics *m = malloc(sizeof *m + length);
    char *text = malloc(row > header + 1 ? row : header + 1);
    if (!m || !text) {
        core_fail_memory("tr_metrics_open", (int64_t)(sizeof *m + row + header));
        goto fail;
    }
    *m = (tr_metrics){.columns = count, .row = text};
    memcpy(m->path, path, length);

    m->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (m->file < 0) {
        core_fail("tr_metrics_open: cannot open %s: %s", path, strerror(errno));
        goto fail;
    }
    memcpy(text, columns, header);
    text[header] = '\n';
    if (append(m, text, header + 1) < 0) {
        close(m->file);
        goto fail;
    }
    return m;
fail:
    free(text);
    free(m);
    return NULL;
}

int(tr_metrics_row)(tr_metrics *m, const double *values, int count)
{
    if (!m || (!values && count > 0)) return core_null_status("tr_metrics_row");
    if (count != m->columns) return core_fail_status("tr_metrics_row: %d values for the %d columns of %s", count, m->columns, m->path);
    if (m->broken) return core_fail_status("tr_metrics_row: %s ended when a row could not be written", m->path);

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

/* gnuplot gets everything through files without a name: the script, with the numbers in it, is its standard input, the
 * picture its standard output.  So nothing is left behind if we crash, no name of ours is ever a command to it, and no
 * pipe can break. */
#include "report/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/fail.h"
#include "report/run.h"
#include "report/words.h"

static const double DEADLINE = 60; /* seconds */

/* ---- the picture ---- */

/* The last thing gnuplot said, without the script that it repeats. */
static void last_line(FILE *said, char *line, size_t bytes)
{
    char read[512];
    *line = '\0';
    rewind(said);
    while (fgets(read, sizeof read, said)) {
        const char *text = read + strspn(read, " \t");
        if (*text != '\n' && *text) report_clean(line, bytes, text, true);
    }
}

/* A full disk does not change gnuplot's exit status, but the end is then missing. */
static bool is_complete(int file, report_format format)
{
    enum { TAIL = 16 };
    char tail[TAIL + 1] = "";
    off_t length = lseek(file, 0, SEEK_END);
    if (length < TAIL || pread(file, tail, TAIL, length - TAIL) != TAIL) return false;
    if (format == REPORT_SVG) return strstr(tail, "</svg>") != NULL;
    if (format == REPORT_GIF) return tail[TAIL - 1] == ';';
    return memcmp(tail + TAIL - 8, "IEND\xae\x42\x60\x82", 8) == 0;
}

/* A new file beside `path`; `name` has room for 64 bytes more than it. */
static int create_beside(const char *path, char *name)
{
    for (int i = 0; i < 100; i++) {
        sprintf(name, "%s.%ld.%d.tmp", path, (long)getpid(), i);
        int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

static int draw(const report_sheet *sheet, const char *path, report_format format, int picture, FILE *script, FILE *said, const char *what)
{
    static const char *const gnuplot[] = {"gnuplot", "--default-settings", "-", NULL};
    char why[256];
    if (report_write_script(script, sheet, format) < 0) return core_fail_status("%s: cannot write a script for %s: %s", what, path, strerror(errno));
    report_outcome outcome = report_run(gnuplot, fileno(script), picture, fileno(said), DEADLINE);
    if (outcome == REPORT_ABSENT) return 1;
    if (outcome == REPORT_TOO_LONG) return core_fail_status("%s: gnuplot worked on %s for over %.0f s and was ended", what, path, DEADLINE);
    last_line(said, why, sizeof why);
    if (outcome == REPORT_FAILED) return core_fail_status("%s: gnuplot could not draw %s: %s", what, path, *why ? why : "it said nothing");
    if (!is_complete(picture, format)) return core_fail_status("%s: gnuplot's picture %s is incomplete (is the disk full?) %s", what, path, why);
    if (fsync(picture) < 0) return core_fail_status("%s: cannot write %s: %s", what, path, strerror(errno));
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static int format_of(const char *path, bool moves, report_format *format, const char *what)
{
    *format = moves ? REPORT_GIF : ends_with(path, ".svg") ? REPORT_SVG
                                                           : REPORT_PNG;
    if (moves && !ends_with(path, ".gif")) return core_fail_status("%s: %s does not end in .gif", what, path);
    if (*format == REPORT_PNG && !ends_with(path, ".png")) return core_fail_status("%s: %s ends neither in .png nor in .svg", what, path);
    return 0;
}

int report_save(const report_sheet *sheet, const char *path, const char *what)
{
    report_format format;
    if (format_of(path, sheet->milliseconds > 0, &format, what) < 0) return -1;

    int status = -1, picture = -1;
    FILE *script = tmpfile(), *said = tmpfile();
    char *beside = malloc(strlen(path) + 64);
    if (!script || !said || !beside) {
        core_fail("%s: no room for a script for %s: %s", what, path, strerror(errno));
        goto out;
    }
    picture = create_beside(path, beside);
    if (picture < 0) {
        core_fail("%s: cannot write %s: %s", what, path, strerror(errno));
        goto out;
    }
    status = draw(sheet, path, format, picture, script, said, what);
    if (status == 0 && rename(beside, path) < 0) status = core_fail_status("%s: cannot write %s: %s", what, path, strerror(errno));
    if (status != 0) unlink(beside);
out:
    if (picture >= 0) close(picture);
    if (script) fclose(script);
    if (said) fclose(said);
    free(beside);
    return status;
}

int(tr_plot_save)(tr_plot *p, const char *path)
{
    if (!p || !path) return core_null_status("tr_plot_save");
    return report_save(&(report_sheet){.plot = &p, .count = 1, .rows = 1, .columns = 1, .size = p->size}, path, "tr_plot_save");
}

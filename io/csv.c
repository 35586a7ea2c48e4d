#include "io/csv.h"

#include <ctype.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include "core/memory.h"
#include "io/stream.h"

typedef struct {
    const io_source *source; /* borrowed */
    char separator;
    int64_t skip_rows;
    int64_t line;  /* counted from 1, skipped and empty ones included */
    double *value; /* owned: rows * columns so far */
    int64_t count, room;
    int64_t rows, columns;
} table;

static int append(table *t, double value)
{
    if (t->count == t->room) {
        int64_t room = t->room ? t->room * 2 : 256;
        double *more = core_realloc(t->value, t->room * (int64_t)sizeof(double), room * (int64_t)sizeof(double), t->source->call);
        if (!more) return -1;
        t->value = more;
        t->room = room;
    }
    t->value[t->count++] = value;
    return 0;
}

static bool is_space(char c) { return c == ' ' || c == '\t'; }

/* One field, from begin to a NUL at end. */
static int parse_field(table *t, int64_t column, char *begin, char *end)
{
    while (begin < end && is_space(*begin)) begin++;
    while (end > begin && is_space(end[-1])) *--end = '\0';
    if (begin == end) return io_fail_status(t->source, "line %" PRId64 ", column %" PRId64 ": empty", t->line, column);
    char *stop = begin;
    double value = isspace((unsigned char)*begin) ? 0 : strtod(begin, &stop);
    if (stop != end) return io_fail_status(t->source, "line %" PRId64 ", column %" PRId64 ": '%s' is no number", t->line, column, io_shown(begin));
    return append(t, value);
}

/* One line, from begin to a NUL at end, without its line end. */
static int parse_line(table *t, char *begin, char *end)
{
    t->line++;
    if (t->line <= t->skip_rows) return 0;
    if (end > begin && end[-1] == '\r') *--end = '\0';
    if (begin == end) return 0;

    int64_t columns = 0;
    for (char *field = begin; field <= end; columns++) {
        char *stop = memchr(field, t->separator, (size_t)(end - field));
        if (!stop) stop = end;
        *stop = '\0';
        if (parse_field(t, columns + 1, field, stop) < 0) return -1;
        field = stop + 1;
    }
    if (t->rows && columns != t->columns)
        return io_fail_status(t->source, "line %" PRId64 " has %" PRId64 " columns, the first row has %" PRId64, t->line, columns, t->columns);
    t->columns = columns;
    t->rows++;
    return 0;
}

/* The text's lines, through a window that is moved along and grows to the longest line. */
static int parse(table *t, io_stream *s)
{
    int64_t room = 65536, used = 0, status = 0;
    char *window = core_alloc(room + 1, t->source->call);
    if (!window) return -1;
    for (bool ended = false, first = true; !ended && status == 0; first = false) {
        if (used == room) {
            char *more = core_realloc(window, room, 2 * room + 1, t->source->call);
            if (!more) break;
            window = more;
            room *= 2;
        }
        int64_t got = io_stream_read(s, window + used, room - used);
        if (got < 0) break;
        int64_t fresh = used;
        ended = got < room - used;
        used += got;

        char *line = window, *end = window + used, *look = window + fresh, *newline;
        if (first && used >= 3 && memcmp(window, "\xef\xbb\xbf", 3) == 0) look = line += 3; /* a byte order mark */
        for (; status == 0 && (newline = memchr(look, '\n', (size_t)(end - look))); look = line = newline + 1) {
            *newline = '\0';
            status = parse_line(t, line, newline);
        }
        if (status == 0 && ended && line < end) {
            *end = '\0';
            status = parse_line(t, line, end);
        }
        if (status == 0 && ended) status = 1;
        used = end - line;
        memmove(window, line, (size_t)used);
    }
    core_free(window);
    return status == 1 ? 0 : -1;
}

static tr_tensor *to_tensor(const table *t)
{
    if (!t->value) return io_fail(t->source, "no row of numbers in %" PRId64 " lines", t->line);
    tr_tensor *result = (tr_empty)(TR_SHAPE(t->rows, t->columns), (tr_tensor_options){.dtype = TR_FLOAT64});
    if (result) memcpy(tr_data(result), t->value, (size_t)t->count * sizeof(double));
    return result;
}

tr_tensor *io_csv_read(const io_source *source, tr_csv_options options)
{
    char separator = options.separator ? options.separator : ',';
    if (isalnum((unsigned char)separator) || strchr("+-.\n\r", separator)) return io_fail(source, "'%c' cannot separate numbers", separator);
    if (options.skip_rows < 0) return io_fail(source, "skip_rows is %" PRId64, options.skip_rows);

    /* strtod reads a decimal comma where the program's locale has one; files have points. */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return io_fail(source, "out of memory: the C locale");
    locale_t before = uselocale(plain);

    table t = {.source = source, .separator = separator, .skip_rows = options.skip_rows};
    io_stream stream;
    tr_tensor *result = NULL;
    if (io_stream_open_whole(&stream, source) == 0) {
        if (parse(&t, &stream) == 0) result = to_tensor(&t);
        io_stream_close(&stream);
    }
    core_free(t.value);
    uselocale(before);
    freelocale(plain);
    return result;
}

tr_tensor *(tr_load_csv)(const char *path, tr_csv_options options)
{
    io_source source;
    if (io_source_open(&source, "tr_load_csv", path) < 0) return NULL;
    tr_tensor *t = io_csv_read(&source, options);
    io_source_close(&source);
    return t;
}

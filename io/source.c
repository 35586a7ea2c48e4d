#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/fail.h"

static const char *kind(mode_t mode)
{
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

int io_source_open(io_source *s, const char *call, const char *path)
{
    *s = (io_source){.call = call, .path = path, .fd = -1};
    if (!path) return core_null_status(call);

    /* Without O_NONBLOCK, opening a pipe waits for somebody to write. */
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0) return io_fail_status(s, "%s", strerror(errno));

    struct stat about;
    if (fstat(s->fd, &about) < 0)
        io_fail(s, "%s", strerror(errno));
    else if (!S_ISREG(about.st_mode))
        io_fail(s, "this is %s, not a file", kind(about.st_mode));
    else {
        s->size = (int64_t)about.st_size;
        return 0;
    }
    io_source_close(s);
    return -1;
}

io_source io_source_memory(const char *call, const void *bytes, int64_t size)
{
    return (io_source){.call = call, .path = "(memory)", .size = size, .fd = -1, .memory = bytes};
}

void io_source_close(io_source *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

int io_source_read(const io_source *s, int64_t at, void *to, int64_t bytes)
{
    if (at < 0 || bytes < 0 || at > s->size || bytes > s->size - at)
        return io_fail_status(s, "%lld bytes should begin at byte %lld, but the file ends at %lld", (long long)bytes, (long long)at, (long long)s->size);
    if (s->memory) {
        if (bytes) memcpy(to, s->memory + at, (size_t)bytes);
        return 0;
    }
    for (char *next = to; bytes > 0;) {
        ssize_t got = pread(s->fd, next, (size_t)bytes, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_fail_status(s, "%s", strerror(errno));
        if (got == 0) return io_fail_status(s, "the file became shorter while it was read");
        next += got;
        at += got;
        bytes -= got;
    }
    return 0;
}

void *io_fail(const io_source *s, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (s->part) return core_fail("%s: %s: %s: %s", s->call, s->path, io_shown(s->part), text);
    return core_fail("%s: %s: %s", s->call, s->path, text);
}

const char *io_shown(const char *text)
{
    char *shown = core_text("%.60s%s", text, strlen(text) > 60 ? "..." : "");
    for (char *c = shown; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    return shown;
}

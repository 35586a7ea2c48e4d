#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/fail.h"
#include "core/memory.h"

static void let_go(io_writer *w)
{
    core_free(w->target);
    core_free(w->temporary);
    *w = (io_writer){0};
}

static int fail(const io_writer *w, int error)
{
    return core_fail_status("%s: %s: %s", w->call, w->path, strerror(error));
}

/* Beside the target, under a name that nobody else has; 0666 and not mkstemp's 0600, so that the umask decides. */
static int create_temporary(io_writer *w)
{
    static atomic_uint counter;
    size_t room = strlen(w->target) + 32;
    w->temporary = core_alloc((int64_t)room, w->call);
    if (!w->temporary) return -1;
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(w->temporary, room, "%s.tmp-%lx-%x", w->target, (unsigned long)getpid(), atomic_fetch_add(&counter, 1));
        int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* The name a symbolic link leads to, so that the link stays one; a link that leads nowhere is replaced. */
static char *follow(const char *path, const char *call)
{
    char *real = realpath(path, NULL);
    char *target = core_strdup(real ? real : path, call);
    free(real);
    return target;
}

/* Without O_NONBLOCK, opening a pipe waits until somebody reads. */
static int open_directly(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) fcntl(fd, F_SETFL, 0);
    return fd;
}

static int open_target(io_writer *w)
{
    struct stat old;
    bool exists = stat(w->target, &old) == 0, folder = exists && S_ISDIR(old.st_mode);
    if (folder || !*w->target) {
        errno = folder ? EISDIR : ENOENT;
        return -1;
    }
    if (exists && !S_ISREG(old.st_mode)) return open_directly(w->target);
    if (exists && access(w->target, W_OK) < 0) return -1; /* a rename would replace what its owner made read-only */
    int fd = create_temporary(w);
    if (fd >= 0 && exists) (void)!fchmod(fd, old.st_mode & 07777);
    return fd;
}

int io_write_begin(io_writer *w, const char *call, const char *path)
{
    *w = (io_writer){.call = call, .path = path};
    if (!path) return core_null_status(call);
    w->target = follow(path, call);
    if (!w->target) return -1;

    errno = 0;
    int fd = open_target(w);
    if (fd >= 0) w->file = fdopen(fd, "wb");
    if (w->file) return 0;

    int error = errno;
    if (fd >= 0) {
        close(fd);
        if (w->temporary) unlink(w->temporary);
    }
    fail(w, error);
    let_go(w);
    return -1;
}

static void note(io_writer *w)
{
    if (!w->error) w->error = errno ? errno : EIO;
}

void io_write(io_writer *w, const void *bytes, int64_t count)
{
    if (w->error || count == 0) return;
    errno = 0;
    if (fwrite(bytes, 1, (size_t)count, w->file) != (size_t)count) note(w);
}

void io_write_text(io_writer *w, const char *format, ...)
{
    if (w->error) return;
    errno = 0;
    va_list arguments;
    va_start(arguments, format);
    if (vfprintf(w->file, format, arguments) < 0) note(w);
    va_end(arguments);
}

/* The new name is on the disk only when its folder is. */
static int sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash) *slash = '\0';
    const char *folder = !slash ? "." : *path ? path
                                              : "/";
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slash) *slash = '/';
    int status = fd < 0 ? -1 : fsync(fd);
    if (status < 0 && (errno == EINVAL || errno == EACCES)) status = 0; /* folders that cannot be synced, or only be written to */
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
    return status;
}

int io_write_end(io_writer *w)
{
    errno = 0;
    if (!w->error && fflush(w->file) != 0) note(w);
    if (!w->error && w->temporary && fsync(fileno(w->file)) < 0) note(w);
    if (fclose(w->file) != 0) note(w);
    if (w->temporary) {
        if (!w->error && rename(w->temporary, w->target) < 0) note(w);
        if (w->error)
            unlink(w->temporary);
        else if (sync_folder(w->target) < 0)
            note(w);
    }
    int status = w->error ? fail(w, w->error) : 0;
    let_go(w);
    return status;
}

void io_write_abandon(io_writer *w)
{
    fclose(w->file);
    if (w->temporary) unlink(w->temporary);
    let_go(w);
}

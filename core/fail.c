#include "core/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <trireme/tensor.h>
#include "core/memory.h"
#include "core/object.h"
#include "core/thread.h"
#include "core/watch.h"

void tr_error_to_stderr(const tr_error *error, void *data)
{
    (void)data;
    fprintf(stderr, "trireme: %s\n", error->message);
}

/* Tell the handler, once per error. */
static void tell(core_thread *here)
{
    core_error_state *f = &here->failure;
    if (!f->stands || f->told) return;
    f->told = true;
    tr_error_handler *handler = here->handler_set ? here->handler : tr_error_to_stderr;
    if (handler) handler(&f->error, here->handler_data);
}

const char *core_tell_as(const char *function)
{
    core_thread *here = core_here();
    const char *before = here->told_as;
    if (!before) here->told_as = function;
    return before;
}

void core_told_before(const char *const *before) { core_here()->told_as = *before; }

/* The message under another name than that of the function that it begins with, if it does. */
static void rename_to(char *message, size_t room, const char *as)
{
    size_t name = strncmp(message, "tr_", 3) == 0 ? strspn(message, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
    size_t rest = name && strncmp(message + name, ": ", 2) == 0 ? name + 2 : 0, begin = strlen(as) + 2;
    if (strncmp(message, "out of memory", 13) == 0 || begin >= room) return;
    size_t length = strlen(message + rest), left = room - 1 - begin;
    memmove(message + begin, message + rest, length < left ? length : left);
    message[begin + (length < left ? length : left)] = 0;
    memcpy(message, as, begin - 2);
    memcpy(message + begin - 2, ": ", 2);
}

static void note(const char *format, va_list arguments)
{
    const char *as = core_here()->told_as;
    core_error_state *f = &core_here()->failure;
    if (f->stands) return; /* the first one is the cause; the rest follow from it */
    vsnprintf(f->message, sizeof f->message, format, arguments);
    if (as) rename_to(f->message, sizeof f->message, as);
    f->stands = true;
    f->told = false;
    f->error = (tr_error){f->message, NULL, 0};
}

void *core_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(format, arguments);
    va_end(arguments);
    return NULL;
}

int core_fail_status(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(format, arguments);
    va_end(arguments);
    return -1;
}

void *tr_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(format, arguments);
    va_end(arguments);
    return NULL;
}

void *core_null(const char *function) { return core_fail("%s: an argument is NULL", function); }

int core_null_status(const char *function)
{
    tell(core_here()); /* a caller without the macros hears of it here, at the end of a chain of operations */
    core_null(function);
    return -1;
}

void *core_fail_memory(const char *what, int64_t bytes)
{
    return core_fail("out of memory: %s asked for %lld bytes", what, (long long)bytes);
}

static _Thread_local struct {
    const char *file;
    int line;
} here_;

void tr_call_from_(const char *file, int line)
{
    here_.file = file;
    here_.line = line;
}

const char *tr_here_(int *line)
{
    const char *slash = here_.file ? strrchr(here_.file, '/') : NULL;
    *line = here_.line;
    return slash ? slash + 1 : here_.file;
}

void tr_error_at_(const char *file, int line)
{
    core_thread *here = core_here();
    core_error_state *f = &here->failure;
    if (!f->stands) return;
    if (file && !f->error.file && !f->told) {
        f->error.file = file;
        f->error.line = line;
        size_t used = strlen(f->message);
        const char *slash = strrchr(file, '/');
        snprintf(f->message + used, sizeof f->message - used, " (%s:%d)", slash ? slash + 1 : file, line);
    }
    tell(here);
}

const char *tr_error_message(void)
{
    const core_error_state *f = &core_here()->failure;
    return f->stands ? f->message : "";
}

bool tr_error_stands(void) { return core_here()->failure.stands; }

void tr_error_clear(void) { core_here()->failure.stands = false; }

void tr_on_error(tr_error_handler *handler, void *data)
{
    core_thread *here = core_here();
    here->handler = handler;
    here->handler_data = data;
    here->handler_set = true;
}

char *core_text(const char *format, ...)
{
    enum { TEXTS = 16,
           EACH = 160 };
    core_thread *here = core_here();
    static char none[] = "(no memory to say)";
    if (!here->texts && !(here->texts = core_system_take(TEXTS * EACH))) return none;
    char *text = here->texts + (size_t)(here->next_text++ % TEXTS) * EACH;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, EACH, format, arguments);
    va_end(arguments);
    return text;
}

int tr_finish(void)
{
    core_thread *here = core_here();
    tell(here);
    core_ledger_finish();
    core_ledger_thread_ends();
    core_scope_end_all();
    core_memory_trim();
    core_system_give(here->texts);
    here->texts = NULL;
    return here->failure.stands ? 1 : 0;
}

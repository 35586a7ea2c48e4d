#include "io/npz.h"

#include <string.h>
#include <trireme/io.h>
#include "core/fail.h"
#include "core/object.h"
#include "io/npy.h"
#include "io/zip.h"

/* The next entry that is an array, its name without ".npy"; other files may lie beside them. */
static int next_array(io_zip *zip, io_zip_entry *entry)
{
    for (int status; (status = io_zip_next(zip, entry)) != 0;) {
        if (status < 0) return -1;
        size_t n = strlen(entry->name);
        if (n < 4 || strcmp(entry->name + n - 4, ".npy") != 0) continue;
        entry->name[n - 4] = '\0';
        return 1;
    }
    return 0;
}

static void *no_array(const io_source *source, const char *name, io_zip zip)
{
    io_zip_entry entry;
    char names[160] = "no arrays";
    zip.at = zip.begin;
    for (size_t used = 0; used < sizeof names && next_array(&zip, &entry) == 1;)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", io_shown(entry.name));
    return io_fail(source, "no array '%s'; there are: %s", io_shown(name), names);
}

static int find(io_zip *zip, const char *name, io_zip_entry *found)
{
    io_zip_entry entry;
    int status, count = 0;
    while ((status = next_array(zip, &entry)) == 1) {
        if (strcmp(entry.name, name) != 0) continue;
        if (count++) return io_fail_status(zip->source, "two arrays '%s'", io_shown(name));
        *found = entry;
    }
    return status < 0 ? -1 : count;
}

tr_tensor *io_npz_read(io_source *source, const char *name)
{
    io_zip zip;
    io_zip_entry entry;
    if (io_zip_open(&zip, source) < 0) return NULL;
    const io_zip whole = zip;
    int found = find(&zip, name, &entry);
    if (found < 0) return NULL;
    if (!found) return no_array(source, name, whole);

    io_stream stream;
    source->part = name;
    tr_tensor *t = NULL;
    if (io_zip_stream(&zip, &entry, &stream) == 0) {
        t = io_npy_read(&stream);
        if (t && io_zip_check(&entry, &stream) < 0) t = NULL;
        io_stream_close(&stream);
    }
    source->part = NULL;
    return t;
}

tr_tensor *(tr_load_npz)(const char *path, const char *name)
{
    io_source source;
    if (!name) return core_null("tr_load_npz");
    if (io_source_open(&source, "tr_load_npz", path) < 0) return NULL;
    tr_tensor *t = io_npz_read(&source, name);
    io_source_close(&source);
    return t;
}

const char *io_npz_name(const io_source *source, int64_t i)
{
    io_zip zip;
    io_zip_entry entry;
    if (io_zip_open(&zip, source) < 0) return NULL;
    do {
        if (next_array(&zip, &entry) != 1) return NULL;
    } while (i-- > 0);
    size_t bytes = strlen(entry.name) + 1;
    char *name = core_scope_memory((int64_t)bytes, source->call);
    return name ? memcpy(name, entry.name, bytes) : NULL;
}

const char *(tr_npz_name)(const char *path, int64_t i)
{
    io_source source;
    if (i < 0) return NULL;
    if (io_source_open(&source, "tr_npz_name", path) < 0) return NULL;
    const char *name = io_npz_name(&source, i);
    io_source_close(&source);
    return name;
}

/* The checksum would stop every mutation at the door, so each input is a manifest's text before it, closed here as it should be;
 * the input as it stands is tried as well. */
#include "fuzz.h"
#include <zlib.h>
#include "nn/manifest.h"

static void look(const void *bytes, size_t count)
{
    TR_SCOPE;
    io_source source = io_source_memory("fuzz", bytes, (int64_t)count);
    const nn_manifest *m = nn_manifest_read(&source);
    if (!m != tr_error_stands()) abort();
    tr_error_clear();
    if (!m) return;
    int64_t whole[4];
    static const char *const keys[] = {"version", "step", "world", "bytes", "loader.place", "check"};
    for (int i = 0; i < 6; i++)
        for (int n = 1; n <= 4; n++) {
            if ((nn_manifest_whole(m, keys[i], n, whole) < 0) != tr_error_stands()) abort();
            tr_error_clear();
        }
    for (int64_t i = 0; i < m->count; i++) {
        if (!nn_manifest_has(m, m->key[i])) abort();
        const char *at = m->value[i];
        for (double x; *at && nn_number_read(&at, &x);) {}
    }
    nn_manifest_check_version(m);
    tr_error_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tr_on_error(NULL, NULL);
    look(data, bytes);
    char *closed = malloc(bytes + 64);
    memcpy(closed, data, bytes);
    unsigned long sum = crc32(crc32(0, NULL, 0), data, (uInt)bytes);
    size_t length = bytes + (size_t)snprintf(closed + bytes, 64, ",\n  \"check\": \"%08lx\"\n}\n", sum & 0xffffffff);
    char *exact = realloc(closed, length); /* its end is the end of the memory */
    look(exact, length);
    free(exact);
    return 0;
}

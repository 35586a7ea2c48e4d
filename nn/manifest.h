/* A manifest: what a training run is beside its tensors, as names and texts in JSON, closed by a checksum.
 *
 *     {
 *       "format": "trireme checkpoint",
 *       "version": "1",
 *       "step": "1200",
 *       ...
 *       "check": "9be1f03c"
 *     }
 *
 * "check" is the CRC-32 of every byte before its line, and stands last in every version of the format: a damaged manifest
 * can be told from a newer one. */
#ifndef TRIREME_NN_MANIFEST_H
#define TRIREME_NN_MANIFEST_H

#include <stdio.h>
#include "io/source.h"

typedef struct {
    const io_source *source; /* borrowed: for messages */
    const char **key, **value;
    int64_t count, room;
} nn_manifest;

/* Everything read belongs to the open scope.  NULL with an error noted for what is damaged or foreign. */
nn_manifest *nn_manifest_read(const io_source *source);

/* 0, or -1 with an error noted: a newer library wrote it. */
int nn_manifest_check_version(const nn_manifest *m);

/* The text under this name; NULL with an error noted if there is none. */
const char *nn_manifest_text(const nn_manifest *m, const char *key);
bool nn_manifest_has(const nn_manifest *m, const char *key);

/* `count` whole numbers, not negative and divided by spaces.  0, or -1 with an error noted. */
int nn_manifest_whole(const nn_manifest *m, const char *key, int64_t count, int64_t *value);

/* Writing: begin, then nn_manifest_put for each, then end, which writes the file in one step or not at all. */
typedef struct {
    const char *call; /* borrowed */
    FILE *memory;     /* owned */
    char *text;       /* owned */
    size_t length;
} nn_manifest_writer;
int nn_manifest_begin(nn_manifest_writer *w, const char *call);
void nn_manifest_put(nn_manifest_writer *w, const char *key, const char *value, ...) TR_PRINTF(3, 4);
int nn_manifest_end(nn_manifest_writer *w, const char *path);
void nn_manifest_abandon(nn_manifest_writer *w);

/* ---- numbers as texts that mean the same in every locale ---- */
enum { NN_NUMBER_ROOM = 32 };
const char *nn_number_text(double x, char text[NN_NUMBER_ROOM]); /* "1e-1", "-25e2", "nan"; reads back as x, bit for bit */
bool nn_number_read(const char **text, double *x);               /* and moves *text behind it */

#endif

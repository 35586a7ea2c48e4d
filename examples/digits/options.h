/* What can be asked of digits on its command line. */
#ifndef DIGITS_OPTIONS_H
#define DIGITS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t epochs, batch, hidden;
    int64_t every; /* steps from checkpoint to checkpoint; 0: an epoch */
    double lr;     /* 0: 0.1, or the checkpoint's */
    uint64_t seed;
    const char *device;      /* "cpu", "cuda:0"; NULL: this rank's own */
    const char *data;        /* an .npz, or a folder with MNIST's IDX files */
    const char *checkpoints; /* a folder of them, or NULL */
    const char *out;         /* where pictures and checkpoints go */
    const char *save;        /* the checkpoint's name; NULL: digits.safetensors in out */
    const char *resume;      /* a checkpoint to go on from, or NULL */
    const char *csv;         /* a file for the loss of every step, or NULL */
    bool reproducible;       /* the same weights on any number of ranks */
    bool bfloat16;           /* products of matrices in that type */
    bool help;
} digits_options;

/* Read the command line.  0; or 2, the exit status of a bad one, with a line about it on stderr if `speak`. */
int digits_read_options(int argc, char **argv, bool speak, digits_options *o);

extern const char digits_usage[];

#endif

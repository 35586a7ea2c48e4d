/* The digits: a part to learn from, and a part held out to be examined with. */
#ifndef DIGITS_DATA_H
#define DIGITS_DATA_H

#include <trireme/trireme.h>

typedef struct {
    tr_dataset *train, *test;
    int64_t pixels; /* of one image */
} digits_data;

/* From an .npz with "images" and "labels", of which every fifth digit is held out, or from a folder with MNIST's four
 * files.  path NULL: the 1,797 digits of 8x8 pixels that come with this example.  0, or -1 with an error standing. */
int digits_load(const char *path, digits_data *data);

#endif

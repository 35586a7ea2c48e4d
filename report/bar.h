/* What a progress bar shows at one moment, laid out for a given width. */
#ifndef TRIREME_REPORT_BAR_H
#define TRIREME_REPORT_BAR_H

#include <stdbool.h>
#include <stdint.h>

enum { REPORT_WORDS = 256,
       REPORT_LINE = 4096 };

typedef struct {
    char title[REPORT_WORDS], unit[REPORT_WORDS], note[REPORT_WORDS]; /* clean; "" shows none */
    int64_t done, steps;                                              /* steps 0: nobody knows how many */
    double rate;                                                      /* units per second; negative: not known yet */
    double seconds;                                                   /* to go; taken, if finished or without an end */
    int note_columns;                                                 /* room for the longest note so far: a bar of steady length */
    bool finished, utf8;
} report_moment;

/* The moment in at most `columns` columns, without a line end. */
void report_bar(char line[static REPORT_LINE], const report_moment *m, int columns);

/* The same for a file: no bar, nothing left out. */
void report_plain(char line[static REPORT_LINE], const report_moment *m);

#endif

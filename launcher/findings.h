/* What trireme doctor has found: a line each, with what to do about it. */
#ifndef LAUNCHER_FINDINGS_H
#define LAUNCHER_FINDINGS_H

#include <stddef.h>
#include <stdio.h>

typedef enum { FINE,
               WARNING,
               PROBLEM } grade;

typedef struct {
    grade grade;
    grade differs;    /* what it is if another host's is not the same; FINE: it may differ */
    char subject[16]; /* "/dev/shm" */
    char text[300];   /* what was found */
    char advice[300]; /* what to do; "" where there is nothing to be done */
} finding;

typedef struct {
    finding *at; /* owned */
    int count;
} findings;

/* Adds one; advice may be NULL. */
void found(findings *f, grade g, const char *subject, const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The last one must be the same on all hosts: else it is this. */
void found_must_agree(findings *f, grade differs);

/* As a line, and back: 0, or -1 if the text is none. */
void finding_write(const finding *one, char text[700]);
int finding_read(finding *one, char *text);

/* "  warning  /dev/shm   64 MiB free ..." in 80 columns, with the advice below it. */
void findings_print(FILE *out, const findings *f);

/* The worst of them. */
grade findings_worst(const findings *f);
int findings_count(const findings *f, grade g);

void findings_free(findings *f);

#endif

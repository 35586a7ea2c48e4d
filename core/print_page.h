/* The text of a tensor as it grows: what printing as PyTorch prints and printing as NumPy prints have in common.
 *
 *     tensor([[1., 2.],        opening, then dims in brackets, the innermost as rows, blocks of k dims k - 1 lines apart
 *             [3., 4.]])
 *
 * A page is drawn twice, once to learn its length and once to write it. */
#ifndef TRIREME_CORE_PRINT_PAGE_H
#define TRIREME_CORE_PRINT_PAGE_H

#include "core/print_shown.h"

typedef struct core_page core_page;

struct core_page {
    const tr_tensor *t;
    core_shown shown;
    int indent; /* columns before the first bracket */
    void (*draw)(core_page *p);
    void (*put_row)(core_page *p, int dim); /* the innermost dim, without its brackets */
    void (*put_next)(core_page *p);         /* element shown.element[next++] */

    int64_t next;
    char *text; /* NULL while measuring */
    int64_t length, line_start;
};

void core_page_put(core_page *p, const char *text, int64_t length);
void core_page_put_text(core_page *p, const char *text);
void core_page_new_lines(core_page *p, int lines, int indent);

/* Dims `dim` and inwards. */
void core_page_put_block(core_page *p, int dim);

/* The whole of a page whose `shown` has been gathered, and is let go of; belongs to the open scope.  NULL with an error
 * noted if there is no memory. */
const char *core_page_text(core_page *p, const char *what);

/* The text and a newline, on stdout: 0, or -1 with an error noted; -1 for NULL. */
int core_page_print(const char *text, const char *what);

#endif

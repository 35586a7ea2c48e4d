#include "launcher/findings.h"
#include "launcher/launcher.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 80,
       INDENT = 23 };

void found(findings *f, grade g, const char *subject, const char *advice, const char *format, ...)
{
    va_list values;
    finding *more = realloc(f->at, (size_t)(f->count + 1) * sizeof *more);
    if (!more) out_of_memory();
    f->at = more;
    finding *one = &f->at[f->count++];
    *one = (finding){.grade = g};
    snprintf(one->subject, sizeof one->subject, "%s", subject);
    snprintf(one->advice, sizeof one->advice, "%s", advice ? advice : "");
    va_start(values, format);
    vsnprintf(one->text, sizeof one->text, format, values);
    va_end(values);
    for (char *c = one->text; *c; c++) /* a library's message, a file's line: it stays one line of ours */
        if ((unsigned char)*c < ' ') *c = ' ';
}

void found_must_agree(findings *f, grade differs) { f->at[f->count - 1].differs = differs; }

/* ---- on the way from a host ---- */

void finding_write(const finding *one, char text[700])
{
    snprintf(text, 700, "%d %d\n%s\n%s\n%s", (int)one->grade, (int)one->differs, one->subject, one->text, one->advice);
}

int finding_read(finding *one, char *text)
{
    int number[2];
    char *part[3], *rest = text;
    *one = (finding){0};
    for (int i = 0; i < 3; i++) {
        part[i] = rest = strchr(rest, '\n');
        if (!rest) return -1;
        *rest++ = 0;
        part[i] = rest;
    }
    if (sscanf(text, "%d %d", &number[0], &number[1]) != 2) return -1;
    for (int i = 0; i < 2; i++)
        if (number[i] < FINE || number[i] > PROBLEM) return -1;
    one->grade = (grade)number[0];
    one->differs = (grade)number[1];
    snprintf(one->subject, sizeof one->subject, "%s", part[0]);
    snprintf(one->text, sizeof one->text, "%s", part[1]);
    snprintf(one->advice, sizeof one->advice, "%s", part[2]);
    return 0;
}

/* ---- on paper ---- */

/* Goes on in column `at`; lines that follow begin below it. A word longer than a line is not cut. */
static void print_wrapped(FILE *out, const char *text, int at)
{
    int column = at;
    for (const char *word = text; *word; word += strspn(word, " ")) {
        int length = (int)strcspn(word, " ");
        if (column > at && column + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", at, "");
            column = at;
        } else if (column > at) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", length, word);
        column += length;
        word += length;
    }
    fputc('\n', out);
}

void findings_print(FILE *out, const findings *f)
{
    static const char *const words[] = {"ok", "warning", "PROBLEM"};
    for (int i = 0; i < f->count; i++) {
        const finding *one = &f->at[i];
        fprintf(out, "  %-7s  %-*s", words[one->grade], INDENT - 11, one->subject);
        print_wrapped(out, one->text, INDENT);
        if (!*one->advice) continue;
        fprintf(out, "%*s-> ", INDENT, "");
        print_wrapped(out, one->advice, INDENT + 3);
    }
}

grade findings_worst(const findings *f)
{
    grade worst = FINE;
    for (int i = 0; i < f->count; i++)
        if (f->at[i].grade > worst) worst = f->at[i].grade;
    return worst;
}

int findings_count(const findings *f, grade g)
{
    int count = 0;
    for (int i = 0; i < f->count; i++) count += f->at[i].grade == g;
    return count;
}

void findings_free(findings *f)
{
    free(f->at);
    *f = (findings){0};
}

#include "launcher/doctor.h"
#include "launcher/launcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 4 };

/* ---- one host beside the others ---- */

static const finding *of_subject(const findings *f, const char *subject)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->at[i].subject, subject) == 0) return &f->at[i];
    return NULL;
}

const char *doctor_said(const doctor_visit *visit, const char *subject)
{
    const finding *one = of_subject(&visit->found, subject);
    return one ? one->text : "";
}

static void append(char *text, size_t bytes, const char *more)
{
    size_t used = strlen(text);
    if (used + strlen(more) < bytes)
        snprintf(text + used, bytes - used, "%s", more);
    else if (used + 4 < bytes)
        snprintf(text + used, bytes - used, "...");
}

/* "0.1.0 on a, b; 0.2.0 on c" */
static void tell_who_says_what(const doctor_visit *visit, int visits, const char *subject, char *text, size_t bytes)
{
    *text = 0;
    for (int i = 0; i < visits; i++) {
        const char *says = doctor_said(&visit[i], subject), *before = "";
        bool told = !visit[i].reached || !*says;
        for (int j = 0; j < i; j++) told = told || strcmp(doctor_said(&visit[j], subject), says) == 0;
        if (told) continue;
        append(text, bytes, *text ? "; " : "");
        append(text, bytes, says);
        append(text, bytes, " on ");
        for (int j = i; j < visits; j++) {
            if (strcmp(doctor_said(&visit[j], subject), says) != 0) continue;
            append(text, bytes, before);
            append(text, bytes, visit[j].host);
            before = ", ";
        }
    }
}

static bool agree(const doctor_visit *visit, int visits, const char *subject)
{
    const char *first = "";
    for (int i = 0; i < visits; i++) {
        const char *says = doctor_said(&visit[i], subject);
        if (*first && *says && strcmp(first, says) != 0) return false;
        if (*says) first = says;
    }
    return true;
}

void doctor_compare(findings *f, const doctor_visit *visit, int visits)
{
    char text[260];
    for (int v = 0; v < visits; v++)
        for (int i = 0; i < visit[v].found.count; i++) {
            const finding *one = &visit[v].found.at[i];
            if (one->differs == FINE || of_subject(f, one->subject) || agree(visit, visits, one->subject)) continue;
            tell_who_says_what(visit, visits, one->subject, text, sizeof text);
            found(f, one->differs, one->subject, "install the same on all hosts", "not the same: %s", text);
        }
}

/* ---- the report ---- */

static bool same_finding(const finding *a, const finding *b)
{
    return a->grade == b->grade && strcmp(a->subject, b->subject) == 0 && strcmp(a->text, b->text) == 0;
}

static bool says(const doctor_visit *visit, const finding *one)
{
    for (int i = 0; i < visit->found.count; i++)
        if (same_finding(&visit->found.at[i], one)) return true;
    return false;
}

static bool all_say(const doctor_visit *visit, int visits, const finding *one)
{
    for (int v = 0; v < visits; v++)
        if (visit[v].reached && !says(&visit[v], one)) return false;
    return true;
}

/* One host's findings that all others share, or those that they do not: of many hosts only what is not well. */
static findings part_of(const doctor_visit *visit, int visits, int v, bool shared)
{
    findings part = {0};
    for (int i = 0; i < visit[v].found.count; i++) {
        const finding *one = &visit[v].found.at[i];
        if (all_say(visit, visits, one) != shared) continue;
        if (!shared && visits > MANY && one->grade == FINE) continue;
        found(&part, one->grade, one->subject, one->advice, "%s", one->text);
    }
    return part;
}

static void print_part(const char *title, findings part)
{
    if (part.count) printf("\n%s\n", title);
    findings_print(stdout, &part);
    findings_free(&part);
}

static void print_count(int count, const char *what, const char *end)
{
    printf("%d %s%s%s", count, what, count == 1 ? "" : "s", end);
}

int doctor_report(const findings *job, const doctor_visit *visit, int visits, int ranks)
{
    char title[64];
    int first = -1, reached = 0, problems = findings_count(job, PROBLEM), warnings = findings_count(job, WARNING);
    for (int v = visits - 1; v >= 0; v--) {
        if (visit[v].reached) first = v;
        reached += visit[v].reached;
        problems += findings_count(&visit[v].found, PROBLEM);
        warnings += findings_count(&visit[v].found, WARNING);
    }
    printf("trireme doctor: %d rank%s on %d host%s\n", ranks, ranks == 1 ? "" : "s", visits, visits == 1 ? "" : "s");
    snprintf(title, sizeof title, visits == 1 ? "the host" : reached == visits ? "all hosts"
                                                                               : "all hosts that were reached");
    if (reached > 1) {
        print_part(title, part_of(visit, visits, first, true));
        for (int v = 0; v < visits; v++)
            if (visit[v].reached) print_part(visit[v].host, part_of(visit, visits, v, false));
    } else if (reached == 1) {
        print_part(visit[first].host, part_of(visit, visits, first, true));
    }
    for (int v = 0; v < visits; v++)
        if (!visit[v].reached) print_part(visit[v].host, part_of(&visit[v], 1, 0, true));
    print_part("together", part_of(&(doctor_visit){.found = *job, .reached = true}, 1, 0, true));
    printf("\n");
    if (problems) print_count(problems, "problem", warnings ? ", " : "\n");
    if (warnings) print_count(warnings, "warning", "\n");
    if (!problems && !warnings) printf("nothing to do\n");
    return problems ? EXIT_PROBLEMS : warnings ? EXIT_WARNINGS
                                               : EXIT_SUCCESS;
}

#include "launcher/worker/worker.h"

#include <stdio.h>
#include <string.h>

enum { POINTS = 64 };

typedef struct {
    double ranks[POINTS], percent[POINTS];
    int64_t n;
} curve;

static void read_curve(curve *c, const char *csv, const char *kind)
{
    char line[512], word[32];
    double ranks, efficiency;
    FILE *f = fopen(csv, "r");
    if (!f) {
        tr_fail("%s cannot be read", csv);
        return;
    }
    while (fgets(line, sizeof line, f) && c->n < POINTS) {
        if (sscanf(line, "%31[^,],%lf,%*[^,],,%*[^,],%*[^,],%lf", word, &ranks, &efficiency) != 3 || strcmp(word, kind) != 0) continue;
        c->ranks[c->n] = ranks;
        c->percent[c->n++] = 100 * efficiency;
    }
    fclose(f);
}

/* A picture where there is gnuplot, else characters. */
int worker_plot(const char *csv, const char *picture)
{
    curve measured = {0}, predicted = {0};
    read_curve(&measured, csv, "step");
    read_curve(&predicted, csv, "predicted");
    tr_plot *p = tr_plot_new(.title = "weak scaling", .xlabel = "ranks", .ylabel = "per cent of as many times one rank", .log_x = true, .ylim = {0, 110});
    if (predicted.n > 0 && tr_plot_add(p, predicted.n, predicted.ranks, predicted.percent, TR_DASHED, "predicted") < 0) return -1;
    if (measured.n > 0 && tr_plot_add(p, measured.n, measured.ranks, measured.percent, TR_POINTS, "measured") < 0) return -1;
    int status = tr_plot_save(p, picture);
    if (status == 0) printf("written: %s\n", picture);
    if (status > 0) status = tr_plot_text(p, stdout, 0, 0);
    tr_plot_free(p);
    return status;
}

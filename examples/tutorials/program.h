/* What the five programs share and no tutorial is about: options, the numbers of cells, and where pictures go. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <trireme/trireme.h>
#include <unistd.h>

#ifndef PICTURES
# define PICTURES "pictures"
#endif

/* ---- options ---- */

static tr_device device; /* the CPU, if not given */
static bool device_given;
static uint64_t seed;
static bool seed_given;
static const char *out = PICTURES; /* a folder that is there */
static bool text;                  /* pictures are drawn on the terminal as well */

static inline void refuse(const char *usage)
{
    fputs(usage, stderr);
    exit(2);
}

static inline void read_options(int argc, char **argv, const char *usage)
{
    static const struct option options[] = {
        {"device", required_argument, NULL, 'd'},
        {"seed", required_argument, NULL, 's'},
        {"out", required_argument, NULL, 'o'},
        {"text", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *rest = NULL;
        switch (option) {
        case 'd':
            if (tr_device_parse(optarg, &device) < 0) refuse(usage);
            device_given = true;
            break;
        case 's':
            seed = strtoull(optarg, &rest, 10);
            if (rest == optarg || *rest) fprintf(stderr, "--seed %s is no number\n", optarg), refuse(usage);
            seed_given = true;
            break;
        case 'o': out = optarg; break;
        case 't': text = true; break;
        case 'h': exit(fputs(usage, stdout) < 0);
        default: refuse(usage);
        }
    }
    if (optind < argc) refuse(usage);
    if (mkdir(out, 0777) < 0 && access(out, W_OK) < 0) {
        fprintf(stderr, "--out %s: %s\n", out, strerror(errno));
        exit(1);
    }
    if (!tr_zeros(TR_SHAPE(1), .device = device)) exit(1); /* no such device here: it was said why */
}

/* ---- printing ---- */

static inline void cell(const char *number) { printf("\n[%s]\n", number); }

static inline void print_size(tr_tensor *t)
{
    printf("torch.Size([");
    for (int dim = 0; dim < tr_ndim(t); dim++) printf(dim ? ", %d" : "%d", (int)tr_size(t, dim));
    printf("])\n");
}

/* What stands inside ( ) or [ ] is indented by one. */
static inline void print_inside(const char *words)
{
    for (; *words; words++) {
        putchar(*words);
        if (*words == '\n') putchar(' ');
    }
}

/* ---- pictures ---- */

static inline const char *path_of(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", out, name);
    return path;
}

/* Say where a picture went, from what saving it returned. */
static inline void say(int status, const char *path)
{
    static bool said;
    if (status == 0) printf("picture %s\n", path);
    if (status == 1 && !said) printf("gnuplot is not installed: no pictures are written\n");
    if (status == 1) said = true;
}

/* plt.show() */
static inline void show(tr_plot *plot, const char *name)
{
    if (text) tr_plot_text(plot, stdout, 0, 0);
    const char *path = path_of(name);
    say(tr_plot_save(plot, path), path);
    tr_plot_free(plot);
}

#endif

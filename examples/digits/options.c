#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char digits_usage[] =
    "usage: digits [OPTION...]\n"
    "       trireme run -n 2 digits [OPTION...]\n"
    "Trains a small network to read handwritten digits, on any number of ranks.\n"
    "\n"
    "  --epochs N      how often every digit is seen           (60)\n"
    "  --batch N       digits in a step, over all ranks        (64)\n"
    "  --lr X          learning rate                           (0.1, or the checkpoint's)\n"
    "  --seed N        of weights and order                    (0)\n"
    "  --hidden N      neurons in the middle                   (256)\n"
    "  --device NAME   cpu, cuda, cuda:1 ...                   (this rank's own)\n"
    "  --data PATH     an .npz, or a folder with MNIST's IDX files, plain or gzip\n"
    "                                                          (1,797 digits of 8x8)\n"
    "  --out DIR       where the loss curve and the checkpoint go   (.)\n"
    "  --save FILE     the checkpoint                          (DIR/digits.safetensors)\n"
    "  --resume FILE   go on from a checkpoint, up to --epochs\n"
    "  --checkpoints DIR   write a checkpoint after every epoch, and begin from the newest one there;\n"
    "                  SIGUSR1 writes one at once and ends with status 75\n"
    "  --every N       write it every N steps instead\n"
    "  --csv FILE      write step, epoch and loss of every step; a run that goes on writes behind what is there\n"
    "  --reproducible  the same weights on any number of ranks; slower\n"
    "  --bfloat16      products of matrices in bfloat16, all else and the weights in float32\n"
    "  --help          this text\n";

static int whole(const char *text, int64_t low, int64_t high, int64_t *value)
{
    char *end;
    errno = 0;
    long long x = strtoll(text, &end, 10);
    if (errno || end == text || *end || x < low || x > high) return -1;
    *value = x;
    return 0;
}

static int number(const char *text, double *value)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !(x > 0) || !isfinite(x)) return -1;
    *value = x;
    return 0;
}

int digits_read_options(int argc, char **argv, bool speak, digits_options *o)
{
    enum { EPOCHS = 1,
           BATCH,
           LR,
           SEED,
           HIDDEN,
           DEVICE,
           DATA,
           OUT,
           SAVE,
           RESUME,
           CHECKPOINTS,
           EVERY,
           CSV,
           REPRODUCIBLE,
           BFLOAT16,
           HELP };
    static const struct option names[] = {
        {"epochs", required_argument, NULL, EPOCHS}, {"batch", required_argument, NULL, BATCH}, {"lr", required_argument, NULL, LR}, {"seed", required_argument, NULL, SEED}, {"hidden", required_argument, NULL, HIDDEN}, {"device", required_argument, NULL, DEVICE}, {"data", required_argument, NULL, DATA}, {"out", required_argument, NULL, OUT}, {"save", required_argument, NULL, SAVE}, {"resume", required_argument, NULL, RESUME}, {"checkpoints", required_argument, NULL, CHECKPOINTS}, {"every", required_argument, NULL, EVERY}, {"csv", required_argument, NULL, CSV}, {"reproducible", no_argument, NULL, REPRODUCIBLE}, {"bfloat16", no_argument, NULL, BFLOAT16}, {"help", no_argument, NULL, HELP}, {0}};
    int64_t seed = 0;
    *o = (digits_options){.epochs = 60, .batch = 64, .hidden = 256, .out = "."};
    opterr = speak;
    for (int c, index = 0, bad = 0; (c = getopt_long(argc, argv, "h", names, &index)) != -1;) {
        switch (c) {
        case EPOCHS: bad = whole(optarg, 0, 1000000, &o->epochs); break;
        case BATCH: bad = whole(optarg, 1, INT32_MAX, &o->batch); break;
        case LR: bad = number(optarg, &o->lr); break;
        case SEED: bad = whole(optarg, 0, INT64_MAX, &seed); break;
        case HIDDEN: bad = whole(optarg, 1, 1 << 20, &o->hidden); break;
        case DEVICE: o->device = optarg; break;
        case DATA: o->data = optarg; break;
        case OUT: o->out = optarg; break;
        case SAVE: o->save = optarg; break;
        case RESUME: o->resume = optarg; break;
        case CHECKPOINTS: o->checkpoints = optarg; break;
        case EVERY: bad = whole(optarg, 1, INT64_MAX, &o->every); break;
        case CSV: o->csv = optarg; break;
        case HELP:
        case 'h': o->help = true; return 0;
        case REPRODUCIBLE: o->reproducible = true; break;
        case BFLOAT16: o->bfloat16 = true; break;
        default:
            if (speak) fputs(digits_usage, stderr);
            return 2;
        }
        if (bad) {
            if (speak) fprintf(stderr, "%s: --%s: \"%s\" will not do\n%s", argv[0], names[index].name, optarg, digits_usage);
            return 2;
        }
    }
    o->seed = (uint64_t)seed;
    if (optind == argc) return 0;
    if (speak) fprintf(stderr, "%s: \"%s\" is no option\n%s", argv[0], argv[optind], digits_usage);
    return 2;
}

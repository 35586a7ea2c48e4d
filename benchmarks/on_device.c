#include "on_device.h"

#include <stdio.h>
#include <string.h>

static tr_device here;

/* What goes wrong on the device stands as an error, which the check of a case sees. */
static void wait_for_device(void)
{
    if (tr_synchronize(here) < 0) return;
}

/* An error that says that something is yet to be made, not that it is wrong. */
const char *bench_missing(void)
{
    static char why[512];
    const char *message = tr_error_stands() ? tr_error_message() : "";
    if (!strstr(message, "is not served on")) return NULL;
    snprintf(why, sizeof why, "%s", message);
    tr_error_clear();
    return why;
}

bool bench_begin_on(int argc, char **argv, bench_subject subject, tr_device *device)
{
    bench_takes_device(wait_for_device, bench_missing);
    if (!bench_begin(argc, argv, subject)) return false;
    if (tr_device_parse(bench_device(), &here) < 0) return bench_refuse();
    if (here.type == TR_CUDA && here.index >= tr_cuda_device_count()) {
        bench_skip(tr_cuda_missing() ? tr_cuda_missing() : "this machine has fewer devices");
        return false;
    }
    *device = here;
    return true;
}

tr_tensor *bench_at_home(tr_tensor *t) { return tr_to_device(t, tr_cpu()); }

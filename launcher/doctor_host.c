#include "launcher/doctor.h"
#include "launcher/launcher.h"

#include <stdio.h>

const char *doctor_wish_text(doctor_wish wish, int ranks)
{
    static char text[100];
    snprintf(text, sizeof text, "%d %d %d %d %d %d", ranks, wish.job_ranks, wish.threads, wish.env_threads, wish.oversubscribe, wish.full);
    return text;
}

doctor_wish doctor_wish_read(const char *text)
{
    doctor_wish wish = {0};
    int oversubscribe = 0, full = 0;
    if (!text || sscanf(text, "%d %d %d %d %d %d", &wish.ranks, &wish.job_ranks, &wish.threads, &wish.env_threads, &oversubscribe, &full) != 6)
        fail(EXIT_USAGE, "doctor", "trireme doctor starts this");
    wish.oversubscribe = oversubscribe;
    wish.full = full;
    return wish;
}

void doctor_host(findings *f, doctor_wish wish)
{
    char why[200];
    machine m;
    plan p;
    machine_read(&m);
    machine_read_gpus_to_use(&m);
    bool seated = plan_make(&p, &m, (plan_wish){wish.ranks, wish.threads, wish.oversubscribe}, why, sizeof why) == 0;
    int ranks = seated ? p.ranks : wish.ranks;
    doctor_versions(f);
    doctor_cores(f, &m, wish);
    doctor_memory(f, machine_root(), ranks);
    doctor_limits(f, machine_root());
    doctor_gpus(f, &m, seated ? &p : NULL, wish);
    if (seated) plan_free(&p);
    machine_free(&m);
}

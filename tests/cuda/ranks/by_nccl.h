/* Tests of ranks whose devices meet by NCCL. */
#ifndef TEST_BY_NCCL_H
#define TEST_BY_NCCL_H

#include "../played/played_in_test.h"

#include <stdio.h>
#include <string.h>
#include <trireme/dist.h>

/* For BEFORE_ALL: no other test makes sense where they do not, or by an older one than 2.minor.patch. */
static inline int begin_by_nccl(int *argc, char ***argv, int minor, int patch)
{
    int is[2];
    if (!tr_cuda_is_available()) {
        print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
        return TEST_SKIPPED;
    }
    find_played();
    if (tr_dist_init(argc, argv) < 0) return 1;
    TR_SCOPE;
    if (tr_all_reduce(tr_ones(TR_SHAPE(1), .device = tr_dist_device())) < 0) return 1;
    const char *by = strstr(tr_dist_transport(), " by NCCL 2.");
    if (by && sscanf(by, " by NCCL 2.%d.%d", &is[0], &is[1]) == 2 && (is[0] > minor || (is[0] == minor && is[1] >= patch))) return 0;
    print_message("skipped: %s\n", tr_dist_transport());
    return tr_dist_finish() ? 1 : TEST_SKIPPED;
}

/* What the played NCCL counts, "fake_nccl_launches"; 0 of the real one, which counts nothing. */
static inline int64_t counted_by_nccl(const char *what)
{
    const char *named = getenv("TRIREME_NCCL_LIBRARY");
    void *object = named ? dlopen(named, RTLD_NOLOAD | RTLD_LAZY) : NULL;
    int64_t (*count)(void) = NULL;
    if (object) *(void **)&count = dlsym(object, what);
    return count ? count() : 0;
}

#endif

// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* How cores are shared out, on machines made up with hwloc's synthetic topologies. */
#include "test.h"

#include "launcher/plan.h"

#include <stdio.h>
#include <stdlib.h>

static char why[200];

static machine imagined(const char *topology)
{
    machine m;
    setenv("HWLOC_SYNTHETIC", topology, 1);
    machine_read(&m);
    unsetenv("HWLOC_SYNTHETIC");
    if (strcmp(m.host, "synthetic") != 0) {
        machine_free(&m);
        skip_because("built without hwloc");
    }
    return m;
}

/* The shares of all ranks on m, "0-3:4-7", or the reason why there are none; frees m. */
static const char *shares(machine m, plan_wish wish)
{
    static char text[1000];
    plan p;
    if (plan_make(&p, &m, wish, why, sizeof why) < 0) {
        machine_free(&m);
        return why;
    }
    char *all = plan_cpus_text(&p);
    snprintf(text, sizeof text, "%s threads %d free %d%s", all, p.threads, p.free_cores, p.oversubscribed ? " oversubscribed" : "");
    free(all);
    plan_free(&p);
    machine_free(&m);
    return text;
}

#define TWO_BY_FOUR "pack:2 [numa] core:4 pu:1"

TEST(ranks_share_one_package_equally)
{
    assert_string_equal(shares(imagined("core:4 pu:1"), (plan_wish){.ranks = 2}), "0-1:2-3 threads 2 free 0");
    assert_string_equal(shares(imagined("core:4 pu:1"), (plan_wish){.ranks = 4}), "0:1:2:3 threads 1 free 0");
}

TEST(a_core_that_fits_no_equal_share_stays_free)
{
    assert_string_equal(shares(imagined("core:4 pu:1"), (plan_wish){.ranks = 3}), "0:1:2 threads 1 free 1");
}

TEST(one_rank_takes_the_whole_machine)
{
    assert_string_equal(shares(imagined(TWO_BY_FOUR), (plan_wish){.ranks = 1}), "0-7 threads 8 free 0");
}

TEST(without_a_number_each_numa_node_has_a_rank)
{
    assert_string_equal(shares(imagined(TWO_BY_FOUR), (plan_wish){0}), "0-3:4-7 threads 4 free 0");
    assert_string_equal(shares(imagined("core:4 pu:1"), (plan_wish){0}), "0-3 threads 4 free 0");
}

TEST(ranks_stay_inside_a_numa_node_where_they_can)
{
    assert_string_equal(shares(imagined(TWO_BY_FOUR), (plan_wish){.ranks = 3}), "0-1:2-3:4-5 threads 2 free 2");
    assert_string_equal(shares(imagined(TWO_BY_FOUR), (plan_wish){.ranks = 5}), "0:1:2:4:5 threads 1 free 3");
}

TEST(a_rank_crosses_nodes_where_it_must)
{
    assert_string_equal(shares(imagined("pack:3 [numa] core:4 pu:1"), (plan_wish){.ranks = 2}), "0-5:6-11 threads 6 free 0");
}

TEST(a_core_comes_with_all_its_hardware_threads_and_one_software_thread)
{
    assert_string_equal(shares(imagined("core:4 pu:2"), (plan_wish){.ranks = 2}), "0-3:4-7 threads 2 free 0");
    assert_string_equal(shares(imagined("core:4 pu:2"), (plan_wish){.ranks = 2, .threads = 4}), "0-3:4-7 threads 4 free 0");
}

TEST(cores_are_neighbours_in_the_machine_not_in_the_kernels_numbers)
{
    /* hyperthreads numbered after all cores, as Linux does: core 0 is CPUs 0 and 4 */
    assert_string_equal(shares(imagined("core:4 pu:2(indexes=0,4,1,5,2,6,3,7)"), (plan_wish){.ranks = 2}), "0-1,4-5:2-3,6-7 threads 2 free 0");
}

TEST(too_many_ranks_are_refused_with_advice)
{
    const char *answer = shares(imagined("core:2 pu:2"), (plan_wish){.ranks = 4});
    assert_string_equal(answer, "4 ranks, but this job may use 2 cores; --oversubscribe allows it");
}

TEST(oversubscribed_ranks_share_cores_evenly)
{
    assert_string_equal(shares(imagined("core:2 pu:1"), (plan_wish){.ranks = 4, .oversubscribe = true}), "0:0:1:1 threads 1 free 0 oversubscribed");
    assert_string_equal(shares(imagined("core:2 pu:1"), (plan_wish){.ranks = 3, .oversubscribe = true}), "0:0:1 threads 1 free 0 oversubscribed");
}

TEST(more_threads_than_a_share_holds_are_refused)
{
    assert_non_null(strstr(shares(imagined("core:4 pu:1"), (plan_wish){.ranks = 2, .threads = 3}), "a rank's share is 2 hardware threads"));
    assert_string_equal(shares(imagined("core:4 pu:1"), (plan_wish){.ranks = 2, .threads = 3, .oversubscribe = true}), "0-1:2-3 threads 3 free 0 oversubscribed");
}

TEST(a_quota_limits_threads_and_ranks_but_chooses_no_cores)
{
    machine m = imagined("core:8 pu:1");
    m.quota = 4;
    assert_string_equal(shares(m, (plan_wish){.ranks = 2}), "0-3:4-7 threads 2 free 0");
    m = imagined("core:8 pu:1");
    m.quota = 1.5;
    assert_non_null(strstr(shares(m, (plan_wish){.ranks = 3}), "quota is worth 2 cores"));
}

TEST(only_cores_that_the_job_may_use_are_shared)
{
    machine m = imagined(TWO_BY_FOUR); /* cores 2, 3, 4, 5: half of each node */
    memmove(m.usable, m.usable + 2, 4 * sizeof *m.usable);
    m.usables = 4;
    assert_string_equal(shares(m, (plan_wish){.ranks = 2}), "2-3:4-5 threads 2 free 0");
}

/* The shares where GPU i is beside the i-th of these nodes. */
static const char *shares_beside(const char *topology, const int *node, int gpus, int ranks)
{
    machine m = imagined(topology);
    m.gpu = calloc((size_t)gpus, sizeof *m.gpu);
    m.gpus = gpus;
    for (int i = 0; i < gpus; i++) m.gpu[i].node = node[i];
    return shares(m, (plan_wish){.ranks = ranks});
}
#define BESIDE(topology, ranks, ...) shares_beside(topology, (int[]){__VA_ARGS__}, sizeof(int[]){__VA_ARGS__} / sizeof(int), ranks)

TEST(a_rank_sits_beside_its_gpu)
{
    assert_string_equal(BESIDE(TWO_BY_FOUR, 2, 1, 0), "4-7:0-3 threads 4 free 0");
    assert_string_equal(BESIDE(TWO_BY_FOUR, 0, 1, 0, 1, 0), "4-5:0-1:6-7:2-3 threads 2 free 0");
    assert_string_equal(BESIDE(TWO_BY_FOUR, 4, 1, 0), "4-5:0-1:6-7:2-3 threads 2 free 0"); /* two ranks a GPU */
    assert_string_equal(BESIDE("pack:4 [numa] core:4 pu:1", 1, 3), "0-15 threads 16 free 0");
}

TEST(a_gpu_whose_node_is_full_or_not_known_moves_nobody)
{
    assert_string_equal(BESIDE(TWO_BY_FOUR, 3, 1, 1, 1), "4-5:6-7:0-1 threads 2 free 2");
    assert_string_equal(BESIDE(TWO_BY_FOUR, 2, -1, -1), "0-3:4-7 threads 4 free 0");
    assert_string_equal(BESIDE(TWO_BY_FOUR, 2, 9, 1), "0-3:4-7 threads 4 free 0");
    assert_string_equal(BESIDE(TWO_BY_FOUR, 2, -1, 0), "4-7:0-3 threads 4 free 0");
}

TEST(ranks_that_cross_nodes_sit_as_near_as_they_can)
{
    assert_string_equal(BESIDE("pack:2 [numa] core:5 pu:1", 3, 1, 0, 1), "3-5:0-2:6-8 threads 3 free 1");
    machine m = imagined("pack:2 [numa] core:1 pu:1");
    m.gpu = calloc(4, sizeof *m.gpu);
    m.gpus = 4;
    for (int i = 0; i < 4; i++) m.gpu[i].node = 1 - i % 2;
    assert_string_equal(shares(m, (plan_wish){.ranks = 4, .oversubscribe = true}), "1:0:1:0 threads 1 free 0 oversubscribed");
}

TEST(a_gpu_is_far_where_none_of_its_ranks_cores_is_beside_it)
{
    machine m = imagined(TWO_BY_FOUR);
    plan p;
    m.gpu = calloc(3, sizeof *m.gpu);
    m.gpus = 3;
    for (int i = 0; i < 3; i++) m.gpu[i].node = 1;
    assert_int_equal(plan_make(&p, &m, (plan_wish){.ranks = 3}, why, sizeof why), 0);
    assert_false(plan_gpu_is_far(&p, &m, 1));
    assert_true(plan_gpu_is_far(&p, &m, 2));
    m.gpu[2].node = -1;
    assert_false(plan_gpu_is_far(&p, &m, 2));
    p.rank[2].gpu = -1;
    assert_false(plan_gpu_is_far(&p, &m, 2));
    plan_free(&p);
    machine_free(&m);
}

TEST(every_number_of_ranks_gets_equal_disjoint_shares)
{
    static const char *const topologies[] = {"core:1 pu:1", "core:7 pu:2", "pack:2 [numa] core:6 pu:2", "pack:3 [numa] core:5 pu:1"};
    for (size_t t = 0; t < sizeof topologies / sizeof topologies[0]; t++) {
        machine m = imagined(topologies[t]);
        for (int ranks = 1; ranks <= m.usables; ranks++) {
            plan p;
            cpus taken = {0};
            int sum = 0;
            assert_int_equal(plan_make(&p, &m, (plan_wish){.ranks = ranks}, why, sizeof why), 0);
            for (int r = 0; r < ranks; r++) {
                assert_int_equal(p.rank[r].cores, m.usables / ranks);
                cpus_join(&taken, &p.rank[r].cpus);
                sum += cpus_count(&p.rank[r].cpus);
            }
            assert_int_equal(cpus_count(&taken), sum);
            assert_int_equal(p.free_cores, m.usables % ranks);
            plan_free(&p);
        }
        machine_free(&m);
    }
}

TEST(a_wide_machine_has_numbers_beyond_any_word)
{
    machine m = imagined("pack:8 [numa] core:128 pu:2");
    assert_int_equal(m.cores, 1024);
    assert_int_equal(m.nodes, 8);
    assert_non_null(strstr(shares(m, (plan_wish){.ranks = 8}), ":1792-2047 threads 128"));
}

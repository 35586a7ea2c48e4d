// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* Sets of CPUs as text; the cgroup's quota and the GPUs read from imagined files. */
#include "test.h"

#include "launcher/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_read_back(const char *text, const char *want)
{
    cpus set;
    assert_int_equal(cpus_parse(&set, text, strlen(text)), 0);
    char *got = cpus_text(&set);
    assert_string_equal(got, want);
    free(got);
}

TEST(sets_are_written_as_they_are_read)
{
    assert_read_back("", "");
    assert_read_back("0", "0");
    assert_read_back("0-3,8,10-11", "0-3,8,10-11");
    assert_read_back("3,2,1,63,64,65", "1-3,63-65");
    assert_read_back("8191", "8191");
}

TEST(what_is_no_set_is_refused)
{
    static const char *const bad[] = {"-", "a", "1-", "3-1", "1,", ",1", "1,,2", "8192", "0-8192", "99999999999999999999", "1 2"};
    cpus set;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(cpus_parse(&set, bad[i], strlen(bad[i])), -1);
}

TEST(cutting_never_widens)
{
    cpus a, b;
    cpus_parse(&a, "0-7", 3);
    cpus_parse(&b, "4-11", 4);
    cpus_cut(&a, &b);
    assert_int_equal(cpus_count(&a), 4);
    assert_false(cpus_has(&a, 8));
    assert_false(cpus_has(&a, -1));
    assert_false(cpus_has(&a, CPUS_MAX));
}

static char root[] = "/tmp/trireme-files-XXXXXX";

static void file(const char *path, const char *content)
{
    char full[300];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(full, 0700);
    }
    FILE *out = fopen(full, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
}

static double quota_of(const char *cgroup)
{
    file("/proc/self/cgroup", cgroup);
    return machine_cpu_quota(root);
}

BEFORE_ALL { return mkdtemp(root) ? 0 : 1; }

AFTER_ALL
{
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

TEST(the_tightest_quota_on_the_way_up_counts)
{
    file("/sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
    file("/sys/fs/cgroup/job/cpu.max", "250000 100000\n");
    file("/sys/fs/cgroup/cpu.max", "800000 100000\n");
    assert_true(quota_of("0::/job/step\n") == 2.5);
    assert_true(quota_of("0::/\n") == 8);
    assert_true(quota_of("0::/a/path/of/the/host/only\n") == 8);
}

TEST(version_one_quotas_are_read_too)
{
    file("/sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "150000\n");
    file("/sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "100000\n");
    file("/sys/fs/cgroup/cpu/free/cpu.cfs_quota_us", "-1\n");
    file("/sys/fs/cgroup/cpu/free/cpu.cfs_period_us", "100000\n");
    assert_true(quota_of("9:memory:/x\n4:cpu,cpuacct:/docker\n") == 1.5);
    assert_true(quota_of("4:cpuacct,cpu:/free\n") == 0);
    assert_true(quota_of("3:cpuset:/docker\n") == 0);
}

static int64_t memory_of(const char *cgroup)
{
    file("/proc/self/cgroup", cgroup);
    return machine_memory_limit(root);
}

TEST(limits_of_memory_are_read_likewise)
{
    file("/sys/fs/cgroup/pod/memory.max", "max\n");
    file("/sys/fs/cgroup/memory.max", "4294967296\n");
    file("/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "1048576\n");
    file("/sys/fs/cgroup/memory/free/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(memory_of("0::/pod\n"), INT64_C(4294967296));
    assert_int_equal(memory_of("7:memory:/docker\n"), 1048576);
    assert_int_equal(memory_of("7:memory:/free\n"), 0);
    assert_int_equal(memory_of("4:cpu,cpuacct:/docker\n"), 0);
}

TEST(strange_files_mean_no_quota)
{
    file("/sys/fs/cgroup/odd/cpu.max", "-5 0\n");
    file("/sys/fs/cgroup/cpu.max", "");
    assert_true(quota_of("0::/odd\n") == 0);
    assert_true(quota_of("nonsense\n\n:\n0:") == 0);
    assert_true(machine_cpu_quota("/nowhere") == 0);
}

static void pci(const char *bus, const char *class, const char *vendor, const char *node)
{
    const char *const lines[][2] = {
        {"class", class},
        {"vendor", vendor},
        {"device", "0x2330\n"},
        {"numa_node", node}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char path[200];
        snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/%s", bus, lines[i][0]);
        file(path, lines[i][1]);
    }
}

TEST(gpus_are_told_from_other_devices)
{
    pci("0000:99:00.0", "0x030200\n", "0x10de\n", "1\n");
    pci("0000:17:00.0", "0x038000\n", "0x1002\n", "-1\n");
    pci("0000:02:00.0", "0x030000\n", "0x1a03\n", "0\n"); /* a server's screen */
    pci("0000:03:00.0", "0x020000\n", "0x8086\n", "0\n"); /* a network card */
    file("/proc/driver/nvidia/gpus/0000:99:00.0/information", "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\nGPU UUID: \t GPU-8a56a4bc-9b4c\n");
    machine m = {0};
    machine_read_gpus(&m, root);
    assert_int_equal(m.gpus, 2);
    assert_string_equal(m.gpu[0].bus, "0000:17:00.0");
    assert_string_equal(m.gpu[0].name, "AMD, device 2330");
    assert_int_equal(m.gpu[0].node, -1);
    assert_string_equal(m.gpu[1].name, "NVIDIA H100 80GB HBM3");
    assert_int_equal(m.gpu[1].node, 1);
    assert_string_equal(m.gpu[1].uuid, "GPU-8a56a4bc-9b4c");
    machine_free(&m);
}

/* The letters of the GPUs that are left of a, b, c. */
static const char *left_of_abc(const char *visible)
{
    static char left[8];
    machine m = {.gpu = calloc(3, sizeof *m.gpu), .gpus = 3};
    for (int i = 0; i < 3; i++) {
        snprintf(m.gpu[i].name, sizeof m.gpu[i].name, "%c", 'a' + i);
        snprintf(m.gpu[i].uuid, sizeof m.gpu[i].uuid, "GPU-%d%d%d", i, i, i);
    }
    machine_hide_gpus(&m, visible);
    memset(left, 0, sizeof left);
    for (int i = 0; i < m.gpus; i++) left[i] = m.gpu[i].name[0];
    machine_free(&m);
    return left;
}

TEST(gpus_are_hidden_and_ordered_as_cuda_does)
{
    assert_string_equal(left_of_abc(NULL), "abc");
    assert_string_equal(left_of_abc("2,0"), "ca");
    assert_string_equal(left_of_abc(""), "");
    assert_string_equal(left_of_abc("-1"), "");
    assert_string_equal(left_of_abc("1,7,0"), "b"); /* nor is what follows seen */
    assert_string_equal(left_of_abc("GPU-22,GPU-000"), "ca");
    assert_string_equal(left_of_abc("GPU-9"), "");
    assert_string_equal(left_of_abc("0x1"), "");
    assert_string_equal(left_of_abc("0,0,0,0,0"), "aaa"); /* never more than there are */
    assert_string_equal(left_of_abc("MIG-1"), "abc");
}

TEST(a_machine_without_a_pci_bus_has_no_gpus)
{
    machine m = {0};
    machine_read_gpus(&m, "/nowhere");
    assert_int_equal(m.gpus, 0);
    machine_free(&m);
}

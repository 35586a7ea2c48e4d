// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* Lists of hosts, hostfiles, Slurm's lists; how ranks are dealt out over them. */
#include "test.h"

#include "launcher/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char why[300];

/* "a:2,b:2", or the reason why not; frees h. */
static const char *text_of(int status, hosts *h)
{
    static char text[1000];
    if (status < 0) return why;
    char *all = hosts_text(h);
    snprintf(text, sizeof text, "%s", all);
    free(all);
    hosts_free(h);
    return text;
}

static const char *parsed(const char *list)
{
    hosts h;
    int status = hosts_parse(&h, list, why, sizeof why);
    return text_of(status, &h);
}

static const char *slurm(const char *list, const char *tasks)
{
    hosts h;
    int status = hosts_of_slurm(&h, list, tasks, why, sizeof why);
    return text_of(status, &h);
}

static const char *shared(const char *list, int ranks, bool oversubscribe)
{
    hosts h;
    assert_int_equal(hosts_parse(&h, list, why, sizeof why), 0);
    int status = hosts_share(&h, ranks, oversubscribe, why, sizeof why);
    if (status < 0) hosts_free(&h);
    return text_of(status, &h);
}

static const char *file(const char *content)
{
    char path[] = "/tmp/trireme-hosts-XXXXXX";
    FILE *out = fdopen(mkstemp(path), "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
    hosts h;
    int status = hosts_read(&h, path, why, sizeof why);
    unlink(path);
    return text_of(status, &h);
}

TEST(a_list_is_read)
{
    assert_string_equal(parsed("a:2,b:3"), "a:2,b:3");
    assert_string_equal(parsed("a,b.c-d_e"), "a:0,b.c-d_e:0");
    assert_string_equal(parsed("n[09-11,3]:2,z"), "n09:2,n10:2,n11:2,n3:2,z:0");
    assert_string_equal(parsed("r[1-2]n[1-2]"), "r1n1:0,r1n2:0,r2n1:0,r2n2:0");
}

TEST(a_host_named_twice_counts_twice)
{
    assert_string_equal(parsed("a,a,b"), "a:2,b:0");
    assert_string_equal(parsed("a:2,b:1,a:3"), "a:5,b:1");
}

TEST(what_is_no_list_is_refused)
{
    static const char *const bad[] = {"", ",", "a,", "a:", "a:0", "a:x", "a:-1", "a:99999999999", "-x", "a b", "a;b", "n[1", "n[]", "n[2-1]", "n[a]", "n[1-]", "n[0-999999999]", "$(id)"};
    hosts h;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(hosts_parse(&h, bad[i], why, sizeof why), -1);
    assert_non_null(strstr(parsed("a,b:x"), "'b:x' is no host"));
}

TEST(a_hostfile_is_read)
{
    assert_string_equal(file("# ours\na slots=2\n\nb:3 # the other\n  c\n"), "a:2,b:3,c:0");
    assert_non_null(strstr(file("a\nb slots=many\n"), ":2: 'b slots=many' is no host"));
    assert_non_null(strstr(file("a 2\n"), "is no host"));
    assert_non_null(strstr(file("a slots=2 max_slots=4\n"), "is no host"));
    assert_non_null(strstr(file("# nobody\n"), "names no host"));
}

TEST(slurms_lists_are_read)
{
    assert_string_equal(slurm("node[01-03],login", "2(x3),1"), "node01:2,node02:2,node03:2,login:1");
    assert_string_equal(slurm("a,b", NULL), "a:0,b:0");
    assert_string_equal(slurm("a,b", "4"), "a:4,b:0");
    assert_non_null(strstr(slurm("a,b", "x"), "SLURM_TASKS_PER_NODE"));
}

TEST(hosts_are_filled_in_their_order)
{
    assert_string_equal(shared("a:2,b:2", 0, false), "a:2,b:2");
    assert_string_equal(shared("a:2,b:2", 3, false), "a:2,b:1");
    assert_string_equal(shared("a:2,b:2", 2, false), "a:2");
    assert_string_equal(shared("a,b,c", 0, false), "a:1,b:1,c:1");
    assert_string_equal(shared("a,b,c", 8, false), "a:3,b:3,c:2");
    assert_string_equal(shared("a:2,b,c", 5, false), "a:2,b:2,c:1");
    assert_string_equal(shared("a,b", 1, false), "a:1");
}

TEST(more_ranks_than_slots_are_refused_unless_asked_for)
{
    assert_string_equal(shared("a:2,b:2", 5, false), "5 ranks, but the hosts have 4 slots; --oversubscribe allows it");
    assert_string_equal(shared("a:2,b:2", 7, true), "a:4,b:3");
}

TEST(this_host_is_known)
{
    char here[256] = "";
    gethostname(here, sizeof here - 1);
    assert_true(host_is_here("localhost"));
    assert_true(host_is_here(here));
    assert_false(host_is_here("surely-not-this-one"));
}

// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* What trireme doctor makes of what it finds: judged, sent from host to host, compared. */
#include "test.h"

#include "launcher/cuda.h"
#include "launcher/doctor.h"

#include <stdio.h>
#include <stdlib.h>

TEST(a_finding_arrives_as_it_was_sent)
{
    findings f = {0};
    finding there;
    char text[700];
    found(&f, WARNING, "/dev/shm", "make it larger", "%s of %d MiB,\nnext line", "too little", 64);
    found_must_agree(&f, PROBLEM);
    finding_write(&f.at[0], text);
    assert_int_equal(finding_read(&there, text), 0);
    assert_int_equal(there.grade, WARNING);
    assert_int_equal(there.differs, PROBLEM);
    assert_string_equal(there.subject, "/dev/shm");
    assert_string_equal(there.text, "too little of 64 MiB, next line");
    assert_string_equal(there.advice, "make it larger");
    findings_free(&f);
}

TEST(what_is_no_finding_is_refused)
{
    static const char *const bad[] = {"", "0 0", "0 0\na", "0 0\na\nb", "3 0\na\nb\nc", "0 -1\na\nb\nc", "x\na\nb\nc"};
    finding there;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", bad[i]);
        assert_int_equal(finding_read(&there, text), -1);
    }
}

static void say(doctor_visit *v, const char *name, const char *version)
{
    *v = (doctor_visit){.reached = true};
    snprintf(v->host, sizeof v->host, "%s", name);
    found(&v->found, FINE, "driver", NULL, "the same");
    found_must_agree(&v->found, WARNING);
    found(&v->found, FINE, "NCCL", NULL, "%s", version);
    found_must_agree(&v->found, PROBLEM);
    found(&v->found, FINE, "memory", NULL, "of %s alone", name);
}

TEST(versions_that_differ_are_named_with_their_hosts)
{
    doctor_visit v[4];
    findings f = {0};
    const char *const versions[] = {"2.28.9", "2.28.9", "2.27.3", "2.28.9"};
    char name[2] = "a";
    for (int i = 0; i < 4; i++, name[0]++) say(&v[i], name, versions[i]);
    doctor_compare(&f, v, 4);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.at[0].grade, PROBLEM);
    assert_string_equal(f.at[0].subject, "NCCL");
    assert_string_equal(f.at[0].text, "not the same: 2.28.9 on a, b, d; 2.27.3 on c");
    findings_free(&f);
    doctor_compare(&f, v, 2);
    assert_int_equal(f.count, 0);
    for (int i = 0; i < 4; i++) findings_free(&v[i].found);
}

static grade of_shm(int64_t mib, int ranks)
{
    findings f = {0};
    doctor_judge_shm(&f, mib << 20, mib << 20, ranks);
    grade g = f.at[0].grade;
    findings_free(&f);
    return g;
}

TEST(a_containers_shared_memory_is_enough_for_few_ranks)
{
    assert_int_equal(of_shm(64, 4), FINE);
    assert_int_equal(of_shm(64, 5), WARNING);
    assert_int_equal(of_shm(0, 1), WARNING);
}

TEST(code_serves_the_gpus_that_it_was_compiled_for)
{
    static const char usual[] = "75-real,80-real,90-real,90-virtual";
    assert_true(cuda_code_serves(usual, 75));
    assert_true(cuda_code_serves(usual, 86)); /* 8.0's code */
    assert_true(cuda_code_serves(usual, 90));
    assert_true(cuda_code_serves(usual, 120)); /* the driver compiles it */
    assert_false(cuda_code_serves(usual, 70));
    assert_false(cuda_code_serves("80-real", 90));
    assert_true(cuda_code_serves("80", 90));
    assert_false(cuda_code_serves("90", 80));
    assert_true(cuda_code_serves("90a", 90));
    assert_false(cuda_code_serves("90a", 100));
    assert_false(cuda_code_serves("86-real", 80));
    assert_true(cuda_code_serves("native", 90));
    assert_false(cuda_code_serves("", 90));
}

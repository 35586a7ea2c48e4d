// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* What trireme doctor measures between two hosts, here two processes, and what it makes of lines, clocks and addresses. */
#include "test.h"

#include "launcher/doctor_network.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- measuring ---- */

/* A listening socket; its address has the loopback's number in place of this machine's others. */
static int listen_here(char address[WIRE_ADDRESS_BYTES])
{
    int fd = wire_listen(true, address);
    assert_true(fd >= 0);
    snprintf(strchr(strchr(address, ':') + 1, ':'), 16, ":127.0.0.1"); /* KEY tcp:PORT:... */
    return fd;
}

/* Another process answers until it is killed. */
static pid_t serve(int fd, const char *address)
{
    pid_t other = fork();
    if (other) return other;
    for (struct pollfd waits = {.fd = fd, .events = POLLIN};;)
        if (poll(&waits, 1, -1) > 0) network_serve(fd, address);
}

/* What is measured by one who knows the key, or not. */
static network_pair measure(bool knows)
{
    char address[WIRE_ADDRESS_BYTES];
    network_pair p = {0};
    int fd = listen_here(address);
    pid_t other = serve(fd, address);
    if (!knows) address[0] = '?';
    network_measure(&p, address);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    close(fd);
    return p;
}

TEST(a_line_is_measured_in_both_directions)
{
    network_pair p = measure(true);
    assert_string_equal(p.why, "");
    assert_true(p.us > 0 && p.out_gbit > 0 && p.in_gbit > 0);
}

TEST(nobody_is_answered_without_the_key)
{
    network_pair p = measure(false);
    assert_string_not_equal(p.why, "");
}

TEST(nobody_there_is_an_error)
{
    char address[WIRE_ADDRESS_BYTES];
    network_pair p = {0};
    close(listen_here(address));
    network_measure(&p, address);
    assert_string_equal(p.why, "Connection refused");
}

/* ---- judging ---- */

static findings f; /* of the running test */

/* The i-th finding is this, and says that. */
static void assert_found(int i, grade g, const char *text)
{
    assert_true(i < f.count);
    assert_int_equal(f.at[i].grade, g);
    if (!strstr(f.at[i].text, text)) assert_string_equal(f.at[i].text, text);
}

#define PAIR(a, b, rtt, out, in)                                               \
 {                                                                             \
  .from = a, .to = b, .named = true, .us = rtt, .out_gbit = out, .in_gbit = in \
 }

TEST(each_of_a_few_good_lines_is_told)
{
    findings_free(&f);
    network_judge(&f, (network_pair[]){PAIR("a", "b", 50, 9.4, 9.1)}, 1);
    assert_int_equal(f.count, 1);
    assert_found(0, FINE, "a - b: 50 us there and back, 9.4 Gbit/s there, 9.1 back");
}

TEST(many_are_told_together_but_the_slow_one)
{
    findings_free(&f);
    network_pair p[] = {PAIR("a", "b", 50, 9.4, 9.1), PAIR("b", "c", 60, 9.3, 9.2), PAIR("c", "d", 55, 0.94, 0.93), PAIR("d", "a", 52, 9.4, 9.4)};
    network_judge(&f, p, 4);
    assert_int_equal(f.count, 2);
    assert_found(0, WARNING, "c - d: 0.93 Gbit/s, most pairs 9.2");
    assert_found(1, FINE, "4 pairs: 50 to 60 us there and back, 0.93 to 9.4 Gbit/s");
}

TEST(a_line_that_is_slow_one_way_is_a_warning)
{
    findings_free(&f);
    network_judge(&f, (network_pair[]){PAIR("a", "b", 50, 9.4, 0.9)}, 1);
    assert_found(0, WARNING, "a - b: 9.4 Gbit/s there, 0.9 back");
}

TEST(so_is_a_long_way)
{
    findings_free(&f);
    network_judge(&f, (network_pair[]){PAIR("a", "b", 12000, 9.4, 9.4)}, 1);
    assert_found(0, WARNING, "a - b: 12 ms there and back");
    findings_free(&f);
    network_judge(&f, (network_pair[]){PAIR("a", "b", 50, 9, 9), PAIR("b", "c", 50, 9, 9), PAIR("c", "a", 500, 9, 9)}, 3);
    assert_found(2, WARNING, "c - a: 500 us there and back, most pairs 50");
}

TEST(the_limits_are_half_and_a_millisecond)
{
    const network_pair near[] = {PAIR("a", "b", 50, 9.4, 4.8), PAIR("a", "b", 990, 9.4, 9.4)};
    const network_pair beyond[] = {PAIR("a", "b", 50, 9.4, 4.6), PAIR("a", "b", 1010, 9.4, 9.4)};
    for (int i = 0; i < 2; i++) {
        findings_free(&f);
        network_judge(&f, &near[i], 1);
        assert_found(0, FINE, "a - b");
        findings_free(&f);
        network_judge(&f, &beyond[i], 1);
        assert_found(0, WARNING, "a - b");
    }
}

TEST(a_host_that_cannot_be_reached_is_a_problem)
{
    findings_free(&f);
    network_pair p[] = {PAIR("a", "b", 0, 0, 0), PAIR("b", "a", 50, 9, 9)};
    snprintf(p[0].why, sizeof p[0].why, "Connection timed out");
    network_judge(&f, p, 2);
    assert_found(0, PROBLEM, "a cannot reach b: Connection timed out");
    assert_found(1, FINE, "b - a");
}

TEST(a_name_that_is_not_known_is_a_warning)
{
    findings_free(&f);
    network_pair p = PAIR("a", "b", 50, 9, 9);
    p.named = false;
    network_judge(&f, &p, 1);
    assert_found(1, WARNING, "a does not know the name b");
}

TEST(clocks_that_differ_are_named)
{
    findings_free(&f);
    const char *const hosts[] = {"a", "b", "c"};
    network_judge_clocks(&f, hosts, (double[]){0.00195, 0.0001, 0}, 3);
    assert_found(0, FINE, "less than 2 ms apart");
    network_judge_clocks(&f, hosts, (double[]){0, 0.049, 0}, 3);
    assert_found(1, FINE, "apart");
    network_judge_clocks(&f, hosts, (double[]){0, 0.051, 0}, 3);
    assert_found(2, WARNING, "b is 0.051 s ahead of a");
    network_judge_clocks(&f, hosts, (double[]){0, -2.25, 0.25}, 3);
    assert_found(3, WARNING, "c is 2.5 s ahead of b");
    network_judge_clocks(&f, hosts, (double[]){0}, 1);
    assert_int_equal(f.count, 4);
}

TEST(an_address_that_two_hosts_have_is_a_warning)
{
    findings_free(&f);
    const char *const hosts[] = {"a", "b", "c"};
    network_judge_addresses(&f, hosts, (const char *[]){"k tcp:1:10.0.0.1,fd00::1", "k tcp:2:10.0.0.2,172.17.0.1", "k tcp:3:10.0.0.3,172.17.0.11"}, 3);
    assert_int_equal(f.count, 0);
    network_judge_addresses(&f, hosts, (const char *[]){"k tcp:1:10.0.0.1", "k tcp:2:10.0.0.2,172.17.0.1", "k tcp:3:172.17.0.1,10.0.0.3"}, 3);
    assert_found(0, WARNING, "172.17.0.1 is an address of b and of c");
}

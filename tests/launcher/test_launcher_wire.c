// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* The line between trireme run and its ranks: frames come whole, in order, and a bad one is found out. */
#include "test.h"

#include "launcher/wire.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

static wire ours, theirs;

static void connected(bool network)
{
    char address[WIRE_ADDRESS_BYTES], key[WIRE_KEY_BYTES];
    int listening = wire_listen(network, address);
    if (network && strchr(address, ':')[1] && address[strlen(address) - 1] == ':') skip_because("no network but the loopback");
    assert_true(listening >= 0);
    assert_int_equal(wire_connect(&theirs, address, key), 0);
    struct pollfd waits = {.fd = listening, .events = POLLIN};
    assert_int_equal(poll(&waits, 1, 5000), 1);
    assert_true(wire_accept(&ours, listening));
    assert_int_equal(strlen(key), WIRE_KEY_BYTES - 1);
    assert_memory_equal(key, address, WIRE_KEY_BYTES - 1);
    wire_close(&(wire){.fd = listening});
}

static int next_within(wire *w, char **data, size_t *bytes)
{
    for (int i = 0; i < 1000; i++) {
        int type = wire_next(w, data, bytes);
        if (type != 0) return type;
        struct pollfd waits = {.fd = w->fd, .events = POLLIN};
        wire_flush(&theirs);
        poll(&waits, 1, 10);
        if (wire_read(w) < 0) return wire_next(w, data, bytes);
    }
    return 0;
}

static void frames_pass(bool network)
{
    char *data, *large = calloc(1, 900000);
    size_t bytes;
    memset(large, 'x', 900000);
    connected(network);
    wire_print(&theirs, WIRE_SAID, "rank %d", 7);
    wire_send(&theirs, WIRE_OUT, large, 900000);
    wire_send(&theirs, WIRE_BEAT, NULL, 0);
    assert_int_equal(next_within(&ours, &data, &bytes), WIRE_SAID);
    assert_string_equal(data, "rank 7");
    assert_int_equal(next_within(&ours, &data, &bytes), WIRE_OUT);
    assert_int_equal(bytes, 900000);
    assert_memory_equal(data, large, bytes);
    assert_int_equal(next_within(&ours, &data, &bytes), WIRE_BEAT);
    assert_int_equal(bytes, 0);
    assert_int_equal(wire_next(&ours, &data, &bytes), 0);
    assert_int_equal(wire_unsent(&theirs), 0);
    wire_close(&theirs);
    wire_close(&ours);
    free(large);
}

TEST(frames_pass_within_a_host) { frames_pass(false); }
TEST(frames_pass_over_tcp) { frames_pass(true); }

TEST(what_is_no_frame_is_found_out)
{
    char *data;
    size_t bytes;
    connected(false);
    assert_int_equal(send(theirs.fd, "GET / HTTP/1.1\r\n", 16, 0), 16);
    assert_int_equal(next_within(&ours, &data, &bytes), -1);
    wire_close(&theirs);
    wire_close(&ours);
}

TEST(a_closed_line_is_seen_after_its_last_frame)
{
    char *data;
    size_t bytes;
    connected(false);
    wire_print(&theirs, WIRE_EXIT, "0 0 0");
    wire_close(&theirs);
    assert_int_equal(next_within(&ours, &data, &bytes), WIRE_EXIT);
    assert_int_equal(wire_read(&ours), -1);
    wire_close(&ours);
}

TEST(addresses_that_are_none_are_refused)
{
    static const char *const bad[] = {"", "x", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef ",
                                      "0123456789abcdef0123456789abcdef tcp:", "0123456789abcdef0123456789abcdef tcp:1:nowhere",
                                      "0123456789abcdef0123456789abcdef unix:trireme-no-such-name", "0123456789abcdef0123456789abcdef smoke:1:2"};
    char key[WIRE_KEY_BYTES];
    wire w;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(wire_connect(&w, bad[i], key), -1);
}

/* What trireme doctor starts on each host: tells what it finds there, then measures as it is told. */
#include "launcher/doctor.h"
#include "launcher/doctor_network.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void tell_findings(wire *line)
{
    char text[700];
    findings all = {0};
    doctor_wish wish = doctor_wish_read(getenv(DOCTOR_WISH));
    if (wish.env_threads) {
        snprintf(text, sizeof text, "%d", wish.env_threads);
        setenv("OMP_NUM_THREADS", text, 1);
    } else {
        unsetenv("OMP_NUM_THREADS"); /* which trireme run has set for this process */
    }
    doctor_host(&all, wish);
    for (int i = 0; i < all.count; i++) {
        finding_write(&all.at[i], text);
        wire_print(line, DOCTOR_FINDING, "%s", text);
    }
    findings_free(&all);
}

static bool knows(const char *name)
{
    struct addrinfo *found_at = NULL;
    if (getaddrinfo(name, NULL, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found_at) != 0) return false;
    freeaddrinfo(found_at);
    return true;
}

/* "name\naddress" */
static void measure(wire *line, char *text)
{
    char *address = strchr(text, '\n');
    network_pair pair = {0};
    if (!address) return;
    *address++ = 0;
    network_measure(&pair, address);
    wire_print(line, DOCTOR_MEASURED, "%d %.9g %.9g %.9g %s", knows(text), pair.us, pair.out_gbit, pair.in_gbit, pair.why);
}

static void tell_time(wire *line)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    wire_print(line, DOCTOR_CLOCK, "%lld", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
}

/* false: it is over. */
static bool heed(wire *line)
{
    char *data;
    size_t bytes;
    bool down = wire_read(line) < 0;
    for (int type; (type = wire_next(line, &data, &bytes)) != 0;) {
        if (type == DOCTOR_CLOCK) tell_time(line);
        if (type == DOCTOR_MEASURE) measure(line, data);
        if (type < 0 || type == DOCTOR_BYE) return false;
    }
    return !down;
}

int doctor_part(const char *index)
{
    const char *address = getenv(DOCTOR_ADDRESS);
    char key[WIRE_KEY_BYTES], ours[WIRE_ADDRESS_BYTES], here[254] = "";
    wire line;
    gethostname(here, sizeof here - 1);
    if (!address || strlen(address) <= WIRE_KEY_BYTES) fail(EXIT_USAGE, "doctor", "trireme doctor starts this");
    if (wire_connect(&line, address, key) < 0)
        fail(EXIT_FAILURE, "doctor", "%s cannot reach trireme doctor at %s: %s", here, address + WIRE_KEY_BYTES, strerror(errno));
    wire_print(&line, DOCTOR_HELLO, "%s%s", key, index);
    tell_findings(&line);
    int listening = wire_listen(true, ours);
    if (listening < 0) fail(EXIT_FAILURE, "doctor", "%s cannot listen to others: %s", here, strerror(errno));
    wire_print(&line, DOCTOR_READY, "%s", ours);
    for (bool on = true; on;) {
        struct pollfd waits[] = {{.fd = listening, .events = POLLIN}, {.fd = line.fd, .events = (short)(POLLIN | (wire_unsent(&line) ? POLLOUT : 0))}};
        if (poll(waits, 2, -1) < 0 && errno != EINTR) break;
        if (waits[0].revents) network_serve(listening, ours);
        wire_flush(&line);
        if (waits[1].revents & (POLLIN | POLLHUP | POLLERR)) on = heed(&line);
    }
    close(listening);
    wire_close(&line);
    return EXIT_SUCCESS;
}

/* The caller sends the key, then questions of a letter and a number: 'p' N: send N bytes back, one by one; 's' N: take N
 * MiB, then send a byte; 'r' N: send N MiB. */
#include "launcher/doctor_network.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { PINGS = 101,
       MOST_MIB = 256,
       PIECE = 1 << 20,
       SILENT_S = 5 };

static const double measured_s = 0.2;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- bytes; -1 with errno ---- */

static void make_blocking(int fd)
{
    struct timeval most = {.tv_sec = SILENT_S};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
}

static int send_all(int fd, const void *data, size_t bytes)
{
    for (const char *at = data; bytes > 0;) {
        ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

static int receive_all(int fd, void *data, size_t bytes)
{
    for (char *at = data; bytes > 0;) {
        ssize_t n = recv(fd, at, bytes, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ECONNRESET;
        if (n <= 0) return -1;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

static int move_mib(int fd, void *piece, int mib, bool out)
{
    for (int i = 0; i < mib; i++)
        if ((out ? send_all(fd, piece, PIECE) : receive_all(fd, piece, PIECE)) < 0) return -1;
    return 0;
}

/* ---- who answers ---- */

typedef struct {
    char what;
    unsigned char count[3]; /* lowest first */
} question;

static int answer(int fd, char *piece)
{
    question q;
    if (receive_all(fd, &q, sizeof q) < 0) return -1;
    int count = q.count[0] | q.count[1] << 8 | q.count[2] << 16;
    if (q.what == 's') return move_mib(fd, piece, count, false) < 0 ? -1 : send_all(fd, "", 1);
    if (q.what == 'r') return move_mib(fd, piece, count, true);
    for (int i = 0; i < count; i++)
        if (receive_all(fd, piece, 1) < 0 || send_all(fd, piece, 1) < 0) return -1;
    return q.what == 'p' ? 0 : -1;
}

void network_serve(int listening, const char *address)
{
    wire line;
    char key[WIRE_KEY_BYTES - 1], *piece = need_memory(PIECE, 1);
    if (wire_accept(&line, listening)) {
        make_blocking(line.fd);
        bool ours = receive_all(line.fd, key, sizeof key) == 0 && memcmp(key, address, sizeof key) == 0;
        while (ours && answer(line.fd, piece) == 0) continue;
        wire_close(&line);
    }
    free(piece);
}

/* ---- who asks ---- */

static int ask(int fd, char what, int count)
{
    question q = {what, {(unsigned char)count, (unsigned char)(count >> 8), (unsigned char)(count >> 16)}};
    return send_all(fd, &q, sizeof q);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *samples, int count)
{
    qsort(samples, (size_t)count, sizeof *samples, ascending);
    return samples[count / 2];
}

static int ping(int fd, double *us)
{
    double samples[PINGS];
    char byte = 'x';
    if (ask(fd, 'p', PINGS) < 0) return -1;
    for (int i = 0; i < PINGS; i++) {
        double begin = now_s();
        if (send_all(fd, &byte, 1) < 0 || receive_all(fd, &byte, 1) < 0) return -1;
        samples[i] = 1e6 * (now_s() - begin);
    }
    *us = median(samples, PINGS);
    return 0;
}

static int time_mib(int fd, void *piece, int mib, bool out, double *seconds)
{
    char done;
    double begin = now_s();
    if (ask(fd, out ? 's' : 'r', mib) < 0 || move_mib(fd, piece, mib, out) < 0) return -1;
    if (out && receive_all(fd, &done, 1) < 0) return -1;
    *seconds = now_s() - begin;
    return 0;
}

/* A first MiB says how many make a time worth taking. */
static int rate(int fd, void *piece, bool out, double *gbit)
{
    double seconds;
    if (time_mib(fd, piece, 1, out, &seconds) < 0) return -1;
    int mib = (int)(measured_s / (seconds > 1e-6 ? seconds : 1e-6));
    mib = mib < 1 ? 1 : mib > MOST_MIB ? MOST_MIB
                                       : mib;
    if (time_mib(fd, piece, mib, out, &seconds) < 0) return -1;
    *gbit = 8e-9 * mib * PIECE / seconds;
    return 0;
}

void network_measure(network_pair *pair, const char *address)
{
    wire line;
    char key[WIRE_KEY_BYTES], *piece = need_memory(PIECE, 1);
    *pair->why = 0;
    int status = wire_connect(&line, address, key);
    if (status == 0) {
        make_blocking(line.fd);
        status = send_all(line.fd, key, sizeof key - 1);
        if (status == 0) status = ping(line.fd, &pair->us);
        if (status == 0) status = rate(line.fd, piece, true, &pair->out_gbit);
        if (status == 0) status = rate(line.fd, piece, false, &pair->in_gbit);
    }
    if (status < 0) snprintf(pair->why, sizeof pair->why, "%s", errno == EAGAIN ? strerror(ETIMEDOUT) : strerror(errno));
    wire_close(&line);
    free(piece);
}

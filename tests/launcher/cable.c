/* The network between hosts that are network namespaces of this machine:
 *
 *     cable MBIT_PER_SECOND DELAY_US NAMESPACE...
 *
 * gives each a device eth0 (a tun device) and carries the IPv4 packets between them; the n-th host has an address that ends in
 * n.  A packet waits for its sender's link, takes length / rate on it, then the delay, then waits for its receiver's link.
 * Nothing is lost: where a sender's link is booked for more than a millisecond its device is not read, and TCP slows down. */
#define _GNU_SOURCE /* setns, ppoll */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS_MAX = 16,
       FRAME_MAX = 66 * 1024,
       HEADER = sizeof(struct virtio_net_hdr),
       IP_HEADER = 20,
       BOOKED_NS = 1000000 };

typedef struct packet {
    struct packet *next;
    int64_t due_ns;
    size_t bytes;
    unsigned char data[];
} packet;

typedef struct {
    int device;
    int64_t sends_until_ns, receives_until_ns; /* when its link is free again, each way */
    packet *first, **last;                     /* on their way to it */
} port;

static port ports[HOSTS_MAX];
static int hosts;

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "cable: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_device(const char *host)
{
    char path[300];
    snprintf(path, sizeof path, "/run/netns/%s", host);
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) != 0) stop(path);
    close(space);
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) stop("/dev/net/tun");
    struct ifreq wish = {.ifr_name = "eth0", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    if (ioctl(device, TUNSETIFF, &wish) != 0) stop("TUNSETIFF");
    if (ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) != 0) stop("TUNSETOFFLOAD");
    return device;
}

/* Hands over what has arrived. Returns when the next is due. */
static int64_t deliver(port *p, int64_t now)
{
    while (p->first && p->first->due_ns <= now) {
        packet *k = p->first;
        if (write(p->device, k->data, k->bytes) < 0 && errno == EAGAIN) break;
        p->first = k->next;
        if (!p->first) p->last = &p->first;
        free(k);
    }
    return p->first ? p->first->due_ns : INT64_MAX;
}

static void accept_packet(port *from, const unsigned char *frame, size_t bytes, double ns_per_byte, int64_t delay_ns, int64_t now)
{
    const unsigned char *ip = frame + HEADER;
    if (bytes < HEADER + IP_HEADER || ip[0] >> 4 != 4 || ip[19] < 1 || ip[19] > hosts) return;
    port *to = &ports[ip[19] - 1];
    packet *k = malloc(sizeof *k + bytes);
    if (!k) return;
    int64_t takes = (int64_t)((double)(bytes - HEADER) * ns_per_byte);
    from->sends_until_ns = (from->sends_until_ns < now ? now : from->sends_until_ns) + takes;
    int64_t comes = from->sends_until_ns + delay_ns, fits = to->receives_until_ns + takes;
    to->receives_until_ns = k->due_ns = comes > fits ? comes : fits;
    k->next = NULL;
    k->bytes = bytes;
    memcpy(k->data, frame, bytes);
    *to->last = k;
    to->last = &k->next;
}

int main(int argc, char **argv)
{
    hosts = argc - 3;
    double mbit = argc > 3 ? atof(argv[1]) : 0;
    if (hosts < 1 || hosts > HOSTS_MAX || !(mbit > 0)) {
        fprintf(stderr, "usage: cable MBIT_PER_SECOND DELAY_US NAMESPACE...\n");
        return 2;
    }
    double ns_per_byte = 8e3 / mbit;
    int64_t delay_ns = (int64_t)(1e3 * atof(argv[2]));
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* with the test that started it */
    for (int i = 0; i < hosts; i++) ports[i] = (port){.device = open_device(argv[3 + i]), .last = &ports[i].first};

    /* on time, ahead of ranks that spin */
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &first) != 0) setpriority(PRIO_PROCESS, 0, -20);

    static unsigned char frame[FRAME_MAX];
    for (;;) {
        struct pollfd polled[HOSTS_MAX];
        int64_t now = now_ns(), next = INT64_MAX;
        for (int i = 0; i < hosts; i++) {
            int64_t due = deliver(&ports[i], now), free_ns = ports[i].sends_until_ns - BOOKED_NS;
            if (due < next) next = due;
            if (free_ns > now && free_ns < next) next = free_ns;
            polled[i] = (struct pollfd){.fd = ports[i].device, .events = free_ns > now ? 0 : POLLIN};
        }
        int64_t wait = next > now ? next - now : 0;
        struct timespec until = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        if (ppoll(polled, (nfds_t)hosts, next == INT64_MAX ? NULL : &until, NULL) < 0 && errno != EINTR) stop("ppoll");
        now = now_ns();
        for (int i = 0; i < hosts; i++) {
            if (!(polled[i].revents & POLLIN)) continue;
            while (ports[i].sends_until_ns <= now + BOOKED_NS) {
                ssize_t bytes = read(ports[i].device, frame, sizeof frame);
                if (bytes <= 0) break;
                accept_packet(&ports[i], frame, (size_t)bytes, ns_per_byte, delay_ns, now);
            }
        }
    }
}

#include "dist/listen.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void dist_own_addresses(char *text, size_t bytes)
{
    struct ifaddrs *all = NULL;
    *text = 0;
    if (getifaddrs(&all) != 0) return;
    for (int family = 0; family < 2; family++) /* version 4 first */
        for (struct ifaddrs *i = all; i; i = i->ifa_next) {
            char one[64];
            if (!i->ifa_addr || i->ifa_addr->sa_family != (family ? AF_INET6 : AF_INET)) continue;
            if (!(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK) continue;
            socklen_t length = family ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
            if (getnameinfo(i->ifa_addr, length, one, sizeof one, NULL, 0, NI_NUMERICHOST) != 0 || strchr(one, '%')) continue;
            size_t used = strlen(text);
            if (used + strlen(one) + 2 < bytes) snprintf(text + used, bytes - used, "%s%s", used ? "," : "", one);
        }
    freeifaddrs(all);
}

static int close_for(int fd)
{
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
    return -1;
}

/* Both versions of IP on one socket, or the older alone. */
static int bind_any_port(void)
{
    int off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    struct sockaddr_in four = {.sin_family = AF_INET};
    if (fd >= 0) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&six, sizeof six) == 0) return fd;
    close_for(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && bind(fd, (struct sockaddr *)&four, sizeof four) == 0 ? fd : close_for(fd);
}

int dist_listen(int32_t *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } got = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof got;
    int fd = bind_any_port();
    if (fd < 0 || listen(fd, SOMAXCONN) != 0 || getsockname(fd, &got.any, &length) != 0) return close_for(fd);
    *port = ntohs(got.any.sa_family == AF_INET6 ? got.six.sin6_port : got.four.sin_port);
    return fd;
}

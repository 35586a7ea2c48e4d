/* What to make of times between hosts, of their clocks and of their addresses. */
#include "launcher/doctor_network.h"
#include "launcher/launcher.h"

#include <stdlib.h>
#include <string.h>

enum { EACH_SHOWN = 3,
       SLOW_SHOWN = 4 };

static const double long_us = 1000, clocks_s = 0.05;

/* ---- lines ---- */

static double slower(const network_pair *p) { return p->out_gbit < p->in_gbit ? p->out_gbit : p->in_gbit; }
static double faster(const network_pair *p) { return p->out_gbit > p->in_gbit ? p->out_gbit : p->in_gbit; }

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of those that were measured, ordered. */
static int sorted(double *values, const network_pair *pair, int pairs, bool rates)
{
    int count = 0;
    for (int i = 0; i < pairs; i++)
        if (!*pair[i].why) values[count++] = rates ? slower(&pair[i]) : pair[i].us;
    qsort(values, (size_t)count, sizeof *values, ascending);
    return count;
}

/* Half as fast as most, in whichever direction, or much longer on the way. */
static bool judge_slow(findings *f, const network_pair *p, double usual_gbit, double usual_us)
{
    static const char advice[] = "look at its cable and port (ethtool), and at what else crosses it";
    if (slower(p) < 0.5 * faster(p))
        found(f, WARNING, "network", advice, "%s - %s: %.3g Gbit/s there, %.3g back", p->from, p->to, p->out_gbit, p->in_gbit);
    else if (slower(p) < 0.5 * usual_gbit)
        found(f, WARNING, "network", advice, "%s - %s: %.3g Gbit/s, most pairs %.3g", p->from, p->to, slower(p), usual_gbit);
    else if (p->us > 3 * usual_us + 200)
        found(f, WARNING, "network", advice, "%s - %s: %.3g us there and back, most pairs %.3g", p->from, p->to, p->us, usual_us);
    else if (p->us > long_us)
        found(f, WARNING, "network", "are the hosts in one place? every sum waits as long, several times", "%s - %s: %.3g ms there and back, %.3g Gbit/s", p->from, p->to, 1e-3 * p->us, slower(p));
    else
        return false;
    return true;
}

void network_judge(findings *f, const network_pair *pair, int pairs)
{
    double *gbit = need_memory(pairs, sizeof *gbit), *us = need_memory(pairs, sizeof *us);
    int measured = sorted(gbit, pair, pairs, true), slow = 0;
    sorted(us, pair, pairs, false);
    for (int i = 0; i < pairs; i++) {
        const network_pair *p = &pair[i];
        if (*p->why)
            found(f, PROBLEM, "network", "ranks meet at whichever TCP port: let the firewall pass all between the hosts", "%s cannot reach %s: %s", p->from, p->to, p->why);
        else if (slow < SLOW_SHOWN && judge_slow(f, p, gbit[measured / 2], us[measured / 2]))
            slow++;
        else if (pairs <= EACH_SHOWN)
            found(f, FINE, "network", NULL, "%s - %s: %.3g us there and back, %.3g Gbit/s there, %.3g back", p->from, p->to, p->us, p->out_gbit, p->in_gbit);
        if (!p->named && !*p->why)
            found(f, WARNING, "names", "into DNS or /etc/hosts with it", "%s does not know the name %s", p->from, p->to);
    }
    if (pairs > EACH_SHOWN && measured)
        found(f, FINE, "network", NULL, "%d pairs: %.3g to %.3g us there and back, %.3g to %.3g Gbit/s", measured, us[0], us[measured - 1], gbit[0], gbit[measured - 1]);
    free(gbit);
    free(us);
}

/* ---- clocks ---- */

void network_judge_clocks(findings *f, const char *const *host, const double *ahead_s, int hosts)
{
    int first = 0, last = 0;
    if (hosts < 2) return;
    for (int i = 1; i < hosts; i++) {
        if (ahead_s[i] > ahead_s[first]) first = i;
        if (ahead_s[i] < ahead_s[last]) last = i;
    }
    double apart = ahead_s[first] - ahead_s[last];
    if (apart > clocks_s)
        found(f, WARNING, "clocks", "chrony or systemd-timesyncd on all of them: times of logs and files mislead (those of traces do not)", "%s is %.3g s ahead of %s", host[first], apart, host[last]);
    else
        found(f, FINE, "clocks", NULL, "less than %.2g ms apart", 1e3 * apart + 0.05);
}

/* ---- addresses ---- */

/* The next of "KEY tcp:PORT:1.2.3.4,5.6.7.8" at *at, which moves behind it. */
static bool next_address(const char **at, char one[64])
{
    size_t length = strcspn(*at, ",");
    if (length == 0) return false;
    snprintf(one, 64, "%.*s", (int)(length < 63 ? length : 63), *at);
    *at += length + ((*at)[length] == ',');
    return true;
}

static const char *list_of(const char *address)
{
    for (int colons = 0; *address && colons < 2; address++) colons += *address == ':';
    return address;
}

static bool has_address(const char *list, const char *wanted)
{
    char one[64];
    while (next_address(&list, one))
        if (strcmp(one, wanted) == 0) return true;
    return false;
}

void network_judge_addresses(findings *f, const char *const *host, const char *const *address, int hosts)
{
    char one[64];
    for (int i = 0; i < hosts; i++)
        for (const char *at = list_of(address[i]); next_address(&at, one);)
            for (int j = i + 1; j < hosts; j++) {
                if (!has_address(list_of(address[j]), one)) continue;
                found(f, WARNING, "network", "Open MPI and NCCL may try it in vain: -x OMPI_MCA_btl_tcp_if_exclude=lo,docker0 -x NCCL_SOCKET_IFNAME=^lo,docker0",
                      "%s is an address of %s and of %s (a bridge of containers?)", one, host[i], host[j]);
                return;
            }
}

#include "launcher/hosts.h"
#include "launcher/launcher.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANKS_MAX = 65536 };

static bool word_letter(char c) { return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '_'; }

static int add(hosts *h, const char *name, int ranks)
{
    if (*name == 0 || *name == '-' || strlen(name) >= sizeof h->host->name || h->hosts == HOSTS_MAX) return -1;
    for (const char *c = name; *c; c++)
        if (!word_letter(*c)) return -1;
    for (int i = 0; i < h->hosts; i++)
        if (strcmp(h->host[i].name, name) == 0) {
            h->host[i].ranks = (h->host[i].ranks ? h->host[i].ranks : 1) + (ranks ? ranks : 1);
            return h->host[i].ranks <= RANKS_MAX ? 0 : -1;
        }
    host *more = realloc(h->host, (size_t)(h->hosts + 1) * sizeof *more);
    if (!more) out_of_memory();
    h->host = more;
    h->host[h->hosts] = (host){.ranks = ranks};
    snprintf(h->host[h->hosts++].name, sizeof more->name, "%s", name);
    return 0;
}

/* Adds every host of a name with brackets, "n[01-03,7]x[1-2]": the first bracket is opened, the rest left to the next
 * call. Slurm writes names so. */
static int expand(hosts *h, const char *name, int ranks)
{
    const char *open = strchr(name, '['), *close = open ? strchr(open, ']') : NULL;
    if (!open) return add(h, name, ranks);
    if (!close || close == open + 1) return -1;
    for (const char *at = open + 1; at < close; at++) {
        char *end;
        if (!isdigit((unsigned char)*at)) return -1;
        long first = strtol(at, &end, 10), last = first;
        int digits = (int)(end - at);
        if (*end == '-') {
            if (!isdigit((unsigned char)end[1])) return -1;
            last = strtol(end + 1, &end, 10);
        }
        if ((*end != ',' && end != close) || last < first || last - first >= HOSTS_MAX || digits > 9) return -1;
        for (long i = first; i <= last; i++) {
            char one[600];
            int n = snprintf(one, sizeof one, "%.*s%0*ld%s", (int)(open - name), name, digits, i, close + 1);
            if (n >= (int)sizeof one || expand(h, one, ranks) < 0) return -1;
        }
        at = end;
    }
    return 0;
}

/* One entry of the list, "name" or "name:ranks"; length characters of text. */
static int entry(hosts *h, const char *text, size_t length)
{
    char name[600];
    int ranks = 0;
    if (length >= sizeof name) return -1;
    memcpy(name, text, length);
    name[length] = 0;
    char *colon = strrchr(name, ':'), *end = NULL;
    if (colon) {
        long count = strtol(colon + 1, &end, 10);
        if (!isdigit((unsigned char)colon[1]) || *end || count < 1 || count > RANKS_MAX) return -1;
        ranks = (int)count;
        *colon = 0;
    }
    return expand(h, name, ranks);
}

/* The length of the entry at text: to the next comma outside brackets. */
static size_t entry_length(const char *text)
{
    size_t n = 0;
    for (bool inside = false; text[n] && (text[n] != ',' || inside); n++) inside = text[n] == '[' || (inside && text[n] != ']');
    return n;
}

int hosts_parse(hosts *h, const char *text, char *why, size_t why_bytes)
{
    *h = (hosts){0};
    for (const char *at = text;; at++) {
        size_t length = entry_length(at);
        if (entry(h, at, length) < 0) {
            snprintf(why, why_bytes, "'%.*s' is no host; a list reads a:2,b:2 or node[01-04]:2", length < 60 ? (int)length : 60, at);
            hosts_free(h);
            return -1;
        }
        at += length;
        if (*at == 0) return 0;
    }
}

int hosts_read(hosts *h, const char *path, char *why, size_t why_bytes)
{
    char line[1024], name[700], word[32], extra[8];
    *h = (hosts){0};
    FILE *file = fopen(path, "r");
    if (!file) {
        snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
        return -1;
    }
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        line[strcspn(line, "#\n")] = 0;
        int words = sscanf(line, " %600s %31s %7s", name, word, extra);
        bool right = words <= 2;
        if (words == 2) right = strncmp(word, "slots=", 6) == 0 && !strchr(name, ':');
        if (right && words == 2) snprintf(name + strlen(name), 40, ":%s", word + 6);
        if (right && words >= 1) right = entry(h, name, strlen(name)) == 0;
        if (right) continue;
        snprintf(why, why_bytes, "%s:%d: '%.60s' is no host; a line reads a, a:2 or a slots=2", path, number, line);
        fclose(file);
        hosts_free(h);
        return -1;
    }
    int error = ferror(file) ? errno : 0; /* a folder opens, and cannot be read */
    fclose(file);
    if (error == 0 && h->hosts > 0) return 0;
    snprintf(why, why_bytes, "%s%s%s", path, error ? ": " : " names no host", error ? strerror(error) : "");
    hosts_free(h);
    return -1;
}

int hosts_of_slurm(hosts *h, const char *list, const char *tasks, char *why, size_t why_bytes)
{
    if (hosts_parse(h, list, why, why_bytes) < 0) return -1;
    for (int i = 0; tasks && *tasks && i < h->hosts;) {
        char *end;
        long count = strtol(tasks, &end, 10), times = 1;
        if (end[0] == '(' && end[1] == 'x') times = strtol(end + 2, &end, 10);
        if (*end == ')') end++;
        if (count < 1 || count > RANKS_MAX || times < 1 || (*end && *end != ',')) {
            snprintf(why, why_bytes, "SLURM_TASKS_PER_NODE: '%.60s' is not understood", tasks);
            hosts_free(h);
            return -1;
        }
        for (; times > 0 && i < h->hosts; times--) h->host[i++].ranks = (int)count;
        tasks = *end ? end + 1 : end;
    }
    return 0;
}

int hosts_ranks(const hosts *h)
{
    int sum = 0;
    for (int i = 0; i < h->hosts; i++) sum += h->host[i].ranks;
    return sum;
}

int hosts_share(hosts *h, int ranks, bool oversubscribe, char *why, size_t why_bytes)
{
    int said = hosts_ranks(h), silent = 0;
    for (int i = 0; i < h->hosts; i++) silent += h->host[i].ranks == 0;
    if (ranks == 0) ranks = said + silent;
    if (!silent && ranks > said && !oversubscribe) {
        snprintf(why, why_bytes, "%d ranks, but the hosts have %d slot%s; --oversubscribe allows it", ranks, said, said == 1 ? "" : "s");
        return -1;
    }
    int left = ranks;
    for (int i = 0; i < h->hosts; i++) { /* first those that say how many */
        if (h->host[i].ranks == 0) continue;
        if (h->host[i].ranks > left) h->host[i].ranks = left;
        if (h->host[i].ranks == 0)
            h->host[i].ranks = -1; /* full before its turn */
        else
            left -= h->host[i].ranks;
    }
    int sharing = silent ? silent : h->hosts, turn = 0;
    for (int i = 0; i < h->hosts; i++) {
        if (silent && h->host[i].ranks != 0) continue;
        h->host[i].ranks += left / sharing + (turn++ < left % sharing);
    }
    int kept = 0;
    for (int i = 0; i < h->hosts; i++)
        if (h->host[i].ranks > 0) h->host[kept++] = h->host[i];
    h->hosts = kept;
    return 0;
}

char *hosts_text(const hosts *h)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) out_of_memory();
    for (int i = 0; i < h->hosts; i++) fprintf(out, "%s%s:%d", i ? "," : "", h->host[i].name, h->host[i].ranks);
    if (fclose(out) != 0) out_of_memory();
    return text;
}

bool host_is_here(const char *name)
{
    char here[254] = "";
    if (strcmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0) return true;
    if (gethostname(here, sizeof here - 1) != 0) return false;
    size_t shorter = strcspn(here, "."), given = strcspn(name, ".");
    if (name[given] && here[shorter]) return strcmp(name, here) == 0;
    return shorter == given && strncmp(name, here, given) == 0 && !isdigit((unsigned char)name[0]);
}

hosts hosts_wanted(const char *command, const char *list, const char *file, int *ranks, bool oversubscribe)
{
    char why[300];
    hosts h = {0};
    const char *slurm = getenv("SLURM_JOB_NODELIST"), *nodes = getenv("SLURM_JOB_NUM_NODES"), *tasks = getenv("SLURM_NTASKS");
    int status = 0;
    if (list)
        status = hosts_parse(&h, list, why, sizeof why);
    else if (file)
        status = hosts_read(&h, file, why, sizeof why);
    else if (slurm && nodes && atoi(nodes) > 1)
        status = hosts_of_slurm(&h, slurm, getenv("SLURM_TASKS_PER_NODE"), why, sizeof why);
    else if (nodes && tasks && !*ranks && atoi(tasks) > 0)
        *ranks = atoi(tasks);
    if (status == 0 && h.hosts > 0) status = hosts_share(&h, *ranks, oversubscribe, why, sizeof why);
    if (status < 0) fail(EXIT_USAGE, command, "%s", why);
    if (h.hosts == 0) return h;
    *ranks = hosts_ranks(&h);
    if (h.hosts == 1 && host_is_here(h.host[0].name)) hosts_free(&h);
    return h;
}

void hosts_free(hosts *h)
{
    free(h->host);
    *h = (hosts){0};
}

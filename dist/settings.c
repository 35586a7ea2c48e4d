#include "dist/settings.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <trireme/error.h>

typedef struct {
    const char *variable, *expected;
    double usual, least, most;
    bool whole;
} setting;

static const setting limit = {"TRIREME_TIMEOUT", "seconds, or 0: for ever", 60, 0, 1e9, false};
static const setting host_ranks = {"TRIREME_HOST_RANKS", "a number of ranks", 0, 0, 1e9, true};
static const setting window = {"TRIREME_WINDOW", "bytes, 64 to 2 GiB", 0, 64, 2147483648, true};

static bool reads(const setting *s, double *value)
{
    const char *text = getenv(s->variable);
    char *end;
    *value = s->usual;
    if (!text || !*text) return true;
    double number = strtod(text, &end);
    bool good = end != text && *end == '\0' && number >= s->least && number <= s->most && (!s->whole || number == floor(number));
    if (good) *value = number;
    return good;
}

static double value_of(const setting *s)
{
    double value;
    reads(s, &value);
    return value;
}

double dist_limit(void) { return value_of(&limit); }
int64_t dist_host_ranks(void) { return (int64_t)value_of(&host_ranks); }
int64_t dist_window_bytes(void) { return (int64_t)value_of(&window); }

int dist_settings_check(void)
{
    static const setting *const all[] = {&limit, &host_ranks, &window};
    double value;
    for (int i = 0; i < 3; i++) {
        if (reads(all[i], &value)) continue;
        tr_fail("%s=%s: expected %s", all[i]->variable, getenv(all[i]->variable), all[i]->expected);
        return -1;
    }
    return 0;
}

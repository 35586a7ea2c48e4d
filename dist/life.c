#include "dist/life.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { SILENT_MS = 1500 };

char dist_state_of(int32_t pid)
{
    char name[64], text[512] = "";
    snprintf(name, sizeof name, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *name_end = strrchr(text, ')'); /* the program's name may hold anything */
    return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}

double dist_silent_s(const dist_page *p) { return dist_now() - 1e-3 * (double)atomic_load(&p->beat_ms); }

static char state_of(const dist_page *p)
{
    int32_t pid = atomic_load(&p->pid);
    if (p->told) return p->told;
    if (kill(pid, 0) != 0 && errno == ESRCH) return DIST_TOLD_ENDED;
    return dist_state_of(pid);
}

dist_life dist_life_of(const dist_page *p)
{
    switch (state_of(p)) {
    case 'Z':
    case DIST_TOLD_ENDED: return DIST_ENDED;
    case 'T':
    case 't': return DIST_STOPPED;
    case DIST_TOLD_MUTE: return DIST_SILENT;
    case DIST_TOLD_UNREACHED: return DIST_UNREACHED;
    default: return dist_silent_s(p) * 1e3 > SILENT_MS ? DIST_SILENT : DIST_ALIVE;
    }
}

static const char *alive_words(char state)
{
    if (state == 'R') return "runs code of its own (an endless loop, or work that takes longer)";
    return state == 'D' ? "waits for a disk" : "sleeps in code of its own (it waits for something else)";
}

const char *dist_life_words(const dist_page *p, char *text, size_t bytes)
{
    long pid = (long)atomic_load(&p->pid);
    char state = state_of(p);
    switch (dist_life_of(p)) {
    case DIST_ENDED: snprintf(text, bytes, "its process %ld has ended", pid); break;
    case DIST_STOPPED:
        snprintf(text, bytes, "its process %ld is stopped (as by kill -STOP or a debugger), last sign of life %.1f s ago", pid, dist_silent_s(p));
        break;
    case DIST_SILENT:
        if (state == DIST_TOLD_MUTE)
            snprintf(text, bytes, "its process %ld does not answer, though its host does: it is stopped (as by kill -STOP or a debugger)", pid);
        else
            snprintf(text, bytes, "its process %ld has given no sign of life for %.1f s", pid, dist_silent_s(p));
        break;
    case DIST_UNREACHED: snprintf(text, bytes, "nothing comes from its host, which is down, or cut off, or lets nobody in"); break;
    case DIST_ALIVE: snprintf(text, bytes, "its process %ld is alive and %s", pid, alive_words(state)); break;
    }
    return text;
}

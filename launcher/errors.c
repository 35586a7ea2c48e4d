#include "launcher/launcher.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void fail(int status, const char *command, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "trireme%s%s: ", command ? " " : "", command ? command : "");
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(status);
}

void fail_usage(const char *command, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "trireme %s: ", command);
    vfprintf(stderr, format, values);
    fprintf(stderr, "\n'trireme %s --help' explains it\n", command);
    va_end(values);
    exit(EXIT_USAGE);
}

void fail_option(const char *command, int reported, char **argv)
{
    /* a short option stands in optopt and may be one of several in its word */
    char letter[3] = {'-', (char)optopt, 0};
    const char *option = optopt > 0 && optopt < 256 && argv[optind - 1][1] != '-' ? letter : argv[optind - 1];
    if (reported == ':') fail_usage(command, "%s needs a value", option);
    fail_usage(command, "no option %s", option);
}

int count_option(const char *command, const char *option, const char *text)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);
    if (end == text || *end != 0 || value < 1 || value > 65536)
        fail_usage(command, "%s %s: a whole number from 1 to 65536 is needed", option, text);
    return (int)value;
}

void out_of_memory(void)
{
    fputs("trireme: out of memory\n", stderr);
    exit(EXIT_FAILURE);
}

void *need_memory(int count, size_t bytes_each)
{
    void *memory = calloc(count > 0 ? (size_t)count : 1, bytes_each);
    if (!memory) out_of_memory();
    return memory;
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void log_path(char *path, size_t bytes, const char *folder, int rank, int ranks)
{
    char last[16];
    int digits = snprintf(last, sizeof last, "%d", ranks > 1 ? ranks - 1 : 0);
    snprintf(path, bytes, "%s/rank-%0*d.log", folder, digits, rank);
}

void launcher_self(char *path, size_t bytes)
{
    ssize_t length = readlink("/proc/self/exe", path, bytes - 1);
    if (length < 0) fail(EXIT_FAILURE, NULL, "cannot tell where the trireme command stands: %s", strerror(errno));
    path[length] = 0;
}

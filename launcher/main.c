#include "launcher/launcher.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: not shown */
} commands[] = {
    {"run", launcher_run, "start a program on N ranks: trireme run -n 2 ./digits"},
    {"topo", launcher_topo, "show this machine and where N ranks would sit"},
    {"doctor", launcher_doctor, "look for what would keep a job from running well, and say what to do"},
    {"bench", launcher_bench, "measure how training scales over ranks, and predict more of them"},
    {"trace", launcher_trace, "join the traces of a job's ranks: trireme trace merge DIR"},
    {"info", launcher_info, "show the version, how it was built and what it finds"},
    {"rank", launcher_rank, NULL},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
    fputs("usage: trireme COMMAND [options]\n\n", out);
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i].summary) fprintf(out, "  %-6s %s\n", commands[i].name, commands[i].summary);
    fputs("\n  trireme COMMAND --help    explain a command\n"
          "  trireme --version         print the version\n",
          out);
}

static bool asks_for_help(const char *name) { return strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0; }

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";
    char dash_dash_help[] = "--help", *help_argv[] = {argv[0], argv[argc - 1], dash_dash_help, NULL};
    if (asks_for_help(name) && argc > 3) fail(EXIT_USAGE, name, "'%s': one command is explained at a time", argv[3]);
    if (asks_for_help(name) && argc == 3) { /* trireme help run */
        name = argv[2];
        argv = help_argv;
    }
    if (asks_for_help(name)) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(name, "--version") == 0) {
        printf("trireme %s\n", TRIREME_VERSION);
        return EXIT_SUCCESS;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);

    fprintf(stderr, "trireme: no command '%s'\n\n", name);
    print_help(stderr);
    return EXIT_USAGE;
}

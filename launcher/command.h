/* A command with its environment, built once, then shown or executed. */
#ifndef LAUNCHER_COMMAND_H
#define LAUNCHER_COMMAND_H

#include "launcher/plan.h"

#include <stdio.h>

typedef struct {
    struct {
        const char *name, *value; /* borrowed */
    } setting[24];
    int settings;
    char **arg; /* owns the list, borrows the words; ends in NULL */
    int args;
    char **owned; /* owned: words to free */
    int owns;
} command;

/* One word more. The command borrows it. */
void command_add(command *c, const char *word);
/* The same; the command frees it. */
void command_add_owned(command *c, char *word);

/* A setting that the caller's environment may already make: then theirs stands. */
void command_default(command *c, const char *name, const char *value);
/* A setting whatever the environment says. */
void command_set(command *c, const char *name, const char *value);

/* Writes the command as lines for a shell, settings first: env A=b mpirun ... */
void command_print(FILE *out, const command *c);

/* Becomes the command. Returns only on failure, with errno. */
void command_exec(const command *c);
void command_free(command *c);

/* Where the shell would find a program: an executable file. Writes its path
 * (bytes > 0) and returns 0, or EXIT_NOT_FOUND, or EXIT_CANNOT_EXECUTE. */
int program_find(const char *name, char *path, size_t bytes);

/* The mpirun to start ranks with: $TRIREME_MPIRUN, else mpirun on PATH. Returns as program_find. */
int mpirun_find(char *path, size_t bytes);

#endif

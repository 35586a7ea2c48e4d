#include "launcher/command.h"
#include "launcher/launcher.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void command_add(command *c, const char *word)
{
    char **longer = realloc(c->arg, (size_t)(c->args + 2) * sizeof *longer);
    if (!longer) out_of_memory();
    c->arg = longer;
    c->arg[c->args++] = (char *)word; /* execv's type; nobody writes to it */
    c->arg[c->args] = NULL;
}

void command_add_owned(command *c, char *word)
{
    char **longer = realloc(c->owned, (size_t)(c->owns + 1) * sizeof *longer);
    if (!longer) out_of_memory();
    c->owned = longer;
    c->owned[c->owns++] = word;
    command_add(c, word);
}

void command_set(command *c, const char *name, const char *value)
{
    if (c->settings == (int)(sizeof c->setting / sizeof c->setting[0])) return;
    c->setting[c->settings].name = name;
    c->setting[c->settings].value = value;
    c->settings++;
}

void command_default(command *c, const char *name, const char *value)
{
    if (!getenv(name)) command_set(c, name, value);
}

/* The word as a shell reads it back; the caller frees it. */
static char *quoted(const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) out_of_memory();
    if (*word && strspn(word, safe) == strlen(word)) {
        fputs(word, out);
    } else {
        fputc('\'', out);
        for (const char *at = word; *at; at++)
            if (*at == '\'')
                fputs("'\\''", out);
            else
                fputc(*at, out);
        fputc('\'', out);
    }
    if (fclose(out) != 0) out_of_memory();
    return text;
}

/* Writes one word; lines go on with a backslash before they grow past 78 columns. */
static void print_word(FILE *out, const char *word, int *column)
{
    char *text = quoted(word);
    int width = (int)strlen(text);
    if (*column > 0 && *column + 1 + width > 76) {
        fputs(" \\\n    ", out);
        *column = 4;
    } else if (*column > 0) {
        fputc(' ', out);
        *column += 1;
    }
    fputs(text, out);
    *column += width;
    free(text);
}

void command_print(FILE *out, const command *c)
{
    int column = 0;
    if (c->settings > 0) print_word(out, "env", &column);
    for (int i = 0; i < c->settings; i++) {
        size_t bytes = strlen(c->setting[i].name) + strlen(c->setting[i].value) + 2;
        char *setting = need_memory((int)bytes, 1);
        snprintf(setting, bytes, "%s=%s", c->setting[i].name, c->setting[i].value);
        print_word(out, setting, &column);
        free(setting);
    }
    for (int i = 0; i < c->args; i++) print_word(out, c->arg[i], &column);
    fputc('\n', out);
}

void command_exec(const command *c)
{
    for (int i = 0; i < c->settings; i++)
        if (setenv(c->setting[i].name, c->setting[i].value, 1) != 0) return;
    execvp(c->arg[0], c->arg);
}

void command_free(command *c)
{
    for (int i = 0; i < c->owns; i++) free(c->owned[i]);
    free(c->owned);
    free(c->arg);
    *c = (command){0};
}

static int look_at(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) return EXIT_NOT_FOUND;
    return S_ISREG(status.st_mode) && access(path, X_OK) == 0 ? 0 : EXIT_CANNOT_EXECUTE;
}

int program_find(const char *name, char *path, size_t bytes)
{
    if (strchr(name, '/')) {
        snprintf(path, bytes, "%s", name);
        return look_at(path);
    }
    const char *at = getenv("PATH");
    if (!at) at = "/usr/local/bin:/usr/bin:/bin";
    for (; *name; at++) {
        int length = (int)strcspn(at, ":");
        snprintf(path, bytes, "%.*s/%s", length ? length : 1, length ? at : ".", name);
        if (look_at(path) == 0) return 0;
        at += length;
        if (*at == 0) break;
    }
    snprintf(path, bytes, "%s", name);
    return EXIT_NOT_FOUND;
}

int mpirun_find(char *path, size_t bytes)
{
    const char *chosen = getenv("TRIREME_MPIRUN");
    return program_find(chosen && *chosen ? chosen : "mpirun", path, bytes);
}

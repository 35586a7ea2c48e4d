/* A folder of one's own for pictures, in which the test stands: a command that gets through leaves its file there. */
#ifndef PICTURES_H
#define PICTURES_H

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <trireme/report.h>

static char folder[64], *search_path;

BEFORE_ALL
{
    strcpy(folder, "/tmp/trireme_plot_XXXXXX");
    const char *path = getenv("PATH");
    search_path = strdup(path ? path : "/usr/bin");
    return mkdtemp(folder) && chdir(folder) == 0 && search_path ? 0 : 1;
}

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int files_in_folder(bool remove_them)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (*e->d_name != '.') {
            n++;
            if (remove_them) unlink(in_folder(e->d_name));
        }
    if (d) closedir(d);
    return n;
}

AFTER_ALL
{
    files_in_folder(true);
    free(search_path);
    return chdir("/") || rmdir(folder);
}

static unsigned char *read_file(const char *path, size_t *bytes)
{
    static unsigned char data[1 << 20];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *bytes = fread(data, 1, sizeof data - 1, file);
    data[*bytes] = '\0';
    fclose(file);
    return data;
}

/* A plot in characters. */
static const char *drawn(tr_plot *p, int columns, int rows, const char *locale)
{
    static char text[1 << 16];
    FILE *file = tmpfile();
    setenv("LC_ALL", locale, 1);
    assert_int_equal(tr_plot_text(p, file, columns, rows), 0);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

#endif

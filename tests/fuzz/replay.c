/* A fuzz target without libFuzzer: hands it every file of the folders named on the command line, and an empty input. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int replay(const char *path)
{
    int status = -1;
    uint8_t *data = NULL;
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) goto out;
    long bytes = ftell(file);
    if (bytes < 0) goto out;
    rewind(file);
    data = malloc(bytes ? (size_t)bytes : 1); /* just as large as the input, so that a read past its end is seen */
    if (!data || fread(data, 1, (size_t)bytes, file) != (size_t)bytes) goto out;
    LLVMFuzzerTestOneInput(data, (size_t)bytes);
    status = 0;
out:
    if (status < 0) perror(path);
    free(data);
    if (file) fclose(file);
    return status;
}

static int replay_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    if (!entries) {
        perror(folder);
        return -1;
    }
    int count = 0, status = 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_name[0] == '.') continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (replay(path) < 0) status = -1;
        count++;
    }
    closedir(entries);
    printf("%s: %d inputs\n", folder, count);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i]) < 0) status = 1;
    return status;
}

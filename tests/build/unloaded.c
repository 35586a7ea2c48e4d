/* unloaded LIBRARY: threads open libtrireme, use it, close it and end, again and again. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void find(void *library, const char *name, void *place)
{
    void *symbol = dlsym(library, name);
    memcpy(place, &symbol, sizeof symbol);
}

typedef struct {
    const char *path, *wrong;
} trial;

static const char *use(const char *path)
{
    int (*open_scope)(void);
    void (*close_scope)(int);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return "it does not open";
    find(library, "tr_scope_open", &open_scope);
    find(library, "tr_scope_close", &close_scope);
    if (!open_scope || !close_scope) return "it has no scopes";
    close_scope(open_scope());
    return dlclose(library) ? "it does not close" : NULL;
}

static void *in_thread(void *data)
{
    trial *t = data;
    t->wrong = use(t->path);
    return NULL;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc > 1 && i < 3; i++) {
        pthread_t thread;
        trial t = {argv[1], "no thread"};
        if (pthread_create(&thread, NULL, in_thread, &t) == 0) pthread_join(thread, NULL);
        if (!t.wrong) continue;
        fprintf(stderr, "%s: %s\n", t.path, t.wrong);
        return 1;
    }
    return argc < 2;
}

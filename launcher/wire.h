/* The line between trireme run and its part on every rank: frames of a type, a length and bytes, both ways, never
 * blocking. One host: a socket of the system's own; several: TCP. */
#ifndef LAUNCHER_WIRE_H
#define LAUNCHER_WIRE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    /* from a rank */
    WIRE_HELLO = 'h', /* wire_key, then "rank\nhost\nNUMA node\ncores\nthreads\nGPU\nCPUs" */
    WIRE_OUT = 'o',   /* the program's standard output, whole lines where it writes lines */
    WIRE_ERR = 'e',   /* and its standard error */
    WIRE_SAID = 's',  /* the line on standard error in which the library says why it ends all ranks */
    WIRE_EXIT = 'x',  /* "status signal asked": how the program ended, and whether it was asked to; then its last words */
    WIRE_START = 'i', /* what the library tells of its start: "init 60", "up" */
    WIRE_BEAT = 'b',  /* alive; and the letter of ps for its program */
    /* to a rank */
    WIRE_GO = 'g',     /* "seconds" after which a silent trireme run is dead: start the program */
    WIRE_SIGNAL = 'k', /* "number": hand it on to the program */
    WIRE_END = 't',    /* "seconds": end the program with SIGTERM, and after these with SIGKILL */
    WIRE_BYE = 'q',    /* all is known: go */
};

enum { WIRE_ADDRESS_BYTES = 2048,
       WIRE_KEY_BYTES = 33,       /* 128 random bits in hexadecimal */
       WIRE_FRAME_BYTES = 1 << 20 /* at most */
};

typedef struct {
    int fd; /* owned; -1: closed */
    struct wire_bytes {
        char *at; /* owned */
        size_t begin, end, room;
    } in, out, frame;
} wire;

/* A socket to be called at, -1 with errno on failure. address is what ranks need to know: "KEY unix:NAME" or
 * "KEY tcp:PORT:ADDRESS,ADDRESS...". */
int wire_listen(bool network, char address[WIRE_ADDRESS_BYTES]);

/* A caller on the listening socket; false if there is none. */
bool wire_accept(wire *w, int listening);

/* Calls the address and leaves its key. Returns 0, or -1 with errno. */
int wire_connect(wire *w, const char *address, char key[WIRE_KEY_BYTES]);

/* Appends a frame; wire_flush sends what the other side takes. Neither says whether it arrived. */
void wire_send(wire *w, int type, const void *data, size_t bytes);
void wire_print(wire *w, int type, const char *format, ...) __attribute__((format(printf, 3, 4)));
void wire_flush(wire *w);
size_t wire_unsent(const wire *w);

/* Reads what has come. Returns 0, or -1 when the line is down (frames read before it can still be taken). */
int wire_read(wire *w);

/* The next whole frame, ended by a 0 that does not count; data is good until the next call. Returns its type, 0 if
 * none is there yet, -1 if what came is no frame. */
int wire_next(wire *w, char **data, size_t *bytes);

/* The line is dead if what was sent is not taken in so many seconds. */
void wire_dies_after(wire *w, int seconds);

void wire_close(wire *w);

#endif

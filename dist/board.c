#define _GNU_SOURCE /* posix_fallocate */
#include "dist/board.h"

#include "dist/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(dist_page) <= DIST_PAGE && sizeof(dist_head) <= DIST_PAGE, "each rank has a page");

dist_head *dist_board_head(const dist_board *b) { return (dist_head *)(void *)b->memory; }
dist_page *dist_board_page(const dist_board *b, int64_t rank) { return (dist_page *)(void *)(b->memory + (1 + rank) * DIST_PAGE); }

const dist_note *dist_page_note(const dist_page *p, int64_t number)
{
    const dist_note *note = &p->note[number % DIST_NOTES];
    return number > 0 && atomic_load_explicit(&note->number, memory_order_acquire) == number ? note : NULL;
}

bool dist_board_claim(dist_board *b, int64_t blamed, const char *why)
{
    dist_head *head = dist_board_head(b);
    int64_t nobody = 0;
    if (!atomic_compare_exchange_strong(&head->claimed, &nobody, 1 + b->rank)) return false;
    const char *host = blamed >= 0 ? dist_board_page(b, blamed)->host : "";
    snprintf(head->host, sizeof head->host, "%s", host[0] ? host : "another host");
    snprintf(head->why, sizeof head->why, "%s", why);
    atomic_store(&head->blamed, 1 + blamed);
    return true;
}

static uint64_t pid_space(void)
{
    struct stat s;
    return stat("/proc/self/ns/pid", &s) == 0 ? (uint64_t)s.st_ino : 0;
}

bool dist_board_near(const dist_board *b, int64_t rank)
{
    const dist_page *p = dist_board_page(b, rank), *mine = dist_board_page(b, b->rank);
    return atomic_load_explicit(&p->pid, memory_order_acquire) != 0 && !p->told && p->pid_space == mine->pid_space;
}

bool dist_board_known(const dist_board *b, int64_t rank) { return dist_board_page(b, rank)->told || dist_board_near(b, rank); }

/* A page that does not fit into /dev/shm kills who touches it, so room for it is asked for first. */
static bool has_room(int file, int64_t page) { return posix_fallocate(file, (off_t)(page * DIST_PAGE), DIST_PAGE) == 0; }

static char *map(int file, int64_t rank, int64_t world)
{
    size_t bytes = (size_t)(1 + world) * DIST_PAGE;
    if (ftruncate(file, (off_t)bytes) != 0 || !has_room(file, 0) || !has_room(file, 1 + rank)) return NULL;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int dist_board_open(dist_board *b, uint64_t token, int64_t group, int64_t rank, int64_t world)
{
    char host[64] = "";
    if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "an unnamed host");
    *b = (dist_board){.rank = rank, .world = world};
    uint64_t here = dist_hash(host) ^ (uint64_t)group * 0x9e3779b97f4a7c15u;
    snprintf(b->name, sizeof b->name, "/trireme-%016llx-%016llx", (unsigned long long)token, (unsigned long long)here);
    int file = shm_open(b->name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    b->memory = map(file, rank, world);
    close(file);
    if (!b->memory) return -1;

    dist_page *mine = dist_board_page(b, rank);
    mine->pid_space = pid_space();
    memcpy(mine->host, host, sizeof host);
    atomic_store(&mine->beat_ms, (int64_t)(1e3 * dist_now()));
    atomic_store_explicit(&mine->pid, (int32_t)getpid(), memory_order_release);
    return 0;
}

int dist_board_like(dist_board *empty, const dist_board *b)
{
    *empty = (dist_board){.rank = b->rank, .world = b->world};
    void *memory = mmap(NULL, (size_t)(1 + b->world) * DIST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -1;
    empty->memory = memory;
    return 0;
}

void dist_board_copy_near(dist_board *to, const dist_board *b)
{
    for (int64_t i = 0; i < b->world; i++)
        if (dist_board_near(b, i)) memcpy(dist_board_page(to, i), dist_board_page(b, i), sizeof(dist_page));
}

void dist_board_hide(dist_board *b)
{
    if (b->name[0]) shm_unlink(b->name); /* others may have been first */
    b->name[0] = '\0';
}

void dist_board_close(dist_board *b)
{
    dist_board_hide(b);
    if (b->memory) munmap(b->memory, (size_t)(1 + b->world) * DIST_PAGE);
    b->memory = NULL;
}

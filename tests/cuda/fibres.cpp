#include "fibres.h"
#include "played/played.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

/* One page of stack is plenty for a kernel, a few for its sanitizer. */
enum { STACK = 64 << 10,
       MOST_THREADS = 1024,
       WARP = 32 };

enum waiting { READY,
               AT_BLOCK,
               AT_WARP,
               DONE };

/* A stack and where it stands.  Whoever ends a thread on it takes the next one there: a kernel without barriers needs one
 * stack for all its threads.  Switches are jumps, since swapcontext is a system call. */
struct stack {
    jmp_buf here;
    char *memory;
    stack *next; /* of those that nobody stands on */
};

struct fibre {
    dim3 index;
    waiting state;
    stack *on;
    unsigned mask; /* of the warp's lanes it waits for */
    uint64_t word; /* what it put for an exchange */
};

dim3 threadIdx, blockIdx, blockDim, gridDim;
int fibres_order;

static fibre fibres[MOST_THREADS];
static int count, current;
static jmp_buf scheduler;
static stack *idle;
static fibres_body *body;
static void *arguments;

/* The block's shared memory: a variable's place is given at its first use. */
enum { SHARED_BYTES = 48 << 10,
       MOST_VARIABLES = 16 };
alignas(16) static char shared[SHARED_BYTES];
static struct {
    const char *key;
    uint64_t at;
} variables[MOST_VARIABLES];
static int variable_count;
static uint64_t shared_used;

static void stop(const char *why)
{
    fprintf(stderr, "fibres: block (%u, %u, %u): %s\n", blockIdx.x, blockIdx.y, blockIdx.z, why);
    abort();
}

/* The address sanitizer's own longjmp takes every frame of a stack for one that is left, a system call and a memset at each
 * switch, and looks no more at what those that only wait have on theirs. */
#ifdef __SANITIZE_ADDRESS__
typedef void jump(jmp_buf to, int value);
static jump *const to_stack = (jump *)dlsym(dlopen("libc.so.6", RTLD_LAZY), "_longjmp");
# define SWITCHES __attribute__((no_sanitize("address")))
#else
# define to_stack _longjmp
# define SWITCHES
#endif

SWITCHES static void leave(void)
{
    if (!_setjmp(fibres[current].on->here)) to_stack(scheduler, 1);
}

static void run_threads(void)
{
    for (;;) {
        body(arguments);
        fibres[current].state = DONE;
        leave();
    }
}

/* On a new stack: does not come back, as a jump. */
static void start(fibre *f)
{
    static ucontext_t context;
    f->on = (stack *)calloc(1, sizeof *f->on);
    if (f->on) f->on->memory = (char *)malloc(STACK);
    if (!f->on || !f->on->memory) stop("no memory for a stack");
    getcontext(&context);
    context.uc_stack.ss_sp = f->on->memory;
    context.uc_stack.ss_size = STACK;
    context.uc_link = NULL;
    makecontext(&context, run_threads, 0);
    setcontext(&context);
}

SWITCHES static void resume(int i)
{
    fibre *f = &fibres[i];
    current = i;
    threadIdx = f->index;
    if (!_setjmp(scheduler)) {
        if (!f->on && !idle) start(f);
        if (!f->on) {
            f->on = idle;
            idle = idle->next;
        }
        to_stack(f->on->here, 1);
    }
    f = &fibres[current];
    if (f->state == DONE) {
        f->on->next = idle;
        idle = f->on;
        f->on = NULL;
    }
}

static void wait_at(waiting state, unsigned mask)
{
    fibres[current].state = state;
    fibres[current].mask = mask;
    leave();
}

/* A warp's barrier opens when every lane of the mask that is in the block waits there with the same mask. */
static bool open_warps(void)
{
    bool opened = false;
    for (int i = 0; i < count; i++) {
        if (fibres[i].state != AT_WARP) continue;
        unsigned mask = fibres[i].mask;
        int first = i / WARP * WARP;
        bool all = true;
        for (int lane = 0; lane < WARP && first + lane < count; lane++)
            if (mask >> lane & 1) all = all && fibres[first + lane].state == AT_WARP && fibres[first + lane].mask == mask;
        if (!all) continue;
        for (int lane = 0; lane < WARP && first + lane < count; lane++)
            if (mask >> lane & 1) fibres[first + lane].state = READY;
        opened = true;
    }
    return opened;
}

/* The block's opens when all threads are there: CUDA lets those that ended be missed, which we do not use. */
static bool open_block(void)
{
    for (int i = 0; i < count; i++)
        if (fibres[i].state != AT_BLOCK) return false;
    for (int i = 0; i < count; i++) fibres[i].state = READY;
    return true;
}

static bool all_done(void)
{
    for (int i = 0; i < count; i++)
        if (fibres[i].state != DONE) return false;
    return true;
}

static unsigned next_random(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33);
}

static void run_block(void)
{
    static int order[MOST_THREADS];
    for (int i = 0; i < count; i++) {
        order[i] = fibres_order == FIBRES_DOWNWARDS ? count - 1 - i : i;
        fibres[i].state = READY;
        fibres[i].on = NULL;
        fibres[i].index = dim3((unsigned)i % blockDim.x, (unsigned)i / blockDim.x % blockDim.y, (unsigned)i / (blockDim.x * blockDim.y));
    }
    for (;;) {
        if (fibres_order == FIBRES_AT_RANDOM)
            for (int i = count; i > 1; i--) {
                int j = (int)(next_random() % (unsigned)i), swapped = order[i - 1];
                order[i - 1] = order[j];
                order[j] = swapped;
            }
        for (int i = 0; i < count; i++)
            if (fibres[order[i]].state == READY) resume(order[i]);
        if (all_done()) return;
        bool warps = open_warps();
        if (!warps && !open_block()) stop("threads wait at a barrier that others do not reach");
    }
}

static void launch(dim3 blocks, dim3 threads, fibres_body *kernel, void *kernel_arguments)
{
    gridDim = blocks, blockDim = threads;
    count = (int)(threads.x * threads.y * threads.z);
    if (count < 1 || count > MOST_THREADS) stop("too many threads in a block, or none");
    if (!blocks.x || !blocks.y || !blocks.z || blocks.y > 65535 || blocks.z > 65535) stop("no such grid");
    body = kernel, arguments = kernel_arguments;
    for (unsigned z = 0; z < blocks.z; z++)
        for (unsigned y = 0; y < blocks.y; y++)
            for (unsigned x = 0; x < blocks.x; x++) {
                blockIdx = dim3(x, y, z);
                memset(shared, 0xff, sizeof shared);
                variable_count = 0, shared_used = 0;
                run_block();
            }
}

/* ---- launches ---- */
struct launch_later {
    dim3 blocks, threads;
    fibres_body *body, *ends;
    void *arguments;
};

static void run_launch(void *waited)
{
    launch_later *l = (launch_later *)waited;
    launch(l->blocks, l->threads, l->body, l->arguments);
}

static void end_launch(void *waited)
{
    launch_later *l = (launch_later *)waited;
    l->ends(l->arguments);
    delete l;
}

void fibres_enqueue(void *stream, const char *name, dim3 blocks, dim3 threads, fibres_body *kernel, fibres_body *ends, void *kernel_arguments)
{
    launch_later *l = new launch_later{blocks, threads, kernel, ends, kernel_arguments};
    if (played_queues(stream)) {
        played_enqueue(stream, name, run_launch, end_launch, l);
        return;
    }
    run_launch(l);
    end_launch(l);
}

extern "C" void fibres_check(void *stream, const char *name, const void *pointer)
{
    if (!played_queues(stream) || played_reaches(pointer)) return;
    fprintf(stderr, "fibres: %s is handed %p, memory of the host's\n", name, pointer);
    abort();
}

void *fibres_shared(const char *variable, uint64_t bytes)
{
    for (int i = 0; i < variable_count; i++)
        if (variables[i].key == variable) return shared + variables[i].at;
    if (variable_count == MOST_VARIABLES || shared_used + bytes > SHARED_BYTES) stop("too much shared memory");
    variables[variable_count].key = variable;
    variables[variable_count].at = shared_used;
    shared_used += (bytes + 15) / 16 * 16;
    return shared + variables[variable_count++].at;
}

int fibres_lane(void) { return current % WARP; }
void __syncthreads(void) { wait_at(AT_BLOCK, 0); }
void __syncwarp(unsigned mask)
{
    if (!(mask >> fibres_lane() & 1)) stop("a lane that its mask does not name");
    wait_at(AT_WARP, mask);
}

uint64_t fibres_exchange(unsigned mask, uint64_t word, int from)
{
    int first = current / WARP * WARP, i = first + from;
    bool inside = from >= 0 && from < WARP && i < count;
    if (inside && !(mask >> from & 1)) stop("a shuffle from a lane that its mask does not name");
    fibres[current].word = word;
    __syncwarp(mask);
    uint64_t taken = inside ? fibres[i].word : word;
    __syncwarp(mask);
    return taken;
}

unsigned fibres_vote(unsigned mask, bool yes)
{
    int first = current / WARP * WARP;
    unsigned votes = 0;
    fibres[current].word = yes;
    __syncwarp(mask);
    for (int lane = 0; lane < WARP && first + lane < count; lane++)
        if (mask >> lane & 1 && fibres[first + lane].word) votes |= 1u << lane;
    __syncwarp(mask);
    return votes;
}

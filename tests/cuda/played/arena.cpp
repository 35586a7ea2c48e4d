/* A device's memory: one mapping, closed to the host. */
#include "inside.h"

#include <map>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In multiples of GRAIN; behind every block lies another one that nobody may write. */
enum : size_t { GRAIN = 256,
                ARENA = (size_t)16 << 30 };
enum { NOBODYS = 0xff,
       EDGE = 0xa5 };

struct block {
    size_t bytes; /* as asked for; the edge follows up to its range's end */
    size_t range;
    cudaMemPool_t pool;
};

static struct device_memory {
    char *base;
    size_t reach;                          /* beyond it nothing was ever taken */
    std::map<size_t, arena_range> waiting; /* given back, by place */
    std::map<size_t, block> live;
    size_t live_bytes;
} memory[DEVICES];
static std::map<const char *, size_t> pinned;
static int64_t limit, fail_in;
static bool fails_for_good;

/* ---- closed to the host ---- */

static int opened = -1, opened_too = -1;
static const char *running;
static struct sigaction other_handler;

static void tell(const char *text) { (void)!write(STDERR_FILENO, text, strlen(text)); }

static void touched(int signal, siginfo_t *info, void *context)
{
    char text[300];
    const char *at = (const char *)info->si_addr;
    for (int d = 0; d < DEVICES; d++)
        if (memory[d].base && at >= memory[d].base && at < memory[d].base + ARENA) {
            if (opened >= 0)
                snprintf(text, sizeof text, "played: %s of device %d touched memory of device %d, %p, where nobody has a block\n", running, opened, d, info->si_addr);
            else
                snprintf(text, sizeof text, "played: the host touched memory of device %d, %p\n", d, info->si_addr);
            tell(text);
        }
    if (other_handler.sa_flags & SA_SIGINFO)
        other_handler.sa_sigaction(signal, info, context);
    else if (other_handler.sa_handler != SIG_DFL && other_handler.sa_handler != SIG_IGN)
        other_handler.sa_handler(signal);
    else
        sigaction(signal, &other_handler, NULL); /* it happens again, and ends the program */
}

/* Test programs set handlers of their own after us. */
static void watch(void)
{
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == touched) return;
    other_handler = now;
    struct sigaction ours = {};
    ours.sa_sigaction = touched;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &ours, NULL);
}

static void protect(int device, int how)
{
    const device_memory &m = memory[device];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (m.reach + page - 1) / page * page;
    if (bytes && mprotect(m.base, bytes, how) != 0) stop("a device's memory cannot be opened or closed");
}

void memory_close(void)
{
    if (opened < 0) return;
    protect(opened, PROT_NONE);
    if (opened_too >= 0) protect(opened_too, PROT_NONE);
    opened = opened_too = -1;
    watch();
}

void memory_open(int device, const char *name, int other)
{
    running = name;
    if (opened == device && opened_too == other) return;
    memory_close();
    protect(device, PROT_READ | PROT_WRITE);
    if (other >= 0) protect(other, PROT_READ | PROT_WRITE);
    opened = device, opened_too = other;
}

/* ---- blocks ---- */

static bool all_bytes(const char *p, int value, size_t n) { return !n || ((unsigned char)*p == value && memcmp(p, p + 1, n - 1) == 0); }

static void begin_block(const char *name, char *p, const block &b, bool is_new)
{
    if (is_new) memset(p, NOBODYS, b.range);
    if (!all_bytes(p, NOBODYS, b.range)) stop("memory at %p was written after it was freed, before %s of %zu bytes was made of it", (void *)p, name, b.bytes);
    memset(p + b.bytes, EDGE, b.range - b.bytes);
}

static void end_block(char *p, const block &b)
{
    if (!all_bytes(p + b.bytes, EDGE, b.range - b.bytes)) stop("something wrote beyond a block of %zu bytes at %p", b.bytes, (void *)p);
    memset(p, NOBODYS, b.range);
}

/* Its free has been run: anyone may have what it left, together with what lies beside it. */
static void is_free(device_memory &m, uint64_t id)
{
    for (auto &w : m.waiting)
        if (w.second.free_id == id) w.second.stream = NULL;
    for (auto w = m.waiting.begin(); w != m.waiting.end();) {
        auto next = std::next(w);
        if (next == m.waiting.end()) break;
        if (!w->second.stream && !next->second.stream && w->first + w->second.bytes == next->first) {
            w->second.bytes += next->second.bytes;
            m.waiting.erase(next);
        } else
            w = next;
    }
}

static size_t held(const device_memory &m, cudaStream_t stream)
{
    size_t bytes = m.live_bytes;
    for (auto &w : m.waiting)
        if (w.second.stream && w.second.stream != stream) bytes += w.second.bytes;
    return bytes;
}

static bool find_room(device_memory &m, size_t range, cudaStream_t stream, size_t *at, bool *is_new)
{
    *is_new = false;
    for (auto w = m.waiting.begin(); w != m.waiting.end(); ++w) {
        arena_range r = w->second;
        if (r.bytes < range || (r.stream && r.stream != stream)) continue;
        *at = w->first;
        m.waiting.erase(w);
        if (r.bytes > range) m.waiting[*at + range] = {r.bytes - range, r.stream, r.free_id};
        return true;
    }
    *is_new = true;
    *at = m.reach;
    if (range > ARENA - m.reach) return false;
    m.reach += range;
    return true;
}

bool memory_fails_now(void)
{
    if (fail_in <= 0) return false;
    if (fail_in > 1) return fail_in--, false;
    if (!fails_for_good) fail_in = 0;
    return true;
}

void *memory_take(int device, size_t bytes, cudaStream_t stream, cudaMemPool_t pool)
{
    device_memory &m = memory[device];
    if (!m.base) {
        void *base = mmap(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED) stop("no room for a device's memory");
        m.base = (char *)base;
    }
    counts.allocations++;
    if (memory_fails_now() || bytes > ARENA) return NULL;
    if (limit && held(m, stream) + bytes > (size_t)limit) return NULL;
    block b = {bytes, (bytes + 2 * GRAIN - 1) / GRAIN * GRAIN, pool};
    size_t at;
    bool is_new;
    memory_close(); /* the reach grows */
    if (!find_room(m, b.range, stream, &at, &is_new)) return NULL;
    m.live[at] = b;
    m.live_bytes += bytes;
    counts.live_blocks++, counts.live_bytes += (int64_t)bytes;
    char *p = m.base + at;
    if (pool) pool_count(pool, (int64_t)bytes);
    if (stream) {
        enqueue(stream, {"an allocation", [=] { begin_block("a block", p, b, is_new); }, nullptr, nullptr});
    } else {
        memory_open(device, "an allocation");
        begin_block("a block", p, b, is_new);
        memory_close();
    }
    return p;
}

static int device_of(const void *p)
{
    for (int d = 0; d < DEVICES; d++)
        if (memory[d].base && (const char *)p >= memory[d].base && (const char *)p < memory[d].base + ARENA) return d;
    return -1;
}

bool memory_give(void *p, cudaStream_t stream)
{
    static uint64_t ids;
    int device = device_of(p);
    if (device < 0) return false;
    device_memory *m = &memory[device];
    size_t at = (size_t)((char *)p - m->base);
    auto found = m->live.find(at);
    if (found == m->live.end()) return false;
    block b = found->second;
    uint64_t id = ++ids;
    m->live.erase(found);
    m->live_bytes -= b.bytes;
    m->waiting[at] = {b.range, stream, id};
    counts.frees++, counts.live_blocks--, counts.live_bytes -= (int64_t)b.bytes;
    if (b.pool) pool_count(b.pool, -(int64_t)b.bytes);
    auto ends = [=] {
        end_block((char *)p, b);
        is_free(*m, id);
    };
    if (stream) {
        enqueue(stream, {"a free", ends, nullptr, nullptr});
    } else {
        memory_open(device, "a free");
        ends();
        memory_close();
    }
    return true;
}

int memory_device(const void *p, size_t bytes)
{
    int device = device_of(p);
    if (device < 0) return -1;
    size_t at = (size_t)((const char *)p - memory[device].base);
    auto next = memory[device].live.upper_bound(at);
    if (next == memory[device].live.begin()) return -1;
    auto holds = std::prev(next);
    return at + bytes <= holds->first + holds->second.bytes ? device : -1;
}

size_t memory_total_bytes(void) { return limit ? (size_t)limit : ARENA; }
size_t memory_free_bytes(int device)
{
    size_t bytes = held(memory[device], NULL), total = memory_total_bytes();
    return bytes < total ? total - bytes : 0;
}

/* ---- pinned memory ---- */

bool is_pinned(const void *p, size_t bytes)
{
    auto next = pinned.upper_bound((const char *)p);
    if (next == pinned.begin()) return false;
    auto holds = std::prev(next);
    return (const char *)p + bytes <= holds->first + holds->second;
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned)
{
    std::lock_guard<std::mutex> hold(lock);
    if (broken[current]) return said(broken[current]);
    if (cudaError_t no = capture_forbids_here()) return no;
    counts.waits++, counts.pinned++; /* it may */
    if (memory_fails_now() || !(*p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096))) return said(cudaErrorMemoryAllocation);
    memset(*p, NOBODYS, bytes);
    pinned[(const char *)*p] = bytes;
    counts.live_pinned++;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *p)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!p) return cudaSuccess;
    if (cudaError_t no = capture_forbids_here()) return no;
    if (!pinned.erase((const char *)p)) return said(cudaErrorInvalidValue);
    counts.waits++, counts.live_pinned--;
    finish_all();
    free(p);
    return said(broken[current]);
}

/* The host's memory, pinned where it lies; not twice. */
cudaError_t cudaHostRegister(void *p, size_t bytes, unsigned)
{
    std::lock_guard<std::mutex> hold(lock);
    if (broken[current]) return said(broken[current]);
    counts.waits++;
    if (!p || !bytes) return said(cudaErrorInvalidValue);
    auto next = pinned.lower_bound((const char *)p + bytes);
    bool taken = next != pinned.begin() && std::prev(next)->first + std::prev(next)->second > (const char *)p;
    if (taken) return said(cudaErrorHostMemoryAlreadyRegistered);
    pinned[(const char *)p] = bytes;
    counts.pinned++, counts.live_pinned++;
    return cudaSuccess;
}

cudaError_t cudaHostUnregister(void *p)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!pinned.erase((const char *)p)) return said(cudaErrorHostMemoryNotRegistered);
    counts.waits++, counts.live_pinned--;
    finish_all();
    return said(broken[current]);
}

/* ---- for tests ---- */

void played_limit(int64_t bytes)
{
    std::lock_guard<std::mutex> hold(lock);
    limit = bytes;
}

void played_fail_at(int64_t n, int for_good)
{
    std::lock_guard<std::mutex> hold(lock);
    fail_in = n;
    fails_for_good = for_good;
}

int played_reaches(const void *p)
{
    std::lock_guard<std::mutex> hold(lock);
    return !p || device_of(p) >= 0 || is_pinned(p, 1);
}

/* Longer neighbours of a recorded step that go element by element, as one launch over all of them: a thread takes a pack of
 * elements through every call.
 *
 *     launches    x -> h, h -> y, y, x -> z       each array that is read comes from memory
 *     chain       x -> h -> y, x -> z             what the call before made is in registers, and what else the thread itself
 *                                                 wrote or read is near
 *
 * What a call writes is, to the others, the same array, element for element, or none of theirs: so no thread meets another's
 * elements, and the bits are those of a launch each. */
#include "kernels/cuda/element_of.cuh"
#include "kernels/cuda/together.h"

enum { MOST_CALLS = 48,
       FEWEST_CALLS = 2,
       PACK = 4 };

struct chain_call {
    void *at[KERNEL_VIEWS];
    float number; /* of KERNEL_FILL */
    uint16_t kernel;
    uint8_t ones, before; /* bits of views: one element for all; what the call before made */
};

struct chain {
    int64_t n, head, packs; /* as in walk.cuh */
    int count;
    chain_call call[MOST_CALLS];
};
static_assert(sizeof(chain) <= 4096, "more than a launch can carry");

/* ---- which calls ---- */

static unsigned ones_of(const kernel_call *call)
{
    return call->kernel == KERNEL_POW_BACKWARD ? call->ones | 8u : call->ones; /* one exponent */
}

/* The kernel first: other calls say nothing of a form or of single elements. */
static bool is_flat(const kernel_call *call, int64_t n)
{
    return is_of_elements(call) && call->type == TR_FLOAT32 && call->form == KERNEL_FLAT && call->n == n && !(call->ones & 1);
}

/* Does a view meet elements of this array that are not those of its own places? */
static bool crosses(const void *array, int64_t n, const void *view, bool one)
{
    const uintptr_t a = (uintptr_t)array, b = (uintptr_t)view, bytes = (uintptr_t)n * sizeof(float);
    if (!view || (a == b && !one)) return false;
    return a < b + (one ? sizeof(float) : bytes) && b < a + bytes;
}

static bool crosses_any(const void *array, const kernel_call *call)
{
    for (int v = 0; v < KERNEL_VIEWS; v++)
        if (crosses(array, call->n, call->at[v], ones_of(call) >> v & 1)) return true;
    return false;
}

static bool may_follow(const kernel_call *const *calls, int count)
{
    const kernel_call *last = calls[count];
    if (crosses_any(last->at[0], last)) return false;
    for (int i = 0; i < count; i++)
        if (crosses_any(calls[i]->at[0], last) || crosses_any(last->at[0], calls[i])) return false;
    return true;
}

static void add(chain *c, const kernel_call *call)
{
    const void *made = c->count ? c->call[c->count - 1].at[0] : NULL;
    chain_call *to = &c->call[c->count++];
    memcpy(to->at, call->at, sizeof to->at);
    to->kernel = call->kernel, to->number = (float)call->number[0];
    to->ones = (uint8_t)ones_of(call);
    for (int v = 1; v < KERNEL_VIEWS; v++)
        if (made && to->at[v] == made && !(to->ones >> v & 1)) to->before = (uint8_t)(to->before | 1u << v);
}

/* Packs, where all views that are walked along stand alike to them. */
static void find_packs(chain *c)
{
    const uintptr_t off = (uintptr_t)c->call[0].at[0] % (PACK * sizeof(float));
    bool alike = off % sizeof(float) == 0;
    for (int k = 0; k < c->count; k++)
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (c->call[k].at[v] && !(c->call[k].ones >> v & 1)) alike = alike && (uintptr_t)c->call[k].at[v] % (PACK * sizeof(float)) == off;
    c->head = alike ? (int64_t)((PACK - off / sizeof(float)) % PACK) : c->n;
    c->packs = (c->n - c->head) / PACK;
}

/* ---- the launch ---- */

template <int COUNT>
static __device__ inline pack<float, COUNT> read(const chain_call &call, int v, int64_t i, const pack<float, COUNT> &made)
{
    pack<float, COUNT> x;
    if (call.before >> v & 1) return made;
    if (call.at[v] && !(call.ones >> v & 1)) return load<float, COUNT>((const float *)call.at[v] + i);
    const float one = call.at[v] ? *(const float *)call.at[v] : 0;
    UNROLLED
    for (int j = 0; j < COUNT; j++) x.at[j] = one;
    return x;
}

template <int COUNT>
static __device__ inline void do_calls(const chain &c, int64_t i)
{
    pack<float, COUNT> made;
    UNROLLED
    for (int j = 0; j < COUNT; j++) made.at[j] = 0;
    for (int k = 0; k < c.count; k++) {
        const chain_call &call = c.call[k];
        const pack<float, COUNT> x = read<COUNT>(call, 1, i, made), y = read<COUNT>(call, 2, i, made), z = read<COUNT>(call, 3, i, made);
        UNROLLED
        for (int j = 0; j < COUNT; j++) made.at[j] = element_of(call.kernel, x.at[j], y.at[j], z.at[j], call.number);
        store<float, COUNT>((float *)call.at[0] + i, made);
    }
}

__global__ void __launch_bounds__(THREADS, 2) do_chain(const __grid_constant__ chain c)
{
    for (int64_t p = thread_index(); p < c.packs; p += thread_count()) do_calls<PACK>(c, c.head + p * PACK);
    for (int64_t l = thread_index(), loose = c.n - c.packs * PACK; l < loose; l += thread_count()) do_calls<1>(c, l < c.head ? l : l + c.packs * PACK);
}

int cuda_chain(const kernel_call *call)
{
    const kernel_call *const *calls = (const kernel_call *const *)call->at[0];
    chain c;
    int count = 0;
    while (count < call->n && count < MOST_CALLS && is_flat(calls[count], calls[0]->n) && may_follow(calls, count)) count++;
    if (count < FEWEST_CALLS || calls[0]->n < 1) return 0;
    memset(&c, 0, sizeof c);
    c.n = calls[0]->n;
    for (int k = 0; k < count; k++) add(&c, calls[k]);
    find_packs(&c);
    const int64_t loose = c.n - c.packs * PACK;
    LAUNCH(do_chain, blocks_for(c.packs > loose ? c.packs : loose), THREADS, c);
    return launched(call) < 0 ? -1 : count;
}

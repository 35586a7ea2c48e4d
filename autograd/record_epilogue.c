/* What a device's product does in passing: relu of a linear layer, where nobody sees what it is made of.
 *
 *     gemm_bias y = x w + b,  relu z = max(y, 0)        gemm_bias z = max(x w + b, 0), and no y
 *
 * relu is of what the product has rounded: the bits are the same. */
#include "autograd/recording.h"

/* Are all of a product's elements dense, from the beginning of its memory on, and c not read? */
static bool makes_whole(const record_entry *e)
{
    const kernel_call *c = &e->call;
    const int64_t *size = c->size, *stride = c->stride[0];
    if (c->kernel != KERNEL_GEMM_BIAS || !e->kernel || e->knob || c->number[1] != 0 || c->flags & KERNEL_GEMM_RELU) return false;
    if (!tr_dtype_is_floating((tr_dtype)c->type) || c->n != size[0] * size[1] * size[2] || e->place[0].offset != 0) return false;
    return stride[2] == 1 && stride[1] == size[2] && (size[0] == 1 || stride[0] == size[1] * size[2]);
}

static bool uses(const record_entry *e, int32_t memory)
{
    for (int v = 0; v < KERNEL_VIEWS; v++)
        if (e->place[v].memory == memory) return true;
    for (int64_t k = 0; e->items && k < e->call.n * RECORD_ITEM_VIEWS; k++)
        if (e->item_place[k].memory == memory) return true;
    return false;
}

/* Does only the call `next` read what `product` writes? */
static bool dies_at(const tr_recording *r, const bool *dropped, int64_t product, int64_t next)
{
    const int32_t memory = r->entry[product].place[0].memory;
    if (record_is_seen(r, &r->memory[memory])) return false;
    for (int64_t i = 0; i < r->entries; i++)
        if (!dropped[i] && i != product && i != next && uses(&r->entry[i], memory)) return false;
    return true;
}

/* relu of the whole product, into a memory of its own or in place. */
static bool continues(const tr_recording *r, const bool *dropped, int64_t product, int64_t next)
{
    const record_entry *p = &r->entry[product], *e = &r->entry[next];
    if (e->call.kernel != KERNEL_relu || !e->kernel || e->knob || e->call.form != KERNEL_FLAT || e->call.type != p->call.type || e->call.n != p->call.n) return false;
    const int32_t before = p->place[0].memory, after = e->place[0].memory;
    if (!record_is_whole(r, e, 1, before) || !record_is_whole(r, e, 0, after)) return false;
    for (int v = 1; v < KERNEL_VIEWS; v++)
        if (p->place[v].memory == after) return false;
    return before == after || dies_at(r, dropped, product, next);
}

void record_epilogues(tr_recording *r, bool *dropped)
{
    for (int64_t i = 0; i < r->entries; i++) {
        record_entry *product = &r->entry[i];
        int64_t next = i + 1;
        if (dropped[i] || !makes_whole(product)) continue;
        while (next < r->entries && dropped[next]) next++;
        if (next == r->entries || !continues(r, dropped, i, next)) continue;
        product->call.flags |= KERNEL_GEMM_RELU;
        product->call.at[0] = r->entry[next].call.at[0];
        product->place[0] = r->entry[next].place[0];
        dropped[next] = true;
    }
}

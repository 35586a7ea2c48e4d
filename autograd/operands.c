#include "autograd/operands.h"

#include <string.h>
#include "autograd/say.h"
#include "core/scope.h"

/* A number's storage holds it as it was written and behind that in every type it was used in, each at a place of its
 * own: kernels take operands by address, and an address once handed out stays true. */
static const uint8_t number_place[TR_DTYPES] = {
    [TR_COMPLEX128] = 8, [TR_COMPLEX64] = 24, [TR_FLOAT64] = 32, [TR_INT64] = 40, [TR_FLOAT32] = AUTOGRAD_FLOAT_OF_NUMBER, [TR_INT32] = 52, [TR_FLOAT16] = 56, [TR_BFLOAT16] = 58, [TR_UINT8] = 60, [TR_BOOL] = 61};

void *autograd_number_in(tr_tensor *number, tr_dtype type)
{
    if (number->dtype == type) return number->data;
    void *at = (char *)number->data + number_place[type];
    core_convert(at, type, number->data, (tr_dtype)number->dtype, 1);
    return at;
}

/* ---- numbers made lately ----
 * A program has the same few in every iteration.  They are operands, which nobody writes to: one handle may serve many. */

static inline tr_tensor **place_of(core_thread *here, uint64_t bits) { return &here->number[(bits * UINT64_C(0x9e3779b97f4a7c15)) >> 60]; }
_Static_assert(CORE_NUMBERS == 16, "the place of a number is four bits of its product");

/* The number of these bits, belonging to the open scope once more; NULL where it was not made lately. */
static inline tr_tensor *made_lately(core_thread *here, tr_dtype type, uint64_t bits)
{
    tr_tensor *t = *place_of(here, bits);
    bool same = t && t->dtype == type && t->flags == (CORE_NUMBER | CORE_ROW_MAJOR) && !t->storage->version && memcmp(t->data, &bits, sizeof bits) == 0;
    if (!same || here->recording || core_scope_is_full(here)) return NULL; /* what is recorded keeps numbers of its own */
    t->object.count++;
    core_scope_put(here, &t->object);
    return t;
}

static tr_tensor *remembered(core_thread *here, tr_tensor *t, uint64_t bits)
{
    if (!t || here->recording) return t;
    tr_tensor **place = place_of(here, bits), **there = &here->number_there[place - here->number];
    core_drop_tensor(*place);
    core_drop_tensor(*there);
    *there = NULL;
    return *place = core_keep_tensor(t);
}

static tr_tensor *number_new(tr_dtype type, float rounded)
{
    tr_tensor *t = core_tensor_scalar(type, (tr_device){TR_CPU, 0}, "number");
    if (!t) return NULL;
    core_tensor_is_number(t);
    *(float *)((char *)t->data + AUTOGRAD_FLOAT_OF_NUMBER) = rounded; /* what nearly all are used as */
    return t;
}

tr_tensor *tr_number_(double value, tr_dtype kind)
{
    tr_dtype type = kind == TR_FLOAT32 ? TR_FLOAT64 : kind; /* a float's digits wait for the type they will be used in */
    core_thread *here = core_here();
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    tr_tensor *t = type == TR_FLOAT64 ? made_lately(here, type, bits) : NULL;
    if (t || !(t = number_new(type, (float)value))) return t;
    if (type == TR_FLOAT64) {
        *(double *)t->data = value;
        return remembered(here, t, bits);
    }
    core_element_set(t->data, type, 0, value);
    return t;
}

tr_tensor *tr_integer_(int64_t value)
{
    core_thread *here = core_here();
    tr_tensor *t = made_lately(here, TR_INT64, (uint64_t)value);
    if (t || !(t = number_new(TR_INT64, (float)value))) return t;
    *(int64_t *)t->data = value;
    return remembered(here, t, (uint64_t)value);
}

tr_tensor *tr_complex_number_(double real, double imag)
{
    tr_tensor *t = number_new(TR_COMPLEX128, (float)real); /* over the place of another type's complex128, which nobody asks it for */
    if (!t) return NULL;
    double *part = t->data;
    part[0] = real;
    part[1] = imag;
    return t;
}

/* Where a number that was made lately has what it became on a device; NULL: it was not, or is recorded. */
static tr_tensor **place_there(core_thread *here, const tr_tensor *number)
{
    uint64_t bits;
    if (here->recording || (number->dtype != TR_FLOAT64 && number->dtype != TR_INT64)) return NULL;
    memcpy(&bits, number->data, sizeof bits);
    tr_tensor **place = place_of(here, bits);
    return *place == number ? &here->number_there[place - here->number] : NULL;
}

static tr_tensor *written_there(const tr_tensor *number, tr_dtype type, tr_device device)
{
    tr_tensor *s = core_tensor_scalar(type, device, "number");
    if (!s) return NULL;
    const double *part = number->data; /* of a complex one */
    tr_scalar value = {.kind = (tr_dtype)number->dtype, .real = core_element_get(number->data, (tr_dtype)number->dtype, 0)};
    if (number->dtype == TR_INT64) value.whole = *(const int64_t *)number->data;
    if (number->dtype == TR_COMPLEX128) value.imag = part[1];
    return autograd_write(s, &value, "number") == 0 ? s : NULL;
}

tr_tensor *autograd_number_as(tr_tensor *number, tr_dtype type, tr_device device)
{
    if (device.type == TR_CPU) {
        tr_tensor *s = core_tensor_scalar(type, device, "number");
        if (s) core_convert(s->data, type, number->data, (tr_dtype)number->dtype, 1);
        return s;
    }
    core_thread *here = core_here();
    tr_tensor **place = place_there(here, number), *s = place ? *place : NULL;
    if (s && s->dtype == type && s->storage->at.type == device.type && s->storage->at.index == device.index && !s->storage->version) {
        if (!core_scope_owns(here, &s->object)) return NULL;
        s->object.count++;
        return s;
    }
    if ((s = written_there(number, type, device)) && place) {
        core_drop_tensor(*place);
        *place = core_keep_tensor(s);
    }
    return s;
}

bool autograd_one_device(const char *function, const tr_tensor *a, const tr_tensor *b)
{
    if (core_same_device(a, b)) return true;
    core_fail("%s: %s and %s are on different devices", function, core_show(a), core_show(b));
    return false;
}

bool autograd_join(const char *function, tr_tensor **a, tr_tensor **b, tr_dtype type, tr_shape *shape)
{
    tr_tensor *x = *a, *y = *b;
    bool number_x = x->flags & CORE_NUMBER, number_y = y->flags & CORE_NUMBER;
    if (!core_broadcast(&x->shape, &y->shape, shape)) {
        core_fail("%s: %s and %s do not broadcast to one shape%s", function, core_show(x), core_show(y), autograd_say_mismatch(&x->shape, &y->shape));
        return false;
    }
    if (!number_x && !number_y && !autograd_one_device(function, x, y)) return false;
    if (!number_x && x->dtype != type) *a = (tr_to)(x, type);
    if (!number_y && y->dtype != type) *b = (tr_to)(y, type);
    return *a && *b;
}

bool autograd_meet(const char *function, tr_tensor **a, tr_tensor **b, tr_dtype type, tr_shape *shape)
{
    if (!autograd_join(function, a, b, type, shape)) return false;
    tr_device at = core_device_at((*a)->flags & CORE_NUMBER ? *b : *a);
    if ((*a)->flags & CORE_NUMBER) *a = autograd_number_as(*a, type, at);
    if (*a && (*b)->flags & CORE_NUMBER) *b = autograd_number_as(*b, type, at);
    return *a && *b;
}

int autograd_writable(const tr_tensor *t, const tr_tensor *from, const char *function)
{
    for (int d = 0; d < t->shape.ndim && !core_row_major_tensor(t); d++)
        if (t->stride[d] == 0 && t->shape.size[d] > 1)
            return core_fail_status("%s: %s is expanded: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation", function, core_show(t));
    return autograd_check_in_place(t, from, function);
}

tr_tensor *autograd_elements_of(tr_tensor *t, const char *function)
{
    tr_shape shape = t->shape;
    for (int d = 0; d < shape.ndim; d++)
        if (t->stride[d] == 0 && shape.size[d] > 1) shape.size[d] = 1;
    return core_row_major_tensor(t) || core_same_shape(&shape, &t->shape) ? t : core_tensor_alias(t, &shape, t->stride, 0, function);
}

bool autograd_overlaps(const tr_tensor *t, const tr_tensor *from)
{
    bool same = t->data == from->data && core_same_shape(&t->shape, &from->shape);
    for (int d = 0; d < t->shape.ndim && same; d++) same = t->shape.size[d] == 1 || t->stride[d] == from->stride[d];
    return !same;
}

int autograd_dim(const char *function, const tr_tensor *t, int dim)
{
    int d = core_dim(dim, t->shape.ndim);
    int dims = t->shape.ndim ? t->shape.ndim : 1;
    if (d < 0) core_fail("%s: %s has no dim %d: Dimension out of range (expected to be in range of [%d, %d], but got %d)", function, core_show(t), dim, -dims, dims - 1, dim);
    return d;
}

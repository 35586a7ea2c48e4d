/* Pointwise operations of two operands: autograd/binary.def, and the same in place. */
#include <math.h>
#include <stdlib.h>
#include "autograd/autocast.h"
#include "autograd/operands.h"
#include "autograd/say.h"
#include "core/whole.h"

/* ---- what each row saves: its derivatives read as sets of what they name (a 1, b 2, y 8, dy nothing) ---- */
#include "kernels/words_uses.h"
#define conj(a)            USES_(a)
#define power_da(a, b)     (USES_(a) | USES_(b))
#define power_db(a, b, y)  (USES_(a) | USES_(b) | USES_(y))
#define taken(dy, a, b, c) (USES_(a) | USES_(b))
enum {
#define dy                              0u
#define a                               ((unsigned)AUTOGRAD_A)
#define b                               ((unsigned)AUTOGRAD_B)
#define y                               ((unsigned)AUTOGRAD_Y)
#define ROW2(name, kernel, da, db, ...) name##_a_saves = USES_(da), name##_b_saves = USES_(db),
#include "autograd/binary.def"
#undef ROW2
#undef dy
#undef a
#undef b
#undef y
};
#undef conj
#undef power_da
#undef power_db
#undef taken
#include "kernels/words_undo.h"

#include "autograd/words_graph.h"
#define conj(a) (tr_conj)(a)

/* ---- the rows ---- */

typedef struct {
    const char *function, *function_in_place;
    int kernel;
    unsigned saves_for_a, saves_for_b;
    bool floats;
} row;

static tr_dtype working_type(const row *r, const tr_tensor *a, const tr_tensor *b)
{
    tr_dtype type = core_result_type(a, b);
    return r->floats && core_dtype_category[type] < 2 ? tr_get_default_dtype() : type;
}

static unsigned saves_for(const row *r, const tr_tensor *a, const tr_tensor *b)
{
    return (autograd_tracked(a) ? r->saves_for_a : 0) | (autograd_tracked(b) ? r->saves_for_b : 0) | AUTOGRAD_CONJUGATES;
}

static const autograd_op *named(const autograd_op *op, bool number_first, bool number_second);

/* A number that a derivative will ask for takes its type now; a factor may stay one. */
static tr_tensor *kept(const row *r, tr_tensor *t, const tr_tensor *y)
{
    bool factor = r->kernel == KERNEL_MUL || r->kernel == KERNEL_DIV;
    return t->flags & CORE_NUMBER && !factor ? autograd_number_as(t, (tr_dtype)y->dtype, core_device_at(y)) : t;
}

static tr_tensor *note(const row *r, tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, unsigned saves, bool stretched)
{
    if (!autograd_on(a, b, NULL)) return y;
    if ((saves & AUTOGRAD_A && !(a = kept(r, a, y))) || (saves & AUTOGRAD_B && !(b = kept(r, b, y)))) return NULL;
    return stretched ? autograd_note_stretched(y, op, a, b, saves) : autograd_note_pair(y, op, a, b, saves);
}

/* Two alike, or one and a number. */
static tr_tensor *apply_plain(const row *r, const autograd_op *op, tr_tensor *like, tr_tensor *a, tr_tensor *b)
{
    tr_dtype type = (tr_dtype)like->dtype;
    tr_tensor *y = core_tensor_like(like, type, r->function);
    if (!y || autograd_pair(r->kernel, type, y, a, b) < 0) return NULL;
    return note(r, y, op, a, b, saves_for(r, a, b), false);
}

static __attribute__((noinline)) tr_tensor *apply_joined(const row *r, const autograd_op *op, tr_tensor *a, tr_tensor *b)
{
    tr_shape shape;
    tr_dtype type = working_type(r, a, b);
    if (!autograd_join(r->function, &a, &b, type, &shape)) return NULL;
    tr_tensor *in[2] = {a, b}, *y = core_tensor_new(type, core_device_at(a->flags & CORE_NUMBER ? b : a), &shape, r->function);
    if (!y || autograd_pointwise(r->kernel, type, y, in, 2, 0) < 0) return NULL;
    return note(r, y, op, a, b, saves_for(r, a, b), true);
}

static __attribute__((noinline)) tr_tensor *apply_any(const row *r, const autograd_op *op, tr_tensor *a, tr_tensor *b)
{
    if (r->kernel == KERNEL_POW) a = autograd_wide(a), b = autograd_wide(b);
    if (!a || !b) return core_null(r->function);
    bool ordered = r->kernel == KERNEL_MAXIMUM || r->kernel == KERNEL_MINIMUM;
    if (ordered && (autograd_no_complex(r->function, a) || autograd_no_complex(r->function, b))) return NULL;
    if ((a->flags | b->flags) & CORE_NUMBER) op = named(op, a->flags & CORE_NUMBER, b->flags & CORE_NUMBER);
    tr_tensor *like = autograd_plainly(a, b);
    bool integers = core_dtype_category[(like ? like : a)->dtype] < 2;
    if (like == a && !integers && r->kernel == KERNEL_POW && b->flags & CORE_NUMBER && core_dtype_category[a->dtype] == 2) return autograd_power(a, b);
    if (like && !integers) return apply_plain(r, op, like, a, b);
    if (integers && r->kernel == KERNEL_POW && b->flags & CORE_NUMBER && core_dtype_category[b->dtype] < 2 && core_element_get(b->data, (tr_dtype)b->dtype, 0) < 0)
        return core_fail("tr_pow: %s: integers to negative integer powers are not allowed", core_show(a));
    return apply_joined(r, op, a, b);
}

/* What most are, with nothing that apply_any() would not do, but less asked: one operand that is a floating one, row-major and
 * of the CPU, says what the result is like. */

/* b is one element, and stretches to a's shape. */
static inline bool stretches_to(const tr_tensor *a, const tr_tensor *b) { return b->numel == 1 && b->shape.ndim <= a->shape.ndim; }

/* Of one type and device, no numbers: the operand whose shape is the result's, where the other is one element.  Else NULL. */
static inline tr_tensor *stretched_to(tr_tensor *a, tr_tensor *b)
{
    if (a->kind != b->kind || (a->flags | b->flags) & CORE_NUMBER || !core_is_floating(a)) return NULL;
    return stretches_to(a, b) ? a : stretches_to(b, a) ? b
                                                       : NULL;
}

static __attribute__((noinline)) tr_tensor *apply_stretched(const row *r, const autograd_op *op, tr_tensor *like, tr_tensor *a, tr_tensor *b)
{
    tr_tensor *y = core_whole_like(core_here(), like);
    if (!y) return apply_any(r, op, a, b);
    kernel_call call;
    autograd_begin_flat_(&call, r->kernel, (tr_dtype)like->dtype, y);
    call.at[1] = a->data;
    call.at[2] = b->data;
    if (call.n != 1) call.ones = like == a ? 1 << 2 : 1 << 1;
    if (kernel_run_on_cpu(&call) < 0) return NULL;
    return note(r, y, op, a, b, saves_for(r, a, b), true);
}

static inline __attribute__((always_inline)) tr_tensor *apply(const row *r, const autograd_op *op, tr_tensor *a, tr_tensor *b)
{
    if (r->kernel == KERNEL_POW && autograd_power_is_usual(a, b)) return autograd_power(a, b);
    bool usual = r->kernel >= KERNEL_ADD && r->kernel <= KERNEL_DIV && a && b;
    tr_tensor *like = usual ? autograd_usually(a, b) : NULL, *y = like ? core_whole_like(core_here(), like) : NULL;
    if (!y) {
        if (usual && !like && (like = stretched_to(a, b))) return apply_stretched(r, op, like, a, b);
        return apply_any(r, op, a, b);
    }
    if (autograd_pair_here(r->kernel, (tr_dtype)like->dtype, y, a, b) < 0) return NULL;
    unsigned flags = a->flags | b->flags;
    if ((!(flags & CORE_REQUIRES_GRAD) && !a->origin && !b->origin) || core_here()->grad_off) return y;
    if (r->kernel == KERNEL_SUB && a->flags & CORE_NUMBER) op = named(op, true, false);
    return autograd_note_pair(y, op, a, b, saves_for(r, a, b)); /* a number may be kept as it is: no other is than a factor */
}

static __attribute__((noinline)) tr_tensor *apply_in_place_any(const row *r, const autograd_op *op, tr_tensor *a, tr_tensor *b)
{
    const char *function = r->function_in_place;
    if (!a || !b) return core_null(function);
    CORE_TOLD_AS(function);
    bool plain = autograd_plainly(a, b) == a;
    tr_dtype type = plain && core_dtype_category[a->dtype] >= 2 ? (tr_dtype)a->dtype : working_type(r, a, b);
    tr_shape shape;
    tr_tensor *left = a;
    if (autograd_writable(a, b, function) < 0) return NULL;
    if (core_dtype_category[type] > core_dtype_category[a->dtype])
        return core_fail("%s: the result type %s can't be cast to %s, the type of %s: result type %s can't be cast to the desired output type %s", function, tr_dtype_name(type),
                         tr_dtype_name((tr_dtype)a->dtype), core_show(a), autograd_say_type(type), autograd_say_type((tr_dtype)a->dtype));
    if (!plain && !autograd_join(function, &left, &b, (tr_dtype)a->dtype, &shape)) return NULL;
    if (!plain && !core_same_shape(&shape, &a->shape))
        return core_fail("%s: the result %s does not fit into %s: output with shape %s doesn't match the broadcast shape %s", function, core_shape_text(&shape), core_show(a),
                         autograd_say_sizes(&a->shape), autograd_say_sizes(&shape));
    unsigned saves = autograd_on(a, b, NULL) ? saves_for(r, a, b) : 0;
    tr_tensor *old = saves & AUTOGRAD_A ? (tr_clone)(a) : a; /* what the derivative needs is read before it is written */
    if (autograd_overlap(a, b) || (saves & AUTOGRAD_B && b->storage == a->storage)) b = (tr_clone)(b);
    tr_tensor *in[2] = {a, b};
    if (!old || !b) return NULL;
    if ((plain ? autograd_pair(r->kernel, (tr_dtype)a->dtype, a, a, b) : autograd_pointwise(r->kernel, (tr_dtype)a->dtype, a, in, 2, 0)) < 0) return NULL;
    core_written(a);
    return note(r, a, op, old, b, saves, !plain);
}

static inline __attribute__((always_inline)) tr_tensor *apply_in_place(const row *r, const autograd_op *op, tr_tensor *a, tr_tensor *b)
{
    const core_thread *here = core_here();
    bool usual = a && b && here->grad_off && !here->recording && a->size_class != CORE_UNLIKE && a->storage != b->storage && autograd_usually(a, b) == a;
    if (!usual) return apply_in_place_any(r, op, a, b);
    if (autograd_pair_here(r->kernel, (tr_dtype)a->dtype, a, a, b) < 0) return NULL;
    core_written(a);
    return a; /* nothing is noted, nothing stretched or raised: no more to ask */
}

/* ---- pieces of derivatives ---- */

/* b a^(b-1), 0 where b is 0 (also for a = 0, where the formula is 0 times infinity). */
static tr_tensor *power_da(tr_tensor *a, tr_tensor *b)
{
    tr_tensor *slope = mul(b, pow(a, sub(b, 1)));
    return where((tr_eq)(b, TR_T(0)), 0, slope);
}

/* a^b log a, 0 where a is 0 and b is not negative. */
static tr_tensor *power_db(tr_tensor *a, tr_tensor *b, tr_tensor *y)
{
    tr_tensor *slope = mul(y, log(a));
    return where((tr_eq)(a, TR_T(0)), where((tr_ge)((tr_real)(b), TR_T(0)), 0, slope), slope);
}

/* dy where the other operand was not taken, half of it where both are equal: beside NaN, which neither passes, both have all of it. */
static tr_tensor *taken(tr_tensor *dy, tr_tensor *a, tr_tensor *b, tr_tensor *other)
{
    return where(other, 0, where((tr_eq)(a, b), mul(0.5, dy), dy));
}

/* ---- the operations ---- */

#define ROW2(name, kernel, da, db, ...)                                                                        \
 static void name##_derivative(autograd_node *n, tr_tensor *dy)                                                \
 {                                                                                                             \
  unsigned used = (autograd_wants(n, 0) ? name##_a_saves : 0u) | (autograd_wants(n, 1) ? name##_b_saves : 0u); \
  tr_tensor *a = used & AUTOGRAD_A ? autograd_in(n, 0) : NULL;                                                 \
  tr_tensor *b = used & AUTOGRAD_B ? autograd_in(n, 1) : NULL;                                                 \
  tr_tensor *y = used & AUTOGRAD_Y ? autograd_out(n) : NULL;                                                   \
  if (!a != !(used & AUTOGRAD_A) || !b != !(used & AUTOGRAD_B) || !y != !(used & AUTOGRAD_Y)) return;          \
  if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_unstretched(n, da, &n->args.shape));                  \
  if (autograd_wants(n, 1)) autograd_give(n, 1, autograd_unstretched(n, db, &n->args.shape_b));                \
 }
#include "autograd/binary.def"
#undef ROW2

/* clang-format off */
#define ROW2(name, kernel, da, db, grad, low, high)                                                 \
 static tr_tensor *name##_sample(tr_tensor *const *x) { return (tr_##name)(x[0], x[1]); }           \
 static const autograd_case name##_cases[] = {                                                      \
     {"one shape", name##_sample, low, high, 2, {{2, {3, 4}}, {2, {3, 4}}}},                        \
     {"a column and a row", name##_sample, low, high, 2, {{2, {3, 1}}, {1, {4}}}},                  \
     {"a scalar first", name##_sample, low, high, 2, {{0}, {2, {2, 3}}}},                           \
     {0}};                                                                                          \
 const autograd_op autograd_##name = {#name, #grad, name##_derivative, name##_cases};   \
 static const row name##_row = {"tr_" #name, "tr_" #name "_", KERNEL_##kernel, name##_a_saves, name##_b_saves, KERNEL_##kernel == KERNEL_DIV}; \
 tr_tensor *(tr_##name)(tr_tensor *a, tr_tensor *b) { return apply(&name##_row, &autograd_##name, a, b); }
/* clang-format on */
#include "autograd/binary.def"
#undef ROW2

/* 1 - x and x ** 2 go by names of their own in PyTorch. */
static const autograd_op *named(const autograd_op *op, bool number_first, bool number_second)
{
    static const autograd_op rsub = {"sub", "RsubBackward1", sub_derivative, sub_cases};
    static const autograd_op pow_number = {"pow", "PowBackward0", pow_derivative, pow_cases};
    static const autograd_op pow_of_number = {"pow", "PowBackward2", pow_derivative, pow_cases};
    if (op == &autograd_sub && number_first) return &rsub;
    if (op == &autograd_pow && number_first) return &pow_of_number;
    return op == &autograd_pow && number_second ? &pow_number : op;
}

tr_tensor *(tr_add_)(tr_tensor *a, tr_tensor *b)
{
    return apply_in_place(&add_row, &autograd_add, a, b);
}
tr_tensor *(tr_sub_)(tr_tensor *a, tr_tensor *b) { return apply_in_place(&sub_row, &autograd_sub, a, b); }
tr_tensor *(tr_mul_)(tr_tensor *a, tr_tensor *b) { return apply_in_place(&mul_row, &autograd_mul, a, b); }
tr_tensor *(tr_div_)(tr_tensor *a, tr_tensor *b) { return apply_in_place(&div_row, &autograd_div, a, b); }

#!/usr/bin/env python3
"""Writes ops_corners.txt: gradients beside NaN, infinities and zeros, products whose parts overflow, tensors of no dims and
of no elements.  make_ops.py says how a line is to be read.

    /usr/bin/python3 make_ops_corners.py > ops_corners.txt
"""
import torch
from torch.nn import functional as F
from make_ops import Input, case, inf, nan, rand

torch.manual_seed(0)
true, false = torch.tensor(True), torch.tensor(False)


def either(op, fn, a, b, args=()):
    """The gradient of each of two inputs."""
    a, b = Input(a), Input(b)
    case(op, fn, [a, b], args)
    case(op, fn, [a, b], args, leaves=lambda t: t is b.t)


def chosen():
    """A NaN is the larger and the smaller; who shares the gradient with it."""
    odd = torch.tensor([nan, inf, -inf, 1.0, 2.0])
    for fn in (torch.maximum, torch.minimum):
        either(fn.__name__, fn, odd.repeat_interleave(5), odd.repeat(5))
        either(fn.__name__, fn, odd.reshape(5, 1), odd.to(torch.float64))
    for row in ([1.0, nan, 2.0], [nan, nan, 1.0], [inf, inf, 1.0], [-inf, -inf, -inf], [1.0, 2.0, 2.0]):
        x = torch.tensor([row, [3.0, 1.0, 1.0]])
        for name, fn, whole in (("max", torch.amax, torch.max), ("min", torch.amin, torch.min)):
            case(name, whole, [x], [-1, 0])
            case(name, lambda t: fn(t, (1,)), [x], [1, 1, 0])
            case(name, lambda t: fn(t, (0,), True), [x], [1, 0, 1])
        case("median", torch.median, [x])
        for p in (inf, -inf):
            case("norm", lambda t: torch.linalg.vector_norm(t, p, (1,)), [x], [p, 1, 1, 0])


def powers():
    """The slope of a power of 0 along its exponent, beside NaN."""
    exponent = torch.tensor([nan, 2.0, 0.0, -1.0, inf])
    case("pow", torch.pow, [0, exponent])
    either("pow", torch.pow, torch.zeros(5), exponent)
    either("pow", torch.pow, torch.tensor([nan, inf, 1.0, 2.0, 0.5]), exponent)


def products():
    """y / x where nothing is zero, though halves of the product overflow."""
    long = torch.cat([torch.full((100,), 10.0), torch.full((100,), 0.1), torch.full((100,), 1.01)])
    for x in (long, long.reshape(2, 150), torch.tensor([inf, 2.0, 3.0]), torch.tensor([nan, 1.0, 3.0]), torch.tensor([0.0, inf, 2.0]),
              torch.tensor([nan, 1.0, 0.0]), torch.tensor([[1.0, 2.0, 4.0], [0.0, 3.0, 5.0], [0.0, 0.0, 2.0]])):
        case("prod", torch.prod, [x], [-1, 0])
        case("prod", lambda t: torch.prod(t, -1), [x], [1, -1, 0])
        case("prod", lambda t: torch.prod(t, 0, True), [Input(x, "turned")], [1, 0, 1])
    for x in (torch.tensor(inf), torch.tensor(0.0), torch.tensor([inf]), torch.tensor([0.0])):
        case("prod", torch.prod, [x], [-1, 0])
        case("prod", lambda t: torch.prod(t, 0), [x], [1, 0, 0])


def scalars():
    """Truth in no dims, and what is stretched."""
    for mask in (true, false):
        for x in (rand(2, 3), rand(3, dtype=torch.float64), rand()):
            case("index", lambda t, m: t[m], [x, mask])
            case("masked_select", torch.masked_select, [x, mask])
            case("masked_fill", torch.masked_fill, [x, mask, 2])
            case("where", torch.where, [mask, x, rand()])
            for value in (rand().to(x.dtype), rand(1, *x.shape).to(x.dtype)):
                case("index_put_", lambda t, m, v: t.clone().index_put_((m,), v), [x, mask, value])
    for reduction, code in (("mean", 0), ("sum", 1), ("none", 2)):
        for a, b in (((2, 3), ()), ((), (3,)), ((), ())):
            for types in ((torch.float32, torch.float64), (torch.float64, torch.float32), (torch.bfloat16, torch.float32), (torch.int64, torch.float16)):
                case("mse_loss", lambda x, t: F.mse_loss(x, t, reduction=reduction), [rand(*a, dtype=types[0]), rand(*b, dtype=types[1])], [code], grad=False)
    for dtype in (torch.bool, torch.int64, torch.uint8, torch.int32, torch.float32):
        for value in (0.5, -1.5, 2.7, 300.0, 3):
            case("masked_fill", torch.masked_fill, [rand(3, dtype=dtype, low=0), torch.tensor([True, False, True]), value])
        case("masked_fill", torch.masked_fill, [rand(3, dtype=dtype, low=0), torch.tensor([True, False, True]), torch.tensor(2.5)])
        case("logsumexp", lambda t: torch.logsumexp(t, (0,)), [rand(3, dtype=dtype, low=0)], [1, 0, 0])
    for fn in (torch.sign, torch.sgn, torch.square):
        for shape in ((2, 3), (), (0, 2)):
            case(fn.__name__, fn, [Input(rand(*shape, dtype=torch.bool), "turned")])


def joined():
    """A tensor of no elements and one dim joins with any."""
    none = torch.zeros(0)
    for parts in ([none, rand(2, 3)], [rand(2, 3), none], [none, none], [rand(1, 3), none, rand(2, 3, dtype=torch.float64)],
                  [torch.zeros(0, dtype=torch.float64), rand(2, 3)], [torch.zeros(0, dtype=torch.int64), rand(2, 3, dtype=torch.int32)]):
        for dim in (0, 1, -1):
            case("cat", lambda *t: torch.cat(t, dim), parts, [dim])


def truths():
    """Of uint8 the answer is uint8."""
    for x in (torch.tensor([[0, 200, 3], [1, 1, 1]], dtype=torch.uint8), torch.zeros(2, 0, dtype=torch.uint8), torch.tensor(2, dtype=torch.uint8)):
        for fn in (torch.all, torch.any):
            case(fn.__name__, fn, [x], [-1, 0])
            case(fn.__name__, lambda t: fn(t, -1, True), [x], [1, -1, 1])
            case(fn.__name__, lambda t: fn(t, 0), [Input(x, "turned")], [1, 0, 0])


def nothing():
    """What is chosen from a scalar, and of no elements at all."""
    for k in (0, 1):
        for smallest in (0, 1):
            case("topk", lambda t: torch.topk(t, k, -1, not smallest), [rand()], [k, -1, smallest])
            case("topk", lambda t: torch.topk(t, k, 0, not smallest), [rand(2, 0)], [k, 0, smallest])
    for dtype in (torch.int64, torch.int32, torch.uint8, torch.bool, torch.float16):
        for shape in ((0,), (2, 0), (0, 2)):
            for fn in (torch.softmax, torch.log_softmax):
                case(fn.__name__, lambda t: fn(t, 0), [torch.zeros(shape, dtype=dtype)], [0])


def roots():
    """A power of 0.5 or -0.5 is a root where the exponent is a number, and none where it is a tensor."""
    x = torch.tensor([-inf, inf, -0.0, 0.0, -1.0, nan, 2.25, 1e-30, 3e30])
    for dtype in (torch.float32, torch.float64):
        for p in (0.5, -0.5, 1.5, -1.5, -1, -2):
            case("pow", torch.pow, [x.to(dtype), p])
            case("pow", torch.pow, [x.to(dtype)[0], p])
            case("pow", torch.pow, [x.to(dtype), torch.tensor([p] * 9, dtype=dtype)])
    for dtype in (torch.float16, torch.bfloat16):
        for p in (0.5, -0.5):
            case("pow", torch.pow, [torch.tensor([3.0, 0.1, 0.75, 123.0, inf], dtype=dtype), p])


def mixed():
    """Three operands of three types: which of them counts; norms of a root's order beside 0."""
    half, double, single = torch.float16, torch.float64, torch.float32
    for types in ((half, double, single), (double, half, single), (half, single, torch.int64), (torch.int64, half, double)):
        for shapes in (((), (2, 1, 3), (3, 1)), ((3,), (), (1, 3)), ((), (), (3,)), ((2, 3), (), ())):
            case("clamp", torch.clamp, [rand(*shape, dtype=dtype) for shape, dtype in zip(shapes, types)], grad=False)
    for x in ([[0.0, 2.0, -3.0], [1.0, -2.0, 4.0], [0.0, 0.0, 0.0]],):
        for p in (-1.0, 0.5, 1.5, 3.0):
            case("norm", lambda t: torch.linalg.vector_norm(t, p, (1,)), [torch.tensor(x)], [p, 1, 1, 0])


print("# Written by make_ops_corners.py with PyTorch", torch.__version__)
chosen()
powers()
products()
scalars()
joined()
truths()
nothing()
roots()
mixed()

#!/usr/bin/env python3
"""Writes ops.txt: operations on awkward tensors as PyTorch (1.13) computes them.

    /usr/bin/python3 make_ops.py > ops.txt

A line is a case: the operation, its numbers, its inputs, its outputs, and the gradient of the first input that wants one.
    op | a b ... | input ; input | output ; output | gradient | grad_fn
A tensor is  dtype shape layout values,  with the shape as 3x4 (a dash for a scalar).  The layout says how an input lies in
memory: plain, turned (dims reversed), step (every other element of the last dim), stretched (dim 0 has stride 0).  "number"
is a C number.  The gradient is that of sum(first output * (1, 2, 3, ...)), of complex numbers both parts of it; a dash where
none is checked.
"""
import math
import struct
import warnings
import torch
from torch.nn import functional as F

warnings.filterwarnings("ignore")
torch.manual_seed(0)
nan, inf = math.nan, math.inf
NAMES = {torch.float32: "float32", torch.float64: "float64", torch.float16: "float16", torch.bfloat16: "bfloat16",
         torch.int64: "int64", torch.int32: "int32", torch.uint8: "uint8", torch.bool: "bool",
         torch.complex64: "complex64", torch.complex128: "complex128"}


def narrow(x):
    return struct.pack("f", min(max(float(x), -3e38), 3e38) if math.isfinite(float(x)) else float(x))


def number_text(x):
    if isinstance(x, complex):
        return number_text(x.real) + " " + number_text(x.imag)
    if isinstance(x, bool):
        return str(int(x))
    if isinstance(x, int):
        return str(x)
    return next(text for digits in range(1, 10) for text in ["%.*g" % (digits, x)] if digits == 9 or narrow(text) == narrow(x))


def values_text(t):
    wide = t.dtype == torch.float64 or t.dtype == torch.complex128
    def text(x):
        if isinstance(x, complex):
            return text(x.real) + " " + text(x.imag)
        return repr(x) if isinstance(x, float) and wide and math.isfinite(x) else number_text(x)
    return " ".join(text(x) for x in t.reshape(-1).tolist())


def tensor_text(t, layout="plain"):
    shape = "x".join(str(n) for n in t.shape) or "-"
    return f"{NAMES[t.dtype]} {shape} {layout} {values_text(t)}".rstrip()


def laid(t, layout):
    t = t.detach()
    if layout == "turned":
        dims = list(range(t.dim()))[::-1]
        return t.permute(dims).contiguous().permute(dims)
    if layout == "stretched":
        return t[:1].expand(t.shape)
    if layout == "step":
        base = torch.zeros(*t.shape[:-1], 2 * t.shape[-1], dtype=t.dtype)
        base[..., ::2] = t
        return base[..., ::2]
    return t.clone()


class Input:
    """Values in a layout; stretched ones repeat their first row."""
    def __init__(self, t, layout="plain"):
        self.t = laid(t, layout)
        self.layout = layout


# Their nodes are called otherwise from version to version, or by how the call was written.
UNNAMED = {"sort", "reshape", "flatten", "conj"}


def case(op, fn, inputs, args=(), grad=True, leaves=torch.Tensor.is_floating_point):
    inputs = [i if isinstance(i, (Input, int, float)) else Input(i) for i in inputs]
    given = [i if isinstance(i, (int, float)) else i.t for i in inputs]
    leaf = next((k for k, t in enumerate(given) if isinstance(t, torch.Tensor) and leaves(t)), None)
    grad = grad and leaf is not None
    if grad:
        given[leaf] = given[leaf].clone(memory_format=torch.preserve_format).requires_grad_()
    try:
        out = fn(*given)
    except (RuntimeError, TypeError, IndexError, ValueError):
        return
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    gradient, made_by = "-", "-"
    if grad and outs[0].requires_grad and outs[0].numel():
        weight = torch.arange(1, outs[0].numel() + 1).reshape(outs[0].shape).to(outs[0].dtype)
        try:
            loss = (outs[0] * weight).sum()
            g, = torch.autograd.grad(loss.real + loss.imag if loss.is_complex() else loss, given[leaf], allow_unused=True)
        except RuntimeError:  # not differentiable there
            g = None
        if g is not None:
            gradient = f"{leaf} {values_text(g)}"
            made_by = "-" if op in UNNAMED or outs[0].is_leaf else type(outs[0].grad_fn).__name__
    texts = ["number " + ("int64 " if isinstance(i, int) else "float32 ") + number_text(i) if isinstance(i, (int, float))
             else tensor_text(i.t, i.layout) for i in inputs]
    print(op, " ".join(number_text(a) for a in args), " ; ".join(texts),
          " ; ".join(tensor_text(o.detach().contiguous()) for o in outs), gradient, made_by, sep=" | ")


def rand(*shape, dtype=torch.float32, low=-2.0, high=2.0):
    if dtype == torch.bool:
        return torch.rand(shape) > 0.5
    if dtype.is_complex:
        return (torch.round(torch.randn(*shape, dtype=torch.complex128).real * 100) / 100 +
                1j * torch.round(torch.randn(*shape, dtype=torch.float64) * 100) / 100).to(dtype)
    t = torch.round((torch.rand(shape, dtype=torch.float64) * (high - low) + low) * 100) / 100
    return (t * (1 if dtype.is_floating_point else 3)).to(dtype)


SPECIAL = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 30.0, 1e-30]
FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
WHOLE = [torch.int64, torch.int32, torch.uint8]


def shapes(dtype=torch.float32, low=-2.0, high=2.0):
    """The awkward ones."""
    for shape, layout in [((2, 3), "turned"), ((5,), "step"), ((), "plain"), ((0, 3), "plain"), ((3, 2), "stretched")]:
        yield Input(rand(*shape, dtype=dtype, low=low, high=high), layout)


def unary():
    bounds = {"log": (0.1, 3), "sqrt": (0.1, 3), "log2": (0.1, 3), "log10": (0.1, 3), "log1p": (-0.9, 3), "asin": (-0.9, 0.9), "acos": (-0.9, 0.9)}
    fns = {n: getattr(torch, n) for n in ("neg abs sign square sqrt reciprocal exp log sin cos tanh sigmoid relu floor ceil round "
           "trunc log1p expm1 log2 log10 exp2 tan asin acos atan sinh cosh erf isnan isinf isfinite logical_not").split()}
    fns |= {"silu": F.silu, "gelu": F.gelu, "softplus": F.softplus, "leaky_relu": lambda x: F.leaky_relu(x, 0.1)}
    for name, fn in fns.items():
        args = [0.1] if name == "leaky_relu" else []
        low, high = bounds.get(name, (-2, 2))
        for x in shapes(low=low, high=high):
            case(name, fn, [x], args)
        case(name, fn, [torch.tensor(SPECIAL)], args, grad=False)
        case(name, fn, [Input(rand(3, 2, dtype=torch.float64, low=low, high=high), "turned")], args)
        for dtype in (torch.bfloat16, torch.int64, torch.int32):
            case(name, fn, [rand(4, dtype=dtype, low=low, high=high)], args, grad=dtype.is_floating_point)


def binary():
    names = "add sub mul div pow maximum minimum eq ne lt le gt ge floor_divide remainder fmod logical_and logical_or logical_xor".split()
    for name in names:
        fn = {"pow": torch.pow}.get(name, getattr(torch, name))
        low = 0.2 if name == "pow" else -2.0
        for a, b in [((2, 3), (3,)), ((3, 1), (1, 2)), ((), (2, 2)), ((0, 3), (1, 3)), ((4,), (4,))]:
            case(name, fn, [Input(rand(*a, low=low), "turned"), rand(*b)])
        case(name, fn, [Input(rand(3, 4, low=low), "step"), Input(rand(3, 4), "stretched")])
        if name not in ("maximum", "minimum"):
            case(name, fn, [rand(2, 2, low=low), 2])
            case(name, fn, [rand(2, 2, low=low), -0.5])
            case(name, fn, [rand(3, dtype=torch.int64, low=1), 2])
            case(name, fn, [rand(3, dtype=torch.int64), 1.5])
            case(name, fn, [rand(3, dtype=torch.float16, low=low), 2], grad=False)
        if name in ("add", "mul", "eq", "ne", "sub", "div"):
            case(name, fn, [rand(3, dtype=torch.complex64), rand(3, dtype=torch.complex64)])
            case(name, fn, [rand(3, dtype=torch.float64), rand(3, dtype=torch.complex64)], grad=False)
        specials = torch.tensor([nan, inf, -inf, 0.0, -0.0, 2.0])
        case(name, fn, [specials.repeat_interleave(6), specials.repeat(6)], grad=False)
        case(name, fn, [torch.tensor([7, -7, 7, -7, 0, 9]), torch.tensor([2, 2, -2, -2, 3, -1])])
        types = FLOATS + WHOLE + [torch.bool]
        for a in types:
            for b in types:
                if a != b and name in ("add", "div", "pow", "eq", "remainder"):
                    case(name, fn, [rand(2, dtype=a, low=1), rand(2, dtype=b, low=1)], grad=False)
    for name in ("add_", "sub_", "mul_", "div_", "copy_"):
        fn = lambda a, b: getattr(a.clone(), name)(b)
        case(name, fn, [Input(rand(2, 3), "turned"), rand(3)], grad=False)
        case(name, fn, [rand(2, 3, dtype=torch.int64), 2], grad=False)
        case(name, fn, [rand(2, dtype=torch.float64), rand(2)], grad=False)
    for lowest, highest in [(-1, 1), (0.5, 0.5), (1, -1), (-2, 1.5)]:
        for x in [Input(rand(2, 3), "turned"), torch.tensor(SPECIAL), torch.tensor([-1.0, 1.0, 0.5, -2.0]), rand(4, dtype=torch.int64)]:
            case("clamp", torch.clamp, [x, lowest, highest])
    case("clamp", torch.clamp, [rand(2, 3), rand(3), rand(2, 1)])
    case("clamp_min", torch.clamp_min, [rand(4), 0])
    case("clamp_max", torch.clamp_max, [torch.tensor([1.0, 2.0, nan]), 1])
    mask = torch.tensor([[True, False, True], [False, False, True]])
    case("where", torch.where, [mask, rand(2, 3), rand(3)])
    case("where", torch.where, [Input(mask, "turned"), rand(2, 1), Input(rand(2, 3), "step")])
    case("masked_fill", torch.masked_fill, [rand(2, 3), mask, 7])
    case("masked_fill", torch.masked_fill, [Input(rand(2, 3), "turned"), mask[0], -inf])
    case("masked_fill", torch.masked_fill, [rand(2, 3, dtype=torch.int64), mask, 7])
    case("masked_fill", torch.masked_fill, [rand(2, 3), mask, rand()])
    case("masked_fill_", lambda x, m, v: x.clone().masked_fill_(m, v), [Input(rand(2, 3), "turned"), mask, 3])
    case("masked_select", torch.masked_select, [Input(rand(2, 3), "turned"), mask])
    case("masked_select", torch.masked_select, [rand(3), mask])


def reductions():
    def dims_args(dims, keepdim):
        return ([-1] if dims is None else [len(dims), *dims]) + [int(keepdim)]

    def inputs(low=-2.0):
        yield Input(rand(2, 3, 4, low=low), "turned")
        yield Input(rand(3, 4, low=low), "step")
        yield Input(rand(3, 2, low=low), "stretched")
        yield Input(rand(0, 3, low=low))
        yield Input(rand(1, 1, low=low))
        yield Input(rand(low=low))
        yield Input(torch.tensor([[nan, 1.0, 2.0], [inf, -inf, 3.0], [0.0, 0.0, 5.0]]))
        yield Input(rand(2, 2, dtype=torch.float64, low=low))
        yield Input(rand(3, 3, dtype=torch.int64))
        yield Input(rand(3, 3, dtype=torch.uint8, low=0))
        yield Input(rand(3, 3, dtype=torch.bool))

    def over(name, fn, all_fn=None, many=True, args=(), fits=lambda x: True):
        for x in inputs():
            if not fits(x.t):
                continue
            choices = [(None, False)]
            if x.t.dim():
                choices += [((0,), False), ((-1,), True)]
            if x.t.dim() > 1 and many:
                choices += [((0, -1), False)]
            for dims, keepdim in choices:
                def call(t, dims=dims, keepdim=keepdim):
                    if dims is None:
                        return (all_fn or (lambda t: fn(t, tuple(range(t.dim())), False)))(t)
                    return fn(t, dims if many else dims[0], keepdim)
                # What one NaN does to the gradients of the others is not worth agreeing about.
                plain = not x.t.isnan().any() and not (name == "var" and x.t.dim() == 0)
                case(name, call, [x], [*args, *dims_args(dims, keepdim)], grad=plain)

    floating = lambda t: t.is_floating_point()
    small = lambda t: t.dtype != torch.uint8
    over("sum", lambda t, d, k: torch.sum(t, d, k), torch.sum)
    over("mean", lambda t, d, k: torch.mean(t, d, k), torch.mean)
    over("max", lambda t, d, k: torch.amax(t, d, k), torch.max)
    over("min", lambda t, d, k: torch.amin(t, d, k), torch.min)
    over("argmax", lambda t, d, k: torch.argmax(t, d, k), torch.argmax, many=False)
    over("argmin", lambda t, d, k: torch.argmin(t, d, k), torch.argmin, many=False)
    over("prod", lambda t, d, k: torch.prod(t, d, k), torch.prod, many=False)
    over("any", lambda t, d, k: torch.any(t, d, k), torch.any, many=False, fits=small)
    over("all", lambda t, d, k: torch.all(t, d, k), torch.all, many=False, fits=small)
    over("logsumexp", lambda t, d, k: torch.logsumexp(t, d, k), fits=floating)
    for biased in (0, 1):
        over("var", lambda t, d, k: torch.var(t, d, not biased, k), lambda t: torch.var(t, not biased), args=[biased], fits=floating)
        over("std", lambda t, d, k: torch.std(t, d, not biased, k), lambda t: torch.std(t, not biased), args=[biased], fits=floating)
    for p in (2, 1, 3, inf):
        over("norm", lambda t, d, k: torch.linalg.vector_norm(t, p, d, k), lambda t: torch.linalg.vector_norm(t, p), args=[p], fits=floating)
    case("max", torch.max, [torch.tensor([1.0, nan, 3.0, nan])], [-1, 0])
    case("norm", lambda t: torch.linalg.vector_norm(t, -inf), [rand(4)], [-inf, -1, 0])
    case("norm", lambda t: torch.linalg.vector_norm(t, 0.5), [rand(4)], [0.5, -1, 0])
    case("norm", lambda t: torch.linalg.vector_norm(t), [torch.zeros(3)], [2, -1, 0])
    case("std", lambda t: torch.std(t), [torch.ones(3)], [0, -1, 0])
    case("prod", torch.prod, [torch.tensor([2.0, 0.0, 3.0])], [-1, 0])
    case("prod", torch.prod, [torch.tensor([2.0, 0.0, 0.0])], [-1, 0])
    for x in inputs():
        for dim in {0, -1}:
            case("cumsum", lambda t: torch.cumsum(t, dim), [x], [dim])
            for keepdim in (0, 1):
                for name, fn in {"max_dim": torch.max, "min_dim": torch.min}.items():
                    case(name, lambda t: fn(t, dim, bool(keepdim)), [x], [dim, keepdim])
                if not (x.layout == "stretched" and dim == 0):
                    case("median_dim", lambda t: torch.median(t, dim, bool(keepdim)), [x], [dim, keepdim])
            for descending in (0, 1):
                case("sort", lambda t: torch.sort(t, dim=dim, descending=bool(descending), stable=True), [x], [dim, descending])
        if x.layout != "stretched":
            case("median", torch.median, [x], grad=x.t.numel() > 0)
    distinct = torch.tensor([[3.0, -1.0, nan, 7.0, 0.5], [2.0, inf, -inf, 1.0, 0.0]])
    for k in (0, 2, 5):
        for smallest in (0, 1):
            case("topk", lambda t: torch.topk(t, k, -1, not smallest), [Input(distinct, "turned")], [k, -1, smallest])
    for name, fn in {"softmax": torch.softmax, "log_softmax": torch.log_softmax}.items():
        for x in inputs():
            case(name, lambda t: fn(t, -1), [x], [-1])
        case(name, lambda t: fn(t, 0), [Input(rand(3, 4), "turned")], [0])


def arranging():
    both = lambda *shape: (Input(rand(*shape), "turned"), Input(rand(*shape), "plain"))
    for x in both(2, 3, 4):
        case("flip", lambda t: torch.flip(t, (0, -1)), [x], [0, -1])
        case("roll", lambda t: torch.roll(t, -2, 1), [x], [-2, 1])
        case("roll", lambda t: torch.roll(t, 5, 2), [x], [5, 2])
        case("repeat", lambda t: t.repeat(2, 1, 1, 2), [x], [2, 1, 1, 2])
        case("permute", lambda t: t.permute(2, 0, 1), [x], [2, 0, 1])
        case("transpose", lambda t: t.transpose(0, -1), [x], [0, -1])
        case("reshape", lambda t: t.reshape(4, -1), [x], [4, -1])
        case("flatten", lambda t: t.flatten(1, -1), [x], [1, -1])
        case("unsqueeze", lambda t: t.unsqueeze(-1), [x], [-1])
        case("select", lambda t: t.select(1, -1), [x], [1, -1])
        case("narrow", lambda t: t.narrow(2, 1, 2), [x], [2, 1, 2])
        case("slice", lambda t: t[:, :, -3:9:2], [x], [2, -3, 9, 2])
        case("diagonal", lambda t: t.diagonal(1, 1, 2), [x], [1, 1, 2])
        case("diagonal", lambda t: t.diagonal(-1, -1, 0), [x], [-1, -1, 0])
        case("diagonal", lambda t: t.diagonal(-9, 0, 1), [x], [-9, 0, 1])
        case("clone", lambda t: t.clone(), [x])
        case("contiguous", lambda t: t.contiguous(), [x])
        case("view", lambda t: t.view(1, *t.shape), [x], [1, 2, 3, 4])
        case("fill_", lambda t: t.clone().fill_(3), [x], [3], grad=False)
        case("zero_", lambda t: t.clone().zero_(), [x], grad=False)
        case("argsort", lambda t: torch.argsort(t, 1, True), [x], [1, 1])
        for k in (0, 1, -1):
            case("tril", lambda t: torch.tril(t, k), [x], [k])
            case("triu", lambda t: torch.triu(t, k), [x], [k])
    case("tril", lambda t: torch.tril(t), [rand(3, 3, dtype=torch.int64)], [0])
    case("triu", lambda t: torch.triu(t), [rand(2, 3, dtype=torch.bool)], [0])
    case("flip", lambda t: torch.flip(t, (0,)), [rand(0, 3)], [0])
    case("repeat", lambda t: t.repeat(0, 2), [rand(2)], [0, 2])
    case("squeeze", lambda t: t.squeeze(1), [rand(2, 1, 3)], [1])
    case("expand", lambda t: t.expand(2, 3, 4), [rand(3, 1)], [2, 3, 4])
    case("t", lambda t: t.t(), [rand(2, 3)])
    case("trace", torch.trace, [Input(rand(3, 4), "turned")])
    case("trace", torch.trace, [rand(3, 3, dtype=torch.int64)])
    case("eye", lambda: torch.eye(3), [], [3])
    case("arange", lambda: torch.arange(1.0, 2.0, 0.3), [], [1, 2, 0.3])
    case("linspace", lambda: torch.linspace(-1, 1, 5), [], [-1, 1, 5])
    for n, parts in ((7, 3), (6, 3), (2, 4), (0, 2)):
        case("chunk", lambda t: torch.chunk(t, parts, 0), [rand(n, 2)], [parts, 0])
    for n, length in ((7, 3), (6, 3), (0, 2)):
        case("split", lambda t: torch.split(t, length, 0), [rand(n, 2)], [length, 0])
    a, b = Input(rand(2, 3), "turned"), rand(2, 3)
    for dim in (0, -1):
        case("cat", lambda *t: torch.cat(t, dim), [a, b, rand(2, 3, dtype=torch.float64)], [dim])
        case("stack", lambda *t: torch.stack(t, dim), [a, b], [dim])
    for a in (torch.float16, torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool, torch.complex64):
        for b in NAMES:
            if a != b and not (a.is_complex and not b.is_complex):
                case("to", lambda t: t.to(b), [rand(3, dtype=a, low=0.0)], [list(NAMES).index(b)], grad=False)


def indexing():
    x, y = Input(rand(4, 3), "turned"), rand(2, 3, 2)
    rows = torch.tensor([2, 0, 2])
    case("index_select", lambda t, i: t.index_select(0, i), [x, rows], [0])
    case("index_select", lambda t, i: t.index_select(1, i), [y, rows], [1])
    case("index", lambda t, i: t[i], [x, torch.tensor([[2, -1], [0, -4]])])
    case("index", lambda t, i: t[i], [x, torch.tensor(1)])
    case("index", lambda t, i: t[i], [x, torch.zeros(0, dtype=torch.int64)])
    case("index", lambda t, i: t[i], [x, torch.tensor([True, False, True, True])])
    case("index", lambda t, i: t[i], [x, Input(rand(4, 3, dtype=torch.bool), "turned")])
    case("index", lambda t, i: t[i], [y, rand(2, 3, dtype=torch.bool)])

    def put(t, i, v):
        t = t.clone()
        t[i] = v
        return t
    case("index_put_", put, [x, torch.tensor([0, -1]), 7])
    case("index_put_", put, [x, torch.tensor([0, -1]), rand(2, 3)])
    case("index_put_", put, [x, torch.tensor([[1], [3]]), rand(3)])
    case("index_put_", put, [x, torch.tensor([True, False, False, True]), rand(2, 1)])
    case("index_put_", put, [x, Input(rand(4, 3, dtype=torch.bool), "turned"), 0])
    case("index_put_", put, [rand(4, dtype=torch.int64), torch.tensor([0, 2]), torch.tensor([5, 6])])
    case("index_add", lambda t, i, s: t.index_add(0, i, s), [x, rows, rand(3, 3)], [0])
    case("index_add", lambda t, i, s: t.index_add(1, i, s), [y, rows, Input(rand(2, 3, 2), "turned")], [1])
    case("index_add_", lambda t, i, s: t.clone().index_add_(0, i, s), [x, rows, rand(3, 3)], [0])
    case("index_copy", lambda t, i, s: t.index_copy(0, i, s), [x, torch.tensor([3, 0]), rand(2, 3)], [0])
    case("index_copy_", lambda t, i, s: t.clone().index_copy_(1, i, s), [x, torch.tensor([2, 0]), rand(4, 2)], [1])
    index = torch.tensor([[2, 0], [1, 3]])
    case("gather", lambda t, i: t.gather(0, i), [x, index], [0])
    case("scatter_add", lambda t, i, s: t.scatter_add(0, i, s), [x, index, rand(2, 2)], [0])


def products():
    for a, b in [((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3))]:
        for dtype in (torch.float32, torch.float64, torch.complex64, torch.bfloat16):
            if dtype.is_complex and len(a) + len(b) == 2:  # Debian's PyTorch gives 0
                continue
            case("matmul", torch.matmul, [Input(rand(*a, dtype=dtype), "turned"), rand(*b, dtype=dtype)], grad=dtype != torch.bfloat16)
    case("mm", torch.mm, [rand(2, 3), Input(rand(3, 2), "stretched")])
    case("dot", torch.dot, [rand(4), Input(rand(4), "step")])
    case("outer", torch.outer, [rand(2), rand(3)])
    case("linear", F.linear, [rand(2, 4, 3), Input(rand(2, 3), "turned"), rand(2)])
    for shape in ((3, 3), (2, 2, 2), (1, 1), (0, 0), (0, 2, 2)):
        for dtype in (torch.float32, torch.float64):
            a = rand(*shape, dtype=dtype) + 4 * torch.eye(shape[-1], dtype=dtype)
            case("inv", torch.linalg.inv, [Input(a, "turned")])
            case("det", torch.linalg.det, [Input(a, "turned")])
            case("solve", torch.linalg.solve, [Input(a, "turned"), rand(*shape[:-1], 2, dtype=dtype)])
    case("det", torch.linalg.det, [torch.tensor([[1.0, 2.0], [2.0, 4.0]])], grad=False)
    case("det", torch.linalg.det, [torch.tensor([[0.0, 2.0], [3.0, 0.0]])])
    case("solve", torch.linalg.solve, [rand(3, 3) + 4 * torch.eye(3), rand(3)])
    for reduction, code in (("mean", 0), ("sum", 1), ("none", 2)):
        case("mse_loss", lambda x, t: F.mse_loss(x, t, reduction=reduction), [Input(rand(2, 3), "turned"), rand(2, 3)], [code])
        target = torch.tensor([2, -100, 0])
        case("cross_entropy", lambda x, t: F.cross_entropy(x, t, reduction=reduction), [Input(rand(3, 4), "turned"), target], [code])
        case("nll_loss", lambda x, t: F.nll_loss(x, t, reduction=reduction), [rand(3, 4), target], [code])


def complexes():
    """All that complex numbers have; where this PyTorch refuses, nothing is written."""
    def z(*shape, dtype=torch.complex128):
        return rand(*shape, dtype=dtype) if shape else rand(1, dtype=dtype)[0]

    def both(op, fn, inputs, args=()):
        case(op, fn, inputs, args, leaves=lambda t: t.is_floating_point() or t.is_complex())

    names = "neg abs square sqrt reciprocal exp log sin cos tanh sigmoid log2 log10 tan asin acos atan sinh cosh sgn angle conj real imag view_as_real"
    for name in names.split():
        fn = {"conj": lambda x: x.conj().resolve_conj()}.get(name, getattr(torch, name))
        for x in [Input(z(2, 3), "turned"), Input(z(4), "step"), Input(z(3, 2), "stretched"), z(), z(0, 3), z(3, dtype=torch.complex64)]:
            both(name, fn, [x])
    both("silu", F.silu, [z(3)])
    both("angle", torch.angle, [torch.tensor([1.0, -2.0, 0.0, nan])])
    both("view_as_complex", torch.view_as_complex, [z(3).real.new_tensor([[1.0, 2.0], [3.0, 4.0]])])
    both("complex", torch.complex, [rand(2, 3), rand(2, 3)])
    both("polar", torch.polar, [rand(2, 3, low=0.1), rand(2, 3)])
    for name in ("isnan", "isinf", "isfinite", "logical_not"):
        case(name, getattr(torch, name), [torch.tensor([1j, complex(nan, 1), complex(1, -inf), 0])])
    for name in ("add", "sub", "mul", "div", "pow"):
        fn = getattr(torch, name)
        both(name, fn, [Input(z(2, 3), "turned"), z(3)])
        both(name, fn, [rand(3, dtype=torch.float64, low=0.1), z(2, 3)])
        both(name, fn, [z(2, 3), rand(3, dtype=torch.float64)])
        for number in (2, 0.5, -1):
            both(name, fn, [z(3), number])
        if name != "pow":
            case(name + "_", lambda a, b: getattr(a.clone(), name + "_")(b), [Input(z(2, 3), "turned"), z(3)], grad=False)
    both("where", torch.where, [rand(2, 3, dtype=torch.bool), z(2, 3), z(3)])
    for x in [Input(z(2, 3, 4), "turned"), Input(z(3, 4), "step"), Input(z(3, 2), "stretched"), z(1, 1), z(3, 3, dtype=torch.complex64)]:
        for dim in (0, -1):
            both("sum", lambda t: t.sum(dim), [x], [1, dim, 0])
            both("mean", lambda t: t.mean(dim), [x], [1, dim, 0])
            both("prod", lambda t: t.prod(dim, True), [x], [1, dim, 1])
            both("cumsum", lambda t: t.cumsum(dim), [x], [dim])
            for p in (2, 1, 3, inf):
                both("norm", lambda t: torch.linalg.vector_norm(t, p, dim), [x], [p, 1, dim, 0])
            many = (x.t if isinstance(x, Input) else x).shape[dim] > 1
            equal = isinstance(x, Input) and x.layout == "stretched" and dim == 0
            if many:
                both("var", lambda t: t.var(dim, True), [x], [0, 1, dim, 0])
            if many and not equal:  # of equal ones it is 0, or a rounding beside it
                both("std", lambda t: t.std(dim, True), [x], [0, 1, dim, 0])
    both("prod", torch.prod, [torch.tensor([2j, 0, 3, 0])], [-1, 0])
    both("prod", torch.prod, [torch.tensor([2j, 0, 3 - 1j])], [-1, 0])
    for dtype in (torch.complex64, torch.complex128):
        eye = 4 * torch.eye(2, dtype=dtype)
        both("inv", torch.linalg.inv, [z(3, 2, 2, dtype=dtype) + eye])
        both("inv", torch.linalg.inv, [Input(z(2, 2, dtype=dtype) + eye, "turned")])
        both("det", torch.linalg.det, [Input(z(2, 2, dtype=dtype) + eye, "turned")])
        both("solve", torch.linalg.solve, [Input(z(2, 2, dtype=dtype) + eye, "turned"), z(2, 3, dtype=dtype)])
        both("linear", F.linear, [z(4, 3, dtype=dtype), Input(z(2, 3, dtype=dtype), "turned"), z(2, dtype=dtype)])
        both("trace", torch.trace, [z(3, 3, dtype=dtype)])


def corners():
    """What stands at an edge of several rules at once."""
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64):
        case("angle", torch.angle, [torch.tensor([1.0, -2.0, 0.0, -0.5]).to(dtype)])
    for leading in ((2, 3), (), (0, 3)):  # nothing to add up but the bias
        case("linear", F.linear, [rand(*leading, 0), rand(4, 0), rand(4)], grad=len(leading) > 0)
    case("linear", F.linear, [rand(0, 2, 3), rand(4, 3), rand(4)])
    for start, length in ((-1, 1), (-3, 2), (-3, 0)):
        case("narrow", lambda t: t.narrow(-1, start, length), [Input(rand(2, 3), "turned")], [-1, start, length])
    case("median", torch.median, [torch.tensor([2.0, 1.0, 2.0, 3.0, 2.0])])
    case("median", torch.median, [torch.tensor([2.0, nan, 2.0, nan, 2.0])])
    case("median", torch.median, [Input(torch.tensor([[1.0, 5.0], [7.0, 7.0]], dtype=torch.float64), "stretched")])
    none, zeros = torch.ones(2, 0, dtype=torch.int64), torch.zeros(2, 1, dtype=torch.int64)
    for name in ("remainder", "fmod", "floor_divide"):
        case(name, getattr(torch, name), [none, zeros])


if __name__ == "__main__":
    print("# Written by make_ops.py with PyTorch", torch.__version__)
    unary()
    binary()
    reductions()
    arranging()
    indexing()
    products()
    complexes()
    corners()

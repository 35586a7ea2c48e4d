#!/usr/bin/env python3
"""Writes ops_everywhere.txt: what takes a matrix, over matrices that lie in memory in every way, are empty, hold NaN and
infinities, and are of every kind of type.  make_ops.py says how a line is to be read.

    /usr/bin/python3 make_ops_everywhere.py > ops_everywhere.txt
"""
import math
import torch
from torch.nn import functional as F
from make_ops import NAMES, SPECIAL, Input, case, inf, laid, nan, rand

torch.manual_seed(0)


def strange(*shape, dtype=torch.float32):
    n = math.prod(shape)
    return torch.tensor([SPECIAL[i % len(SPECIAL)] for i in range(n)]).reshape(shape).to(dtype)


def matrices(rows=3, columns=4, types=(torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64)):
    """A matrix in every layout, empty, with one element in a dim, with NaN and infinities, of every kind of type."""
    for layout in ("plain", "turned", "step", "stretched"):
        yield Input(rand(rows, columns), layout)
    yield Input(rand(0, columns))
    yield Input(rand(rows, 0))
    yield Input(rand(1, columns), "turned")
    yield Input(rand(rows, 1), "step")
    yield Input(strange(rows, columns), "turned")
    for dtype in types:
        yield Input(rand(rows, columns, dtype=dtype), "turned")


def everywhere():
    """Whatever takes a matrix, over matrices()."""
    plain = {
        "flip": (lambda t: t.flip((1,)), [1]), "roll": (lambda t: t.roll(1, 0), [1, 0]), "repeat": (lambda t: t.repeat(2, 1), [2, 1]),
        "permute": (lambda t: t.permute(1, 0), [1, 0]), "transpose": (lambda t: t.transpose(0, 1), [0, 1]), "t": (lambda t: t.t(), []),
        "reshape": (lambda t: t.reshape(t.numel()), None), "flatten": (lambda t: t.flatten(0, 1), [0, 1]),
        "unsqueeze": (lambda t: t.unsqueeze(1), [1]), "squeeze": (lambda t: t.squeeze(0), [0]),
        "expand": (lambda t: t.expand(2, -1, -1), [2, -1, -1]), "select": (lambda t: t.select(0, -1), [0, -1]),
        "narrow": (lambda t: t.narrow(1, 0, 1), [1, 0, 1]), "slice": (lambda t: t[:, ::2], [1, 0, 2**53, 2]),
        "diagonal": (lambda t: t.diagonal(1), [1, 0, 1]), "tril": (lambda t: t.tril(), [0]), "triu": (lambda t: t.triu(1), [1]),
        "trace": (torch.trace, []), "clone": (torch.clone, []), "contiguous": (lambda t: t.contiguous(), []), "view": (lambda t: t.view(1, *t.shape), None),
        "zero_": (lambda t: t.clone().zero_(), []), "fill_": (lambda t: t.clone().fill_(1), [1]),
        "softmax": (lambda t: t.softmax(1), [1]), "log_softmax": (lambda t: t.log_softmax(0), [0]), "cumsum": (lambda t: t.cumsum(0), [0]),
        "chunk": (lambda t: t.chunk(2, 1), [2, 1]), "split": (lambda t: t.split(2, 1), [2, 1]),
    }
    for x in matrices():
        fine = bool(torch.isfinite(x.t).all())
        for name, (fn, args) in plain.items():
            trusted = name != "trace" or x.t.shape[0] <= x.t.shape[1]  # PyTorch 1.13 gives a column more than one diagonal element
            if args is None:
                args = [x.t.numel()] if name == "reshape" else [1, *x.t.shape]
            case(name, fn, [x], args, grad=fine and trusted and name not in ("zero_", "fill_"))
        if not x.t.is_complex():
            case("to", lambda t: t.to(torch.float64), [x], [list(NAMES).index(torch.float64)], grad=False)

        mask = Input(rand(*x.t.shape, dtype=torch.bool), "turned")
        case("where", torch.where, [mask, x, Input(rand(*x.t.shape, dtype=x.t.dtype))], grad=fine)
        case("masked_select", torch.masked_select, [x, mask], grad=fine and x.layout != "turned")  # PyTorch 1.13 turns that gradient
        case("masked_fill", torch.masked_fill, [x, mask, 1], grad=fine)
        case("masked_fill_", lambda t, m, v: t.clone().masked_fill_(m, v), [x, mask, 1], grad=fine)
        case("index", lambda t, m: t[m], [x, mask], grad=fine)
        rows, columns = x.t.shape
        row = torch.tensor([0, rows - 1] if rows else [], dtype=torch.int64)
        src = Input(rand(len(row), columns, dtype=x.t.dtype), "turned")
        case("index", lambda t, i: t[i], [x, row], grad=fine)
        case("index_select", lambda t, i: t.index_select(0, i), [x, row], [0], grad=fine)
        case("index_add", lambda t, i, s: t.index_add(0, i, s), [x, row, src], [0], grad=fine)
        case("index_add_", lambda t, i, s: t.clone().index_add_(0, i, s), [x, row, src], [0], grad=False)
        if rows != 1:  # of two rows for one place the last stays here
            case("index_copy", lambda t, i, s: t.index_copy(0, i, s), [x, row, src], [0], grad=fine)
            case("index_copy_", lambda t, i, s: t.clone().index_copy_(0, i, s), [x, row, src], [0], grad=False)
            case("index_put_", lambda t, i, s: t.clone().index_put_((i,), s), [x, row, src], grad=fine)
        index = row.reshape(-1, 1).expand(len(row), columns).contiguous()
        case("gather", lambda t, i: t.gather(0, i), [x, index], [0], grad=fine)
        case("scatter_add", lambda t, i, s: t.scatter_add(0, i, s), [x, index, src], [0], grad=fine)

        other = Input(rand(rows, columns, dtype=x.t.dtype), "turned")
        case("cat", lambda *t: torch.cat(t, 1), [x, other, Input(rand(rows, 0, dtype=x.t.dtype))], [1], grad=fine)
        case("stack", lambda *t: torch.stack(t, 1), [x, other], [1], grad=fine)
        for name in ("add_", "sub_", "mul_", "div_", "copy_") if x.layout != "stretched" else ():
            case(name, lambda a, b: getattr(a.clone(), name)(b), [x, other], grad=False)
        for name in ("maximum", "minimum"):
            if not x.t.dtype == torch.bool:
                case(name, getattr(torch, name), [x, other], grad=fine)
        for low, high in ((0, 1), (-0.5, 0.5)):
            case("clamp", torch.clamp, [x, low, high], grad=fine)
            case("clamp_min", torch.clamp_min, [x, low], grad=fine)
            case("clamp_max", torch.clamp_max, [x, high], grad=fine)

        turned = Input(rand(columns, 2, dtype=x.t.dtype), "turned")
        case("mm", torch.mm, [x, turned], grad=fine)
        case("matmul", torch.matmul, [x, turned], grad=fine)
        case("matmul", torch.matmul, [x, rand(columns, dtype=x.t.dtype)], grad=fine)
        case("linear", F.linear, [x, Input(rand(2, columns, dtype=x.t.dtype), "step"), rand(2, dtype=x.t.dtype)], grad=fine)
        vector = Input(x.t.reshape(-1)[:rows * columns], "step")
        if not x.t.is_complex():  # Debian's PyTorch gives 0
            case("dot", torch.dot, [vector, Input(rand(rows * columns, dtype=x.t.dtype), "step")], grad=fine)
        case("outer", torch.outer, [vector, rand(2, dtype=x.t.dtype)], grad=fine)

        for reduction, code in (("mean", 0), ("sum", 1), ("none", 2)):
            target = torch.arange(rows) % max(columns, 1)
            case("mse_loss", lambda a, b: F.mse_loss(a, b, reduction=reduction), [x, other], [code], grad=fine)
            if columns and x.t.is_floating_point():
                case("cross_entropy", lambda a, b: F.cross_entropy(a, b, reduction=reduction), [x, target], [code], grad=fine)
                case("nll_loss", lambda a, b: F.nll_loss(a, b, reduction=reduction), [x, target], [code], grad=fine)
        for rtol, atol, equal_nan in ((0, 0, 0), (0, 0, 1), (0.5, 0, 0), (0, 0.3, 1)):
            near = lambda a, b: torch.tensor(torch.allclose(a, b, rtol or 1e-5, atol or 1e-8, bool(equal_nan)))
            case("allclose", near, [x, x], [rtol, atol, equal_nan], grad=False)
            case("allclose", near, [x, other], [rtol, atol, equal_nan], grad=False)
            if x.t.is_floating_point():
                case("allclose", near, [x, Input(x.t * 1.2)], [rtol, atol, equal_nan], grad=False)

    names = ("neg abs sign square sqrt reciprocal exp log sin cos tanh sigmoid relu floor ceil round trunc log1p expm1 log2 log10 exp2 "
             "tan asin acos atan sinh cosh erf isnan isinf isfinite logical_not").split()
    functions = {name: getattr(torch, name) for name in names}
    functions |= {"silu": F.silu, "gelu": F.gelu, "softplus": F.softplus, "leaky_relu": lambda t: F.leaky_relu(t, 0.1)}
    for shape, layout in (((1, 3), "turned"), ((3, 1), "step"), ((1,), "plain")):
        x = Input(rand(*shape, low=0.1, high=0.9), layout)
        for name, fn in functions.items():
            case(name, fn, [x], [0.1] if name == "leaky_relu" else [])
    case("dot", torch.dot, [rand(1), rand(1)])
    case("outer", torch.outer, [rand(1), rand(2)])
    case("topk", lambda t: t.topk(1, 0), [rand(1, 3)], [1, 0, 0])
    case("topk", lambda t: t.topk(1, 1), [rand(0, 3)], [1, 1, 0])
    case("topk", lambda t: t.topk(0, 0), [rand(0)], [0, 0, 0])
    for layout in ("plain", "turned", "step", "stretched"):
        a = Input(rand(3, 4), layout)
        case("topk", lambda t: t.topk(2, 1), [a], [2, 1, 0])
        case("argsort", lambda t: t.argsort(1), [a], [1, 0])
        case("solve", torch.linalg.solve, [rand(3, 3) + 4 * torch.eye(3), a])
    for shape in ((0, 3), (1, 3), (3, 1)):
        case("argsort", lambda t: t.argsort(1), [rand(*shape)], [1, 0])
    case("argsort", lambda t: t.argsort(0), [torch.tensor([nan, 1.0, -inf, inf, 0.0])], [0, 0])
    for layout in ("step", "stretched"):
        a = laid(rand(3, 3), layout)
        case("det", torch.linalg.det, [Input(a, layout)], grad=layout != "stretched")  # a singular one has none here
    case("inv", torch.linalg.inv, [Input(rand(3, 3) + 4 * torch.eye(3), "step")])

    for x in (rand(2, 3, dtype=torch.complex64), rand(0, 3, dtype=torch.complex64), rand(1, 1, dtype=torch.complex128)):
        for layout in ("plain", "turned", "step", "stretched"):
            if not (layout == "stretched" and x.numel() == 0):
                case("conj", lambda z: torch.conj(z).resolve_conj(), [Input(x, layout)])
                case("real", torch.real, [Input(x, layout)])
                case("imag", torch.imag, [Input(x, layout)])
                for fn in (torch.sgn, torch.angle, torch.view_as_real):
                    case(fn.__name__, fn, [Input(x, layout)], grad=False)
    case("conj", lambda z: torch.conj(z).resolve_conj(), [torch.complex(strange(12), strange(12).flip(0))])
    for part in (torch.real, torch.imag):
        case(part.__name__, part, [torch.complex(strange(12), strange(12).flip(0))])
    odd = torch.tensor([complex(nan, 1), complex(1, nan), complex(0, 0), complex(-1, 0)])
    case("sgn", torch.sgn, [odd])
    case("view_as_real", torch.view_as_real, [odd])
    for shape in ((0, 2), (1, 2), (3, 2)):
        case("view_as_complex", torch.view_as_complex, [rand(*shape)], grad=False)
    case("view_as_complex", torch.view_as_complex, [Input(rand(3, 2), "stretched")], grad=False)
    case("view_as_complex", torch.view_as_complex, [torch.tensor([[nan, 1.0], [inf, -inf]])], grad=False)
    for shape in ((0, 3), (1, 3), (2, 3)):
        case("polar", torch.polar, [rand(*shape, low=0.1), Input(rand(*shape), "turned")], grad=False)
    case("polar", torch.polar, [torch.tensor([nan, 1.0, 2.0]), torch.tensor([1.0, nan, 0.0])], grad=False)
    for layout in ("plain", "turned", "step", "stretched"):
        case("complex", torch.complex, [Input(rand(2, 3), layout), Input(rand(2, 3), "turned")], grad=False)
    case("complex", torch.complex, [rand(0, 3), rand(0, 3)], grad=False)
    case("complex", torch.complex, [rand(1, dtype=torch.float64), rand(1, dtype=torch.float64)], grad=False)
    case("complex", torch.complex, [strange(12), strange(12).flip(0)], grad=False)
    for start, end, step in ((0, 5, 1), (5, 0, -2), (3, 3, 1), (0, 1, 5)):
        case("arange", lambda: torch.arange(start, end, step, dtype=torch.float32), [], [start, end, step])
    for n in (0, 1, 2):
        case("eye", lambda: torch.eye(n), [], [n])
        case("linspace", lambda: torch.linspace(-1, 1, n), [], [-1, 1, n])


print("# Written by make_ops_everywhere.py with PyTorch", torch.__version__)
everywhere()

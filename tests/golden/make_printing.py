#!/usr/bin/env python3
"""Writes printing.txt: tensors, and what print() makes of them.  Needs PyTorch; building and testing do not.

A case is
    case DTYPE SIZES | STRIDES | OFFSET | FLAGS
    N VALUE...            the storage: hex floats or integers, complex numbers as two; or
    N ramp A M B E        value i is ((i * A) % M - B) * 2^E
    LINES
    ...                   that many lines of text
with FLAGS nothing, "requires_grad", or the name of a grad_fn.
"""
import sys

import torch

cases = []
NAMES = {
    torch.bool: "bool", torch.uint8: "uint8", torch.int32: "int32", torch.int64: "int64",
    torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64",
    torch.complex64: "complex64", torch.complex128: "complex128",
}
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
INTEGERS = [torch.uint8, torch.int32, torch.int64]


def number(x):
    if isinstance(x, complex):
        return number(x.real) + " " + number(x.imag)
    return x.hex() if isinstance(x, float) else str(int(x))


def write(t, storage_text, flags=""):
    if flags == "requires_grad":
        t = t.requires_grad_()
    text = str(t)
    strides = " ".join(map(str, t.stride()))
    cases.append(f"case {NAMES[t.dtype]} {' '.join(map(str, t.shape))} | {strides} | {t.storage_offset()} |{' ' * bool(flags)}{flags}\n"
                 f"{storage_text}\n{text.count(chr(10)) + 1}\n{text}\n")


def case(values, dtype=torch.float32, shape=None, flags="", view=lambda t: t):
    base = torch.tensor(values, dtype=dtype)
    if shape is not None:
        base = base.reshape(shape)
    flat = base.reshape(-1).to(torch.float64) if dtype in FLOATS else base.reshape(-1)
    write(view(base), " ".join([str(flat.numel()), *map(number, flat.tolist())]), flags)


def ramp(n, a, m, b, e, dtype=torch.float32, shape=None, flags="", view=lambda t: t):
    base = torch.tensor([((i * a) % m - b) * 2.0**e for i in range(n)], dtype=torch.float64).to(dtype)
    write(view(base.reshape(shape or (n,))), f"{n} ramp {a} {m} {b} {e}", flags)


def graph(t, name_of, dtype=torch.float32):
    """A result of an operation: its grad_fn's name is the flag."""
    x = torch.tensor(t, dtype=dtype, requires_grad=True)
    y = name_of(x)
    flat = y.detach().reshape(-1).to(torch.complex128 if dtype.is_complex else torch.float64)
    strides = " ".join(map(str, y.contiguous().stride()))
    text = str(y)
    cases.append(f"case {NAMES[y.dtype]} {' '.join(map(str, y.shape))} | {strides} | 0 | {type(y.grad_fn).__name__}\n"
                 f"{' '.join([str(flat.numel()), *map(number, flat.tolist())])}\n{text.count(chr(10)) + 1}\n{text}\n")


nan, inf = float("nan"), float("inf")

# scalars of every type
for d in FLOATS:
    for v in (0.0, -0.0, 1.0, -1.0, 42.0, 0.5, -2.25, 1000.0, 1e-4, 9e-5, 1e-3, 12345.678, 1e8, 1.5e8, nan, inf, -inf, 0.1, 65504.0):
        case(v, d)
for d in INTEGERS:
    for v in (0, 1, 42, 255) + (() if d is torch.uint8 else (-1, -20, 2**31 - 1, -(2**31))):
        case(v, d)
case(2**63 - 1, torch.int64)
case(-(2**63), torch.int64)
case([2**63 - 1, -(2**63), 0, 2**53 + 1], torch.int64)
for v in (True, False):
    case(v, torch.bool)
for d in (torch.complex64, torch.complex128):
    for v in (0j, 1 + 2.5j, -1 - 1j, 3.25 - 1e-3j, complex(nan, inf), complex(0.0, -0.0), complex(-0.0, nan), 1e9 + 1j):
        case(v, d)

# the choice of style, at its edges
rows = [
    [1.0, 2.0, 3.0], [0.0, 0.0], [0.0, -0.0], [-0.0], [inf], [nan, nan], [nan, 1.5, -inf], [nan, 1.0, -inf], [1.0, inf, 1000.0],
    [1000.0, 1.0], [1001.0, 1.0], [1000.5, 1.0], [1e8, 1e8], [1.0001e8, 1.0001e8], [1e8, 1.5e8], [99999999.0, 1e6],
    [0.0001, 0.05], [0.0001, 0.5], [0.00011, 0.11], [0.00009, 0.01], [1e-4], [9.9e-5], [1e-10], [1e-38], [1e-45], [3.4e38], [1.5, 1500.0], [1.5, 1501.0],
    [0.5, -0.0, 0.0], [-0.5, 100.25, 0.0], [2.0, 0.5], [123456.0, 1000.0], [-1.0, 1.0], [-123.0, 1.0], [1e5 + 0.5, 1e3],
    [42.0, 84.0, 126.0], [2.7183, 7.3891, 20.0855], [4.0911e+00, 6.9757e-01, -1.0353e-03], [0.99995, 0.99994], [9.99995, -9.99995],
    [0.00005, 0.00015, 0.00025], [0.12345, 0.00625, 1.03125], [0.5, nan, 1e-3], [0.0, 1e-3, nan, inf], [1e-3, -1e-3, -inf],
    [100000.0, 1e8, 5e7], [16777216.0, 16777217.0], [0.0, 1e9], [1e9, nan, 0.0], [-1e9, 2e9], [1e10, 1e10 + 4096], [0.1, 0.2, 0.3],
    [1e-3, 1.0], [1e-3, 1.001], [5.0, 0.004999], [5.0, 0.0050001], [-7.0], [7.125], [1e4, 1e7], [1e4, 10.0], [1e4, 9.0],
]
for r in rows:
    case(r)
    case(r, torch.float64)
for r in rows[:30:3]:
    case(r, torch.bfloat16)
for r in ([1.0, 2.0], [0.5, 1.5, 65504.0], [6e-8, 1.0], [1e-4, 2e-4], [nan, 1.0], [0.0, -0.0], [2048.0, 2049.0]):
    case(r, torch.float16)

# integers and bools
for r in ([1, -20, 300], [0], [7, 7, 7], [100, 5], [-1, -2], list(range(40))):
    for d in (torch.int32, torch.int64):
        case(r, d)
for r in ([1, 20, 255], [0], list(range(0, 256, 5))):
    case(r, torch.uint8)
for r in ([True, False], [True], [False, False], [True, False] * 20):
    case(r, torch.bool)

# complex
for d in (torch.complex64, torch.complex128):
    for r in ([1 + 2.5j, -3.25 - 1e-3j], [2 + 0j, 3 + 0j], [2 + 3j, 4 + 5j], [1 + 10j, 100 - 1j], [complex(0, -0.0), 1 - 1j],
              [complex(nan, 1), complex(1, -inf)], [1e5 + 1j, 1 + 1e5j, 0.5 + 0.5j], [complex(i, -i) / 4 for i in range(30)]):
        case(r, d)
    case([complex(i, 11 - i) for i in range(12)], d, (2, 2, 3))
    ramp(40, 1, 5000, 0, 0, d)
    ramp(1200, 1, 5000, 600, -3, d)
    ramp(1200, 1, 5000, 600, -3, d, (30, 40))

# empty
for d in list(NAMES):
    case([], d)
    for s in ((0, 3), (3, 0), (2, 0, 4)):
        case([], d, s)
case([], torch.float32, (0,), "requires_grad")
case([], torch.float64, (0, 2), "requires_grad")
case([], torch.float32, (0, 7, 1, 1, 1, 1, 1, 1))

# lines break at 80, in every depth
for n in (1, 2, 8, 9, 10, 11, 18, 19, 20, 27, 28, 100):
    ramp(n, 7, 11, 3, 0)
    ramp(n, 7, 11, 3, -2)
    ramp(n, 7, 1000, 500, -6, torch.float64)
for n in (24, 25, 36, 37, 39, 40, 1000, 1001):
    ramp(n, 1, 1 << 30, 0, 0, torch.int64)
for n in (1, 6, 7, 12, 13, 40):
    ramp(n, 3, 1 << 30, 1, 20)
    ramp(2 * n, 3, 1 << 30, 1, 20, torch.float32, (2, n))
for s in ((2, 3), (3, 1), (1, 3), (1, 1), (2, 20), (4, 30), (2, 2, 2), (2, 3, 4), (1, 1, 1, 1), (2, 1, 2, 2), (2, 2, 2, 2, 2), (3, 1, 1, 2, 1, 1), (1, 2, 1, 2, 1, 2, 1, 2)):
    n = 1
    for k in s:
        n *= k
    for d in (torch.float32, torch.int64, torch.int32, torch.bool):
        ramp(n, 5, 17, 8, -1 if d is torch.float32 else 0, d, s)

# summaries
ramp(1000, 1, 1 << 30, 0, 0)
ramp(1001, 1, 1 << 30, 0, 0)
ramp(1001, 1, 1 << 30, 0, 0, torch.int32)
ramp(1001, 1, 2, 0, 0, torch.bool)
for s in ((40, 30), (1001, 1), (1, 1001), (7, 150), (6, 200), (200, 6), (3, 400), (400, 3), (10, 11, 12), (2, 3, 400), (400, 3, 2), (8, 2, 80),
          (7, 7, 7, 7), (2, 2, 2, 2, 2, 2, 2, 8), (1, 1, 7, 150), (1500, 1, 1)):
    n = 1
    for k in s:
        n *= k
    ramp(n, 7, 10007, 5000, 0, torch.int64, s)
    ramp(n, 7, 10007, 5000, -4, torch.float32, s)
ramp(1100, 1, 1 << 30, 550, 10, torch.float64)       # the widest are in the middle, and have no say
ramp(2000, 1, 1 << 30, 3, -1, torch.float16, (2, 1000))
ramp(2000, 1, 300, 150, -1, torch.bfloat16, (1000, 2))

# views: strides and offsets
for d in (torch.float32, torch.int64, torch.uint8):
    ramp(6, 1, 100, 0, 0, d, (2, 3), view=lambda t: t.t())
    ramp(24, 1, 100, 0, 0, d, (2, 3, 4), view=lambda t: t.permute(2, 0, 1))
    ramp(24, 1, 100, 0, 0, d, (4, 6), view=lambda t: t[1:, ::2])
    ramp(24, 1, 100, 0, 0, d, (4, 6), view=lambda t: t[:, 3])
    ramp(24, 1, 100, 0, 0, d, (4, 6), view=lambda t: t[2, 3])
    ramp(3, 1, 100, 0, 0, d, (3, 1), view=lambda t: t.expand(3, 4))
    ramp(1, 1, 100, 0, 0, d, (1,), view=lambda t: t.expand(100000000))
    ramp(3000, 1, 251, 0, 0, d, (50, 60), view=lambda t: t.t())
    ramp(3000, 1, 251, 0, 0, d, (50, 60), view=lambda t: t[1::2, 5::3])
    ramp(3000, 1, 251, 0, 0, d, (30, 100), view=lambda t: t[:, ::2])

# requires_grad, and suffixes that need a line of their own
for n in range(1, 24):
    ramp(n, 1, 100, 0, 0, flags="requires_grad")
for n in range(1, 14):
    ramp(n, 1, 100, 0, -3, torch.float64, flags="requires_grad")
    ramp(n, 1, 100, 0, -3, torch.bfloat16, flags="requires_grad")
ramp(6, 1, 100, 0, -3, torch.float32, (3, 2), "requires_grad")
ramp(6, 1, 100, 0, -3, torch.complex128, (3, 2), "requires_grad")
ramp(2000, 1, 100, 0, -3, torch.float16, (20, 100), "requires_grad")
for n in (1, 2, 3, 8, 14, 15, 16, 17, 18, 19, 20):
    graph([float(i) for i in range(n)], lambda x: x * 2)
    graph([i / 4 for i in range(n)], lambda x: x.relu(), torch.float64)
    graph([i / 4 for i in range(n)], lambda x: torch.log_softmax(x, 0), torch.float64)
graph([[1.0, 2.0], [3.0, 4.0]], lambda x: x.mean())
graph([[1.0, 2.0], [3.0, 4.0]], lambda x: x @ x)
graph([[1.0, 2.0], [3.0, 4.0]], lambda x: torch.exp(x))
graph([[1.0, 2.0], [3.0, 4.0]], lambda x: x.sum(0))
graph([1 + 1j, 2 - 1j], lambda x: x * 2, torch.complex128)
for n in range(30, 60):
    forward = staticmethod(lambda context, x: x * 2)
    graph([i / 4 for i in range(9)], type("F" * n, (torch.autograd.Function,), {"forward": forward}).apply, torch.float64)
graph([], lambda x: x * 2)
graph([[], []], lambda x: x * 2, torch.float64)

with open(sys.argv[1] if len(sys.argv) > 1 else "printing.txt", "w") as out:
    out.write(f"# make_printing.py with PyTorch {torch.__version__}: {len(cases)} cases\n")
    out.writelines(cases)

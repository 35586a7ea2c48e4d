#!/usr/bin/env python3
"""Writes printing_numpy.txt: arrays, and what repr() makes of them, in the form that make_printing.py describes.
Needs NumPy before 2 (its printing has been the same since 1.21); building and testing do not."""
import sys

import numpy as np

cases = []
FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["uint8", "int32", "int64"]
random = np.random.RandomState(1)


def number(x):
    return float(x).hex() if isinstance(x, (float, np.floating)) else str(int(x))


def write(base, storage_text, view):
    a = view(base)
    offset = (a.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // a.itemsize
    strides = " ".join(str(s // a.itemsize) for s in a.strides)
    text = repr(a)
    cases.append(f"case {a.dtype} {' '.join(map(str, a.shape))} | {strides} | {offset} |\n"
                 f"{storage_text}\n{text.count(chr(10)) + 1}\n{text}\n")


def case(values, dtype="float64", shape=None, view=lambda a: a):
    with np.errstate(over="ignore"):
        base = np.array(values, dtype=dtype)
    base = base.reshape(base.shape if shape is None else shape)
    flat = base.reshape(-1)
    numbers = [n for x in flat for n in ([x.real, x.imag] if base.dtype.kind == "c" else [x])]
    write(base, " ".join([str(flat.size), *map(number, numbers)]), view)


def ramp(n, a, m, b, e, dtype="float64", shape=None, view=lambda a: a):
    base = np.array([((i * a) % m - b) * 2.0**e for i in range(n)]).astype(dtype)
    write(base.reshape(shape or (n,)), f"{n} ramp {a} {m} {b} {e}", view)


nan, inf = float("nan"), float("inf")

for d in FLOATS:
    for v in (0.0, -0.0, 1.0, -1.0, 42.0, 0.5, -2.25, 0.1, 1 / 3, 1e-4, 9e-5, 12345.678, 65504.0, nan, inf, -inf):
        case(v, d)
for d in INTEGERS:
    for v in (0, 1, 255):
        case(v, d)
case(2**63 - 1, "int64")
case([2**63 - 1, -(2**63), 0], "int64")
case([-(2**31), 2**31 - 1], "int32")
for v in (True, [True, False], [True], [[False] * 12] * 2, [True] * 40):
    case(v, "bool")
for d in ("complex64", "complex128"):
    for v in (0j, 1 + 2.5j, -1 - 1j, complex(nan, -inf), complex(inf, nan), [1 + 2j, complex(nan, -inf)], [1e9 + 1j, 1e-3j],
              [3.25 - 1e-3j, 0.1 + 100j], [[1 + 1j, 2 - 2j], [0j, -1j]], [1j * i / 7 for i in range(30)]):
        case(v, d)

rows = [
    [1.0, 2.0, 3.0], [0.0, 0.0], [0.0, -0.0], [inf], [nan, nan], [nan, 1.5, -inf], [nan, 1.0, -inf], [inf, 1.0], [-inf], [100.25, nan],
    [1000.0, 1.0], [1001.0, 1.0], [1000.4, 1.0], [1e8, 1e8], [99999999.0, 1e6], [99999999.5, 123456.0], [1e8, 1.5], [0.0001, 0.05],
    [0.0001, 0.5], [0.00011, 0.11], [0.00009, 0.01], [1e-10], [1e-38], [1e-45], [3.4e38], [1.5, 1500.0], [1.5, 1501.0], [1 / 3, 2 / 3],
    [1 / 3, 100.0], [0.123456785, 0.5], [0.123456775, 0.5], [0.99999999999, 1.0], [999.9999999999, 2.0], [1e-5, 1.2345678e-3],
    [2.0**-44, 1.0], [2.0**-30, 2.0**-24 * 3], [2.0**30], [16777216.0, 1.0], [33554432.0], [67108864.5], [2.0**-24], [2.0**24, 5000000.0],
    [0.3, 0.1 + 0.2], [-1.5, 2.25, -3.125], [7.0, 2.0], [1e-3, 1e-2, 1e-1], [123.456, 0.001234], [nan, 1e-9], [-inf, 1e20], [0.0, 1e-12],
    [9.5367431640625e-07, 1.0], [4.76837158203125e-07], [0.00012207031, 0.06], [0.015625, 0.0078125],
]
for d in FLOATS:
    for row in rows:
        case(row, d)
for v in (1e100, 1e-100, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 9007199254740993.0, 1e16, 123456789.123456789):
    case(v)
    case([v, 1.0])
    case([-v, nan])

# line ends, at every width
for n in list(range(1, 24)) + [37, 64, 100]:
    ramp(n, 1, 100, 0, 0)
    ramp(n, 7, 100, 50, -3, "float32")
for n in (15, 16, 17, 18, 19, 20, 21, 22):
    ramp(n, 1, 1000, 0, 0, "int32")
    ramp(n, 1, 256, 0, 0, "uint8")
    ramp(n, 1, 1000, -100, 0, "int64")
    ramp(n, 3, 100, 50, -4, "float16")

# dims, views and ends that are cut
for d in ("float64", "float32", "int64"):
    for shape in ((2, 3), (3, 2), (2, 3, 4), (1, 1), (2, 1, 3), (2, 2, 2, 2), (1, 20), (3, 40)):
        ramp(int(np.prod(shape)), 1, 100, 0, 0, d, shape)
    ramp(12, 1, 100, 0, -2, d, (3, 4), lambda a: a.T)
    ramp(12, 1, 100, 0, -2, d, (3, 4), lambda a: a[:, 1::2])
    ramp(12, 1, 100, 0, -2, d, (3, 4), lambda a: a[1:, :2])
    ramp(12, 1, 100, 0, 0, d, (12,), lambda a: np.broadcast_to(a[:3], (4, 3)))
    ramp(12, 1, 100, 0, 0, d, (3, 4), lambda a: a[:0])
    for shape in ((1000,), (1001,), (20, 50), (7, 143), (143, 7), (6, 167), (2, 501), (3, 4, 100), (10, 11, 12), (1, 1, 1001)):
        ramp(int(np.prod(shape)), 37, 1999, 999, -1, d, shape)
case([0.1 * i for i in range(1200)])
for shape in ((0,), (0, 3), (3, 0), (1, 0, 2)):
    for d in ("float64", "float32", "int64", "bool"):
        case(np.zeros(shape), d, shape)

# the tutorials' kind: random numbers
for d in FLOATS:
    for n in (1, 5, 10, 20, 100):
        case(random.uniform(size=n), d)
        case(random.randn(n), d)
        case(random.randn(n) * 10.0 ** random.uniform(-6, 6, size=n), d)
    case(random.randn(12), d, (4, 3))
    case(random.randn(40), d, (2, 20))
    for e in range(-12, 12):
        case(random.randn(4) * 10.0**e, d)

with open(sys.argv[1] if len(sys.argv) > 1 else "printing_numpy.txt", "w") as out:
    out.write(f"# make_printing_numpy.py with NumPy {np.__version__}: {len(cases)} cases\n")
    out.writelines(cases)

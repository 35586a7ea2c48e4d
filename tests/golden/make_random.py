#!/usr/bin/env python3
"""Writes random.txt: what PyTorch's CPU generator gives.  Needs PyTorch; building and testing do not.

    seed S                          start over
    OP TYPE N A B                   the next N numbers, as hex floats or integers, on the following line
with OP uniform(A, B), normal(mean A, std B), randint(A, B), randperm, random (63 bits), and uniform_t and normal_t:
into a transposed (B, A) tensor, listed in the order of its dims.
"""
import sys

import torch

out = []


def record(op, dtype, n, a, b, t):
    flat = t.reshape(-1)
    values = flat.double().tolist() if dtype.is_floating_point else flat.tolist()
    name = str(dtype).replace("torch.", "")
    out.append(f"{op} {name} {n} {a} {b}\n" + " ".join(v.hex() if isinstance(v, float) else str(int(v)) for v in values) + "\n")


def uniform(dtype, n, a=0, b=1):
    record("uniform", dtype, n, a, b, torch.empty(n, dtype=dtype).uniform_(a, b))


def normal(dtype, n, a=0, b=1):
    record("normal", dtype, n, a, b, torch.empty(n, dtype=dtype).normal_(a, b))


def transposed(op, dtype, rows, columns):
    t = torch.empty(columns, rows, dtype=dtype).t()
    record(op + "_t", dtype, t.numel(), rows, columns, t.uniform_() if op == "uniform" else t.normal_())


def randint(dtype, n, a, b):
    record("randint", dtype, n, a, b, torch.randint(a, b, (n,), dtype=dtype))


f16, bf16, f32, f64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
for seed in (0, 1, 42, 123456789, 67280421310721, 2**32 + 5, 2**63 - 1):
    torch.manual_seed(seed)
    out.append(f"seed {seed}\n")
    for dtype in (f32, f64, bf16, f16):
        uniform(dtype, 5)
        uniform(dtype, 4, -3, 5.5)
        normal(dtype, 3)  # odd: the partner waits for whoever comes next
        uniform(dtype, 1)
        normal(dtype, 4, 2, 0.25)
    normal(f32, 0)
    normal(f32, 1)
    for n in (15, 16, 17, 33):
        normal(f32, n)
        normal(f64, n, -1, 3)
    normal(f32, 2)
    transposed("uniform", f32, 3, 4)
    transposed("normal", f32, 5, 4)
    transposed("normal", f64, 5, 5)
    randint(torch.int64, 6, 0, 10)
    randint(torch.int64, 6, -1000000, 1000000)
    randint(torch.int64, 4, 0, 2**32 - 1)
    randint(torch.int64, 4, 0, 2**32)
    randint(torch.int64, 4, -(2**63), 2**63 - 1)
    randint(torch.int32, 4, -(2**31), 2**31)
    randint(torch.uint8, 4, 0, 256)
    randint(torch.bool, 6, 0, 2)
    randint(f32, 4, 0, 100)
    for n in (0, 1, 2, 10, 33):
        record("randperm", torch.int64, n, 0, 0, torch.randperm(n))
    record("random", torch.int64, 3, 0, 0, torch.empty(3, dtype=torch.int64).random_())
    uniform(f32, 2)

with open(sys.argv[1] if len(sys.argv) > 1 else "random.txt", "w") as file:
    file.write(f"# make_random.py with PyTorch {torch.__version__}\n")
    file.writelines(out)

#!/usr/bin/env python3
"""Writes writes.txt: random programs of views and of writes in place, as NumPy runs them.

    /usr/bin/python3 make_writes.py > writes.txt

    program TYPE SIZE...       x = 0, 1, 2, ... in this shape; it is view 0, and every view gets the next number
    view N KIND NUMBER...      of view N; -99 stands for "to the end"
    write N KIND NUMBER...     to view N, in place; behind "=" the sum of x_i (i + 1) afterwards
    read N VALUE...            what view N shows at the end, row by row
All values are whole and small enough to be exact in float32.
"""
import random
import numpy as np

random.seed(20)
END = -99
LIMIT = 2 ** 18


def slice_of(v, dim, start, stop, step):
    at = [slice(None)] * v.ndim
    at[dim] = slice(start, None if stop == END else stop, step)
    return v[tuple(at)]


def a_view(v):
    """(kind, numbers, view) of v, or None if this one cannot be had."""
    kind = random.choice("transpose permute select slice slice narrow unsqueeze squeeze diagonal view expand".split())
    if v.ndim == 0 and kind not in ("unsqueeze", "expand", "view"):
        return None
    dim = random.randrange(-v.ndim, v.ndim) if v.ndim else 0
    if kind == "transpose":
        other = random.randrange(v.ndim)
        return kind, [dim, other], v.swapaxes(dim, other)
    if kind == "permute":
        order = random.sample(range(v.ndim), v.ndim)
        return kind, order, v.transpose(order)
    if kind == "select":
        if v.shape[dim] == 0:
            return None
        i = random.randrange(-v.shape[dim], v.shape[dim])
        at = [slice(None)] * v.ndim
        at[dim] = i
        return kind, [dim, i], v[tuple(at + [Ellipsis])]
    if kind == "slice":
        start, stop = random.randint(-4, 4), random.choice([END, random.randint(-3, 6)])
        step = random.randint(1, 3)
        return kind, [dim, start, stop, step], slice_of(v, dim, start, stop, step)
    if kind == "narrow":
        start = random.randint(0, v.shape[dim])
        length = random.randint(0, v.shape[dim] - start)
        return kind, [dim, start, length], slice_of(v, dim, start, start + length, 1)
    if kind == "unsqueeze":
        if v.ndim == 5:
            return None
        dim = random.randint(-v.ndim - 1, v.ndim)
        return kind, [dim], np.expand_dims(v, dim)
    if kind == "squeeze":
        return (kind, [dim], v.squeeze(dim) if v.shape[dim] == 1 else v[...])
    if kind == "diagonal":
        if v.ndim < 2:
            return None
        a, b = random.sample(range(v.ndim), 2)
        offset = random.randint(-2, 2)
        d = v.diagonal(offset, a, b)
        d.flags.writeable = v.flags.writeable
        return kind, [offset, a, b], d
    if kind == "view":
        sizes, rest = [], v.size
        while rest > 1 and len(sizes) < 3:
            size = random.choice([n for n in range(1, rest + 1) if rest % n == 0])
            sizes.append(size)
            rest //= size
        sizes.append(rest)
        other = v.view()
        try:
            other.shape = sizes  # NumPy refuses what would need a copy
        except AttributeError:
            return None
        return kind, sizes, other
    sizes = [random.randint(1, 3) if n == 1 else n for n in v.shape]
    if random.random() < 0.5 and v.ndim < 5:
        sizes = [random.randint(1, 3)] + sizes
    return kind, sizes, np.broadcast_to(v, sizes)


def a_write(views, n):
    """(kind, numbers, function) that writes to view n."""
    v = views[n]
    kind = random.choice("fill zero add sub mul add_view add_view sub_view copy_view copy_view mask index".split())
    number = random.randint(-9, 9)
    if kind == "fill":
        return kind, [number], lambda: np.copyto(v, number)
    if kind == "zero":
        return kind, [], lambda: np.copyto(v, 0)
    if kind == "add":
        return kind, [number], lambda: np.add(v, number, out=v)
    if kind == "sub":
        return kind, [number], lambda: np.subtract(v, number, out=v)
    if kind == "mul":
        return kind, [number], lambda: np.multiply(v, number, out=v)
    if kind == "mask":
        return kind, [number, 7], lambda: np.putmask(v, v > number, 7) if v.flags.c_contiguous else v.__setitem__(v > number, 7)
    if kind == "index":
        if v.ndim == 0 or v.shape[0] == 0:
            return None
        i = random.randrange(-v.shape[0], v.shape[0])
        return kind, [i, number], lambda: v.__setitem__([i], number)
    fitting = [m for m, w in enumerate(views) if w.ndim <= v.ndim and all(a in (1, b) for a, b in zip(w.shape[::-1], v.shape[::-1]))]
    m = random.choice(fitting)
    w = views[m]
    if kind == "copy_view":
        return kind, [m], lambda: v.__setitem__(Ellipsis, w)
    return kind, [m], lambda: (np.add if kind == "add_view" else np.subtract)(v, w, out=v)


def program():
    dtype = random.choice(["float32", "float64", "int64", "int32"])
    shape = random.choice([(12,), (3, 4), (2, 3, 4), (4, 4), (1, 5), (2, 1, 3), (5, 1), (0, 3), (2, 2, 2, 2), ()])
    x = np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)
    views = [x]
    print("program", dtype, *shape)
    for _ in range(24):
        n = random.randrange(len(views))
        if random.random() < 0.5 and len(views) < 16:
            made = a_view(views[n])
            if made and made[2].size <= 200:
                print("view", n, made[0], *made[1])
                views.append(made[2])
        elif views[n].flags.writeable and x.flags.writeable:
            write = a_write(views, n)
            if not write:
                continue
            before = x.copy()
            write[2]()
            if x.size and np.abs(x).max() > LIMIT:
                x[...] = before
                continue
            total = int((x.reshape(-1).astype("int64") * np.arange(1, x.size + 1)).sum())
            print("write", n, write[0], *write[1], "=", total)
    for n, v in enumerate(views):
        print("read", n, *(int(value) for value in v.reshape(-1)))


print("# Written by make_writes.py with NumPy", np.__version__)
for _ in range(150):
    program()

"""bench_matmul in PyTorch."""

from bench import Bench, torch_or_skip

torch = torch_or_skip()
bench = Bench("matmul", "us", "GFLOP/s", "pytorch", torch.__version__)

PRODUCTS = [  # name, how the factors lie, m, k, n
    ("regression", "NN", 100, 2, 1),
    ("regression dtheta", "TN", 2, 100, 1),
    ("outer", "NT", 100, 1, 2),
    ("outer", "NT", 100, 1, 11),
    ("hidden", "NN", 100, 50, 11),
    ("hidden dW", "TN", 50, 100, 11),
    ("hidden dX", "NT", 100, 11, 50),
    ("matrix vector", "NN", 100, 11, 1),
    ("matrix vector", "TN", 11, 100, 1),
    ("small", "NN", 5, 3, 2),
    *(("square", "NN", n, n, n) for n in (8, 16, 32, 64, 128, 512, 1024)),
    ("forward 784-512", "NT", 128, 784, 512),
    ("dW 784-512", "TN", 512, 128, 784),
    ("forward 512-512", "NT", 128, 512, 512),
    ("dX 512-512", "NN", 128, 512, 512),
    ("dW 512-512", "TN", 512, 128, 512),
    ("forward 512-10", "NT", 128, 512, 10),
    ("dX 512-10", "NN", 128, 10, 512),
    ("dW 512-10", "TN", 10, 128, 512),
]


def factor(rows, columns, transposed):
    return torch.rand(columns, rows).t() if transposed else torch.rand(rows, columns)


for name, form, m, k, n in PRODUCTS:
    a, b = factor(m, k, form[0] == "T"), factor(k, n, form[1] == "T")

    def run(times):
        for _ in range(times):
            a @ b
    bench.run(f"{name} {form}", f"{m}x{k}x{n}", run, work=2e-9 * m * k * n)

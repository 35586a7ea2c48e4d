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
LARGE = [
    *(("square", "NN", n, n, n) for n in (2048, 4096, 8192)),
    ("forward 784-4096", "NT", 8192, 784, 4096),
    ("forward 4096-4096", "NT", 8192, 4096, 4096),
    ("dX 4096-4096", "NN", 8192, 4096, 4096),
    ("dW 4096-4096", "TN", 4096, 8192, 4096),
]


def factor(rows, columns, transposed, type):
    shape = (columns, rows) if transposed else (rows, columns)
    x = (2 * torch.rand(shape) - 1).to(type).to(bench.device)  # not zeros: a GPU is faster on them
    return x.t() if transposed else x


def measure(name, form, m, k, n, type, called=None):
    a, b = factor(m, k, form[0] == "T", type), factor(k, n, form[1] == "T", type)

    def run(times):
        for _ in range(times):
            a @ b
    bench.run(f"{name} {form}", f"{m}x{k}x{n}", run, work=2e-9 * m * k * n, type=called or str(type).split(".")[1])


for name, form, m, k, n in PRODUCTS + (LARGE if bench.on_device else []):
    multiplications = m * k * n
    if not bench.wants(f"{name} {form}", f"{m}x{k}x{n}") or (bench.on_device and bench.quick and multiplications > 1 << 20):
        continue
    measure(name, form, m, k, n, torch.float32)
    if bench.on_device and multiplications >= (1 << 19 if bench.quick else 1 << 21):
        torch.set_float32_matmul_precision("high")
        measure(name, form, m, k, n, torch.float32, "tf32")
        torch.set_float32_matmul_precision("highest")
        measure(name, form, m, k, n, torch.bfloat16)

"""bench_ops in PyTorch."""

from bench import Bench, torch_or_skip

torch = torch_or_skip()
bench = Bench("ops", "us", "GB/s", "pytorch", torch.__version__)

OPERATIONS = [  # name, operation, where x lies, bytes for each element
    ("exp", torch.exp, -5, 5, 8),
    ("tanh", torch.tanh, -5, 5, 8),
    ("sin", torch.sin, -10, 10, 8),
    ("log", torch.log, 0.1, 10, 8),
    ("relu", torch.relu, -1, 1, 8),
    ("add", lambda x: x + x, -1, 1, 8),
    ("softmax", lambda x: torch.softmax(x, 1), -5, 5, 8),
    ("sum", torch.sum, 0, 1, 4),
    ("mean", torch.mean, 0, 1, 4),
]

for n in (1000, 100000) if bench.quick else (1000, 100000, 10000000):
    for name, operation, low, high, size_bytes in OPERATIONS:
        rows = (n + 1023) // 1024
        shape = (rows, 1024) if name == "softmax" else (n,)
        size = "x".join(map(str, shape))
        if not bench.wants(name, size):
            continue
        x = torch.empty(shape).uniform_(low, high)

        def run(times):
            for _ in range(times):
                operation(x)
        bench.run(name, size, run, work=size_bytes * 1e-9 * x.numel())

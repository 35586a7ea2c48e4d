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
    ("add, of two", lambda x: x + other, -1, 1, 12),
    ("copy", torch.clone, -1, 1, 8),
    ("cat, of two", lambda x: torch.cat(halves), -1, 1, 8),
    ("softmax", lambda x: torch.softmax(x, 1), -5, 5, 8),
    ("sum", torch.sum, 0, 1, 4),
    ("mean", torch.mean, 0, 1, 4),
]

SIZES = (1000, 1000000, 1 << 28) if bench.on_device else (1000, 100000, 10000000)
other, halves = None, None
for n in SIZES[:2 - bench.on_device] if bench.quick else SIZES:
    for name, operation, low, high, size_bytes in OPERATIONS:
        rows = (n + 1023) // 1024
        shape = (rows, 1024) if name == "softmax" else (n,)
        size = "x".join(map(str, shape))
        if not bench.wants(name, size):
            continue
        x = torch.empty(shape, device=bench.device).uniform_(low, high)
        other = x.clone() if name == "add, of two" else None
        halves = (x[:n // 2], x[n // 2:])

        def run(times):
            for _ in range(times):
                operation(x)
        bench.run(name, size, run, work=size_bytes * 1e-9 * x.numel())

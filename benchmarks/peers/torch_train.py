"""bench_train in PyTorch; on a device as written, as a CUDA graph, and by torch.compile."""

import os

from bench import Bench, captured, torch_or_skip

torch = torch_or_skip()
bench = Bench("train", "ms", "samples/s", "pytorch", torch.__version__)


def network(widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).to(bench.device)


def training(widths, batch, narrow=False, compiled=None):
    """One step as a function; compiled: torch.compile's mode."""
    torch.manual_seed(1)
    model = network(widths)
    sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss_fn = torch.nn.CrossEntropyLoss()
    x, y = 2 * torch.rand(batch, widths[0]) - 1, torch.randint(0, widths[-1], (batch,))
    x, y = x.to(bench.device), y.to(bench.device)

    def loss_of(x, y):
        if not narrow:
            return loss_fn(model(x), y)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            return loss_fn(model(x), y)
    forward = torch.compile(loss_of, mode=compiled) if compiled else loss_of

    def step():
        forward(x, y).backward()
        sgd.step()
        sgd.zero_grad()
    return step


def often(step):
    def run(times):
        for _ in range(times):
            step()
    return run


def on_cpu():
    for threads in (1, 2):
        if threads > os.cpu_count():
            break
        torch.set_num_threads(threads)
        for batch in (64,) if bench.quick else (64, 128, 1024):
            step = training((784, 512, 512, 10), batch)
            bench.run("mlp", f"batch {batch}", often(step), times=1 + 256 // batch, work=batch, threads=threads)


def on_device():
    usual, wide = (784, 512, 512, 10), (20, 32, 32, 10) if bench.quick else (784, 4096, 4096, 10)
    cases = [("digits", (64, 256, 10), 64, False), *(("mlp", usual, batch, False) for batch in (64, 128, 1024)),
             ("wide mlp", wide, 64 if bench.quick else 8192, True)]
    for name, widths, batch, narrow in cases:
        size, type = f"batch {batch}", "bfloat16" if narrow else "float32"
        if not bench.wants(name, size) or (bench.quick and widths == usual):
            continue
        bench.run(name, size, often(training(widths, batch, narrow)), work=batch, type=type)
        replay, _ = captured(training(widths, batch, narrow))
        bench.run(name, size, often(replay), work=batch, type=type, how="CUDA graph")
        if name == "wide mlp" and hasattr(torch, "compile"):
            for mode, how in (("default", "compiled"), ("reduce-overhead", "compiled as graphs")):
                bench.run(name, size, often(training(widths, batch, narrow, mode)), work=batch, type=type, how=how)


if bench.on_device:
    on_device()
else:
    on_cpu()

"""bench_memory in PyTorch, on a CUDA device: the peak of a training step above what lives all the time, as its allocator
counts it; as written, and as a CUDA graph, whose memory is what was allocated while it was captured."""

import sys

from bench import Bench, captured, options, torch_or_skip

if options().device == "cpu":
    print("PyTorch tells no peak of the host's memory", file=sys.stderr)
    sys.exit(77)
torch = torch_or_skip()
bench = Bench("memory", "bytes", "alive/peak", "pytorch", torch.__version__)


def training(widths, batch):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).to(bench.device)
    sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x = (2 * torch.rand(batch, widths[0]) - 1).to(bench.device)
    y = torch.randint(0, widths[-1], (batch,)).to(bench.device)
    loss_fn = torch.nn.CrossEntropyLoss()

    def step():
        loss_fn(model(x), y).backward()
        sgd.step()
        sgd.zero_grad()
    return step


def peak_of(run, step):
    """Bytes; step() has made what is made once: momenta, and the workspace of the library."""
    for _ in range(2):
        step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run(step)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def three(step):
    for _ in range(3):
        step()


widths = (20, 32, 32, 10) if bench.quick else (784, 512, 512, 10)
for case, how, run in (("mlp eager", "", three), ("mlp recorded", "CUDA graph", captured)):
    for batch in (64, 128, 1024):
        if bench.wants(case, f"batch {batch}"):
            bench.report(case, f"batch {batch}", [peak_of(run, training(widths, batch))], how=how)

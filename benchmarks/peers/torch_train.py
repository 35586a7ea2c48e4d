"""bench_train in PyTorch."""

import os

from bench import Bench, torch_or_skip

torch = torch_or_skip()
bench = Bench("train", "ms", "samples/s", "pytorch", torch.__version__)

for threads in (1, 2):
    if threads > os.cpu_count():
        break
    torch.set_num_threads(threads)
    for batch in (64,) if bench.quick else (64, 128, 1024):
        model = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512),
                                    torch.nn.ReLU(), torch.nn.Linear(512, 10))
        sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        loss_fn = torch.nn.CrossEntropyLoss()
        x, y = 2 * torch.rand(batch, 784) - 1, torch.randint(0, 10, (batch,))

        def run(times):
            for _ in range(times):
                loss_fn(model(x), y).backward()
                sgd.step()
                sgd.zero_grad()
        bench.run("mlp", f"batch {batch}", run, times=1 + 256 // batch, work=batch, threads=threads)

"""bench_scaling in PyTorch: DistributedDataParallel over gloo, a process and a thread for each rank."""

import os
import subprocess
import sys
import tempfile
import time

from bench import Bench, torch_or_skip

torch = torch_or_skip()
SAMPLES = 2048  # that a rank sees in a round


def rank_main(store, rank, ranks, batch, together, rounds):
    import torch.distributed as dist
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=ranks)
    model = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512),
                                torch.nn.ReLU(), torch.nn.Linear(512, 10))
    if together:
        model = torch.nn.parallel.DistributedDataParallel(model)
    sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss_fn = torch.nn.CrossEntropyLoss()
    x, y = 2 * torch.rand(batch, 784) - 1, torch.randint(0, 10, (batch,))
    steps = 1 + SAMPLES // batch
    for turn in range(-1, rounds):
        dist.barrier()
        start = time.perf_counter()
        for _ in range(steps):
            loss_fn(model(x), y).backward()
            sgd.step()
            sgd.zero_grad()
        dist.barrier()
        if rank == 0 and turn >= 0:
            print(1e3 * (time.perf_counter() - start) / steps)


if sys.argv[1:2] == ["--rank"]:
    rank_main(sys.argv[2], *map(int, sys.argv[3:]))
    sys.exit()

bench = Bench("scaling", "ms", "samples/s", "pytorch", torch.__version__)
if os.cpu_count() < 2:
    sys.exit(77)
for batch in (64,) if bench.quick else (64, 1024):
    for case, ranks, together in (("one rank", 1, 0), ("two ranks apart", 2, 0), ("two ranks together", 2, 1)):
        if not bench.wants(case, f"batch {batch}"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            said = [f"{folder}/store", None, ranks, batch, together, bench.rounds]
            children = [subprocess.Popen([sys.executable, __file__, "--rank", *map(str, [said[0], rank, *said[2:]])],
                                         stdout=subprocess.PIPE, text=True) for rank in range(ranks)]
            texts = [child.communicate()[0] for child in children]
        if any(child.returncode for child in children):
            sys.exit("torch_scaling: a rank failed")
        bench.report(case, f"batch {batch}", [float(x) for x in texts[0].split()], work=ranks * batch)

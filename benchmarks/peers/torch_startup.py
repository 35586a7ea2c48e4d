"""bench_startup in PyTorch: a process that imports it and trains for one step."""

import subprocess
import sys
import time

if sys.argv[1:2] == ["--first-step"]:
    import torch
    device = sys.argv[2]
    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512),
                                torch.nn.ReLU(), torch.nn.Linear(512, 10)).to(device)
    sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()(model(torch.rand(64, 784).to(device)), torch.randint(0, 10, (64,)).to(device))
    loss.backward()
    sgd.step()
    if not loss.item() > 0:  # waits for the device
        sys.exit(1)
    print(time.monotonic(), torch.__version__)  # one clock for all processes of a machine
    sys.exit()

from bench import Bench, options


def start():
    begin = time.monotonic()
    child = subprocess.run([sys.executable, __file__, "--first-step", options().device], stdout=subprocess.PIPE, text=True)
    if child.returncode != 0:
        sys.exit(77)
    end, version = child.stdout.split()
    return 1e3 * (float(end) - begin), version


_, version = start()
bench = Bench("startup", "ms", None, "pytorch", version)
if bench.wants("process", "1 rank"):
    bench.report("process", "1 rank", [start()[0] for _ in range(min(bench.rounds, 3))])

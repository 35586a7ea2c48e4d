"""What bench.c is to the C programs: the same options, the same samples, the same columns.

On a CUDA device a sample is timed by two events around all of its repetitions, the first of them recorded when the device
has nothing left to do: time = elapsed / repetitions. What is not run as PyTorch runs it unless told otherwise (a CUDA
graph, torch.compile) says so in the column who: "pytorch, CUDA graph"."""

import argparse
import csv
import random
import sys
import time

COLUMNS = ("subject,case,size,type,threads,who,version,median,p10,p90,unit,"
           "samples,rate,rate_unit,ceiling,share,error").split(",")
UNITS = {"us": 1e-6, "ms": 1e-3}
FILL = 0.02  # seconds a sample should last: an interpreter needs longer ones than C


def quantile(samples, q):
    at = q * (len(samples) - 1)
    below = int(at)
    above = min(below + 1, len(samples) - 1)
    return samples[below] + (at - below) * (samples[above] - samples[below])


def numbers(n, seed):
    """n numbers in [-1, 1)."""
    draw = random.Random(seed)
    return [2 * draw.random() - 1 for _ in range(n)]


def parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--filter", default="")
    parser.add_argument("--csv")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    return parser


def options():
    return parser().parse_known_args()[0]  # some scripts have words of their own


class Bench:
    def __init__(self, subject, unit, rate_unit, who, version):
        self.options = parser().parse_args()
        self.quick = self.options.quick
        self.device = self.options.device
        self.on_device = self.device != "cpu"
        self.rounds = self.options.rounds or (2 if self.quick else 5)
        self.subject, self.unit, self.rate_unit, self.who, self.version = subject, unit, rate_unit, who, version
        self.csv = None
        if self.options.csv:
            self.file = open(self.options.csv, "w", newline="")
            self.csv = csv.writer(self.file)
            self.csv.writerow(COLUMNS)
        print(f"# {subject} by {who} {version}   {self.rounds} samples of each, after one to warm up")

    def wants(self, case, size):
        return self.options.filter in f"{case} {size}"

    def seconds(self, run, times):
        if not self.on_device:
            start = time.perf_counter()
            run(times)
            return time.perf_counter() - start
        import torch
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        run(times)
        end.record()
        end.synchronize()
        return 1e-3 * start.elapsed_time(end)

    def run(self, case, size, run, prepare=None, times=0, parts=1, work=0, threads=1, type="float32", how=""):
        """Time run(times); the arguments mean what they mean in bench_case, how what is said behind who."""
        if not self.wants(case, size):
            return
        def sample(times):
            if prepare:
                prepare(times)
            return self.seconds(run, times)

        if times:
            times = (times + 9) // 10 if self.quick else times
            sample(times)
        else:
            times = 1
            while sample(times) < (FILL / 10 if self.quick else FILL):
                times *= 2
        scale = times * parts * UNITS[self.unit]
        self.report(case, size, [sample(times) / scale for _ in range(self.rounds)], work, threads, type, how)

    def report(self, case, size, samples, work=0, threads=1, type="float32", how=""):
        samples.sort()
        median, p10, p90 = (quantile(samples, q) for q in (0.5, 0.1, 0.9))
        rate = f"{work / (median * UNITS[self.unit]):.4g}" if work else ""
        print(f" {case:21} {size:>16} {type:>8} {threads:3d} {median:12.5g} {p10:10.5g} {p90:10.5g} {rate:>10} {how}", flush=True)
        if self.csv:
            self.csv.writerow([self.subject, case, size, type, threads, self.who + (how and f", {how}"), self.version,
                               f"{median:.6g}", f"{p10:.6g}", f"{p90:.6g}", self.unit, len(samples),
                               rate, self.rate_unit if rate else "", "", "", ""])
            self.file.flush()


def torch_or_skip():
    """PyTorch on one thread; exit status 77 says that it is not here, or not the device."""
    try:
        import torch
    except ImportError as missing:
        print(f"no PyTorch for {sys.executable}: {missing}", file=sys.stderr)
        sys.exit(77)
    if options().device != "cpu" and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} of {sys.executable} finds no CUDA device", file=sys.stderr)
        sys.exit(77)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    return torch


def captured(step):
    """A function that runs step() as a CUDA graph, and what step returned when it was captured."""
    import torch
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # what a first step makes is not to be part of it
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        seen = step()
    return graph.replay, seen

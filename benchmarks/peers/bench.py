"""What bench.c is to the C programs: the same options, the same samples, the same columns."""

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


class Bench:
    def __init__(self, subject, unit, rate_unit, who, version):
        parser = argparse.ArgumentParser()
        parser.add_argument("--rounds", type=int)
        parser.add_argument("--filter", default="")
        parser.add_argument("--csv")
        parser.add_argument("--quick", action="store_true")
        self.options = parser.parse_args()
        self.quick = self.options.quick
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

    def run(self, case, size, run, prepare=None, times=0, parts=1, work=0, threads=1):
        """Time run(times); the arguments mean what they mean in bench_case."""
        if not self.wants(case, size):
            return
        def sample(times):
            if prepare:
                prepare(times)
            start = time.perf_counter()
            run(times)
            return time.perf_counter() - start

        if times:
            times = (times + 9) // 10 if self.quick else times
            sample(times)
        else:
            times = 1
            while sample(times) < (FILL / 10 if self.quick else FILL):
                times *= 2
        scale = times * parts * UNITS[self.unit]
        self.report(case, size, [sample(times) / scale for _ in range(self.rounds)], work, threads)

    def report(self, case, size, samples, work=0, threads=1):
        samples.sort()
        median, p10, p90 = (quantile(samples, q) for q in (0.5, 0.1, 0.9))
        rate = f"{work / (median * UNITS[self.unit]):.4g}" if work else ""
        print(f" {case:21} {size:>16} {threads:3d} {median:12.5g} {p10:10.5g} {p90:10.5g} {rate:>10}", flush=True)
        if self.csv:
            self.csv.writerow([self.subject, case, size, "float32", threads, self.who, self.version,
                               f"{median:.6g}", f"{p10:.6g}", f"{p90:.6g}", self.unit, len(samples),
                               rate, self.rate_unit if rate else "", "", "", ""])
            self.file.flush()


def torch_or_skip():
    """PyTorch on one thread; exit status 77 says that it is not here."""
    try:
        import torch
    except ImportError as missing:
        print(f"no PyTorch for {sys.executable}: {missing}", file=sys.stderr)
        sys.exit(77)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    return torch

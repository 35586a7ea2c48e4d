"""What `./dev bench` runs: our programs and their peers in interleaved rounds, and the tables and pictures of the ratios.

A subject NAME is the program bench_NAME; its peers are peer_NAME (plain C) and peers/torch_NAME.py (PyTorch).  Absolute
times wander on shared machines, so every round runs all of them one after the other, and a ratio is the median of the
rounds' ratios."""

import argparse
import csv
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import ROOT, cache_of, device_of, machine, output_of
from tables import FLOOR, Results, illustrate, read_rows, report, rows_of, save_rows

HERE = Path(__file__).resolve().parent
ORDER = ["loops", "ops", "matmul", "train", "memory", "startup", "allreduce", "scaling"]  # others follow
ON_DEVICE = ["ops", "matmul", "loops", "train", "memory", "startup", "scaling", "allreduce"]  # what --device measures, what matters most first
PEERS_ON_DEVICE = {"memory"}  # PyTorch tells no peak of the host's memory
PEERS_AT_HOME = {"scaling"}  # over gloo, which is the CPU's
DEVICE_SECONDS = 200
RANKS = {"allreduce": 2}  # run under `trireme run -n`
RANKS_ON_DEVICE = {"allreduce": (1, 2)}  # one by NCCL; two, where they share a device, through the host
FELL = 1.10  # --check names what takes so much longer


# ---- programs ----

def programs_of(folder):
    found = {p.name[len("bench_"):]: p for p in sorted(folder.glob("bench_*")) if os.access(p, os.X_OK)}
    return {name: found[name] for name in sorted(found, key=lambda n: (ORDER.index(n) if n in ORDER else 99, n))}


def command_of(name, program, ranks=None):
    if name in RANKS:
        return [str(program.parent / "trireme"), "run", "--quiet", "-n", str(ranks or RANKS[name]), str(program)]
    return [str(program)]


def pythons_with_torch(said):
    """The interpreters to compare with: those said, or the first of the usual ones that has PyTorch."""
    for python in said or [shutil.which("python3"), "/usr/bin/python3"]:
        version = python and output_of(python, "-c", "import torch; print(torch.__version__)")
        if version:
            yield python, version
            if not said:
                return
        elif said:
            print(f"bench: {python} has no PyTorch", file=sys.stderr)


def peer_environment(cache):
    """OpenBLAS's pthread build keeps threads of its own, which fight with PyTorch's for the cores (up to 27 times slower
    than one thread); the OpenMP build, where it can stand in as the BLAS, is the fair baseline."""
    folder = cache.get("OPENBLAS_LIBDIR", "").rstrip("/")
    if not os.path.exists(os.path.join(folder, "libblas.so.3")):
        return {}
    return {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, [folder, os.environ.get("LD_LIBRARY_PATH")]))}


class Run:
    """What a program of ours or a peer's gave: the rows of its table, None if it is not there (status 77) or has none."""

    def __init__(self, command, arguments, environment=None, limit=None):
        self.rows, self.gaps, self.failures = None, [], []
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "table.csv")
            try:
                done = subprocess.run([*command, *arguments, "--csv", path], stdout=subprocess.PIPE, text=True,
                                      timeout=limit, env={**os.environ, **(environment or {})})
                said, status = done.stdout, done.returncode
            except subprocess.TimeoutExpired as late:
                said, status = (late.stdout or b"").decode(), f"stopped after {limit} s"
            self.gaps = [line[len("# not here: "):] for line in said.splitlines() if line.startswith("# not here: ")]
            if status == 77:
                return
            if status:
                self.failures = [f"{Path(command[-1]).name}: {' '.join(line.split())}" for line in said.splitlines() if " WRONG: " in line]
                self.failures = self.failures or [f"{Path(command[-1]).name}: status {status}"]
                print(f"bench: status {status}: {' '.join([*command, *arguments])}", file=sys.stderr)
            if os.path.exists(path):
                with open(path, newline="") as table:
                    self.rows = list(csv.DictReader(table))
            if status and not self.rows:
                self.rows = None


def joined(runs):
    """Several numbers of ranks, in one table."""
    first, *others = runs
    for run in others:
        first.gaps += run.gaps
        first.failures += run.failures
        if run.rows is not None:
            first.rows = (first.rows or []) + run.rows
    return first


def measure(names, programs, pythons, options, results):
    """All rounds of all programs into results, which are handed out after each of them."""
    environment = peer_environment(cache_of(options.build))
    on_device = options.device != "cpu"
    more = [*(["--filter", options.filter] if options.filter else []), *(["--device", options.device] if on_device else [])]
    short, slow = ([*(["--quick"] if options.quick else ["--rounds", n]), *more] for n in ("5", "3"))
    limit = DEVICE_SECONDS if on_device else None  # of a program that hangs, time on such a machine is dear
    for turn in range(options.rounds):
        for name in names:
            print(f"round {turn + 1} of {options.rounds}: {name}", flush=True)
            r = results[name]
            counts = RANKS_ON_DEVICE.get(name, (None,)) if on_device else (None,)
            r.add("trireme", joined([Run(command_of(name, programs[name], n), short, limit=limit) for n in counts]))
            by_hand = programs[name].parent / f"peer_{name}"
            if by_hand.exists() and not on_device:
                r.add(FLOOR, Run([str(by_hand)], short))
            script = HERE / "peers" / f"torch_{name}.py"
            if script.exists() and name not in (PEERS_AT_HOME if on_device else PEERS_ON_DEVICE):
                for python, version in pythons:
                    r.add(f"PyTorch {version}", Run([python, str(script)], slow, environment, limit))
                if not pythons:
                    r.missing.add("PyTorch")
            yield results


# ---- --check: this build against that of the last results ----

def last_results(path):
    lines = path.read_text().splitlines() if path.exists() else []
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {c[0]: c[1] for c in cells if len(c) == 2}


def build_of(name, cuda):
    """The programs of another commit, built in a folder of their own."""
    folder = ROOT / "build" / "bench-before"
    tree, build, mark = folder / "tree", folder / "build", folder / "commit"
    if not mark.exists() or mark.read_text() != name:
        shutil.rmtree(folder, ignore_errors=True)
        tree.mkdir(parents=True)
        archive = subprocess.Popen(["git", "archive", name], cwd=ROOT, stdout=subprocess.PIPE)
        unpacked = subprocess.run(["tar", "-x", "-C", str(tree)], stdin=archive.stdout).returncode == 0
        if archive.wait() != 0 or not unpacked:
            return None
        mark.write_text(name)
    configure = ["cmake", "-S", str(tree), "-B", str(build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 "-DBUILD_TESTING=OFF", "--log-level=WARNING",
                 *(["-DTRIREME_CUDA=ON", f"-DCMAKE_CUDA_ARCHITECTURES={os.environ.get('CUDAARCHS', 'native')}"] if cuda else [])]
    for command in (configure, ["cmake", "--build", str(build), "--parallel", str(os.cpu_count())]):
        print("$", *command, flush=True)
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
            return None
    return build / "bin"


def versus(names, before, after, rounds, arguments):
    """Both builds' rows, A B B A, so that neither always comes first."""
    results = {}
    for name in names:
        r = results[name] = Results()
        for turn in range(rounds):
            pair = [("before", before[name]), ("now", after[name])]
            for who, program in pair if turn % 2 == 0 else pair[::-1]:
                r.add(who, Run(command_of(name, program), arguments))
    return results


def slower(results):
    """What takes longer now, by the samples that others disturbed least, and does so in all rounds but one of eight."""
    found = {}
    for n, r in results.items():
        for key in r.keys("now"):
            ratios = r.ratios("now", key, ours="before", column="p10")
            if ratios and statistics.median(ratios) > FELL and sum(x <= 1 for x in ratios) <= len(ratios) / 8:
                found[n, key] = ratios
    return found


def check(names, programs, options):
    on_device = options.device != "cpu"
    last = last_results(file_of(HERE / "gpu" if on_device else HERE, options))
    what, now = ("device", device_name(options)) if on_device else ("machine", machine())
    if last.get(what, "").split(", 0000:")[0] != now:  # the same device may stand in another slot
        print(f"bench: the last results are of another {what} ({last.get(what, 'there are none')}): nothing to compare")
        return 0
    name = last["commit"].split()[0]
    folder = build_of(name, on_device)
    if not folder:
        print(f"bench: the commit of the last results, {name}, cannot be built here", file=sys.stderr)
        return 1
    before = programs_of(folder)
    names = [n for n in names if n in before]
    arguments = [*(["--quick"] if options.quick else ["--rounds", "5"]), *(["--device", options.device] if on_device else [])]

    first = [*arguments, *(["--filter", options.filter] if options.filter else [])]
    suspects = slower(versus(names, before, programs, options.rounds, first))
    fell = {}
    for n, key in suspects:  # a second look, at these alone
        only = ["--filter", f"{key[0]} {key[1]}"]
        again = slower(versus([n], before, programs, 2 * options.rounds, [*arguments, *only]))
        if (n, key) in again:
            fell[n, key] = again[n, key]
    for (n, key), ratios in fell.items():
        print(f"slower: {n}, {key[0]}, {key[1]}, {key[3]} thread(s): {statistics.median(ratios):.2f} times as long "
              f"[{min(ratios):.2f}..{max(ratios):.2f}] as at {name[:10]}")
    if not fell:
        print(f"nothing takes {FELL:.2f} times as long as at {name[:10]}, or longer")
    return 1 if fell else 0


def device_name(options):
    """Without the slot that it stands in, and what follows."""
    return device_of(options.device, options.build)["device"].split(", 0000:")[0]


def file_of(folder, options):
    if options.device == "cpu":
        return folder / "RESULTS.md"
    return folder / f"RESULTS-{re.sub('[^A-Za-z0-9]+', '-', device_name(options).split(',')[0])}.md"


def write(results, pythons, load, options, path):
    """The table, and every row beside it."""
    rows, _ = rows_of(path)
    rows.parent.mkdir(parents=True, exist_ok=True)
    save_rows(results, rows)
    path.write_text("\n".join(report(results, pythons, options.build, load, options)).rstrip() + "\n")


def draw(path, results):
    text = path.read_text()
    path.write_text(illustrate(text, results, path))


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measure Trireme beside its peers.")
    parser.add_argument("subjects", nargs="*", help="of: what build/release/bin/bench_* there are; default: all")
    parser.add_argument("--quick", action="store_true", help="under a minute: to see that all of it runs")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (4; on a device 2; with --quick 1)")
    parser.add_argument("--filter", default="", help="only cases with this in their name and size")
    parser.add_argument("--device", default="cpu", help="cuda or cuda:1: what bench_* and PyTorch do there")
    parser.add_argument("--python", action="append", help="an interpreter with PyTorch (may be repeated)")
    parser.add_argument("--check", action="store_true", help="compare with the last results' commit: what got slower?")
    parser.add_argument("--out", type=Path, help="write the results there, as they come")
    parser.add_argument("--draw", type=Path, metavar="TABLE", help="measure nothing: pictures of a table written without gnuplot")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.draw:
        rows, _ = rows_of(options.draw)
        if not options.draw.exists() or not rows.exists():
            parser.error(f"--draw wants a table and its rows: {options.draw} and {rows}")
        draw(options.draw, read_rows(rows))
        return 0
    on_device = options.device != "cpu"
    options.rounds = options.rounds or (1 if options.quick else 2 if on_device else 4)
    options.build = options.build.resolve() if options.build else ROOT / "build" / ("cuda" if on_device else "release")

    programs = programs_of(options.build / "bin")
    if on_device:
        programs = {name: programs[name] for name in ON_DEVICE if name in programs}
    names = options.subjects or list(programs)
    unknown = [name for name in names if name not in programs]
    if unknown or not names:
        parser.error(f"no such subject: {' '.join(unknown)}; there are: {' '.join(programs)}")
    if options.check:
        return check(names, programs, options)

    said = options.python or [p for p in os.environ.get("TRIREME_BENCH_PYTHON", "").split(":") if p]
    pythons = list(pythons_with_torch(said))
    load = os.getloadavg()[0]

    # Only a whole run may take the place of the last one.
    whole = not options.quick and not options.filter and not options.subjects
    so_far = file_of(options.out or options.build / "bench", options)
    results = {name: Results() for name in names}
    for _ in measure(names, programs, pythons, options, results):
        if on_device:
            write(results, pythons, load, options, so_far)
    path = file_of(HERE / "gpu" if on_device else HERE, options) if whole and not options.out else so_far
    write(results, pythons, load, options, path)
    draw(path, results)
    print(path.read_text())
    print(f"written: {path}")
    if path == HERE / "RESULTS.md":
        print("README.md shows some of these figures: python3 benchmarks/readme.py says which are others now")
    return 0 if all(r.good() for r in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

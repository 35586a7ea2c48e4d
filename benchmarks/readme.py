#!/usr/bin/env python3
"""README.md's figures against the last whole run's rows (results/rows.csv): prints what differs, and ends with 1 if
anything does.

    python3 benchmarks/readme.py"""

import csv
import re
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
README = (HERE.parent / "README.md").read_text()
MLP = "784-512-512-10"

# How a row of the table begins, and what its cells hold, in their order.
ROWS = {
    "linear regression": [("loops", "linear regression", "100x2")],
    "linear layer": [("loops", "linear layer", "100x1")],
    "hidden layer": [("loops", "hidden layer", "100x50x11")],
    "crop yields": [("loops", "crop yields", "5x3x2")],
    "tracked add": [("loops", "add tracked", "1")],
    f"MLP {MLP}": [("train", "mlp", f"batch {n}") for n in (64, 128, 1024)],
    "the same on two ranks": [("scaling", "two ranks together", f"batch {n}") for n in (64, 1024)],
    "exp of 10^5": [("ops", "exp", n) for n in ("100000", "10000000")],
    "sum of 10^5": [("ops", "sum", n) for n in ("100000", "10000000")],
    "start of a process": [("startup", "process", "1 rank")],
}
SUMS = ["256 KiB", "1 MiB", "4 MiB", "16 MiB", "64 MiB"]


def measured():
    """(subject, case, size, who) -> {round: median}, of one thread or, where each rank has one, of the ranks."""
    table = {}
    with open(HERE / "results" / "rows.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["subject"] == "train" and row["threads"] != "1":
                continue
            who = row["who"] if row["who"] == "trireme" else ".".join(row["version"].split(".")[:2])
            table.setdefault((row["subject"], row["case"], row["size"], who), {})[row["round"]] = float(row["median"])
    return table


def ratio(table, subject, case, size, peer, ours=None):
    """How many times as long `peer` takes, or, where ours is another case, that case."""
    mine = table[subject, ours or case, size, "trireme"]
    theirs = table[subject, case, size, peer]
    return statistics.median(theirs[r] / mine[r] for r in mine if r in theirs)


def differs(what, text, values):
    """The numbers of a text, each with as many digits as it shows, beside the values."""
    shown = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    wrong = len(shown) != len(values)
    for said, value in zip(shown, values):
        digits = len(said.partition(".")[2])
        wrong |= not abs(float(said.replace(",", "")) - value) <= 0.5001 * 10**-digits
    if wrong:
        print(f"{what}: README says {text.strip()!r}, measured are {', '.join(f'{v:.4g}' for v in values)}")
    return wrong


def main():
    table = measured()
    heading = re.search(r"^\| work .*\| PyTorch ([\d.]+) \| PyTorch ([\d.]+) \|.*$", README, re.M)
    peers, wrong, seen = heading.groups(), 0, set()
    for line in README[heading.end():].strip().split("\n\n")[0].splitlines()[1:]:
        label, *cells = line.strip("|").split("|")
        name = next((n for n in ROWS if label.strip().startswith(n)), None)
        if not name:
            print(f"{label.strip()}: a row that nothing was measured for")
            wrong += 1
            continue
        seen.add(name)
        cases = ROWS[name]
        for peer, cell in zip(peers, cells):
            wrong += differs(f"{name}, {peer}", cell, [ratio(table, *c, peer) for c in cases])
        if cells[2].strip():
            (subject, case, size), = cases
            wrong += differs(f"{name}, replayed", cells[2], [ratio(table, subject, case, size, p, f"{case}, replayed") for p in peers])
    wrong += len(ROWS.keys() - seen)
    for name in ROWS.keys() - seen:
        print(f"{name}: no such row in README")

    nanoseconds = statistics.median(table["loops", "add tracked", "1", "trireme"].values()) * 1000
    sums = [ratio(table, "allreduce", "MPI_Allreduce", size, "trireme", "ours from window") for size in SUMS]
    together = [100 * ratio(table, "scaling", "two ranks apart", f"batch {n}", "trireme", "two ranks together") for n in (64, 128, 1024)]
    for pattern, values in [(r"tracked add of one number \((\d+) ns\)", [nanoseconds]),
                            (r"sum gradients in a shared window at ([\d.]+ to [\d.]+) times", [min(sums), max(sums)]),
                            (r"then do (\d+, \d+ and \d+) %", together)]:
        found = re.search(pattern, " ".join(README.split()))
        wrong += differs(pattern, found[1] if found else "", values)
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())

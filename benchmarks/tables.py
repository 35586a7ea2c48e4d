"""The results of `./dev bench`, and the tables and pictures of their ratios."""

import csv
import datetime
import re
import shutil
import statistics
import subprocess

from machine import cache_of, commit, compiler_of, device_of, libraries_of, machine, system

FLOOR = "plain C"  # by hand: what no library gets below


def key_of(row):
    return row["case"], row["size"], row["type"], row["threads"]


class Results:
    """Of one subject: for every program the rows of every round."""

    def __init__(self):
        self.rounds = {}  # who -> [ {key: row} ]
        self.missing = set()
        self.gaps, self.failures = [], []  # what programs said of single cases, or of themselves

    def add(self, who, run):
        """What a program gave; a peer that does something in several ways says how in the column who, behind a comma."""
        self.gaps += [gap for gap in run.gaps if gap not in self.gaps]
        self.failures += [failure for failure in run.failures if failure not in self.failures]
        if run.rows is None:
            self.missing.add(who)
            return
        ways = {} if run.rows else {who: {}}
        for row in run.rows:
            ways.setdefault(", ".join([who, *row["who"].split(", ")[1:]]), {})[key_of(row)] = row
        for way, table in ways.items():
            self.rounds.setdefault(way, []).append(table)

    def good(self):
        return bool(self.rounds.get("trireme")) and not self.failures

    def keys(self, who="trireme"):
        return list(dict.fromkeys(key for table in self.rounds.get(who, []) for key in table))

    @staticmethod
    def row(table, key):
        """The row of that case; a peer, which records no steps, has one for what we replay too."""
        return table.get(key) or table.get((key[0].removesuffix(", replayed"), *key[1:]), {})

    def values(self, who, key, column="median"):
        return [float(self.row(table, key)[column]) for table in self.rounds.get(who, []) if self.row(table, key).get(column)]

    def median(self, who, key, column="median"):
        values = self.values(who, key, column)
        return statistics.median(values) if values else None

    def ratios(self, peer, key, ours="trireme", column="median"):
        """How many times as long the peer takes, round by round."""
        pairs = zip(self.rounds.get(ours, []), self.rounds.get(peer, []))
        return [float(self.row(theirs, key)[column]) / float(mine[key][column]) for mine, theirs in pairs
                if key in mine and self.row(theirs, key)]


def number(x):
    return "" if x is None else f"{x:,.0f}" if x >= 1000 else f"{x:.3g}"


def factor(ratios):
    if not ratios:
        return ""
    spread = f" [{number(min(ratios))}..{number(max(ratios))}]" if len(ratios) > 1 else ""
    return f"**{number(statistics.median(ratios))}**{spread}"


def table_of(name, r, on_device):
    rows = [row for table in r.rounds["trireme"] for row in table.values()]
    unit = next((row["unit"] for row in rows), "")
    rate_unit = next((row["rate_unit"] for row in rows if row["rate_unit"]), "")
    peers = [who for who in r.rounds if who != "trireme"]
    head = ["case", "size", "type" if on_device else "threads", f"trireme, {unit}"]
    if rate_unit:
        head += [rate_unit, "best", "of best"]
    for peer in peers:
        head += [f"{peer}, {unit}", f"trireme / {FLOOR}" if peer == FLOOR else f"{peer.split()[0]}{peer[peer.find(','):] if ',' in peer else ''} / trireme"]
    lines = [f"## {name}", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for key in r.keys():
        share = r.median("trireme", key, "share")
        cells = [key[0], key[1], key[2 if on_device else 3], number(r.median("trireme", key))]
        if rate_unit:
            cells += [number(r.median("trireme", key, "rate")), number(r.median("trireme", key, "ceiling")),
                      "" if share is None else f"{100 * share:.0f} %"]
        for peer in peers:
            over = [1 / x for x in r.ratios(peer, key)] if peer == FLOOR else r.ratios(peer, key)
            cells += [number(r.median(peer, key)), factor(over)]
        lines.append("| " + " | ".join(cells) + " |")
    for who in sorted(r.missing):
        lines += ["", f"{who}: not measured, it is not installed here or did not run."]
    lines += [line for gap in r.gaps for line in ("", f"Not here: {gap}")]
    lines += [line for failure in r.failures for line in ("", f"**Failed**: {failure}")]
    return lines


ABOUT = ("By `./dev bench`: medians over {rounds} interleaved rounds. A ratio of two times is the median of the "
         "rounds' ratios, with the smallest and the largest: above 1 PyTorch takes longer, and so much longer than plain "
         "C by hand Trireme takes. \"Best\" is what this machine was measured to do in the "
         "same minute, on as many threads (each program's heading says doing what): two virtual cores are at times "
         "two halves of one, and then the best of two threads is that of one.")
ABOUT_DEVICE = ("By `./dev bench --device {device}`: medians over {rounds} interleaved rounds. A ratio of two times is the "
                "median of the rounds' ratios, with the smallest and the largest: above 1 PyTorch takes longer. A time is that "
                "between two moments at which the device has nothing left to do, divided by the repetitions in between; "
                "PyTorch's is that between two events around all of them. \"Best\" is what the device was measured to do in the "
                "same minute: cudaMemcpyAsync of as many bytes (ops), cublasLtMatmul called directly with its first "
                "algorithm (matmul), the products of a step at the speed of its largest square (train). \"Replayed\" "
                "is a recorded step, \"CUDA graph\" PyTorch's own.")


def report(results, pythons, build, load, options):
    cache, on_device = cache_of(build), options.device != "cpu"
    about = {
        **(device_of(options.device, build) if on_device else {}),
        "machine": machine(),
        "system": system(),
        "compiler": compiler_of(cache),
        "libraries": libraries_of(cache),
        "peers": ", ".join(f"PyTorch {version}" for _, version in pythons) or "no PyTorch found",
        "commit": commit() or "unknown",
        "date": datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
        "load before": f"{load:.2f}" + ("" if load < 0.5 else ": the machine was not quiet"),
    }
    lines = ["# What was measured", "", (ABOUT_DEVICE if on_device else ABOUT).format(rounds=options.rounds, device=options.device), "",
             "| | |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in about.items()), ""]
    for name, r in results.items():
        if not r.rounds.get("trireme"):
            lines += [f"## {name}", "", "It failed.", *(f"\n{failure}" for failure in r.failures), ""]
            continue
        lines += [*table_of(name, r, on_device), ""]
    return lines


def save_rows(results, path):
    """Every row of every round, for whoever wants to look closer."""
    with open(path, "w", newline="") as file:
        out = None
        for r in results.values():
            for tables in r.rounds.values():
                for turn, table in enumerate(tables):
                    for row in table.values():
                        if not out:
                            out = csv.DictWriter(file, ["round", *row])
                            out.writeheader()
                        out.writerow({"round": turn + 1, **row})


def read_rows(path):
    """The results that save_rows wrote."""
    results = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            first, *way = row["who"].split(", ")
            who = ", ".join([{"trireme": "trireme", "c": FLOOR}.get(first, f"PyTorch {row['version']}"), *way])
            tables = results.setdefault(row["subject"], Results()).rounds.setdefault(who, [])
            while len(tables) < int(row["round"]):
                tables.append({})
            tables[-1][key_of(row)] = row
    return results


def rows_of(path):
    """Where the rows of that table stand, and in which folder its pictures."""
    if path.stem == "RESULTS":
        return path.parent / "results" / "rows.csv", path.parent / "results"
    name = path.stem.removeprefix("RESULTS-")
    return path.with_name(f"rows-{name}.csv"), path.with_name(f"pictures-{name}")


def illustrate(text, results, path):
    """The table's text with a picture of each subject that PyTorch did, too, in place of those that it had."""
    text = re.sub(r"\n!\[.*\n", "", text)
    _, folder = rows_of(path)
    for name, r in results.items():
        if plot(name, r, folder / f"{name}.png"):
            text = text.replace(f"## {name}\n", f"## {name}\n\n![{name}]({folder.name}/{name}.png)\n")
    return text


def plot(name, r, path):
    """How many times as long PyTorch takes, as bars; False without gnuplot or it."""
    peers = [who for who in r.rounds if who not in ("trireme", FLOOR)]
    bars = [(key, [r.ratios(peer, key) for peer in peers]) for key in r.keys()]
    bars = [(key, ratios) for key, ratios in bars if any(ratios)]
    if not bars or not shutil.which("gnuplot"):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    quoted = lambda text: '"' + text.replace("_", " ") + '"'
    data = [" ".join([quoted("case"), *map(quoted, peers)])]
    for (case, size, kind, threads), ratios in bars:
        label = f"{case}, {size}" + (f", {kind}" if kind != "float32" else "") + (f", {threads} threads" if threads != "1" else "")
        data.append(" ".join([quoted(label), *(f"{statistics.median(x):.6g}" if x else "NaN" for x in ratios)]))
    script = "\n".join([
        f"set terminal pngcairo size {max(420 + 28 * len(bars) * len(peers), 200 * len(peers) + 300)},560", f'set output "{path}"',
        f'set title "{name}: time divided by Trireme\'s"', "set style data histograms", "set style fill solid 0.7",
        "set boxwidth 0.9", "set logscale y", "set grid y", "set xtics rotate by -45 left", "set key above",
        "set bmargin 12", "set rmargin 20", "$rows << END", *data, "END",
        "plot 1 with lines linecolor 'black' notitle, "
        + ", ".join(f"$rows using {i + 2}:xtic(1) title columnheader" for i in range(len(peers)))])
    return subprocess.run(["gnuplot"], input=script, text=True, stderr=subprocess.DEVNULL).returncode == 0

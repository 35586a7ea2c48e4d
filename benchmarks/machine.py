"""What a measurement ran on: the machine, its system, the compiler and libraries of a build, the commit."""

import functools
import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output_of(*command, cwd=ROOT):
    try:
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def first_match(path, start):
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(start)), "")
    except OSError:
        return ""


def cache_of(build):
    """What CMake found."""
    try:
        lines = (build / "CMakeCache.txt").read_text().splitlines()
    except OSError:
        return {}
    return {name: value for name, _, value in (line.replace(":", "=", 1).split("=", 2) for line in lines
                                               if line.count("=") and ":" in line.split("=")[0])}


def compiler_of(cache):
    return (output_of(cache.get("CMAKE_C_COMPILER", "cc"), "--version").splitlines() or ["unknown"])[0]


def libraries_of(cache):
    header = Path(cache.get("DNNL_INCLUDE_DIR", "/none")) / "oneapi" / "dnnl" / "dnnl_version.h"
    words = header.read_text().split() if header.exists() else []
    onednn = ".".join(words[words.index(f"DNNL_VERSION_{part}") + 1] for part in ("MAJOR", "MINOR", "PATCH")
                      if f"DNNL_VERSION_{part}" in words)
    found = {"OpenBLAS": cache.get("OPENBLAS_VERSION", ""), "oneDNN": onednn,
             "MPI": (output_of("mpirun", "--version").splitlines() or [""])[0].replace("mpirun ", "")}
    return ", ".join(f"{name} {version}" for name, version in found.items() if version)


def machine():
    cpu = first_match("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    memory = first_match("/proc/meminfo", "MemTotal").split()
    gigabytes = f", {int(memory[0]) / 1048576:.0f} GiB" if memory else ""
    return f"{os.cpu_count()} x {cpu}{gigabytes}"


@functools.lru_cache  # the driver's tool takes a second
def device_of(name, build):
    """The device, its driver and the toolkit, as the library and the driver say them."""
    index = name.partition(":")[2] or "0"
    said = [line.split(None, 1)[1] for line in output_of(str(build / "bin" / "trireme"), "info").splitlines()
            if line.split(None, 1)[:1] == [f"cuda:{index}"]]
    query = output_of("nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,clocks.max.mem,power.limit",
                      "--format=csv,noheader", "-i", index).split(", ")
    driver = f"{query[0]}; at most {query[1]}, memory {query[2]}, {query[3]}" if len(query) == 4 else "unknown"
    return {"device": said[0] if said else name, "driver": driver,
            "toolkit": cache_of(build).get("CUDAToolkit_VERSION", "") or nvcc_of(cache_of(build))}


def nvcc_of(cache):
    lines = output_of(cache.get("CMAKE_CUDA_COMPILER", "nvcc"), "--version").splitlines()
    return next((line.split("release ")[1] for line in lines if "release " in line), "unknown")


def system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, AttributeError):
        return platform.platform()


def commit():
    name = output_of("git", "rev-parse", "HEAD")
    carried = ROOT / ".gpu" / "commit"  # what a copy of the tree without its history was made of
    if not name and carried.exists():
        return carried.read_text().strip()
    return name + (" and changes" if name and output_of(
        "git", "status", "--porcelain", "-uno", "--", ".", ":!benchmarks/RESULTS.md", ":!benchmarks/results") else "")

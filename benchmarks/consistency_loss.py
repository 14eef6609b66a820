"""The consistency terms with the merge from 19 classes to 12, forward and backward: fused against the composition of LibTorch's ops.

    python benchmarks/consistency_loss.py [--image-size 256] [--batch 8] [--threads 2] [--rounds 3] [--repeats 15] [--secgan COMMAND]

Each measurement is a process of its own, `secgan bench loss`, with fast paths on and off, turn by turn. Memory is what the work adds to the
logits that are there before: their gradients are 19 + 12 numbers per pixel of it.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
from typing import Any

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--image-size", type=int, default=256)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--repeats", type=int, default=15)
parser.add_argument(
    "--secgan", default=shutil.which("secgan", path=str(pathlib.Path(sys.executable).parent)) or "secgan", help="the command"
)
args = parser.parse_args()


def measure(fast: bool) -> dict[str, Any]:
    command = [args.secgan, "bench", "loss", "--json", "-", "--device", "cpu"]
    for name in ("image_size", "batch", "threads", "repeats"):
        command += ["--" + name.replace("_", "-"), str(getattr(args, name))]
    environment = {**os.environ, "SECGAN_FAST_PATHS": "1" if fast else "0"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


rounds: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
for _ in range(args.rounds):
    for fast in (False, True):
        rounds[fast].append(measure(fast))
machine = rounds[True][0]["machine"]
print(f"{args.batch} x 19 and 12 classes x {args.image_size}^2, {args.rounds} rounds of {args.repeats} repeats")
print(", ".join(f"{name} {value}" for name, value in machine.items()))
milliseconds = {fast: statistics.median(r["milliseconds"] for r in results) for fast, results in rounds.items()}
megabytes = {fast: statistics.median(r["working_bytes"] for r in results) / 1e6 for fast, results in rounds.items()}
for fast, name in ((False, "composed"), (True, "fused")):
    each = " ".join(f"{r['milliseconds']:.1f}" for r in rounds[fast])
    best = min(min(r["seconds"]) for r in rounds[fast]) * 1e3
    print(f"{name:9} {milliseconds[fast]:8.1f} ms   (rounds {each}; fastest repeat {best:.1f})   {megabytes[fast]:7.1f} MB")
print(f"ratio {milliseconds[False] / milliseconds[True]:.1f}, memory {megabytes[True] / megabytes[False]:.2f}")

"""A SeCGAN training cycle (five updates of both discriminators, one of both generators): secgan against plain PyTorch.

    python benchmarks/train_step.py [--image-size 128] [--batch 8] [--precision float32] [--device cpu] [--threads 2] [--rounds 3]

Both in processes of their own, turn by turn, on noise, without reading or writing files; medians of rounds and their ratio. AttGAN's
published networks with instance norm in the discriminators, BiSeNet-18 with random weights. The peer is benchmarks/plain_secgan.py.
"""

import argparse
import json
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
from typing import Any

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--image-size", type=int, default=128)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--attributes", type=int, default=13)
parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
parser.add_argument("--device", default="cpu")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument(
    "--secgan", default=shutil.which("secgan", path=str(pathlib.Path(sys.executable).parent)) or "secgan", help="the command"
)
args = parser.parse_args()

flags = []
for name in ("image_size", "batch", "attributes", "precision", "device", "threads", "repeats"):
    flags += ["--" + name.replace("_", "-"), str(getattr(args, name))]
peer = [sys.executable, str(pathlib.Path(__file__).with_name("plain_secgan.py")), *flags]
ours = [args.secgan, "bench", "train-step", *flags, "--json", "-"]


def run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


results: dict[str, list[dict[str, Any]]] = {"plain PyTorch": [], "secgan": []}
for _ in range(args.rounds):
    results["plain PyTorch"].append(run(peer))
    results["secgan"].append(run(ours))

machine = results["secgan"][0]["machine"]
print(
    f"{machine['processor']}, {args.device}, {machine['threads']} threads, LibTorch {machine['libtorch']}, "
    f"torch {results['plain PyTorch'][0]['torch']}, Python {platform.python_version()}"
)
print(f"{args.image_size} px, batch {args.batch}, {args.attributes} attributes, {args.precision}")
medians = {}
for name, rounds in results.items():
    seconds = [value for one in rounds for value in one["seconds"]]
    medians[name] = statistics.median(seconds), max(one["peak_bytes"] for one in rounds)
    each = ", ".join(f"{one['seconds_per_cycle']:.3f}" for one in rounds)
    print(f"{name:<14} {medians[name][0]:.4f} s a cycle (rounds: {each}), peak {medians[name][1] / 1e9:.2f} GB")
plain, fast = medians["plain PyTorch"], medians["secgan"]
print(f"secgan is {plain[0] / fast[0]:.2f} times as fast, with {fast[1] / plain[1]:.2f} of the memory")

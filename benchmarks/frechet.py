"""The Fréchet distance: secgan against pytorch-fid's arithmetic (scipy.linalg.sqrtm of the product).

    python benchmarks/frechet.py [--dims 2048] [--samples 5000] [--threads 2] [--rounds 3] [--repeats 3]

The same moments, each in processes of its own, turn by turn: the threads of one BLAS wait by spinning, and would stand in the other's way.
Medians, of a process's first call and of those after it, and their ratios. Environment variables that hold OpenBLAS to one kind of
processor slow SciPy down: they are named when set.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import numpy as np
import side_by_side as by

parser = by.arguments(__doc__, dims=2048, samples=5000, threads=2, rounds=3, repeats=3)
parser.add_argument("--subject", help=argparse.SUPPRESS)
parser.add_argument("--moments", help=argparse.SUPPRESS)
args = parser.parse_args()
MOMENTS = ("mean1", "covariance1", "mean2", "covariance2")


def features(seed: int, offset: float) -> np.ndarray:
    """Like a network's: not negative, correlated, of a spectrum that falls over three decades."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).standard_normal((args.dims, args.dims)) / np.sqrt(args.dims)
    return np.maximum((rng.standard_normal((args.samples, args.dims)) * np.logspace(0, -1.5, args.dims)) @ mixing + offset, 0)


def distance_of(subject: str) -> tuple[Callable[..., float], str]:
    """The function, and the version of its library."""
    if subject == "secgan":
        import torch

        from secgan.metrics import frechet_distance

        torch.set_num_threads(args.threads)
        return (lambda *moments: frechet_distance(*map(torch.from_numpy, moments))), torch.__version__
    import scipy.linalg

    def pytorch_fid(mu1: np.ndarray, sigma1: np.ndarray, mu2: np.ndarray, sigma2: np.ndarray) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            root = scipy.linalg.sqrtm(sigma1 @ sigma2)
        return float(((mu1 - mu2) ** 2).sum() + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root).real)

    return pytorch_fid, scipy.__version__


def measured() -> by.Result:
    """Seconds of each call of a subject, in this process."""
    with np.load(args.moments) as file:
        moments = [file[name] for name in MOMENTS]
    distance, version = distance_of(args.subject)
    seconds = []
    for _ in range(1 + args.repeats):
        begin = time.perf_counter()
        value = distance(*moments)
        seconds.append(time.perf_counter() - begin)
    return {"first": seconds[0], "seconds": seconds[1:], "value": value, "version": version}


if args.subject:
    print(json.dumps(measured()))
    sys.exit()

threads = {name: str(args.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
with tempfile.TemporaryDirectory() as folder:
    moments = str(pathlib.Path(folder) / "moments.npz")
    parts = [part for x in (features(1, 0.0), features(2, 0.1)) for part in (x.mean(0), np.cov(x, rowvar=False))]
    np.savez(moments, **dict(zip(MOMENTS, parts, strict=True)))
    command = [sys.executable, __file__, "--moments", moments, *by.flags(args, "dims", "threads", "repeats"), "--subject"]
    results = by.in_turns(args.rounds, {name: lambda name=name: by.result_of([*command, name], threads) for name in ("secgan", "scipy")})

held = [f"{name}={os.environ[name]}" for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
versions = ", ".join(f"{library} {results[name][0]['version']}" for library, name in (("torch", "secgan"), ("SciPy", "scipy")))
print(f"{args.dims} dimensions, {args.samples} samples, {args.threads} threads, {args.rounds} rounds of {args.repeats} repeats, {versions}")
if held:
    print(f"held: {' '.join(held)}")
first = {name: statistics.median(one["first"] for one in rounds) for name, rounds in results.items()}
later = {name: statistics.median(by.seconds(rounds)) for name, rounds in results.items()}
values = {name: rounds[0]["value"] for name, rounds in results.items()}
for name, rounds in results.items():
    times = f"{1000 * later[name]:9.2f} ms {by.each(rounds, 1000, 2)}, first call {1000 * first[name]:.2f}"
    print(f"{name:7} {times}, distance {values[name]:.12f}")
print(
    f"ratio {later['scipy'] / later['secgan']:.1f}, of first calls {first['scipy'] / first['secgan']:.1f}, "
    f"difference {abs(values['secgan'] - values['scipy']):.1e}"
)

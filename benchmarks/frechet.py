"""The Fréchet distance at 2,048 dimensions: secgan against pytorch-fid's arithmetic (scipy.linalg.sqrtm of the product).

    python benchmarks/frechet.py [--dims 2048] [--samples 5000] [--threads 2] [--repeats 3]

One process, the same moments, turn by turn; medians and their ratio. SciPy and torch carry a BLAS each: both get the same
number of threads. Environment variables that hold OpenBLAS to one kind of processor slow SciPy down: they are named when set.
"""

import argparse
import os
import platform
import statistics
import time
import warnings

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dims", type=int, default=2048)
parser.add_argument("--samples", type=int, default=5000)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--repeats", type=int, default=3)
args = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(args.threads)  # read when the libraries are loaded

import numpy as np  # noqa: E402
import scipy  # noqa: E402
import scipy.linalg  # noqa: E402
import torch  # noqa: E402

from secgan.metrics import frechet_distance  # noqa: E402

torch.set_num_threads(args.threads)


def features(seed: int, offset: float) -> np.ndarray:
    """Like a network's: not negative, correlated, of a spectrum that falls over three decades."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).standard_normal((args.dims, args.dims)) / np.sqrt(args.dims)
    return np.maximum((rng.standard_normal((args.samples, args.dims)) * np.logspace(0, -1.5, args.dims)) @ mixing + offset, 0)


def pytorch_fid(mu1: np.ndarray, sigma1: np.ndarray, mu2: np.ndarray, sigma2: np.ndarray) -> float:
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    return float(((mu1 - mu2) ** 2).sum() + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root).real)


moments = [part for x in (features(1, 0.0), features(2, 0.1)) for part in (x.mean(0), np.cov(x, rowvar=False))]
tensors = [torch.from_numpy(part) for part in moments]
held = [f"{name}={os.environ[name]}" for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
print(
    f"dims {args.dims}, samples {args.samples}, threads {args.threads}, repeats {args.repeats}, "
    f"{platform.processor() or platform.machine()}"
)
print(f"torch {torch.__version__}, scipy {scipy.__version__}, numpy {np.__version__}" + (f", held: {' '.join(held)}" if held else ""))

seconds: dict[str, list[float]] = {"secgan": [], "scipy": []}
values = {}
frechet_distance(*tensors)  # loads the libraries
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for _ in range(args.repeats):
        for name, function, given in (("secgan", frechet_distance, tensors), ("scipy", pytorch_fid, moments)):
            begin = time.perf_counter()
            values[name] = function(*given)
            seconds[name].append(time.perf_counter() - begin)
for name, times in seconds.items():
    print(f"{name:7} {statistics.median(times):8.3f} s   ({min(times):.3f} to {max(times):.3f})   distance {values[name]:.12f}")
print(
    f"ratio {statistics.median(seconds['scipy']) / statistics.median(seconds['secgan']):.1f}, "
    f"difference {abs(values['secgan'] - values['scipy']):.1e}"
)

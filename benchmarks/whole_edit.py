"""One photo edited by a whole process: `secgan edit` against a Python script that does the same with torch, Pillow and safetensors.

    python benchmarks/whole_edit.py [--threads 1] [--rounds 3] [--repeats 7] [--secgan COMMAND]

The bundle of drawn faces and a photo of its own 64 x 64 pixels, so that no library's resizing counts; the photo's attributes are predicted
by the bundle's classifier. Processes start turn by turn, files warm in the system's cache; the pictures are compared.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import side_by_side as by

ROOT = pathlib.Path(__file__).parents[1]
BUNDLE = ROOT / "models" / "drawn-faces"
NAME = "Eyeglasses"

parser = by.arguments(__doc__, threads=1, rounds=3, repeats=7)
parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
args = parser.parse_args()


def peer(photo: str, result: str) -> None:
    """As one writes it for one bundle: networks, weights, photo in, photo out."""
    import numpy as np
    import torch
    from PIL import Image
    from safetensors.torch import load_file
    from torch.nn import functional

    torch.set_num_threads(args.threads)
    weights = {name: tensor.float() for name, tensor in load_file(BUNDLE / "model.safetensors").items()}
    info = json.loads((BUNDLE / "config.json").read_text())["info"]
    names = info["attributes"]

    def norm(x: torch.Tensor, at: str) -> torch.Tensor:
        mean, variance, weight, bias = (weights[f"{at}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, mean, variance, weight, bias)

    def tiled(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)

    def classify(x: torch.Tensor) -> torch.Tensor:
        for layer in range(6):
            kernel = weights[f"classifier.features.{layer}.0.weight"]
            x = functional.relu(
                norm(functional.conv2d(x, kernel, stride=kernel.shape[2] // 2, padding=1), f"classifier.features.{layer}.1")
            )
        return functional.linear(x.flatten(1), weights["classifier.head.0.weight"], weights["classifier.head.0.bias"])

    def generate(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        features = []
        for layer in range(4):
            at = f"generator.enc_layers.{layer}.layers"
            x = functional.leaky_relu(norm(functional.conv2d(x, weights[f"{at}.0.weight"], stride=2, padding=1), f"{at}.1"), 0.2)
            features.append(x)
        x = tiled(y, x)
        for layer in range(4):
            at = f"generator.dec_layers.{layer}.layers"
            x = functional.conv2d(x, weights[f"{at}.0.weight"], weights.get(f"{at}.0.bias"), padding=1)
            x = functional.pixel_shuffle(x, 2)
            if layer == 3:
                return torch.tanh(x)
            x = functional.relu(norm(x, f"{at}.2"))
            if layer == 0:
                x = tiled(y, torch.cat([x, features[2]], 1))
        raise AssertionError

    with torch.inference_mode():
        pixels = torch.from_numpy(np.asarray(Image.open(photo).convert("RGB")).copy()).permute(2, 0, 1)[None].float().div(127.5).sub(1)
        shown = classify(pixels)[0] > 0
        change = torch.zeros(1, len(names))
        change[0, names.index(NAME)] = 0.0 if shown[names.index(NAME)] else 1.0
        edited = generate(pixels, change)[0].add(1).mul(127.5).round().clamp(0, 255).byte()
    Image.fromarray(edited.permute(1, 2, 0).numpy()).save(result)


def measure(command: list[str]) -> by.Result:
    seconds = []
    for _ in range(args.repeats + 1):
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - begin)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
    return {"seconds": seconds[1:]}


def main() -> None:
    import numpy as np
    import torch
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        photo, out = pathlib.Path(folder) / "photo.png", pathlib.Path(folder) / "plain.png"
        with Image.open(ROOT / "examples" / "photos" / "anna.png") as drawn:
            drawn.convert("RGB").resize((64, 64), Image.Resampling.LANCZOS).save(photo)
        ours = [args.secgan, "edit", str(BUNDLE), str(photo), "--set", f"{NAME}=1", "--out", f"{folder}/out"]
        plain = [sys.executable, __file__, "--peer", str(photo), str(out), *by.flags(args, "threads")]
        rounds = by.in_turns(args.rounds, {"plain": lambda: measure(plain), "secgan": lambda: measure(ours)})
        one, other = (np.asarray(Image.open(file).convert("RGB")).astype(int) for file in (out, pathlib.Path(folder) / "out" / "photo.png"))
    print(f"one edit of 64 x 64 pixels, torch {torch.__version__}; the pictures differ by {abs(one - other).max()} of 255 levels at most")
    middle = {name: statistics.median(by.seconds(results)) for name, results in rounds.items()}
    for name, results in rounds.items():
        print(f"{name:<8} {1000 * middle[name]:7.0f} ms  {by.each(results, 1000, 0)}")
    print(f"ratio {middle['plain'] / middle['secgan']:.2f}")


if args.peer:
    peer(*args.peer)
else:
    main()

"""Photos from files to batches, cropped, resized and normalized: from JPEG and from a packed data set, against Pillow in a DataLoader.

    python benchmarks/load.py [--photos 1000] [--image-size 64] [--batch 64] [--threads 2] [--rounds 3] [--repeats 5] [--secgan COMMAND]

Drawn faces of CelebA's size, 178 x 218, JPEG; each measurement in a process of its own, turn by turn. The DataLoader has as many worker
processes as secgan has threads, and its workers stay between epochs; its first epoch, which starts them, is not counted.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import side_by_side as by

parser = by.arguments(__doc__, photos=1000, image_size=64, batch=64, threads=2, rounds=3, repeats=5)
parser.add_argument("--peer", help=argparse.SUPPRESS)
args = parser.parse_args()


def peer(folder: str) -> by.Result:
    """Seconds of each epoch of the DataLoader, in this process."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    files = sorted(pathlib.Path(folder).glob("*.jpg"))

    class Photos(Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, index: int) -> torch.Tensor:
            with Image.open(files[index]) as photo:
                top = (photo.height - photo.width) // 2
                side = args.image_size
                square = photo.convert("RGB").resize((side, side), Image.Resampling.BILINEAR, (0, top, photo.width, top + photo.width))
            return torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1).float().div_(127.5).sub_(1)

    torch.set_num_threads(args.threads)
    loader: Any = DataLoader(
        Photos(), args.batch, shuffle=True, num_workers=args.threads, persistent_workers=True, drop_last=True, prefetch_factor=4
    )
    seconds = []
    for epoch in range(args.repeats + 1):
        begin = time.perf_counter()
        batches = sum(1 for _ in loader)
        if epoch:
            seconds.append((time.perf_counter() - begin) / (batches * args.batch))
    return {"seconds": seconds, "version": torch.__version__}


if args.peer:
    print(json.dumps(peer(args.peer)))
    sys.exit()


def ours(*data: str) -> by.Result:
    command = [
        args.secgan,
        "bench",
        "load",
        *data,
        *by.flags(args, "image_size", "batch", "threads", "repeats"),
        "--device",
        "cpu",
        "--json",
        "-",
    ]
    result = by.result_of(command)
    photos = result["images_per_second"] * statistics.median(result["seconds"])
    result["seconds"] = [value / photos for value in result["seconds"]]
    return result


with tempfile.TemporaryDirectory() as folder:
    import secgan

    faces = secgan.synthetic_faces(args.photos, image_size=224)
    for i in range(args.photos):
        drawn = ((faces[i].image + 1) * 127.5).round().byte()
        secgan.write_image(f"{folder}/{i:06}.jpg", drawn[:, 3:221, 23:201].contiguous())
    packed = f"{folder}/packed.safetensors"
    source = ["--data", "folder", "--root", folder, "--whole-folder"]
    subprocess.run(
        [args.secgan, "pack", *source, "--image-size", str(args.image_size), "--out", packed], check=True, capture_output=True, text=True
    )
    results = by.in_turns(
        args.rounds,
        {
            "Pillow, DataLoader": lambda: by.result_of(
                [sys.executable, __file__, "--peer", folder, *by.flags(args, "image_size", "batch", "threads", "repeats")]
            ),
            "secgan, JPEG": lambda: ours(*source),
            "secgan, packed": lambda: ours("--data", "packed", "--root", packed),
        },
    )
print(by.machine(results["secgan, JPEG"][0], args, torch=results["Pillow, DataLoader"][0]["version"]))
print(f"{args.photos} photos to {args.image_size}^2, batches of {args.batch}, {args.rounds} rounds of {args.repeats} repeats")
middle = {name: statistics.median(by.seconds(rounds)) for name, rounds in results.items()}
for name, rounds in results.items():
    ratio = middle["Pillow, DataLoader"] / middle[name]
    print(f"{name:18} {1 / middle[name]:9.0f} photos/s {by.each(rounds, 1e6, 0)} us a photo, ratio {ratio:.1f}")

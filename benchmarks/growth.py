"""How time and memory of a training cycle grow with side, batch, attributes and threads, as pictures.

    python benchmarks/growth.py [--out growth.svg] [--image-size 64] [--batch 8] [--attributes 13] [--threads 2] [--repeats 2]

One of the four changes at a time, the others are as the flags say. `secgan bench train-step` in a process of its own for each point:
AttGAN, both branches, BiSeNet-18. Needs matplotlib.
"""

import argparse

import matplotlib
import matplotlib.pyplot as plt
import side_by_side as by
from matplotlib.ticker import MaxNLocator

matplotlib.use("svg")

VALUES = {"image_size": (32, 64, 96, 128), "batch": (2, 4, 8, 16, 32), "attributes": (3, 7, 13, 40), "threads": (1, 2)}
LABELS = {"image_size": "side, pixels", "batch": "batch", "attributes": "attributes", "threads": "threads"}


def measured(args: argparse.Namespace, name: str, value: int) -> by.Result:
    flags = by.flags(argparse.Namespace(**{**vars(args), name: value}), *VALUES, "repeats")
    result = by.result_of([args.secgan, "bench", "train-step", *flags, "--json", "-"])
    print(f"{name} {value}: {result['seconds_per_cycle']:.3f} s a cycle, peak {result['peak_bytes'] / 1e9:.2f} GB", flush=True)
    return result


def main() -> None:
    parser = by.arguments(__doc__, out="growth.svg", image_size=64, batch=8, attributes=13, threads=2, repeats=2)
    args = parser.parse_args()
    # Named by what differs, so that the middle of all four rows is measured once.
    known: dict[tuple[int, ...], by.Result] = {}
    figure, panels = plt.subplots(2, len(VALUES), figsize=(11, 4.6), sharey="row", layout="constrained")
    for column, (name, values) in enumerate(VALUES.items()):
        points = []
        for value in values:
            place = tuple(value if other == name else getattr(args, other) for other in VALUES)
            if place not in known:
                known[place] = measured(args, name, value)
            points.append(known[place])
        for row, (key, unit, label) in enumerate((("seconds_per_cycle", 1, "seconds a cycle"), ("peak_bytes", 1e9, "peak memory, GB"))):
            panel = panels[row, column]
            panel.plot(values, [point[key] / unit for point in points], "o-", color="tab:blue")
            panel.set(xlim=(0, 1.08 * max(values)), xlabel=LABELS[name], ylabel="" if column else label)
            panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            panel.grid(alpha=0.3)
    for panel in panels[:, 0]:  # with its row, once every point is there
        panel.set_ylim(0, None)
    figure.suptitle(by.machine(next(iter(known.values())), args), fontsize=9)
    figure.savefig(args.out, metadata={"Date": None})


if __name__ == "__main__":
    main()

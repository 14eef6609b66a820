"""A checkpoint of a training against torch.save of the same tensors.

    python benchmarks/checkpoint.py [--megabytes 2500] [--rounds 3] [--repeats 3] [--secgan COMMAND]

Each in processes of its own, turn by turn, into the folder for temporary files. secgan's is digested, synced to the disk and read back;
torch.save's is not. Memory is what the work adds to the tensors.
"""

import argparse
import json
import pathlib
import resource
import statistics
import sys
import tempfile
import time

import side_by_side as by

TENSORS = 25


def peer(megabytes: int, repeats: int) -> by.Result:
    """Seconds of each torch.save, in this process."""
    import torch

    state = {f"tensor_{i}": torch.randn(megabytes * 1_000_000 // TENSORS // 4) for i in range(TENSORS)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(-2, repeats):
            begin = time.perf_counter()
            torch.save(state, pathlib.Path(folder) / "checkpoint.pt")
            if i >= 0:
                seconds.append(time.perf_counter() - begin)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "working_bytes": 1024 * (after - before), "version": torch.__version__}


def main() -> None:
    parser = by.arguments(__doc__, megabytes=2500, rounds=3, repeats=3)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        print(json.dumps(peer(args.megabytes, args.repeats)))
        return
    flags = by.flags(args, "megabytes", "repeats")
    results = by.in_turns(
        args.rounds,
        {
            "torch.save": lambda: by.result_of([sys.executable, __file__, "--peer", *flags]),
            "secgan": lambda: by.result_of([args.secgan, "bench", "checkpoint", *flags, "--device", "cpu", "--json", "-"]),
        },
    )
    print(f"{args.megabytes} MB in {TENSORS} tensors, {args.rounds} rounds of {args.repeats}, torch {results['torch.save'][0]['version']}")
    middle = {name: statistics.median(by.seconds(rounds)) for name, rounds in results.items()}
    for name, rounds in results.items():
        memory = max(one["working_bytes"] for one in rounds) / 1e6
        print(f"{name:10} {middle[name]:6.2f} s {by.each(rounds, 1, 2)}, memory {memory:.0f} MB")
    print(f"ratio {middle['torch.save'] / middle['secgan']:.2f}")


if __name__ == "__main__":
    main()

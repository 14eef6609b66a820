"""A SeCGAN training cycle (five updates of both discriminators, one of both generators): secgan against plain PyTorch.

    python benchmarks/train_step.py [--backbone attgan] [--image-size 128] [--batch 8] [--precision float32] [--device cpu] [--threads 2]
                                    [--repeats 5] [--rounds 3]

Both in processes of their own, turn by turn, on noise, without reading or writing files; medians of rounds and their ratio. Published
networks (AttGAN's with instance norm in the discriminators, STGAN's, StarGAN's), BiSeNet-18 with random weights. The peer is
benchmarks/plain_secgan.py.
"""

import statistics
import sys

import side_by_side as by

parser = by.arguments(
    __doc__, backbone="attgan", image_size=128, batch=8, attributes=13, precision="float32", device="cpu", threads=2, repeats=5, rounds=3
)
args = parser.parse_args()
names = ("backbone", "image_size", "batch", "attributes", "precision", "device", "threads", "repeats")
flags = by.flags(args, *names)
results = by.in_turns(
    args.rounds,
    {
        "plain PyTorch": lambda: by.result_of([sys.executable, str(by.FOLDER / "plain_secgan.py"), *flags]),
        "secgan": lambda: by.result_of([args.secgan, "bench", "train-step", *flags, "--json", "-"]),
    },
)
print(by.machine(results["secgan"][0], args, torch=results["plain PyTorch"][0]["torch"]))
print(f"{args.backbone}, {args.image_size} px, batch {args.batch}, {args.attributes} attributes, {args.precision}")
medians = {}
for name, rounds in results.items():
    medians[name] = statistics.median(by.seconds(rounds)), max(one["peak_bytes"] for one in rounds)
    print(f"{name:<14} {medians[name][0]:.4f} s a cycle {by.each(rounds, 1, 3)}, peak {medians[name][1] / 1e9:.2f} GB")
plain, fast = medians["plain PyTorch"], medians["secgan"]
print(f"secgan is {plain[0] / fast[0]:.2f} times as fast, with {fast[1] / plain[1]:.2f} of the memory")

"""The consistency terms with the merge from 19 classes to 12, forward and backward: fused against the composition of LibTorch's ops.

    python benchmarks/consistency_loss.py [--image-size 256] [--batch 8] [--threads 2] [--rounds 3] [--repeats 15] [--secgan COMMAND]

Each measurement is a process of its own, `secgan bench loss`, with fast paths on and off, turn by turn. Memory is what the work adds to the
logits that are there before: their gradients are 19 + 12 numbers per pixel of it.
"""

import statistics

import side_by_side as by

args = by.arguments(__doc__, image_size=256, batch=8, threads=2, rounds=3, repeats=15).parse_args()
flags = by.flags(args, "image_size", "batch", "threads", "repeats")
command = [args.secgan, "bench", "loss", *flags, "--device", "cpu", "--json", "-"]
results = by.in_turns(
    args.rounds,
    {
        "composed": lambda: by.result_of(command, {"SECGAN_FAST_PATHS": "0"}),
        "fused": lambda: by.result_of(command, {"SECGAN_FAST_PATHS": "1"}),
    },
)
print(by.machine(results["fused"][0], args))
print(f"{args.batch} x 19 and 12 classes x {args.image_size}^2, {args.rounds} rounds of {args.repeats} repeats")
milliseconds = {name: 1000 * statistics.median(by.seconds(rounds)) for name, rounds in results.items()}
megabytes = {name: statistics.median(one["working_bytes"] for one in rounds) / 1e6 for name, rounds in results.items()}
for name, rounds in results.items():
    print(f"{name:9} {milliseconds[name]:8.1f} ms {by.each(rounds, 1000, 1)} {megabytes[name]:7.1f} MB")
ratio, memory = milliseconds["composed"] / milliseconds["fused"], megabytes["fused"] / megabytes["composed"]
print(f"ratio {ratio:.1f}, memory {memory:.2f}")

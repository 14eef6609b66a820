"""Whole commands beside another program that computes: the threads that secgan chooses against one thread.

    python benchmarks/beside_a_program.py [--busy 2] [--rounds 3] [--photos 300] [--steps 24]

The other program is `--busy` processes that never wait (0: a quiet machine). Each round runs every command with its own choice of
threads and with --threads 1, turn by turn; printed are medians of seconds and of processor seconds, and their ratio.
"""

import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time

import side_by_side as by

MODEL = by.FOLDER.parent / "models" / "drawn-faces"


def spin() -> None:
    while True:
        pass


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds, and processor seconds of all its threads."""
    with tempfile.TemporaryDirectory() as folder:
        begin, before = time.perf_counter(), os.times()
        done = subprocess.run([part.replace("{out}", folder) for part in command], capture_output=True, text=True, check=False)
        after = os.times()
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return time.perf_counter() - begin, used


def main() -> None:
    # --photos are of the evaluation, --steps of the training.
    args = by.arguments(__doc__, busy=2, rounds=3, photos=300, steps=24).parse_args()
    evaluate = ["evaluate", str(MODEL), *f"--data synthetic --photos {args.photos} --out {{out}}/report".split()]
    train = f"train --small --no-mask-branch --data synthetic --count 256 --steps {args.steps} --out {{out}}/run".split()
    environment = [name for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if os.environ.pop(name, None)]
    if environment:
        print(f"taken out of the environment: {', '.join(environment)}")
    busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(args.busy)]
    for process in busy:
        process.start()
    print(f"{len(os.sched_getaffinity(0))} CPUs, {args.busy} busy processes, {args.rounds} rounds")
    for name, words in (("evaluate", evaluate), ("train", train)):
        command = [args.secgan, *words]
        taken = by.in_turns(
            args.rounds,
            {
                "its choice": lambda command=command: measure(command),
                "one thread": lambda command=command: measure([*command, "--threads", "1"]),
            },
        )
        wall, used = ({choice: statistics.median(one[i] for one in times) for choice, times in taken.items()} for i in (0, 1))
        ratios = ", ".join(
            f"{times['its choice'] / times['one thread']:.3f} in {unit}" for times, unit in ((wall, "time"), (used, "CPU time"))
        )
        print(
            f"{name}: its choice {wall['its choice']:.1f} s ({used['its choice']:.1f} s CPU), "
            f"one thread {wall['one thread']:.1f} s ({used['one thread']:.1f} s CPU): {ratios}"
        )
    for process in busy:
        process.terminate()


if __name__ == "__main__":
    main()

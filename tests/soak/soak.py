#!/usr/bin/env python3
"""Trainings that are killed, run out of disk, or run long: nothing may be lost, left behind or grow.

Trains the smallest networks on drawn faces with the command in $SECGAN_COMMAND (default: secgan). Prints one figure a line; exit code 1
when one is not as it must be. Usage: soak.py [--kills 50] [--steps 2000] [--seed 1]
"""

import argparse
import contextlib
import functools
import os
import pathlib
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

COMMAND = os.environ.get("SECGAN_COMMAND", "secgan")
NETWORKS = """
parser = "{root}/parser/bundle"
classifier = "{root}/classifier/bundle"
threads = 1
[data]
kind = "synthetic"
image_size = 32
count = 16
[task]
discriminator_updates = 1
average_decay = 0.9
loader.batch = 2
photo_generator.attgan = {{ enc_dim = 4, enc_layers = 2, dec_dim = 4, dec_layers = 2 }}
mask_generator.attgan = {{ enc_dim = 4, enc_layers = 2, dec_dim = 4, dec_layers = 2 }}
photo_discriminator.attgan = {{ dim = 4, n_layers = 2, fc_dim = 8 }}
mask_discriminator.attgan = {{ dim = 4, n_layers = 2, fc_dim = 8 }}
[trainer]
steps = 24
log_every = 2
sample_every = 8
checkpoint_every = 3
"""
DRAWN = ["--data", "synthetic", "--image-size", "32", "--count", "8", "--batch", "2", "--steps", "1", "--threads", "1"]

wrong = []


def figure(name, value, holds=True):
    """Prints one line, and remembers whether all is well."""
    if not holds:
        wrong.append(name)
    print(f"{name}: {value}{'' if holds else '  WRONG'}", flush=True)


def start(*arguments, **options):
    return subprocess.Popen([COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)


def finish(*arguments, **options):
    """The command's exit code and its last line."""
    process = start(*arguments, **options)
    lines = process.communicate()[1].strip().splitlines()
    return process.returncode, lines[-1] if lines else ""


def prepare(root):
    """Parser and classifier, each after one step, and the settings of the training."""
    small = {
        "parser": ["--option", "task.parser.unet.dim=4", "--option", "task.parser.unet.levels=2"],
        "classifier": ["--option", "task.classifier.dim=4"],
    }
    for name, options in small.items():
        code, line = finish(f"train-{name}", *DRAWN, *options, "--out", root / name)
        if code != 0:
            sys.exit(f"train-{name}: {line}")
    (root / "train.toml").write_text(NETWORKS.format(root=root))


def train(root, run, *arguments):
    return ["train", "--config", root / "train.toml", "--out", run, *arguments]


def resume(run):
    return ["train", "--out", run, "--resume"]


def result(run):
    """What a training is for: the bytes of its networks and of their description."""
    return [(run / "bundle" / name).read_bytes() for name in ("model.safetensors", "config.json")]


def hidden(folder):
    """What is being written: entries whose names begin with a dot, as (name, is a folder). A run's lock stays."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        found = {(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries if entry.name.startswith(".")}
        return found - {(".lock", False)}
    return set()


def logged(run):
    with contextlib.suppress(FileNotFoundError):
        return (run / "log.jsonl").stat().st_size
    return 0


# When to kill: each looks at a run folder and, at what it was like at the start of the process.
def in_a_step(run, before):
    return logged(run) > before["logged"]


def in_a_checkpoint(run, before):
    return logged(run) > before["logged"] and any(not folder for _, folder in hidden(run) - before["hidden"])


def in_the_bundle(run, before):
    return any(folder for _, folder in hidden(run) - before["hidden"])


def kill_when(phase, run, process, before, wait):
    """@return whether the process was alive until the kill."""
    while not phase(run, before):
        if process.poll() is not None:
            return False
    time.sleep(wait)
    if process.poll() is not None:
        return False
    process.kill()
    process.wait()
    return True


def kills(root, wanted, undisturbed):
    """Runs that are killed several times each, at any moment of a step, of a checkpoint and of the bundle, and resumed."""
    # Per run: the bundle comes last, when nothing is left to be killed but the bundle again.
    plan = [(in_a_step, 0.2), (in_a_checkpoint, 0.004), (in_a_step, 0.2), (in_a_checkpoint, 0.004), (in_the_bundle, 0.003)]
    done = dict.fromkeys((phase.__name__ for phase, _ in plan), 0)
    halves = equal = runs = misses = 0
    while sum(done.values()) < wanted and misses < wanted:
        run = root / f"killed{runs}"
        runs += 1
        for phase, spread in plan:
            if sum(done.values()) == wanted:
                break
            before = {"logged": logged(run), "hidden": hidden(run)}
            process = start(*(resume(run) if (run / "checkpoint.safetensors").exists() else train(root, run)))
            if not kill_when(phase, run, process, before, random.uniform(0, spread)):
                misses += 1
                continue
            done[phase.__name__] += 1
            halves += bool(hidden(run) - before["hidden"])
        code, line = finish(*(resume(run) if (run / "checkpoint.safetensors").exists() else train(root, run)))
        same = code == 0 and result(run) == undisturbed
        if same and not hidden(run):
            equal += 1
            shutil.rmtree(run)
        else:
            print(f"{run.name}: exit code {code}, {line}; left over: {sorted(hidden(run))}, networks {'equal' if same else 'differ'}")
    figure("kills", f"{sum(done.values())} ({', '.join(f'{count} {name}' for name, count in done.items())})", sum(done.values()) == wanted)
    figure("kills that left something half written", halves, halves > 0)
    figure("killed runs whose networks equal the undisturbed run's, with nothing left over", f"{equal} of {runs}", equal == runs)


def full_disks(root, undisturbed):
    """A disk that is full at the first, a later or the last write, and again has room when the run is resumed."""
    if os.geteuid() != 0:
        figure("full disks", "not tried: mounting a tmpfs takes root")
        return
    disk = root / "disk"
    disk.mkdir()
    refused = equal = 0
    sizes = [64, 256, 512, 900, 1300]  # kB; a whole run takes more than the largest
    for size in sizes:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=False).returncode != 0:
            figure("full disks", "not tried: no tmpfs can be mounted here")
            return
        try:
            run = disk / "run"
            code, line = finish(*train(root, run))
            refused += code == 1 and "No space left on device" in line and not hidden(run)
            if code != 1 or "No space left on device" not in line:
                print(f"{size} kB: exit code {code}, {line}")
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            if not (run / "checkpoint.safetensors").exists():
                shutil.rmtree(run, ignore_errors=True)
            code, line = finish(*(resume(run) if run.exists() else train(root, run)))
            equal += code == 0 and result(run) == undisturbed
        finally:
            subprocess.run(["umount", disk], check=True)
    figure("full disks that end in one line, with nothing half written", f"{refused} of {len(sizes)}", refused == len(sizes))
    figure("full disks whose runs go on to equal networks", f"{equal} of {len(sizes)}", equal == len(sizes))


def small_files(root, undisturbed):
    """A limit on the size of files (RLIMIT_FSIZE)."""
    refused = equal = 0
    limits = [1, 20, 60, 200, 380]  # kB; a checkpoint takes about 400
    for limit in limits:
        run = root / f"limit{limit}"
        limited = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit * 1024, limit * 1024))
        code, line = finish(*train(root, run), preexec_fn=limited)
        refused += code not in (0, -signal.SIGXFSZ) and not hidden(run)
        if code in (0, -signal.SIGXFSZ):
            print(f"{limit} kB: exit code {code}, {line}")
        if not (run / "checkpoint.safetensors").exists():
            shutil.rmtree(run, ignore_errors=True)
        code, line = finish(*(resume(run) if run.exists() else train(root, run)))
        equal += code == 0 and result(run) == undisturbed
    figure("limits on files that end in one line, with nothing half written", f"{refused} of {len(limits)}", refused == len(limits))
    figure("limits on files whose runs go on to equal networks", f"{equal} of {len(limits)}", equal == len(limits))


def of_process(pid):
    """Resident memory in kB, open descriptors, threads."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())), int(status["Threads"])


def long_run(root, steps):
    """Memory, descriptors and threads at a tenth of the run and at its end."""
    run = root / "long"
    process = start(*train(root, run, "--steps", steps, "--checkpoint-every", 20, "--sample-every", 100))
    seen = []
    begin = time.monotonic()
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, KeyError):
            lines = (run / "log.jsonl").read_bytes().count(b"\n")
            if 2 * lines >= steps / 10:  # log_every
                seen.append(of_process(process.pid))
        time.sleep(0.2)
    message = process.communicate()[1].strip().splitlines()
    figure("long run", f"{steps} steps in {time.monotonic() - begin:.0f} s, exit code {process.returncode}", process.returncode == 0)
    if process.returncode != 0 or len(seen) < 20:
        figure("samples of /proc", f"{len(seen)}; {message[-1:]}", False)
        return
    quarter = len(seen) // 4
    memory = [max(m for m, _, _ in part) / 1024 for part in (seen[:quarter], seen[-quarter:])]
    figure("memory in the first and the last quarter", f"{memory[0]:.0f} MB, {memory[1]:.0f} MB", memory[1] < memory[0] * 1.05)
    descriptors = [statistics.median(d for _, d, _ in part) for part in (seen[:quarter], seen[-quarter:])]  # files are open for a moment
    figure("descriptors in the first and the last quarter", f"{descriptors[0]:g}, {descriptors[1]:g}", descriptors[0] == descriptors[1])
    threads = [statistics.median(t for _, _, t in part) for part in (seen[:quarter], seen[-quarter:])]
    figure("threads in the first and the last quarter", f"{threads[0]:g}, {threads[1]:g}", threads[0] == threads[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory(prefix="secgan-soak-") as folder:
        root = pathlib.Path(folder)
        prepare(root)
        code, line = finish(*train(root, root / "undisturbed"))
        if code != 0:
            sys.exit(f"train: {line}")
        undisturbed = result(root / "undisturbed")
        kills(root, options.kills, undisturbed)
        full_disks(root, undisturbed)
        small_files(root, undisturbed)
        long_run(root, options.steps)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

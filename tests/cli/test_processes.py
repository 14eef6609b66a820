"""Several processes that train one run, started as torchrun starts them."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
from safetensors.torch import load_file

COMMAND = os.environ.get("SECGAN_COMMAND", "secgan")
BUNDLE = str(pathlib.Path(__file__).parents[2] / "models" / "drawn-faces")
# No norm over the batch, small enough for steps of milliseconds.
NETWORKS = "".join(
    f"""
[task.{branch}_generator.attgan]
enc_dim = 4
enc_layers = 2
enc_norm_fn = "none"
dec_dim = 4
dec_layers = 2
dec_norm_fn = "none"
[task.{branch}_discriminator.attgan]
dim = 4
fc_dim = 4
n_layers = 2
"""
    for branch in ("photo", "mask")
)


STEPS = 12


def training(folder):
    """Arguments of a small run on drawn faces."""
    settings = folder / "settings.toml"
    settings.write_text(f"[task]\ndiscriminator_updates = 1\n{NETWORKS}")
    data = ["--config", settings, "--data", "synthetic", "--image-size", 64, "--count", 16, "--parser", BUNDLE, "--threads", 1]
    return ["train", *data, "--steps", STEPS, "--log-every", 1, "--sample-every", STEPS, "--checkpoint-every", 2]


def start(arguments, *, rank=0, size=1, port=0, **environment):
    variables = {"RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1, **environment}
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_waits_for_the_others_ends_at_the_first_signal(tmp_path, rank):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    waiting = start([*training(tmp_path), "--out", tmp_path / "run"], rank=rank, size=2, port=port)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=3)
    waiting.terminate()
    assert waiting.wait(timeout=10) == -signal.SIGTERM
    assert not (tmp_path / "run").exists()


def start_two(arguments, second=None):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [start(arguments if rank == 0 or second is None else second, rank=rank, size=2, port=port) for rank in range(2)]


def wait(*processes, seconds=60):
    """Exit codes and the last line of standard error of each."""
    out = []
    for process in processes:
        try:
            _, error = process.communicate(timeout=seconds)
        finally:
            process.kill()
        out.append((process.returncode, error.strip().rpartition("\n")[2]))
    return out


def wait_until(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def log_of(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def assert_same_run(run, other):
    one, two = load_file(run / "checkpoint.safetensors"), load_file(other / "checkpoint.safetensors")
    assert one.keys() == two.keys()
    for name in one:
        difference = (one[name].double() - two[name].double()).abs()
        # Two processes sum in another order than one: on some processors rounding meets a jump of the parser or of an absolute difference,
        # which moves a few weights by a part of an update, 2e-4. Gradients of half the batch alone would move most of them.
        if "_optimizer." in name:
            assert difference.max() <= 1e-2 * max(1, two[name].abs().max()), name
        else:
            assert difference.max() <= 2e-4 and difference.gt(1e-5).sum() <= max(1, 0.02 * difference.numel()), name
    assert (run / "settings.toml").read_text() == (other / "settings.toml").read_text()
    assert sorted(file.name for file in run.rglob("*") if "tfevents" not in file.name) == sorted(
        file.name for file in other.rglob("*") if "tfevents" not in file.name
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process with the whole batch."""
    folder = tmp_path_factory.mktemp("alone")
    arguments = [*training(folder), "--batch", 8, "--out", folder / "run"]
    (code, said), *_ = wait(start(arguments))
    assert code == 0, said
    return folder / "run"


def test_two_processes_with_half_the_batch_each_do_what_one_does(alone, tmp_path):
    pair = start_two([*training(tmp_path), "--batch", 4, "--out", tmp_path / "run"])
    ends = wait(*pair)
    assert [code for code, _ in ends] == [0, 0], ends
    assert ends[1][1] == "", "one of them speaks"
    assert_same_run(tmp_path / "run", alone)
    for line, expected in zip(log_of(tmp_path / "run"), log_of(alone), strict=True):
        assert line == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_killed_process_ends_the_job_and_another_number_of_processes_resumes_it(alone, tmp_path):
    run = tmp_path / "run"
    pair = start_two([*training(tmp_path), "--batch", 4, "--out", run])
    wait_until((run / "checkpoint.safetensors").exists)
    pair[1].kill()
    begin = time.monotonic()
    (code, said), _ = wait(*pair)
    assert time.monotonic() - begin < 20
    assert code == 1 and "process 0 of 2: another process of the job has ended or does not answer" in said
    by_two = tmp_path / "by-two"
    shutil.copytree(run, by_two)
    assert wait(start(["train", "--resume", "--out", run]))[0][0] == 0
    assert_same_run(run, alone)
    # As many as before do the same to the bit.
    assert [code for code, _ in wait(*start_two(["train", "--resume", "--out", by_two]))] == [0, 0]
    whole = tmp_path / "whole"
    assert [code for code, _ in wait(*start_two([*training(tmp_path), "--batch", 4, "--out", whole]))] == [0, 0]
    resumed, expected = load_file(by_two / "checkpoint.safetensors"), load_file(whole / "checkpoint.safetensors")
    assert resumed.keys() == expected.keys() and all(resumed[name].equal(expected[name]) for name in expected)


def test_processes_stop_after_the_same_step(tmp_path):
    run = tmp_path / "run"
    pair = start_two([*training(tmp_path), "--batch", 4, "--out", run])
    wait_until((run / "checkpoint.safetensors").exists)
    pair[1].send_signal(signal.SIGTERM)
    first, second = wait(*pair)
    assert first[0] == second[0], (first, second)
    assert (run / "bundle").is_dir()
    assert len(log_of(run)) < STEPS


def test_processes_are_rolled_back_as_one(tmp_path):
    # Weights that have exploded after the first step, whatever the batch: back to the beginning twice, and an end in both.
    run = tmp_path / "run"
    rates = ("--option", "task.generator_adam.learning_rate=1e30", "--option", "trainer.rollbacks=2")
    pair = start_two([*training(tmp_path), "--on-nan", "rollback", *rates, "--batch", 4, "--out", run])
    ends = wait(*pair)
    for code, said in ends:
        assert code == 1 and "rolled back 2 times already; training stopped; the last good checkpoint, after 0 steps" in said, ends
    warnings = [line["warning"] for line in log_of(run) if "warning" in line]
    assert "rollback 1 of 2" in warnings[0] and "rollback 2 of 2" in warnings[1] and "training stopped" in warnings[2]
    assert all(tensor.isfinite().all() for tensor in load_file(run / "checkpoint.safetensors").values())


def test_a_silent_process_and_one_that_was_started_otherwise_end_the_job(tmp_path):
    arguments = [*training(tmp_path), "--batch", 4, "--out"]
    pair = start_two([*arguments, tmp_path / "silent", "--process-timeout", 5])  # on a busy machine one may rest for seconds
    wait_until((tmp_path / "silent" / "checkpoint.safetensors").exists)
    pair[1].send_signal(signal.SIGSTOP)
    (code, said), *_ = wait(pair[0])
    pair[1].kill()
    pair[1].wait()
    assert code == 1 and "process 0 of 2: another process of the job has ended or does not answer" in said, said

    (code, said), *_ = wait(*start_two([*arguments, tmp_path / "other"], [*arguments, tmp_path / "other", "--log-every", 2]))
    assert code == 1 and "process 1 of 2 has not the settings" in said, said
    assert not (tmp_path / "other").exists()


def test_what_works_in_one_process_is_refused_in_the_others(tmp_path):
    out = tmp_path / "models"
    assert wait(start(["options"], rank=0, size=2))[0][0] == 0
    (code, said), *_ = wait(start(["edit", BUNDLE, "photo.png", "--set", "Male=1", "--out", out], rank=1, size=2))
    assert (
        code == 2
        and said == "secgan edit: edit works in one process, this is one of 2 (environment: WORLD_SIZE): start it without torchrun"
    )
    (code, said), *_ = wait(start([*training(tmp_path), "--out", out], rank="x", size=2))
    assert code == 2 and said == "secgan train: environment: RANK must be in [0, 1], found 'x'"
    (code, said), *_ = wait(start([*training(tmp_path), "--out", out], rank=1, size=2, port=1, MASTER_ADDR=""))
    assert code == 2 and said == "secgan train: environment: MASTER_ADDR is missing: the host of process 0"
    assert not out.exists()

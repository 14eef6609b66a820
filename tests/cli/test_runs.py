"""Run folders: who may write into them, what stops a run, and what it goes on with. Drawn faces, small networks, few steps."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

COMMAND = os.environ.get("SECGAN_COMMAND", "secgan")
TINY = ["--data", "synthetic", "--count", 8, "--image-size", 32, "--batch", 4, "--threads", 1, "--log-every", 1, "--sample-every", 0]
TINY += ["--option", "task.parser.unet.dim=4"]


def arguments(out, *more):
    return list(map(str, [COMMAND, "train-parser", *TINY, "--out", out, *more]))


def train(out, *more, status=0):
    done = subprocess.run(arguments(out, *more), capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr


def refusal(out, *more, status=1):
    line = train(out, *more, status=status)
    assert line.endswith("\n") and line.count("\n") == 1, line
    return line


def wait_for(file, seconds=60):
    for _ in range(10 * seconds):
        if file.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{file} does not come")


def test_a_run_belongs_to_one_process_until_a_signal_ends_it(tmp_path):
    run = tmp_path / "run"
    with subprocess.Popen(arguments(run, "--steps", 10**6, "--checkpoint-every", 3), stderr=subprocess.PIPE, text=True) as first:
        wait_for(run / "checkpoint.previous.safetensors")
        settings = (run / "settings.toml").read_text()
        for more in ([], ["--resume"]):
            assert f"another process (pid {first.pid}) trains in this folder" in refusal(run, *more)
        assert first.poll() is None and (run / "settings.toml").read_text() == settings
        first.send_signal(signal.SIGHUP)
        said = first.stderr.read()
    assert first.returncode == 128 + signal.SIGHUP
    steps = int(re.search(r"stopped after step (\d+); go on with --resume --out", said).group(1))
    assert (run / "bundle" / "config.json").exists()
    # What decides the checkpoint's meaning must be the same, what may change is told.
    assert "task.training.loader.batch was 4, found 2" in refusal(run, "--resume", "--batch", 2, "--steps", steps + 1)
    assert "trainer.steps: " in train(run, "--resume", "--steps", steps + 1)
    # A damaged checkpoint gives way to the one before it.
    newest = run / "checkpoint.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] + b"\7")
    assert "damaged" in train(run, "--resume", "--steps", steps + 1)


def test_who_stops_listening_stops_the_run_and_loses_nothing(tmp_path):
    command = " ".join(arguments(tmp_path / "run", "--steps", 200, "--checkpoint-every", 0))
    done = subprocess.run(["bash", "-c", f"{command} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stdout.count("\n") == 1
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_a_limit_of_file_sizes_is_an_error_that_names_the_file(tmp_path):
    command = " ".join(arguments(tmp_path / "run", "--steps", 3))
    done = subprocess.run(["bash", "-c", f"ulimit -f 8; exec {command}"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "checkpoint" in done.stderr and "File too large" in done.stderr
    assert not list((tmp_path / "run").glob("*.safetensors")) and not (tmp_path / "run" / "bundle").exists()


def test_an_exploded_network_is_not_saved(tmp_path):
    line = train(tmp_path / "run", "--steps", 1, "--option", "task.training.adam.learning_rate=1e30", status=1)
    assert (
        "step 1: tensor 'network." in line
        and "has exploded: it holds" in line
        and "there is no checkpoint yet" in line
        and "photos: " in line
    )
    assert not list((tmp_path / "run").glob("*.safetensors")) and not (tmp_path / "run" / "bundle").exists()


def test_a_settings_file_names_no_code_that_runs(tmp_path):
    run = tmp_path / "strangers"
    run.mkdir()
    (run / "settings.toml").write_text('[data]\nkind = "synthetic"\n[parser_program]\nfile = "code.pt"\n')

    def resume(*more):
        done = subprocess.run([COMMAND, "train", "--resume", "--out", str(run), *more], capture_output=True, text=True)
        return done.returncode, done.stderr

    status, line = resume()
    assert status == 2 and "names a program, 'code.pt'" in line and "--parser-program" in line and "--trust-code" in line
    for consent in (["--trust-code"], ["--parser-program", "code.pt"]):
        status, line = resume(*consent)
        assert status == 1 and "code.pt" in line and "is missing" in line


def test_threads_are_counted_and_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert "threads 99999 is not in [0, 1024]" in refusal(tmp_path / "run", "--threads", 99999, status=2)
    train(tmp_path / "run", "--steps", 1, "--threads", 0)
    assert re.search(r"(?m)^threads = [1-9]", (tmp_path / "run" / "settings.toml").read_text())


@pytest.mark.parametrize("stopped_by", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_is_no_success(tmp_path, stopped_by):
    with subprocess.Popen(arguments(tmp_path / "run", "--steps", 10**6), stderr=subprocess.PIPE, text=True) as training:
        wait_for(tmp_path / "run" / "log.jsonl")
        training.send_signal(stopped_by)
        training.stderr.read()
    assert training.returncode == 128 + stopped_by
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_parts_for_small_data_are_settings_of_a_run(tmp_path):
    def secgan(command, out, *more, status=0):
        arguments = [COMMAND, command, *TINY[:-2], *more, "--out", tmp_path / out]
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stderr

    chosen = {
        "losses.photo.generator_classifier": 5,
        "losses.adversarial": "non-saturating",
        "augment.shift": 0.125,
        "reconstruction_ramp": 3,
    }
    parts = ["--small", "--no-mask-branch", *(part for name, value in chosen.items() for part in ("--option", f"task.{name}={value}"))]
    missing = secgan("train", "none", *parts, "--steps", 2, status=2)
    assert missing.count("\n") == 1 and "classifier is missing: photo.generator_classifier 5 needs one" in missing
    assert "shift 0.7 is not in [0, 0.5]" in secgan("train", "none", *parts, "--option", "task.augment.shift=0.7", status=2)
    for name, seed in (("teacher", 1), ("other", 2)):
        secgan("train-classifier", name, "--steps", 1, "--seed", seed, "--option", "task.classifier.dim=4")

    secgan("train", "run", *parts, "--steps", 2, "--classifier", tmp_path / "teacher/bundle")
    log, kept = ((tmp_path / "run" / file).read_text() for file in ("log.jsonl", "settings.toml"))
    assert '"photo/generator/classifier"' in log and '"photo/discriminator/r1_penalty"' in log
    assert "shift = 0.125" in kept and "reconstruction_ramp = 3" in kept
    # What may change when a run goes on is told; another classifier makes another run.
    on = ["--resume", "--option", "task.augment.shift=0.25", "--classifier"]
    assert "resuming with another task.augment.shift: 0.25" in secgan("train", "run", *on, tmp_path / "teacher/bundle", "--steps", 3)
    of_another = "the classifier that the generator learns from was sha256"
    assert of_another in secgan("train", "run", *on, tmp_path / "other/bundle", "--steps", 4, status=1)
    # Nor is it put down: the bundle would not say who taught it.
    without = ["--resume", "--option", "task.losses.photo.generator_classifier=0"]
    told = secgan("train", "run", *without, "--steps", 4, status=1)
    assert of_another in told and told.endswith("found none\n")


def test_without_a_mask_branch_its_backbone_is_refused_and_a_parser_kept(tmp_path):
    def train(*more, status=0):
        arguments = [COMMAND, "train", *TINY[:-2], "--small", "--no-mask-branch", *more, "--steps", 1, "--out", tmp_path / "run"]
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stderr

    assert "--lambda-sc" in train("--lambda-sc", 5, status=2)
    line = train("--mask-backbone", "stgan", status=2)
    assert line.count("\n") == 1 and "--mask-backbone" in line and "--no-mask-branch" in line and not (tmp_path / "run").exists()
    parser = tmp_path / "parser"
    assert subprocess.run(arguments(parser, "--steps", 1), capture_output=True).returncode == 0
    train("--parser", parser / "bundle")
    kept = json.loads((tmp_path / "run/bundle/config.json").read_text())["networks"]
    assert sorted(kept) == ["generator", "parser"]
    other = tmp_path / "other"
    assert subprocess.run(arguments(other, "--steps", 1, "--seed", 9), capture_output=True).returncode == 0
    again = [COMMAND, "train", "--resume", "--steps", 2, "--parser", other / "bundle", "--out", tmp_path / "run"]
    done = subprocess.run(list(map(str, again)), capture_output=True, text=True)
    assert done.returncode == 1 and "the parser was" in done.stderr


def test_a_refused_start_leaves_no_lock(tmp_path):
    run = tmp_path / "theirs"
    run.mkdir()
    for name in ("checkpoint.safetensors", "log.jsonl", "settings.toml"):
        (run / name).write_text("theirs")
    assert "holds a run already" in refusal(run, "--steps", 1)
    (run / "checkpoint.safetensors").unlink()
    assert "which this command did not make" in refusal(run, "--steps", 1)
    assert (run / "log.jsonl").read_text() == "theirs"


def test_nobodys_file_is_taken_for_a_runs(tmp_path):
    """A name that can be guessed and a lock that is none: neither is written through, nor does anything follow from it."""
    victim, run = tmp_path / "victim.txt", tmp_path / "run"
    victim.write_text("precious")
    run.mkdir()
    (run / "checkpoint.new.safetensors").symlink_to(victim)
    train(run, "--steps", 1)
    assert victim.read_text() == "precious" and (run / "checkpoint.new.safetensors").is_symlink()
    assert not (run / "checkpoint.safetensors").is_symlink()

    for theirs in (".lock", "settings.toml"):
        run = tmp_path / f"theirs of {theirs}"
        run.mkdir()
        (run / ".lock").write_text("theirs")
        (run / theirs).write_text("theirs")
        assert "'.lock', which this command did not make" in refusal(run, "--steps", 1)
        assert {file.name for file in run.iterdir()} == {".lock", theirs} and (run / theirs).read_text() == "theirs"
    # What a run leaves behind that ended before its first checkpoint makes room.
    run = tmp_path / "ended"
    run.mkdir()
    (run / ".lock").write_text("secgan 1\n")
    (run / "log.jsonl").write_text("{}\n")
    train(run, "--steps", 1)

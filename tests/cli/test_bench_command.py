"""secgan bench, and the devices that every command takes."""

import json
import pathlib
import tempfile

import pytest
from test_command import BUNDLE, refusal, run

PHOTO = pathlib.Path(__file__).parents[2] / "examples" / "photos" / "anna.png"
SMALL = ("--repeats", 2, "--batch", 2, "--image-size", 32)


def bench(subject, *flags):
    return json.loads(run("bench", subject, *flags, "--json", "-").stdout)


@pytest.mark.parametrize("flags", [("--small",), ("--no-mask-branch", "--small", "--precision", "bfloat16")])
def test_a_training_cycle_is_timed(flags):
    updates = 3  # of the small recipe
    result = bench("train-step", *SMALL, *flags, "--attributes", 3, "--parser", "unet")
    assert result["bench"] == "train-step" and len(result["seconds"]) == 2
    assert result["seconds_per_cycle"] == pytest.approx(sum(result["seconds"]) / 2)
    assert result["images_per_second"] == pytest.approx(2 * (updates + 1) / result["seconds_per_cycle"])
    assert result["discriminator_updates"] == updates and result["peak_bytes"] > 1e7
    assert result["settings"]["attributes"] == 3 and result["machine"]["device"] == "cpu"


def test_an_edit_a_loss_and_a_distance_are_timed():
    edit = bench("edit", "--repeats", 3, "--batch", 2, "--model", BUNDLE)
    assert edit["milliseconds_per_edit"] == pytest.approx(1000 * sorted(edit["seconds"])[1] / 2)
    loss = bench("loss", *SMALL)
    assert loss["milliseconds"] == pytest.approx(1000 * sum(loss["seconds"]) / 2)
    distance = bench("frechet", "--repeats", 1, "--dims", 64)
    assert distance["distance"] > 0 and distance["milliseconds"] > 0


def test_a_checkpoint_is_timed_and_is_not_held_twice():
    checkpoint = bench("checkpoint", "--repeats", 1, "--megabytes", 100)
    assert checkpoint["megabytes_per_second"] == pytest.approx(100 / checkpoint["seconds"][0])
    assert checkpoint["working_bytes"] < 30e6


def test_the_engine_that_ran_is_named():
    engine = bench("edit", *SMALL, "--repeats", 1, "--engine", "libtorch")["engine"]
    assert engine.startswith("libtorch 2.") and engine.endswith(" packed")
    for flag in (("--image-size", 128), ("--attributes", 5), ("--backbone", "stgan")):  # the bundle has its own
        assert "excludes" in refusal("bench", "edit", "--model", BUNDLE, *flag, status=2)
    told = refusal("bench", "edit", *SMALL, "--engine", "tensorrt", status=2)
    assert "engine 'tensorrt' is unknown; known: auto, libtorch, openvino" in told


def test_an_engine_that_is_not_there_is_one_line_that_says_which_are(tmp_path, monkeypatch):
    # Found before the real one, and no library at all.
    (tmp_path / "libsecgan_openvino.so").write_text("not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    edit = ("edit", BUNDLE, PHOTO, "--set", "Male=+1", "--out", tmp_path / "out")
    for command in (("bench", "edit", *SMALL), edit):
        told = refusal(*command, "--engine", "openvino", status=2)
        assert "engine 'openvino' is not there: " in told and "; there is libtorch 2." in told
    assert not (tmp_path / "out").exists()
    assert bench("edit", *SMALL, "--repeats", 1)["engine"].startswith("libtorch ")
    run(*edit)


def test_the_engine_openvino_edits(tmp_path):
    if "built with it" not in " ".join(run("edit", "--help").stdout.split()):
        pytest.skip("the engine openvino is not built in: make openvino")
    assert bench("edit", *SMALL, "--repeats", 1, "--engine", "openvino")["engine"].startswith("openvino 20")
    for name, *flags in (("plain",), ("openvino",), ("openvino", "--precision", "bfloat16")):
        run(
            "edit",
            BUNDLE,
            PHOTO,
            "--set",
            "Eyeglasses=+1",
            "--out",
            tmp_path / (name + "_".join(flags)),
            "--engine",
            "libtorch" if name == "plain" else name,
            *flags,
        )


def test_photos_are_loaded_from_files_that_are_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    result = bench("load", "--repeats", 1, "--batch", 16, "--image-size", 32)
    assert result["images_per_second"] > 0 and not list(tmp_path.iterdir())


def test_a_start_is_that_of_a_process_of_its_own():
    alone, edit = bench("start", "--repeats", 1), bench("start", "--repeats", 1, "--model", BUNDLE, "--photo", PHOTO)
    assert 0 < alone["milliseconds"] < 60000 and 0 < edit["milliseconds"] < 60000
    told = run("bench", "start", "--repeats", 1, "--model", BUNDLE, "--photo", "nosuch.png", status=1).stderr.splitlines()
    assert told[-2] == "secgan edit: 'nosuch.png' is missing" and told[-1].startswith("secgan bench: 'secgan edit ")


def test_figures_for_people_and_for_files(tmp_path):
    file = tmp_path / "figures.json"
    done = run("bench", "loss", *SMALL, "--json", file)
    table = done.stdout
    assert "100% 4/4" in done.stderr and "photos/s" not in done.stderr  # they are repeats
    assert table.startswith("milliseconds ") and json.loads(file.read_text())["bench"] == "loss"
    assert "bench: --batch 0 is not positive" in refusal("bench", "edit", "--batch", 0, status=2)
    assert "'--small' is no flag of this command" in refusal("bench", "edit", "--small", status=2)
    assert "bench: not enough memory: " in refusal("bench", "edit", "--batch", 99999999999, status=1)
    assert "model and photo" in refusal("bench", "start", "--model", BUNDLE, status=2)


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--data", "synthetic", "--small", "--no-mask-branch"),
        ("train-parser", "--data", "synthetic"),
        ("train-classifier", "--data", "synthetic"),
        ("edit", BUNDLE, PHOTO, "--set", "Bangs=1"),
        ("parse", BUNDLE, PHOTO),
        ("evaluate", BUNDLE, "--data", "synthetic", "--photos", 12),
        ("demo",),
        ("compare",),
        ("bench", "edit"),
    ],
)
@pytest.mark.parametrize("device", ["cuda:77", "gpu"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(command, device, tmp_path):
    out = () if command[0] == "bench" else ("--out", tmp_path / "out")
    message = refusal(*command, *out, "--device", device, status=2)
    assert f"device '{device}' is not there: LibTorch " in message and "offers auto, cpu" in message
    assert not (tmp_path / "out").exists()

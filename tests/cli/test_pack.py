"""secgan pack: a data set in one file trains the same network."""

import json

from test_command import refusal, run

SMALL = ("--image-size", 32, "--count", 12, "--batch", 4, "--steps", 2, "--threads", 1, "--log-every", 1)
SMALL += ("--option", "task.classifier.dim=4")


def test_a_packed_data_set_trains_as_its_source(tmp_path):
    file = tmp_path / "faces.safetensors"
    done = run("pack", "--data", "synthetic", "--image-size", 32, "--count", 12, "--masks", "--out", file)
    assert f"36 photos of 32 px in {file}; --data packed --root {file} --image-size 32 reads them" in done.stdout
    attributes = "Bald,Bangs,Black_Hair,Blond_Hair,Eyeglasses,Male,Mouth_Slightly_Open,Mustache,Pale_Skin"
    packed = ("--data", "packed", "--root", file, "--attributes", attributes)
    logs = []
    for name, data in (("drawn", ("--data", "synthetic")), ("packed", packed)):
        run("train-classifier", *data, *SMALL, "--out", tmp_path / name)
        lines = [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        logs.append([line["cross_entropy"] for line in lines])
    assert logs[0] == logs[1] and len(logs[0]) == 2
    info = json.loads((tmp_path / "packed/bundle/config.json").read_text())["info"]
    assert info["trained_on"] == "drawn faces"
    run("train-parser", *packed[:4], *SMALL[:-1], "task.parser.unet.dim=4", "--out", tmp_path / "parser")
    assert "36 samples, all fine" in run("data-check", *packed, "--image-size", 32, "--masks").stdout
    itself = refusal("pack", *packed, "--image-size", 32, "--out", file, status=2)
    assert "faces.safetensors' is what is packed: it would be replaced by a part of itself" in itself
    line = refusal("pack", "--data", "synthetic", "--image-size", 32, "--out", tmp_path / "packed/log.jsonl", status=2)
    assert "log.jsonl' is there and is no packed data set" in line
    assert "--root FILE" in refusal("data-check", "--data", "packed", status=2)


def test_more_than_the_disk_has_room_for_is_refused_at_once(tmp_path):
    told = refusal("pack", "--data", "synthetic", "--count", 5_000_000_000, "--out", tmp_path / "faces.safetensors", status=1)
    assert "would hold" in told and "GB are free there" in told and not list(tmp_path.iterdir())

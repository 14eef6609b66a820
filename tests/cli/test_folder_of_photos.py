"""A folder of photos with a list and masks, from nothing to a report: what a person with photos of their own does."""

import json
import math
import pathlib

import pytest
from PIL import Image, ImageOps
from test_command import BUNDLE, refusal, run, settings_of

PHOTOS = sorted((pathlib.Path(__file__).parents[2] / "examples" / "photos").glob("*.png"))
SMALL = ("--image-size", 64, "--batch", 4, "--steps", 2, "--sample-every", 2, "--checkpoint-every", 1, "--threads", 1, "--log-every", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty photos in two folders, a list of what they show, and masks as `secgan parse` writes them."""
    root = tmp_path_factory.mktemp("folder")
    rows = ["file,Glasses,Smiling"]
    for i in range(20):
        name = f"{'ab'[i % 2]}/{i:02}.{'png' if i % 3 else 'jpg'}"
        photo = Image.open(PHOTOS[i % len(PHOTOS)]).convert("RGB")
        photo = ImageOps.mirror(photo) if i % 4 < 2 else photo
        (root / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        photo.resize((80 + i, 96)).save(root / "photos" / name)
        rows.append(f"{name},{i % 2},{i // 2 % 2}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    for part in "ab":
        run("parse", BUNDLE, *sorted((root / "photos" / part).iterdir()), "--crop", "none", "--out", root / "masks" / part)
        for overlay in (root / "masks" / part).glob("*_overlay.png"):
            overlay.unlink()
    return root


def test_photos_without_labels_are_trained_on_too(folder, tmp_path):
    listed = (folder / "labels.csv").read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(listed[:9]) + "\n")
    data = ("--data", "folder", "--root", folder / "photos", "--labels", tmp_path / "few.csv", "--attributes", "Glasses,Smiling")
    common = ("train", "--small", "--no-mask-branch", *data, "--whole-folder", *SMALL)
    more = ("--unlabeled", folder / "photos")
    told = run(*common, *more, "--out", tmp_path / "run").stderr
    assert "8 photos with labels, 12 photos more without" in told
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(math.isfinite(value) for line in lines for value in line.values()), "an unknown label got into a loss"
    splits = ["split", "train", "train", "train", "train", "validation", "validation", "test", "test"]
    (tmp_path / "splits.csv").write_text("\n".join(f"{line},{split}" for line, split in zip(listed[:9], splits, strict=True)) + "\n")
    of_train = [part for part in common if part != "--whole-folder"]
    told = run(*of_train, *more, "--labels", tmp_path / "splits.csv", "--out", tmp_path / "splits").stderr
    assert "4 photos with labels, 12 photos more without" in told, "photos that are held out are trained on"
    changed = (tmp_path / "splits.csv").read_text().replace("0,0,validation", "1,0,validation")
    assert changed != (tmp_path / "splits.csv").read_text()
    (tmp_path / "splits.csv").write_text(changed)
    told = run("train", "--resume", "--steps", 3, "--out", tmp_path / "splits", status=1).stderr
    assert "belongs to another run: the list of held-out labels was sha256" in told
    run(*common, "--out", tmp_path / "alone")
    alone = [json.loads(line) for line in (tmp_path / "alone" / "log.jsonl").read_text().splitlines()]
    assert alone[0]["photo/discriminator/adversarial"] != lines[0]["photo/discriminator/adversarial"]
    run("train", "--resume", "--out", tmp_path / "run", "--steps", 3)
    others = run("train", "--resume", "--out", tmp_path / "run", "--steps", 4, "--unlabeled", folder / "masks", status=1)
    assert "belongs to another run: the number of photos was 28, found 44" in others.stderr
    refused = run(*common, "--unlabeled", tmp_path / "none", "--out", tmp_path / "x", status=1)
    assert "none' is missing" in refused.stderr and "Traceback" not in refused.stderr


def source(folder, *more):
    return ("--data", "folder", "--root", folder / "photos", "--labels", folder / "labels.csv", "--attributes", "Glasses,Smiling", *more)


def test_data_check_reads_a_list_whose_attributes_are_not_named(folder, tmp_path):
    check = ("data-check", "--data", "folder", "--root", folder / "photos", "--image-size", 64, "--labels")
    assert "Smiling" in run(*check, folder / "labels.csv").stdout
    assert "'none.csv' is missing" in refusal(*check, "none.csv", status=1)
    rows = (folder / "labels.csv").read_text()
    (tmp_path / "labels.csv").write_text(rows + rows.splitlines()[1].replace(",0,0", ",1,1") + "\n")
    assert "has other labels in line 2" in refusal(*check, tmp_path / "labels.csv", status=1)


def test_a_mask_is_turned_by_its_own_tag_as_its_photo_is(tmp_path):
    turned = Image.Exif()
    turned[0x112] = 6
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (40, 30), (90, 120, 150)).save(tmp_path / "photos" / "a.png", exif=turned)
    Image.new("L", (40, 30), 1).save(tmp_path / "masks" / "a.png", exif=turned)
    check = ("data-check", "--data", "folder", "--root", tmp_path / "photos", "--mask-folder", tmp_path / "masks", "--whole-folder")
    assert "1 sample, and it is fine" in run(*check, "--image-size", 32).stdout
    Image.new("L", (40, 30), 1).save(tmp_path / "masks" / "a.png")
    assert "a.png" in run(*check, "--image-size", 32, status=1).stdout  # read without --masks, as it is named


def test_what_a_kind_of_data_set_does_not_read_is_refused(folder, tmp_path):
    drawn, celeba = ("--data", "synthetic"), ("--data", "celeba", "--root", folder / "photos", "--attributes", "Bangs")
    for data, flag, kinds in (
        ((*drawn, "--root", folder), "root", "celeba, celebamask-hq, folder and packed"),
        ((*drawn, "--crop", "center:32"), "crop", "celeba, celebamask-hq and folder"),
        ((*drawn, "--mask-labels", "secgan-12"), "mask_labels", "celebamask-hq and folder"),
        ((*drawn, "--split-by-id"), "split_by_mapping (--split-by-id)", "celebamask-hq"),
        ((*celeba, "--split-by-id"), "split_by_mapping (--split-by-id)", "celebamask-hq"),
        ((*celeba, "--mask-labels", "face-parsing"), "mask_labels", "celebamask-hq and folder"),
        ((*source(folder), "--split-by-id"), "split_by_mapping (--split-by-id)", "celebamask-hq"),
    ):
        for command in (("data-check",), ("train-classifier", *SMALL, "--out", tmp_path / "run")):
            assert f"{flag} is for data {kinds}, not for {data[1]}" in refusal(*command, *data, status=2)
    assert not (tmp_path / "run").exists()
    run("train-classifier", *drawn, "--count", 8, "--crop", "none", *SMALL, "--out", tmp_path / "whole")


def test_a_training_tells_what_it_cannot_do(folder, tmp_path):
    rows = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()]
    columns = [("Always", "1"), ("Never", "0")]
    (tmp_path / "labels.csv").write_text("\n".join(",".join([*row, *(c[min(i, 1)] for c in columns)]) for i, row in enumerate(rows)))
    listed = ("--data", "folder", "--root", folder / "photos", "--labels", tmp_path / "labels.csv")
    attributes = ("--attributes", "Glasses,Always,Never")
    said = run("train-classifier", *listed, *attributes, *SMALL, "--out", tmp_path / "classifier").stderr
    assert "warning: Always: all of 16 photos show it: nothing of it can be learned" in said
    assert "warning: Never: none of 16 photos shows it: nothing of it can be learned" in said and "warning: Glasses" not in said

    train = ("train", *source(folder), *SMALL, "--small", "--no-mask-branch", "--option")
    said = run(*train, "task.reconstruction_ramp=8", "--out", tmp_path / "ramp").stderr
    assert "task.reconstruction_ramp 8 is longer than the run's 2 steps: λ_rec ends at 0.25 of its value" in said
    assert "reconstruction_ramp" not in run(*train, "task.reconstruction_ramp=2", "--out", tmp_path / "short").stderr


def test_a_folder_of_photos_becomes_a_bundle_and_a_report(folder, tmp_path):
    masks = ("--mask-folder", folder / "masks", "--mask-labels", "secgan-12")
    assert run("data-check", *source(folder, *masks), "--masks", "--image-size", 64).stdout.splitlines()[-1] == "20 samples, all fine"

    parts = {name: tmp_path / name for name in ("parser", "classifier", "judge", "run")}
    run("train-parser", "--data", "folder", "--root", folder / "photos", *masks, *SMALL, "--out", parts["parser"])
    for name, seed in (("classifier", 1), ("judge", 2)):
        run("train-classifier", *source(folder), *SMALL, "--seed", seed, "--out", parts[name])
    bundles = {name: part / "bundle" for name, part in parts.items()}
    done = run(
        *("train", "--small", *source(folder), *SMALL, "--out", parts["run"]),
        *("--parser", bundles["parser"], "--classifier", bundles["classifier"]),
    )
    assert "2 steps in " in done.stdout and (parts["run"] / "samples").is_dir()
    # The recipe for photos, not the one for drawn faces; what a flag says holds.
    task = settings_of(parts["run"])["task"]
    assert task["discriminator_updates"] == 5 and task["losses"]["photo"]["generator_classifier"] == 5
    assert "judge it by another (secgan evaluate --classifier)" in done.stdout
    flags = ("--option", "task.losses.photo.generator_classifier=0", "--no-mask-branch", "--classifier", bundles["classifier"])
    done = run("train", "--small", *source(folder), *SMALL, *flags, "--out", tmp_path / "plain")
    task = settings_of(tmp_path / "plain")["task"]
    assert task["discriminator_updates"] == 5 and task["losses"]["photo"]["generator_classifier"] == 0 and "judge" not in done.stdout
    assert task["photo_generator"]["backbone"] == "stgan"
    critic = task["photo_discriminator"]["stgan"]
    assert (critic["conv_dim"], critic["max_dim"]) == (32, 256)
    # Options of the recipe's own backbone, which is not the published recipe's, by flag and by file.
    (tmp_path / "wide.toml").write_text("[task.photo_generator.stgan]\nconv_dim = 20\n")
    flags = ("--no-mask-branch", "--config", tmp_path / "wide.toml", "--option", "task.photo_discriminator.stgan.conv_dim=28")
    run("train", "--small", *source(folder), *SMALL, *flags, "--out", tmp_path / "wide")
    task = settings_of(tmp_path / "wide")["task"]
    assert (task["photo_generator"]["stgan"]["conv_dim"], task["photo_discriminator"]["stgan"]["conv_dim"]) == (20, 28)
    run("train", "--small", *source(folder), *SMALL, "--no-mask-branch", "--backbone", "attgan", "--out", tmp_path / "other")
    critic = settings_of(tmp_path / "other")["task"]["photo_discriminator"]["attgan"]
    assert (critic["dim"], critic["max_dim"]) == (32, 256)
    run("train", "--small", "--data", "synthetic", "--count", 8, *SMALL, "--no-mask-branch", "--out", tmp_path / "drawn")
    assert settings_of(tmp_path / "drawn")["task"]["discriminator_updates"] == 3
    # A teacher learns from photos that are changed as the recipe changes the edits that it judges.
    run("train-classifier", "--small", *source(folder), *SMALL, "--steps", 1, "--out", tmp_path / "teacher")
    teacher = settings_of(tmp_path / "teacher")
    shown = settings_of(parts["run"])["task"]["classifier_augment"]
    assert teacher["task"]["training"]["augment"] == shown and shown["shift"] == 0.1
    assert teacher["task"]["classifier"]["members"] == 4
    assert teacher["task"]["training"]["loader"]["batch"] == 4 and teacher["trainer"]["decay_start"] == 0  # of flag and recipe
    info = json.loads((bundles["run"] / "config.json").read_text())["info"]
    assert (info["attributes"], info["image_size"], info["crop"]) == (["Glasses", "Smiling"], 64, "center")
    assert info["trained_on"] == "a folder of photos"

    few = ("--option", "protocol.resamples=10", "--classifier", bundles["judge"])
    measured = ("evaluate", bundles["run"], "--data", "folder", "--root", folder / "photos", "--labels", folder / "labels.csv")
    run(*measured, "--whole-folder", "--masks", *masks, *few, "--out", tmp_path / "report")
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["figures"]["tarr"]["count"] == 20 and "value" in report["figures"]["parser_miou"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "20 photos of a folder of photos" in page and "drawn faces" not in page
    # One photo is one photo.
    said = run(*measured, "--whole-folder", "--photos", 1, *few, "--threads", 1).stdout
    assert "1 photo of a folder of photos" in said

    run("edit", bundles["run"], folder / "photos" / "b" / "01.png", "--set", "Smiling=1", "--out", tmp_path / "edited")
    assert (tmp_path / "edited" / "01.png").exists()


def test_what_a_folder_lacks_is_told_before_work_begins(folder, tmp_path):
    bare = ("--data", "folder", "--root", folder / "photos", *SMALL, "--out", tmp_path / "run")
    assert "--mask-folder" in refusal("train-parser", *bare, status=2)
    assert "--labels" in refusal("train-classifier", *bare, "--attributes", "Glasses", status=2)
    # `secgan parse` writes twelve classes, a parser is trained on CelebAMask-HQ's unless it is told.
    line = refusal("train-parser", *bare, "--mask-folder", folder / "masks", status=1)
    assert "has the colors of secgan-12 and is to be read as celebamask-hq" in line and "--mask-labels secgan-12" in line
    line = refusal("train-classifier", *bare, "--attributes", "Hat", "--labels", folder / "labels.csv", status=2)
    assert "Hat" in line and "Glasses" in line
    assert not (tmp_path / "run" / "bundle").exists()


def test_a_study_of_ones_own_photos(tmp_path):
    (tmp_path / "photos").mkdir()
    rows = ["file,Glasses,Smiling,split"]
    for i in range(80):
        photo = Image.open(PHOTOS[i % len(PHOTOS)]).convert("RGB").resize((64, 64))
        (ImageOps.mirror(photo) if i % 4 < 2 else photo).save(tmp_path / "photos" / f"{i:02}.png")
        rows.append(f"{i:02}.png,{i % 2},{i // 2 % 2},{'train' if i < 66 else 'validation' if i < 72 else 'test'}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    data = ("--data", "folder", "--root", tmp_path / "photos", "--labels", tmp_path / "labels.csv", "--attributes", "Glasses,Smiling")
    few = ("--backbones", "attgan", "--variants", "plain,sc", "--seeds", 1, "--image-size", 64, "--steps", 1, "--threads", 1)
    quick = ("--option", "classifier_steps=1", "--option", "parser_steps=1", "--option", "timing_rounds=1")
    study = ("compare", *data, *few, *quick, "--parser", BUNDLE, "--out", tmp_path / "study")
    assert "must lie inside the photo" in refusal(*study, "--crop", "center:3000", status=1)
    assert not (tmp_path / "study").exists(), "what could not begin refuses the corrected command"
    run(*study)
    assert not (tmp_path / "study" / "parser").exists()
    settings = settings_of(tmp_path / "study" / "runs" / "attgan-sc-1")
    assert settings["parser"] == str(BUNDLE) and settings["task"]["discriminator_updates"] == 5, "not the recipe for photos"
    report = json.loads((tmp_path / "study" / "report.json").read_text())
    assert set(report["runs"]["attgan"]["sc"][0]["tarr"]) == {"Glasses", "Smiling"}
    text = (tmp_path / "study" / "report.md").read_text()
    assert "Faces (a folder of photos) of 64 px" in text and "8 of the test split" in text
    assert "what masks show: mean of Smiling" in text and "what they do not: mean of Glasses" in text
    # The split that settings are chosen by, and a parser of the data's own masks.
    run("pack", "--data", "synthetic", "--image-size", 64, "--count", 80, "--masks", "--out", tmp_path / "faces.safetensors")
    packed = ("--data", "packed", "--root", tmp_path / "faces.safetensors", "--unseen", 5)
    assert "attributes is empty: name at least one" in refusal("compare", *packed, *few, "--out", tmp_path / "own", status=2)
    assert not (tmp_path / "own").exists()
    packed += ("--attributes", "Bangs,Male")
    run("compare", *packed, *few, *quick, "--split", "validation", "--out", tmp_path / "own")
    assert (tmp_path / "own" / "parser" / "bundle").is_dir()
    assert "5 of the validation split" in (tmp_path / "own" / "report.md").read_text()

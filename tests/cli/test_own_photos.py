"""secgan edit on a person's own photos: which part is edited, what comes back, what is said."""

import json
import pathlib

import pytest
from PIL import Image
from test_command import BUNDLE, aligned_bundle, refusal, run, size_of

PHOTOS = pathlib.Path(__file__).parents[2] / "examples" / "photos"


@pytest.fixture(scope="module")
def celeba_bundle(tmp_path_factory):
    return aligned_bundle(tmp_path_factory.mktemp("bundles") / "bundle")


def photo(folder, width, height):
    file = folder / f"{width}x{height}.png"
    Image.open(PHOTOS / "anna.png").resize((width, height), Image.BICUBIC).save(file)
    return file


def test_a_crop_of_celebas_pixels_on_photos_of_other_sizes(celeba_bundle, tmp_path):
    photos = [photo(tmp_path, *size) for size in ((160, 160), (512, 512), (240, 320), (178, 218))]
    edit = ("edit", celeba_bundle, *photos, "--set", "Male=1", "--source", "Bangs", "--out")
    lines = run(*edit, tmp_path / "crops").stdout.splitlines()
    for line, file, kept, size in zip(
        lines,
        photos,
        ("all of 160 x 160", "all of 512 x 512", "229 x 229 at (5, 45) of 240 x 320", "170 x 170 at (4, 24) of 178 x 218"),
        ((160, 160), (512, 512), (229, 229), (170, 170)),
        strict=True,
    ):
        assert kept in line and size_of(tmp_path / "crops" / file.name) == size
    run(*edit, tmp_path / "whole", "--whole", "--mask")
    for file in photos:
        assert size_of(tmp_path / "whole" / file.name) == size_of(file) == size_of(tmp_path / "whole" / f"{file.stem}_mask.png")
    with Image.open(tmp_path / "whole" / "240x320.png") as whole, Image.open(photos[2]) as before:
        assert whole.crop((0, 0, 240, 45)).tobytes() == before.convert("RGB").crop((0, 0, 240, 45)).tobytes()


def test_another_crop_is_one_flag(celeba_bundle, tmp_path):
    file = photo(tmp_path, 240, 320)
    edit = ("edit", celeba_bundle, file, "--set", "Male=1", "--out", tmp_path / "out", "--crop")
    done = run(*edit, "box:10,20,100,120")
    assert "100 x 120 at (10, 20) of 240 x 320" in done.stdout and "100 x 120 pixels squeezed to a square" in done.stderr
    assert size_of(tmp_path / "out" / file.name) == (100, 120)
    assert size_of_parse(celeba_bundle, file, tmp_path) == (60, 60)
    line = refusal(*edit, "center:400", status=2)
    assert "400 x 400" in line and "240 x 320" in line
    assert "crop 'middle' is none of" in refusal(*edit, "middle", status=2)


def size_of_parse(bundle, file, folder):
    run("parse", bundle, file, "--out", folder / "parsed", "--crop", "center:60")
    return size_of(folder / "parsed" / f"{file.stem}_mask.png")


def test_what_a_person_should_know_is_one_line(tmp_path):
    edit = ("edit", BUNDLE, PHOTOS / "anna.png", PHOTOS / "ben.png", "--out", tmp_path, "--set")
    done = run(*edit, "Eyeglasses=1", "--source", "Male")
    assert done.stderr == "" and done.stdout.count("\n") == 2
    done = run(*edit, "Eyeglasses=50", "--source", "Male")
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [str(PHOTOS / "anna.png"), "the same of 1 more photo"]
    assert all("strength 50 of Eyeglasses" in line for line in done.stderr.splitlines())
    assert "Male is in the photo already, as source says" in run(*edit, "Male=1", "--source", "Male").stderr
    assert "must be finite" in refusal(*edit, "Male=nan", status=2)
    noise = tmp_path / "noise.png"
    Image.effect_noise((64, 64), 80).convert("RGB").save(noise)
    unlike = run("edit", BUNDLE, noise, "--set", "Male=1", "--source", "Bangs", "--out", tmp_path / "noise").stderr
    assert "unlike those that the bundle was trained on (drawn faces)" in unlike


def test_a_second_edit_without_its_flag_is_told(tmp_path):
    line = refusal("edit", BUNDLE, PHOTOS / "anna.png", "--out", tmp_path / "out", "--set", "Male=1", "Bangs=1", status=2)
    assert "'Bangs=1' is no photo: each edit takes a --set of its own" in line


def test_a_bundle_says_what_its_photos_were(tmp_path):
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    names = [f"{i:06}.jpg" for i in range(1, 5)]
    for name in names:
        Image.open(PHOTOS / "ben.png").resize((40, 50)).save(root / "img_align_celeba" / name)
    (root / "list_attr_celeba.txt").write_text("4\nBald\n" + "".join(f"{name} {1 - 2 * (i % 2)}\n" for i, name in enumerate(names)))
    (root / "list_eval_partition.txt").write_text("".join(f"{name} 0\n" for name in names))
    common = ("--image-size", 32, "--batch", 2, "--steps", 1, "--sample-every", 0, "--threads", 1, "--option", "task.classifier.dim=2")
    run("train-classifier", "--root", root, "--attributes", "Bald", "--crop", "center:36", *common, "--out", tmp_path / "run")
    info = json.loads((tmp_path / "run" / "bundle" / "config.json").read_text())["info"]
    assert (info["crop"], info["photo_size"], info["trained_on"]) == ("center:36", "40x50", "CelebA")
    assert "non-commercial" in info["license"]

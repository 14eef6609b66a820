"""secgan edit on raw photos: faces are found, edited in their place, and the rest of the photo keeps every bit. The photos are drawn."""

import os
import pathlib
import re
import shutil
import subprocess
import zipfile

import pytest
from PIL import Image, ImageChops
from test_command import BUNDLE, COMMAND, aligned_bundle, refusal, run

PHOTOS = pathlib.Path(__file__).parents[2] / "examples" / "photos"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return aligned_bundle(tmp_path_factory.mktemp("bundles") / "aligned", trained_on="CelebA")


@pytest.fixture(scope="module")
def detector(bundle, tmp_path_factory):
    """Photos with faces need the detector's weights, which a build without a network lacks."""
    folder = tmp_path_factory.mktemp("trial")
    file = scene(folder / "trial.png", [("ben", 128, 100, 80)])
    done = subprocess.run(
        [COMMAND, "edit", bundle, file, "--set", "Male=1", "--out", folder / "out"], check=False, capture_output=True, text=True
    )
    if "no face detector is installed" in done.stderr:
        pytest.skip("no face detector is installed: make build fetches it")
    assert done.returncode == 0, done.stderr


def scene(file, faces, size=(480, 360), turned=0):
    """Drawn faces (name, side, x, y) before a drawn wall."""
    wall = Image.linear_gradient("L").resize(size)
    photo = Image.merge("RGB", (wall.point(lambda v: 60 + v // 3), wall.point(lambda v: 120 - v // 4), wall.point(lambda v: 90 + v // 5)))
    for name, side, x, y in faces:
        photo.paste(Image.open(PHOTOS / f"{name}.png").convert("RGB").resize((side, side), Image.BICUBIC), (x, y))
    photo = photo.rotate(turned, expand=True)
    photo.save(file)
    return file


def changed(before, after):
    """The box around all pixels that differ."""
    with Image.open(before) as one, Image.open(after) as other:
        assert one.size == other.size
        return ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox()


def edit(bundle, out, *photos, **more):
    flags = [part for name, value in more.items() for part in ("--" + name.replace("_", "-"), value)]
    return run("edit", bundle, *photos, "--set", "Eyeglasses=1", "--source", "Male", "--upscaling", "resize", "--out", out, *flags)


@pytest.mark.usefixtures("detector")
def test_a_face_is_edited_in_its_place(bundle, tmp_path):
    photo = scene(tmp_path / "photo.png", [("ben", 160, 250, 120)])
    done = edit(bundle, tmp_path / "out", photo)
    found = re.search(r"\(1 of 1 face edited: (\d+) x (\d+) at \((\d+), (\d+)\), given: Male\)", done.stdout)
    assert found, done.stdout
    assert 250 < int(found[3]) < 330 and 120 < int(found[4]) < 200
    left, top, right, bottom = changed(photo, tmp_path / "out" / "photo.png")
    assert left >= 210 and top >= 90 and right <= 450 and bottom <= 320
    run("edit", bundle, photo, "--set", "Male=1", "--mask", "--out", tmp_path / "masked")
    with Image.open(tmp_path / "masked" / "photo_mask.png") as mask:
        assert mask.size == (480, 360) and mask.getpixel((5, 5)) == 11 and mask.getpixel((330, 220)) != 11


@pytest.mark.usefixtures("detector")
def test_of_two_faces_which_is_said(bundle, tmp_path):
    photo = scene(tmp_path / "two.png", [("ben", 128, 20, 60), ("anna", 192, 260, 100)])
    assert "(1 of 2 faces edited: " in edit(bundle, tmp_path / "one", photo).stdout
    assert changed(photo, tmp_path / "one" / "two.png")[0] > 200
    done = edit(bundle, tmp_path / "second", photo, face=2)
    assert "(1 of 2 faces edited: " in done.stdout and changed(photo, tmp_path / "second" / "two.png")[2] < 240
    assert "(2 of 2 faces edited: " in edit(bundle, tmp_path / "all", photo, face="all").stdout
    box = changed(photo, tmp_path / "all" / "two.png")
    assert box[0] < 100 and box[2] > 300
    line = refusal("edit", bundle, photo, "--set", "Male=1", "--face", 3, "--out", tmp_path / "third", status=1)
    assert "two.png" in line and "face 3 was asked for, and 2 faces were found" in line and "--crop-only" not in line
    strip = run("edit", bundle, photo, "--sweep", "Male=-1:1:2", "--out", tmp_path / "strip")
    assert strip.returncode == 0 and Image.open(tmp_path / "strip" / "two.png").size[0] > 2 * 480


@pytest.mark.usefixtures("detector")
def test_no_face_is_one_line_and_a_way_out(bundle, tmp_path):
    photo = scene(tmp_path / "wall.png", [])
    line = refusal("edit", bundle, photo, "--set", "Male=1", "--out", tmp_path / "out", status=1)
    assert "wall.png" in line and "no face was found in 480 x 360 pixels" in line and "--crop-only" in line
    assert not (tmp_path / "out").exists()
    good = scene(tmp_path / "good.png", [("carla", 160, 100, 100)])
    done = run("edit", bundle, photo, good, "--set", "Male=1", "--on-error", "skip", "--out", tmp_path / "out", status=1)
    assert "skipped: " in done.stderr and [p.name for p in (tmp_path / "out").iterdir()] == ["good.png"]


@pytest.mark.usefixtures("detector")
def test_a_turned_photo_with_exif_and_without(bundle, tmp_path):
    upright = scene(tmp_path / "upright.png", [("ben", 160, 250, 120)])
    turned = scene(tmp_path / "turned.png", [("ben", 160, 250, 120)], turned=90)
    done = edit(bundle, tmp_path / "out", turned)
    assert "turned by 90 degrees" in done.stderr
    left, top, right, bottom = changed(turned, tmp_path / "out" / "turned.png")
    assert left >= 90 and right <= 320 and top >= 30 and bottom <= 270
    # The camera lay on its side, and says so: the result stands upright.
    tagged = tmp_path / "tagged.jpg"
    exif = Image.Exif()
    exif[0x0112] = 8
    with Image.open(upright) as photo:
        photo.transpose(Image.Transpose.ROTATE_270).save(tagged, quality=95, exif=exif)
    done = edit(bundle, tmp_path / "out", tagged)
    assert done.stderr == ""
    with Image.open(tmp_path / "out" / "tagged.jpg") as result:
        assert result.size == (480, 360) and result.getexif().get(0x0112, 1) == 1


@pytest.mark.usefixtures("detector")
def test_at_the_edge_small_and_large(bundle, tmp_path):
    edge = scene(tmp_path / "edge.png", [("ben", 240, -90, 60)])
    done = edit(bundle, tmp_path / "out", edge)
    assert "lies outside of the photo" in done.stderr and changed(edge, tmp_path / "out" / "edge.png")[0] == 0
    small = scene(tmp_path / "small.png", [("ben", 56, 200, 150)])  # the face itself is 30 pixels wide
    done = edit(bundle, tmp_path / "out", small)
    assert int(re.search(r"1 of 1 face edited: (\d+) x", done.stdout)[1]) < 40
    left, top, right, bottom = changed(small, tmp_path / "out" / "small.png")
    assert left > 180 and top > 130 and right < 280 and bottom < 230
    large = scene(tmp_path / "large.png", [("ben", 1400, 1500, 900)], size=(4000, 3000))
    done = edit(bundle, tmp_path / "out", large)
    left, top, right, bottom = changed(large, tmp_path / "out" / "large.png")
    assert left > 1200 and top > 600 and right < 3100 and bottom < 2500


def test_photos_that_are_aligned_are_cropped_and_it_is_said(bundle, tmp_path):
    photo = tmp_path / "aligned.png"
    Image.open(PHOTOS / "anna.png").convert("RGB").resize((178, 218)).save(photo)
    done = run("edit", bundle, photo, "--set", "Male=1", "--out", tmp_path / "out")
    assert "178 x 218 pixels, the size of the bundle's own: taken as aligned" in done.stderr
    assert "170 x 170 at (4, 24) of 178 x 218" in done.stdout
    # As asked for, and without a word.
    plain = run("edit", bundle, photo, "--set", "Male=1", "--crop-only", "--out", tmp_path / "plain")
    assert "aligned" not in plain.stderr
    assert (tmp_path / "plain" / photo.name).read_bytes() == (tmp_path / "out" / photo.name).read_bytes()


def test_crop_only_and_drawn_bundles_search_nothing(bundle, tmp_path):
    photo = scene(tmp_path / "wall.png", [])
    assert "of 480 x 360" in run("edit", bundle, photo, "--set", "Male=1", "--crop-only", "--out", tmp_path / "out").stdout
    assert "of 480 x 360" in run("edit", bundle, photo, "--set", "Male=1", "--crop", "center", "--out", tmp_path / "out").stdout
    assert "of 480 x 360" in run("edit", BUNDLE, photo, "--set", "Male=1", "--out", tmp_path / "out").stdout
    again = ("edit", BUNDLE, photo, "--set", "Male=1", "--out", tmp_path / "none")
    assert "drawn faces: photos are cropped, not searched" in refusal(*again, "--face", "all", status=2)
    again = ("edit", bundle, photo, "--set", "Male=1", "--out", tmp_path / "none")
    assert "is none of: largest, all, or a number" in refusal(*again, "--face", "every", status=2)
    assert "excludes" in refusal(*again, "--face", "all", "--crop-only", status=2)
    assert "excludes" in refusal(*again, "--face", "all", "--crop", "center", status=2)
    assert "no-such-file" in refusal(*again, "--detector", tmp_path / "no-such-file", status=1)


def test_without_a_detector_one_line_says_how_to_get_it(bundle, tmp_path):
    program = pathlib.Path(shutil.which(COMMAND) or COMMAND).resolve()
    places = [folder / "share" / "secgan" for folder in (*program.parents[:2], program.parent.parent / "secgan")]
    if any((place / "face-detector.safetensors").exists() for place in places) or COMMAND == "secgan":
        pytest.skip("a detector is installed beside the command")
    photo = scene(tmp_path / "wall.png", [])
    done = subprocess.run(
        [COMMAND, "edit", bundle, photo, "--set", "Male=1", "--out", tmp_path / "out"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": ""},
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "wall.png" in done.stderr and "pip download" in done.stderr and "secgan import" in done.stderr
    assert "--crop-only" in done.stderr


def test_import_refuses_what_is_no_detector(tmp_path):
    package = tmp_path / "other.whl"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("other/readme.txt", "nothing")
    imported = ("import", package, "--from", "facenet-pytorch", "--out")
    line = refusal(*imported, tmp_path / "d.safetensors", status=1)
    assert "other.whl" in line and "no pnet.pt in it" in line and not (tmp_path / "d.safetensors").exists()
    assert "is a folder: a face detector is a file" in refusal(*imported, tmp_path, status=2)
    assert "takes no option but --out" in refusal(*imported, tmp_path / "d", "--crop", "none", status=2)
    line = refusal("import", package, "--from", "elsewhere", "--out", tmp_path / "d", status=2)
    assert "known: attgan-pytorch" in line and "facenet-pytorch" in line


def test_a_detectors_file_takes_the_place_of_a_detector_alone(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    said = refusal("import", notes, "--from", "facenet-pytorch", "--out", notes, status=2)
    assert f"--out: '{notes}' is there and is no face detector" in said
    assert notes.read_text() == "mine"


def test_which_face_is_said_in_words_or_a_number(tmp_path):
    for text in ("0", "-1", "foo", "ALL"):
        assert f"--face '{text}' is none of: largest, all, or a number from 1" in refusal(
            "edit", BUNDLE, PHOTOS / "anna.png", "--set", "Bald=1", f"--face={text}", "--out", tmp_path / "out", status=2
        )
    for flag in ("--face", "--detector", "--source-list"):
        said = refusal("edit", BUNDLE, PHOTOS / "anna.png", "--set", "Bald=1", flag, "", "--out", tmp_path / "out", status=2)
        assert f"{flag}: the value is empty" in said
    assert not (tmp_path / "out").exists()

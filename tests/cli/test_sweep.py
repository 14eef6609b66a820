"""secgan edit --sweep: strengths of one attribute side by side."""

import pathlib
import shutil

import numpy
import pytest
from PIL import Image, ImageChops
from test_command import BUNDLE, refusal, run
from test_provenance import inspected

PHOTOS = pathlib.Path(__file__).parents[2] / "examples" / "photos"
GAP, SIDE, SCALE = 2, 64, 2  # labeled_grid's: pictures of 64 pixels are enlarged twice


def columns(file, count, row_name):
    """The pictures of a strip, as they were before they were enlarged."""
    with Image.open(file) as opened:
        strip = opened.convert("RGB")
    left = strip.width - SCALE * (count * (SIDE + GAP) - GAP)
    top = strip.height - SCALE * SIDE
    assert left == SCALE * (6 * len(row_name) + 3) and top > 0
    places = [left + SCALE * i * (SIDE + GAP) for i in range(count)]
    return [strip.crop((x, top, x + SCALE * SIDE, strip.height)).resize((SIDE, SIDE), Image.NEAREST) for x in places]


def far(a, b):
    return int(numpy.abs(numpy.asarray(a, int) - numpy.asarray(b, int)).max())


def edit(*arguments, out):
    return run("edit", BUNDLE, *arguments, "--source", "Male", "--out", out)


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "in").mkdir()
    return [pathlib.Path(shutil.copy(PHOTOS / f"{name}.png", tmp_path / "in")) for name in ("anna", "ben")]


def test_each_column_is_the_edit_of_its_strength(photos, tmp_path):
    done = edit(*photos, "--sweep", "Eyeglasses=-0.5:1:4", "--set", "Bangs=1", out=tmp_path / "out")
    assert done.stdout.count("\n") == 2
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["anna.png", "ben.png"]
    for photo in photos:
        found = columns(tmp_path / "out" / photo.name, 4, photo.name)
        for column, strength in zip(found, (-0.5, 0, 0.5, 1), strict=True):
            single = tmp_path / f"{strength}"
            edit(photo, "--set", f"Eyeglasses={strength}", "--set", "Bangs=1", out=single)
            with Image.open(single / photo.name) as expected:
                assert far(column, expected) <= 1
        assert far(found[1], found[3]) > 10 and far(found[0], found[1]) <= 1, "there are no glasses to remove"
        said = inspected(tmp_path / "out" / photo.name)[0]["provenance"]
        assert said["edits"] == ["Bangs=1", "Eyeglasses=-0.5:1:4"] and said["source_type"].endswith("compositeWithTrainedAlgorithmicMedia")
    # What holds of several columns is told once.
    assert done.stderr.count("Eyeglasses is not in the photo anyway") == 2
    plain = tmp_path / "plain"
    edit(photos[0], "--sweep", "Eyeglasses=-0.5:1:4", "--set", "Bangs=1", "--no-provenance", out=plain)
    assert inspected(plain / "anna.png")[0]["provenance"] is None
    with Image.open(plain / "anna.png") as a, Image.open(tmp_path / "out" / "anna.png") as b:
        assert ImageChops.difference(a, b).getbbox() is None


def test_more_strengths_than_a_batch_holds(photos, tmp_path):
    edit(photos[0], "--sweep", "Eyeglasses=0:1:20", out=tmp_path / "out")
    found = columns(tmp_path / "out" / "anna.png", 20, "anna.png")
    edit(photos[0], "--set", "Eyeglasses=1", out=tmp_path / "one")
    with Image.open(tmp_path / "one" / "anna.png") as last:
        assert far(found[19], last) <= 1 < far(found[0], last)
    changes = [numpy.abs(numpy.asarray(found[0], int) - numpy.asarray(column, int)).mean() for column in found]
    assert changes[19] > changes[10] > changes[4] > 0


def test_a_strip_of_whole_photos(photos, tmp_path):
    Image.open(photos[0]).resize((150, 200)).save(photos[0])
    edit(photos[0], "--sweep", "Eyeglasses=0:1:3", "--whole", "--crop", "box:20,30,100,100", out=tmp_path / "out")
    with Image.open(tmp_path / "out" / "anna.png") as strip:
        assert strip.width > 3 * 150 and strip.height > 200


def test_wrong_sweeps_are_one_line(photos, tmp_path):
    def refused(sweep, *more):
        return refusal("edit", BUNDLE, photos[0], "--sweep", sweep, *more, "--out", tmp_path / "out", status=2)

    for text in ("Bangs", "Bangs=1", "Bangs=1:2", "=1:2:3"):
        assert f"--sweep '{text}' is not NAME=FROM:TO:N" in refused(text)
    assert "--sweep Bangs: strength 'a' is not a number" in refused("Bangs=a:b:c")
    assert "--sweep Bangs: strength '' is not a number" in refused("Bangs=1::3")
    for number in ("1", "0", "-3", "2.5", "", "65", "3:4", "99999999999999999999"):
        assert f"N must be a whole number from 2 to 64, found '{number}'" in refused(f"Bangs=-1:1:{number}")
    assert "FROM must be below TO, found 1 and 1" in refused("Bangs=1:1:3")
    for text in ("nan:1:3", "0:inf:3"):
        assert "strengths must be finite" in refused(f"Bangs={text}")
    assert "must lie in [-100, 100]" in refused("Bangs=0:1e300:3")
    assert "attribute 'Beard' is unknown; known: Bald, Bangs" in refused("Beard=0:1:3")
    assert "--set and --sweep both name Bangs" in refused("Bangs=0:1:3", "--set", "Bangs=1")
    assert "exclude each other" in refused("Bangs=-1:1:3", "--set", "Bald=1")
    assert "--grid" in refused("Bangs=0:1:3", "--grid") and "--mask" in refused("Bangs=0:1:3", "--mask")
    assert "is named twice" in refused("Bangs=0:1:3", photos[0])
    assert "--set is required, or --sweep" in refusal("edit", BUNDLE, photos[0], "--out", tmp_path / "out", status=2)
    Image.new("RGB", (2000, 1500)).save(photos[0])
    line = refused("Bangs=0:1:64", "--source", "Male", "--crop", "none")
    assert "64 pictures of 2000 x 1500 pixels are too many" in line and "anna.png" in line
    assert not (tmp_path / "out").exists()


def test_a_sweep_moves(photos, tmp_path):
    out = tmp_path / "out"
    sweep = ("--sweep", "Eyeglasses=0:1:4", "--set", "Bangs=1", "--animate")
    assert str(out / "anna.webp") in edit(photos[0], *sweep, out=out).stdout
    with Image.open(out / "anna.webp") as moving:
        assert moving.n_frames == 6 and moving.size == (64, 64) and moving.info["loop"] == 0
        frames, times = [], []
        for i in range(6):
            moving.seek(i)
            frames.append(numpy.asarray(moving.convert("RGB")).astype(int))
            times.append(moving.info["duration"])
    assert times == [500] * 6
    # There and back, each frame that of its strength.
    for i, strength in enumerate(("0", "0.3333333333333333", "0.6666666666666666", "1", "0.6666666666666666", "0.3333333333333333")):
        edit(photos[0], "--set", "Bangs=1", "--set", f"Eyeglasses={strength}", out=tmp_path / str(i))
        still = numpy.asarray(Image.open(tmp_path / str(i) / "anna.png").convert("RGB")).astype(int)
        assert numpy.abs(frames[i] - still).mean() < 6
        others = [numpy.abs(frames[j] - still).mean() for j in range(4) if j not in (i, 6 - i)]
        assert numpy.abs(frames[i] - still).mean() < min(others)
    made = inspected(out / "anna.webp")[0]
    assert made["kind"] == "WebP" and made["provenance"]["edits"] == ["Bangs=1", "Eyeglasses=0:1:4"]
    assert "encoded anew" not in edit(photos[0], *sweep, "--region", "exact", out=out).stderr  # over its own, without loss
    with Image.open(out / "anna.webp") as moving, Image.open(photos[0]) as before:
        moving.seek(3)
        same = (numpy.asarray(moving.convert("RGB")) == numpy.asarray(before.convert("RGB"))).all(2)
    assert 0.3 < same.mean() < 0.95
    Image.new("RGB", (8, 8)).save(out / "anna.webp")
    line = refusal("edit", BUNDLE, photos[0], *sweep, "--out", out, status=2)
    assert "anna.webp" in line and "--overwrite" in line
    assert "--sweep" in refusal("edit", BUNDLE, photos[0], "--set", "Bangs=1", "--animate", "--out", tmp_path / "none", status=2)

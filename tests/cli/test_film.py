"""secgan edit --film: frames of one film share a face, its attributes, and steady points. The films are drawn."""

import io
import itertools
import re
import shutil
import struct
import subprocess

import numpy
import pytest
from PIL import Image
from test_command import BUNDLE, COMMAND, aligned_bundle, refusal, run
from test_faces import PHOTOS, detector, scene  # noqa: F401


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return aligned_bundle(tmp_path_factory.mktemp("bundles") / "aligned", trained_on="CelebA")


FACE = numpy.s_[120:280, 200:360]


def pixels(file):
    with Image.open(file) as opened:
        return numpy.asarray(opened.convert("RGB")).astype(int)


def noisy(file, seed):
    grain = numpy.random.default_rng(seed).normal(0, 3, pixels(file).shape)
    Image.fromarray((pixels(file) + grain).round().clip(0, 255).astype(numpy.uint8)).save(file)
    return file


def flicker(files):
    frames = [pixels(file)[FACE] for file in files]
    return float(numpy.mean([numpy.abs(after - before).mean() for before, after in itertools.pairwise(frames)]))


@pytest.mark.usefixtures("detector")
def test_edits_of_a_film_do_not_flicker(bundle, tmp_path):
    frames = [noisy(scene(tmp_path / f"{i:02}.png", [("ben", 160, 200, 120)]), i) for i in range(8)]
    edit = ("edit", bundle, *frames, "--set", "Eyeglasses=1", "--out")
    run(*edit, tmp_path / "film", "--film")
    run(*edit, tmp_path / "photos")
    source, film, photos = (flicker(sorted(folder.glob("*.png"))) for folder in (tmp_path, tmp_path / "film", tmp_path / "photos"))
    assert numpy.abs(pixels(tmp_path / "film" / "03.png") - pixels(frames[3])).max() > 40, "glasses are there"
    assert film < 1.1 * source and film < photos


@pytest.mark.usefixtures("detector")
def test_a_face_is_followed_and_where_it_is_gone_nothing_is_edited(bundle, tmp_path):
    # Ben walks past Anna, who is larger, is hidden for a moment, and leaves.
    frames = []
    for i in range(12):
        faces = [("anna", 180, 290, 150)] + ([] if i in (3, 4) or i > 8 else [("ben", 120, 10 + 8 * i, 20)])
        frames.append(scene(tmp_path / f"{i:02}.png", faces))
    done = run("edit", bundle, *frames, "--set", "Eyeglasses=1", "--film", "--face", 2, "--mask", "--out", tmp_path / "out")
    lines = done.stdout.splitlines()
    assert len(lines) == 12 and len({re.search(r"seen: .*", line)[0] for line in lines[:9]}) == 1
    for i, (frame, line) in enumerate(zip(frames, lines, strict=True)):
        difference = numpy.abs(pixels(frame) - pixels(tmp_path / "out" / frame.name)).max(2)
        if i > 8:
            assert "no face: as it was" in line and not difference.any()
            assert set(numpy.unique(numpy.asarray(Image.open(tmp_path / "out" / f"{i:02}_mask.png")))) == {11}
        else:
            assert difference[20:140, 10 + 8 * i : 130 + 8 * i].max() > 20 and not difference[:, 290:].any()


def test_frames_of_a_bundle_that_searches_no_face_share_their_attributes(tmp_path):
    frames = [noisy(tmp_path / f"{i}.png", i) for i in range(3) if not Image.open(PHOTOS / "anna.png").save(tmp_path / f"{i}.png")]
    seen = run("edit", BUNDLE, *frames, "--set", "Bangs=1", "--film", "--out", tmp_path / "out").stdout.splitlines()
    assert len({line.split("(")[1] for line in seen}) == 1
    Image.new("RGB", (70, 64)).save(frames[1])
    line = run("edit", BUNDLE, *frames, "--set", "Bangs=1", "--film", "--out", tmp_path / "none", status=2).stderr.splitlines()[-1]
    assert "--film: '" in line and "has 70 x 64 pixels" in line and "frames of one film are of one size" in line
    assert "--grid" in refusal("edit", BUNDLE, *frames, "--set", "Bangs=1", "--film", "--grid", "--out", tmp_path / "none", status=2)
    assert not (tmp_path / "none").exists()


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    for i in (1, 2, 9, 10, 11):
        shutil.copy(PHOTOS / "anna.png", tmp_path / f"{i}.png")
    edit = ("edit", BUNDLE, "--set", "Bangs=1", "--film", "--out", tmp_path / "out")

    def order(*frames):
        return [int(re.search(r"(\d+)\.png", line)[1]) for line in run(*edit, *frames).stdout.splitlines()]

    assert order(tmp_path) == [1, 2, 9, 10, 11]
    assert order(*sorted(tmp_path.glob("*.png"))) == [1, 2, 9, 10, 11], "a shell's pattern"
    assert order(*(tmp_path / f"{i}.png" for i in (9, 2, 11))) == [9, 2, 11], "somebody's own order"


@pytest.mark.usefixtures("detector")
def test_a_film_without_the_face_is_one_line(bundle, tmp_path):
    frames = [scene(tmp_path / f"{i}.png", [("ben", 160, 200, 120)]) for i in range(2)]
    film = ("edit", bundle, *frames, "--set", "Bangs=1", "--film", "--out", tmp_path / "out")
    assert "no frame has more than 1" in run(*film, "--face", 2, status=1).stderr.splitlines()[-1]
    assert "follows one face" in refusal(*film, "--face", "all", status=2)


def avi(frames):
    """Motion JPEG, ten frames a second: the simplest film there is."""

    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    width, height = frames[0].size
    n, size = len(frames), struct.pack("<II", width, height)
    header = struct.pack("<8I", 100000, 0, 0, 0x10, n, 0, 1, 0) + size + bytes(16)
    stream = b"vidsMJPG" + struct.pack("<10I", 0, 0, 0, 1, 10, 0, n, 0, 0xFFFFFFFF, 0) + bytes(8)
    form = struct.pack("<I", 40) + size + struct.pack("<HH", 1, 24) + b"MJPG" + struct.pack("<I", width * height * 3) + bytes(16)
    movie = index = b""
    for frame in frames:
        buffer = io.BytesIO()
        frame.save(buffer, "JPEG", quality=100, subsampling=0)
        index += b"00dc" + struct.pack("<III", 0x10, 4 + len(movie), len(buffer.getvalue()))
        movie += chunk(b"00dc", buffer.getvalue())
    streams = chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", form))
    head = chunk(b"LIST", b"hdrl" + chunk(b"avih", header) + streams)
    return chunk(b"RIFF", b"AVI " + head + chunk(b"LIST", b"movi" + movie) + chunk(b"idx1", index))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Six frames of a drawn face; builds without FFmpeg's libraries have none."""
    file = tmp_path_factory.mktemp("films") / "anna.avi"
    with Image.open(PHOTOS / "anna.png") as photo:
        file.write_bytes(avi([photo.convert("RGB").point(lambda v, k=k: min(v + 2 * k, 255)) for k in range(6)]))
    done = subprocess.run([COMMAND, "inspect", file], capture_output=True, text=True)
    if "FFmpeg's libraries" in done.stderr:
        pytest.skip("this build reads no films")
    assert "film, 64 x 64 pixels" in done.stdout and "6 frames" in done.stdout and "no provenance" in done.stdout
    return file


def test_a_films_file_becomes_another(film, tmp_path):
    edit = ("edit", BUNDLE, film, "--set", "Eyeglasses=1", "--film", "--out", tmp_path / "out")
    done = run(*edit)
    result = tmp_path / "out" / "anna.mp4"
    assert done.stdout.startswith(f"{result}  (6 frames, seen: ") and "edited: 6)" in done.stdout
    told = run("inspect", result).stdout
    assert "film, 64 x 64 pixels" in told and "6 frames" in told and "Eyeglasses=1" in told and "compositeWithTrained" in told
    run(*edit)  # a result makes room for the next
    run(*edit, "--no-provenance")
    assert "no provenance" in run("inspect", result).stdout
    assert "was not made by this command" in refusal(*edit, status=2)
    assert [file.name for file in result.parent.iterdir()] == ["anna.mp4"]


def test_what_a_film_is_not_is_one_line(film, tmp_path):
    out = ("--set", "Eyeglasses=1", "--out", tmp_path / "out")
    assert f"'{film}' is a film: --film edits its frames" in refusal("edit", BUNDLE, film, *out, status=2)
    missing = ("edit", BUNDLE, film, tmp_path / "none.mp4", "--film", *out)
    assert "none.mp4' is missing" in refusal(*missing, status=1)
    assert "others are photos" in refusal("edit", BUNDLE, film, PHOTOS / "anna.png", "--film", *out, status=2)
    assert "--mask: " in refusal("edit", BUNDLE, film, "--film", "--mask", *out, status=2)
    (tmp_path / "cut.avi").write_bytes(film.read_bytes()[:200])
    assert "cut.avi' is truncated: its header announces more than there is" in refusal(
        "edit", BUNDLE, tmp_path / "cut.avi", "--film", *out, status=1
    )
    done = run("edit", BUNDLE, tmp_path / "cut.avi", film, "--film", "--on-error", "skip", *out, status=1)
    assert "skipped: " in done.stderr and "1 of 2 photos was skipped" in done.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["anna.mp4"]
    whole = film.read_bytes()
    scan = whole.index(b"\xff\xda", len(whole) // 2) + 40  # in the middle of a frame
    (tmp_path / "damaged.avi").write_bytes(whole[:scan] + b"\xff\xd9" + bytes(300) + whole[scan + 302 :])
    told = run("edit", BUNDLE, tmp_path / "damaged.avi", "--film", *out, status=1).stderr.splitlines()
    assert "damaged.avi' is damaged" in told[-1]  # behind the bar of the frames before
    assert f"'{film}' is a film in a folder: name films" in refusal("edit", BUNDLE, film.parent, "--film", *out, status=2)
    shutil.rmtree(tmp_path / "out")
    assert "is a video" in refusal("parse", BUNDLE, film, "--out", tmp_path / "out", status=1)
    assert not (tmp_path / "out").exists()

"""What commands write, where, and what they leave alone. Pictures are written and read by PIL."""

import io
import os
import pathlib
import shutil
import struct
import subprocess

import numpy
import pytest
from PIL import Image

COMMAND = os.environ.get("SECGAN_COMMAND", "secgan")
BUNDLE = str(pathlib.Path(__file__).parents[2] / "models" / "drawn-faces")
EDIT = ("--set", "Eyeglasses=1")


def run(*arguments, status=0, **options):
    done = subprocess.run([COMMAND, *map(os.fsencode, arguments)], capture_output=True, **options)
    assert done.returncode == status, (done.stdout + done.stderr).decode(errors="replace")
    return done


def refusal(*arguments, status=2, **options):
    """The one line that a failing command prints."""
    line = run(*arguments, status=status, **options).stderr.decode()
    assert line.endswith("\n") and line.count("\n") == 1, line
    return line


def picture(file, size=(80, 64), **options):
    pixels = numpy.random.default_rng(4).integers(0, 256, (6, 6, 3)).astype(numpy.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.BICUBIC).save(buffer, **{"format": "PNG", **options})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(buffer.getvalue())
    return file


def unreadable(folder, *names):
    """Files that no command could decode: what is refused for their names was refused before they were read."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no picture")
    return [folder / name for name in names]


def test_results_of_one_name_are_refused_before_a_photo_is_read(tmp_path):
    out = ("--out", tmp_path / "out")
    for command, more, names in (
        ("parse", (), ("a.jpg", "a.png")),
        ("edit", (*EDIT, "--mask"), ("x.png", "x_mask.png")),
        ("edit", (*EDIT, "--mask"), ("a/face.png", "a/face.jpg")),
        ("edit", EDIT, ("a/face.png", "b/face.png")),
        ("edit", EDIT, ("noending", "noending.png")),
    ):
        photos = unreadable(tmp_path, *names)
        line = refusal(command, BUNDLE, *photos, *more, *out)
        assert all(f"'{photo}'" in line for photo in photos) and "would both be written to" in line
    assert not (tmp_path / "out").exists()


def test_a_photo_is_no_place_for_a_result_by_whatever_name(tmp_path):
    face, mask = unreadable(tmp_path, "in/face.png", "in/face_mask.png")
    (tmp_path / "linked").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "hard").mkdir()
    (tmp_path / "hard" / "other.png").hardlink_to(face)
    for command, photos, more, lost in (
        ("edit", (face,), EDIT, tmp_path / "in"),
        ("edit", (face,), EDIT, tmp_path / "linked"),
        ("parse", (face, mask), (), tmp_path / "in"),
        ("edit", (face, *unreadable(tmp_path, "b/other.png")), EDIT, tmp_path / "hard"),
    ):
        line = refusal(command, BUNDLE, *photos, *more, "--out", lost, "--overwrite")
        assert f"would overwrite '{photos[-1] if command == 'parse' else face}'" in line
    assert face.read_bytes() == b"no picture"


def test_names_endings_and_what_is_replaced(tmp_path):
    names = ["UPPER.JPG", "c d.jpeg", "лицо.png", "noending", "e.v2.png"]
    photos = [picture(tmp_path / "in" / n, format="JPEG" if n.lower().endswith(("jpg", "jpeg")) else "PNG") for n in names]
    steering = picture(tmp_path / "in" / os.fsdecode(b"\x1b]0;x\x07\xc2\x9b31m.png"))
    out = tmp_path / "out"
    done = run("edit", BUNDLE, *photos, steering, *EDIT, "--mask", "--out", out)
    assert done.stdout.count(b"\n") == 6
    for raw in (b"\x1b", b"\x07", b"\xc2\x9b"):
        assert raw not in done.stdout
    results = sorted(file.name for file in out.iterdir() if b"\x1b" not in os.fsencode(file.name))
    stems = ["UPPER", "c d", "e.v2", "noending", "лицо"]
    assert results == sorted(["UPPER.JPG", "c d.jpeg", "e.v2.png", "noending.png", "лицо.png", *(f"{s}_mask.png" for s in stems)])
    for name in results:
        with Image.open(out / name) as opened:
            opened.load()
            assert opened.format == ("JPEG" if name.lower().endswith(("jpg", "jpeg")) else "PNG")
            assert opened.size == (64, 64)
    # The command knows its own results again, and nothing else: not one that another program has saved.
    again = ("edit", BUNDLE, photos[0], photos[2], *EDIT, "--mask", "--out", out)
    run(*again)
    truth = out / "лицо_mask.png"
    Image.open(truth).save(truth)
    before = truth.read_bytes()
    assert f"'{truth}' is there and was not made by this command" in refusal(*again)
    assert truth.read_bytes() == before
    run(*again, "--overwrite")
    assert truth.read_bytes() != before


def test_foreign_masks_and_pictures_stay(tmp_path):
    (photo,) = unreadable(tmp_path, "in/d0.png")
    truth = picture(tmp_path / "truth" / "d0_mask.png")
    assert f"'{truth}' is there" in refusal("parse", BUNDLE, photo, "--out", tmp_path / "truth")
    original = picture(tmp_path / "others" / "d0.png")
    assert f"'{original}' is there" in refusal("edit", BUNDLE, photo, *EDIT, "--out", tmp_path / "others")
    (tmp_path / "file").write_text("x")
    assert "file' is a file, not a folder" in refusal("edit", BUNDLE, photo, *EDIT, "--out", tmp_path / "file", status=1)
    assert "'/proc/out': cannot be written" in refusal("edit", BUNDLE, photo, *EDIT, "--out", "/proc/out", status=1)


def test_damaged_photos_stop_the_command_at_once_or_are_skipped(tmp_path):
    good = [picture(tmp_path / f"good{i}.png") for i in range(2)]
    (bad,) = unreadable(tmp_path, "bad.png")
    none = tmp_path / "none.png"
    command = ("edit", BUNDLE, good[0], bad, none, good[1], *EDIT, "--out", tmp_path / "out")
    assert "bad.png" in refusal(*command, status=1)
    assert not (tmp_path / "out").exists()
    assert "--on-error 'ignore' is unknown; known: stop, skip" in refusal(*command, "--on-error", "ignore")
    done = run(*command, "--on-error", "skip", status=1)
    lines = done.stderr.decode().splitlines()
    skipped = [line for line in lines if line.startswith("skipped: ")]
    assert len(skipped) == 2 and "bad.png" in skipped[0] and "none.png' is missing" in skipped[1]
    assert "2 of 4 photos were skipped" in lines[-1]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["good0.png", "good1.png"]


def peak(*arguments, status=0):
    """Most memory that the command held, in MiB."""
    child = subprocess.Popen([COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    _, ended, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(ended) == status
    return usage.ru_maxrss / 1024


def test_memory_does_not_grow_with_the_number_of_photos(tmp_path):
    photos = [picture(tmp_path / "0.jpg", (2400, 1800), format="JPEG", quality=60)]
    for i in range(1, 17):
        photos.append(pathlib.Path(shutil.copy(photos[0], tmp_path / f"{i}.jpg")))
    # Both have so many that the edits' engine is made: its memory is there once.
    ten = peak("edit", BUNDLE, *photos[:10], *EDIT, "--out", tmp_path / "ten")
    seventeen = peak("edit", BUNDLE, *photos, *EDIT, "--out", tmp_path / "seventeen")
    assert seventeen - ten < 3 * 2400 * 1800 * 3 / 2**20, "seven photos more, kept, would be seven times that"


def test_a_large_photo_takes_a_few_times_its_pixels(tmp_path):
    side = 5000
    large = tmp_path / "large.png"
    Image.new("RGB", (side, side), (200, 170, 150)).save(large)
    small = picture(tmp_path / "small.png", (200, 200))
    pixels = side * side * 3 / 2**20
    for arguments in (("edit", *EDIT), ("edit", *EDIT, "--region", "exact"), ("parse",)):
        at_least = peak(arguments[0], BUNDLE, small, *arguments[1:], "--out", tmp_path / "out")
        taken = peak(arguments[0], BUNDLE, large, *arguments[1:], "--overwrite", "--out", tmp_path / "out") - at_least
        assert taken < 7 * pixels, f"{arguments}: {taken:.0f} MiB for {pixels:.0f} MiB of pixels; float32 alone has four times those"


def gray_tiff(size, below):
    """A TIFF file with a directory below its first."""

    def directory(width, height, pixels, *more):
        pairs = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: pixels, 277: 1, 278: height, 279: width * height, **dict(more)}
        return struct.pack("<H", len(pairs)) + b"".join(struct.pack("<HHII", tag, 4, 1, pairs[tag]) for tag in pairs) + bytes(4)

    first, second = bytes([90]) * (size[0] * size[1]), bytes([90]) * (below[0] * below[1])
    lower = 8 + len(first) + len(second)
    lower_directory = directory(*below, 8 + len(first))
    head = struct.pack("<2sHI", b"II", 42, lower + len(lower_directory))
    return head + first + second + lower_directory + directory(*size, 8, (330, lower))


def test_a_raw_photos_preview_is_not_taken_for_the_photo(tmp_path):
    preview, page = Image.new("RGB", (12, 10), "navy"), Image.new("RGB", (48, 40), "navy")
    # A preview that says so; one before a sensor's picture; one whose photo lies below it.
    preview.save(tmp_path / "flag.tif", save_all=True, append_images=[page], tiffinfo={254: 1})
    sensor = Image.new("L", (48, 40), 90)
    preview.save(tmp_path / "canon.tif", save_all=True, append_images=[sensor])
    bytes_of = bytearray((tmp_path / "canon.tif").read_bytes())
    of_sensor = bytes_of.rindex(b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00")  # photometric: gray
    bytes_of[of_sensor + 8 : of_sensor + 10] = (32803).to_bytes(2, "little")  # a color filter array
    (tmp_path / "canon.tif").write_bytes(bytes_of)
    (tmp_path / "below.tif").write_bytes(gray_tiff((12, 10), below=(48, 40)))
    for name in ("flag", "canon", "below"):
        line = refusal("edit", BUNDLE, tmp_path / f"{name}.tif", *EDIT, "--out", tmp_path / "out", status=1)
        assert f"{name}.tif' begins with a preview of its picture, as cameras' raw files do: develop it" in line
    (tmp_path / "smaller.tif").write_bytes(gray_tiff((48, 40), below=(12, 10)))  # a thumbnail, which is no photo
    run("edit", BUNDLE, tmp_path / "smaller.tif", *EDIT, "--out", tmp_path / "out")


def test_what_is_none_is_refused_by_its_first_bytes(tmp_path):
    sparse = tmp_path / "sparse.pth"
    with sparse.open("wb") as file:
        file.truncate(2 << 30)
    command = ("import", sparse, "--from", "attgan-pytorch", "--attributes", "Bangs", "--image-size", "64", "--out", tmp_path / "out")
    assert "it is of no known kind" in refusal(*command, status=1)
    assert peak(*command, status=1) < 1024, "2 GiB are not read for that"
    command = ("train-classifier", "--config", sparse, "--out", tmp_path / "run")
    assert "more than the 1073741824 that are read of such a file" in refusal(*command, status=1)


def test_a_pipe_under_a_files_name_keeps_nobody_waiting(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    packed = ("--data", "packed", "--root", pipe, "--attributes", "Bangs", "--image-size", "32")
    for command in (
        ("data-check", *packed),
        ("train-classifier", *packed, "--out", tmp_path / "run"),
        ("import", pipe, "--from", "stargan", "--out", tmp_path / "b"),
    ):
        assert f"'{pipe}' cannot be read: it is a pipe, not a file" in refusal(*command, status=1)


def test_of_a_flag_that_is_given_twice_the_last_value_counts(tmp_path):
    run("edit", BUNDLE, picture(tmp_path / "a.png"), *EDIT, "--out", tmp_path / "first", "--out", tmp_path / "second")
    assert not (tmp_path / "first").exists() and (tmp_path / "second" / "a.png").exists()
    # But where an attribute would be lost.
    for twice in (("--source", "Male", "--source", "Bald"), ("--sweep", "Bald=0:1:2", "--sweep", "Male=0:1:2")):
        line = refusal("edit", BUNDLE, tmp_path / "a.png", *twice, "--out", tmp_path / "third")
        assert f"{twice[0]} is given twice" in line and not (tmp_path / "third").exists()


def test_bundles_replace_nothing_else(tmp_path):
    (thesis,) = unreadable(tmp_path, "d/thesis.tex")
    for command in (("export", BUNDLE), ("import", tmp_path / "none.pth", "--from", "stargan")):
        line = refusal(*command, "--out", tmp_path / "d", status=1)
        assert f"'{tmp_path / 'd'}' holds 'thesis.tex', which is no part of a bundle" in line
    for _ in range(2):
        assert run("export", BUNDLE, "--out", tmp_path / "bundle").stdout == f"{tmp_path / 'bundle'}: a bundle\n".encode()
    for inside in ("sub", "sub/", "../bundle/sub", "a/b/c"):
        line = refusal("export", BUNDLE, "--out", f"{tmp_path / 'bundle'}/{inside}", status=2)
        assert f"lies in a bundle, '{tmp_path / 'bundle'}': choose a place outside of it" in line
    assert sorted(file.name for file in (tmp_path / "bundle").iterdir()) == ["README.md", "config.json", "model.safetensors"]
    for name in ("editor.onnx", "editor.pt2", "editor.pt"):
        line = refusal("export", BUNDLE, "--out", tmp_path / name)
        assert f"python -m secgan.export_program {BUNDLE} {tmp_path / name}" in line and not (tmp_path / name).exists()
    assert "is the current folder" in refusal("export", BUNDLE, "--out", ".", status=1, cwd=tmp_path / "bundle")
    assert thesis.read_bytes() == b"no picture"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle", "d"]


def test_a_demo_is_no_comparison(tmp_path):
    for name in ("parser/settings.toml", "settings.json", "report.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert "holds 'parser', which this command did not make" in refusal("demo", "--out", tmp_path, status=1)
    assert (tmp_path / "settings.json").read_text() == "{}"


def test_numbers_of_a_demo_are_held_against_their_rules_before_it_trains(tmp_path):
    for name, value in {
        "unseen": 6,
        "faces": 32,
        "image-size": 33,
        "steps": 0,
        "parser-steps": 0,
        "classifier-steps": -1,
        "threads": 9999,
    }.items():
        line = refusal("demo", f"--{name}", str(value), "--out", tmp_path / "demo", status=2)
        assert f"demo: {name.replace('-', '_')} {value} is " in line
        assert not (tmp_path / "demo").exists()


def test_an_empty_name_is_no_place(tmp_path):
    photo = picture(tmp_path / "a.png")
    for command in (
        ("edit", BUNDLE, photo, *EDIT),
        ("parse", BUNDLE, photo),
        ("export", BUNDLE),
        ("import", BUNDLE, "--from", "stargan"),
        ("evaluate", BUNDLE, "--data", "celeba", "--root", tmp_path / "none"),
        ("train", "--data", "synthetic"),
        ("demo",),
        ("compare",),
    ):
        assert f"secgan {command[0]}: --out: the value is empty" in refusal(*command, "--out", "")


def test_no_flags_value_is_empty(tmp_path):
    """As of a shell's unset variable: it would stand for the flag left out."""
    photo = picture(tmp_path / "a.png")
    for command, flag in (
        (("edit", BUNDLE, photo, *EDIT, "--out", tmp_path / "out"), "--crop"),
        (("edit", BUNDLE, photo, "--out", tmp_path / "out"), "--set"),
        (("parse", BUNDLE, photo, "--out", tmp_path / "out"), "--crop"),
        (("train", "--data", "synthetic", "--no-mask-branch", "--out", tmp_path / "out"), "--classifier"),
        (("train", "--data", "synthetic", "--out", tmp_path / "out"), "--parser"),
        (("import", BUNDLE, "--from", "stargan", "--out", tmp_path / "out"), "--attributes"),
        (("evaluate", BUNDLE), "--data"),
    ):
        assert f"secgan {command[0]}: {flag}: the value is empty" in refusal(*command, flag, "")
    assert "photos: the value is empty" in refusal("edit", BUNDLE, "", *EDIT, "--out", tmp_path / "out")
    run("edit", BUNDLE, photo, *EDIT, "--source", "", "--out", tmp_path / "out")  # none of the attributes


def test_a_link_to_somebodys_file_is_not_followed(tmp_path):
    photo, mine = picture(tmp_path / "a.png"), picture(tmp_path / "mine" / "holiday.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").symlink_to(mine)
    kept = mine.read_bytes()
    for more in ((), ("--overwrite",)):
        refusal("edit", BUNDLE, photo, *EDIT, "--out", tmp_path / "out", *more)
    line = refusal("edit", BUNDLE, photo, *EDIT, "--out", tmp_path / "out", "--overwrite")
    assert f"is a link to somebody's '{mine}'" in line and mine.read_bytes() == kept


def test_pictures_of_kinds_that_are_not_read_are_told(tmp_path):
    picture(tmp_path / "in" / "a.png")
    for name in ("b.HEIC", "c.gif", "sub/d.avif", "e.nef", "notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    edit = ("edit", BUNDLE, tmp_path / "in", *EDIT, "--source", "", "--out", tmp_path / "out")
    told = run(*edit).stderr.decode()
    assert "4 pictures are ignored, of other kinds than JPEG, PNG, WebP, TIFF and BMP: 'b.HEIC', 'c.gif', 'e.nef' and 1 more" in told
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.png"]
    (tmp_path / "in" / "a.png").unlink()
    assert "'b.HEIC', 'c.gif', 'e.nef' and 1 more cannot be read: save them as JPEG or PNG" in refusal(*edit, status=1)


def test_of_several_pictures_in_a_file_the_first_is_taken_and_said(tmp_path):
    frames = [Image.new("RGB", (48, 40), color) for color in ("navy", "olive", "teal")]
    for name in ("a.webp", "b.png", "c.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    preview = Image.new("RGB", (12, 10), "navy")
    preview.encoderinfo = {"tiffinfo": {254: 1}}  # a reduced picture of the page before it
    frames[0].save(tmp_path / "d.tif", save_all=True, append_images=[preview])
    with Image.open(tmp_path / "d.tif") as written:
        assert written.n_frames == 2
    frames[0].save(tmp_path / "e.png")
    photos = sorted(file for file in tmp_path.iterdir())
    done = run("edit", BUNDLE, *photos, *EDIT, "--source", "", "--out", tmp_path / "out")
    note = "the file holds 3 pictures: the first is taken"
    assert f"a.webp: {note}" in done.stderr.decode() and f"the same of 2 more photos: {note}" in done.stderr.decode()
    assert done.stderr.decode().count("the file holds") == 2
    told = run("inspect", *photos).stdout.decode()
    assert told.count("the first of 3 pictures") == 3 and told.count("the first of") == 3


def test_json_replaces_json_of_the_same_command_alone(tmp_path):
    photo = picture(tmp_path / "a.png")
    before = photo.read_bytes()
    (tmp_path / "package.json").write_text('{"name": "mine", "files": ["a"]}')
    (tmp_path / "config.json").write_text(pathlib.Path(BUNDLE, "config.json").read_text())
    (tmp_path / "empty.json").touch()
    run("inspect", photo, "--json", tmp_path / "facts.json")
    commands = {
        "inspect": ("inspect", photo),
        "models": ("models", "--image-size", "32"),
        "bench": ("bench", "frechet", "--dims", "4", "--repeats", "1"),
        "evaluate": ("evaluate", BUNDLE, "--data", "celeba", "--root", tmp_path / "none"),
    }
    for name, command in commands.items():
        for file in ("a.png", "package.json", "config.json", *(["facts.json"] if name != "inspect" else [])):
            kept = (tmp_path / file).read_bytes()
            line = refusal(*command, "--json", tmp_path / file)
            assert f"--json: '{tmp_path / file}' is there and was not made by this command" in line
            assert (tmp_path / file).read_bytes() == kept
        assert "--json: the value is empty" in refusal(*command, "--json", "")
    for file in ("facts.json", "empty.json"):
        run("inspect", photo, photo, "--json", tmp_path / file)
        assert (tmp_path / file).read_text().count('"kind"') == 2
    for file in ("report.md", "report.html", "protocol.toml"):
        where = ("--out", tmp_path / "out", "--json", tmp_path / "out" / ".." / "out" / file)
        assert "is a file of the report at --out" in refusal(*commands["evaluate"], *where)
    assert photo.read_bytes() == before and not (tmp_path / "out").exists()


def test_places_of_long_work_are_tried_before_it(tmp_path):
    measure = ("evaluate", BUNDLE, "--data", "celeba", "--root", tmp_path / "none")
    assert "'/proc/out': cannot be written" in refusal(*measure, "--out", "/proc/out", status=1)
    assert "it is a folder, not a file" in refusal(*measure, "--json", tmp_path, status=1)
    for names in (("report.md",), ("report.json",)):
        unreadable(tmp_path, *names)
        assert f"holds '{names[0]}', which this command did not make" in refusal(*measure, "--out", tmp_path, status=1)
    assert "which this command did not make" in refusal("demo", "--out", tmp_path, status=1)
    assert "which this command did not make" in refusal("compare", "--out", tmp_path, status=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.json", "report.md"]
    for name in ("log.jsonl", "bundle/thesis.tex"):
        unreadable(tmp_path, f"run/{name}")
        line = refusal("train-parser", "--data", "synthetic", "--count", "8", "--image-size", "32", "--out", tmp_path / "run", status=1)
        assert f"holds '{pathlib.Path(name).name}'" in line
        assert (tmp_path / "run" / name).read_bytes() == b"no picture"
        (tmp_path / "run" / name).unlink()


def shell(line):
    return subprocess.run(["bash", "-c", line.format(COMMAND)], capture_output=True, text=True)


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no /dev/full")
def test_results_that_do_not_get_through_are_a_failure():
    for command in ("options", "options --json", "edit --help", "--help", "--version"):
        done = shell(f"{{}} {command} >/dev/full")
        assert done.returncode == 1 and "standard output cannot be written: No space left" in done.stderr, command
    done = shell("{} options >&-")
    assert done.returncode == 1 and "standard output cannot be written: Bad file descriptor" in done.stderr
    assert shell("{} options >/dev/null 0<&- 2>&-").returncode == 0


def test_closed_streams_are_no_place_for_messages(tmp_path):
    photos = [picture(tmp_path / f"{i}.png") for i in range(2)]
    (bad,) = unreadable(tmp_path, "bad.png")
    files = " ".join(map(str, [*photos, bad]))
    done = shell(f"{{}} edit {BUNDLE} {files} --set Male=1 --on-error skip --out {tmp_path}/out 0<&- >&- 2>&-")
    assert done.returncode == 1
    for photo in photos:
        with Image.open(tmp_path / "out" / photo.name) as opened:
            opened.load()


def test_messages_and_names_never_steer_a_terminal(tmp_path):
    names = (b"\x1b[31mred.png", b"\xc2\x9b31mred.png", b"\x9b31mred.png", b"\xe2\x80\xaegnp.exe", b"a\x7fb.png", b"a\nb.png")
    photos = [tmp_path / os.fsdecode(name) for name in names]
    told = run("parse", BUNDLE, *photos, "--on-error", "skip", "--out", tmp_path / "out", status=1).stderr.decode()
    assert told.count(" is missing") == 6 and told.replace("\n", "").isprintable()
    for argument in ("\x1b[31mred", "a\nb"):
        assert refusal(argument).strip().isprintable()


def test_a_folder_keeps_its_subfolders(tmp_path):
    photos = tmp_path / "photos"
    for name in ("a.png", "trip/b.png", "trip/far/a.png"):
        picture(photos / name)
    unreadable(photos, "trip/notes.txt")

    def written(out):
        return sorted(str(file.relative_to(out)) for file in out.rglob("*") if file.is_file())

    one = picture(tmp_path / "c.png")
    run("edit", BUNDLE, photos, one, *EDIT, "--mask", "--out", tmp_path / "out")
    expected = ["a.png", "c.png", "trip/b.png", "trip/far/a.png"]
    assert written(tmp_path / "out") == sorted(expected + [name.replace(".png", "_mask.png") for name in expected])
    # Results below the photos are no photos, the second time neither.
    for _ in range(2):
        assert run("edit", BUNDLE, photos, *EDIT, "--out", photos / "results").stdout.count(b"\n") == 3
    assert written(photos / "results") == ["a.png", "trip/b.png", "trip/far/a.png"]
    run("parse", BUNDLE, photos, "--out", tmp_path / "parsed")
    assert "trip/far/a_overlay.png" in written(tmp_path / "parsed")
    assert "would overwrite" in refusal("edit", BUNDLE, photos, *EDIT, "--out", photos)
    (tmp_path / "empty").mkdir()
    assert "'" + str(tmp_path / "empty") + "' holds no photo" in refusal("edit", BUNDLE, tmp_path / "empty", *EDIT, "--out", "x", status=1)


def test_photos_of_others_in_the_results_folder_are_not_left_out(tmp_path):
    album = tmp_path / "album"
    picture(album / "top.png")
    theirs = picture(album / "2023/a.png")
    line = refusal("edit", BUNDLE, album, *EDIT, "--out", album / "2023")
    assert f"lies in '{album}' and holds '{theirs}', which this command did not make" in line
    assert f"'{theirs}' is named twice" in refusal("edit", BUNDLE, theirs, theirs, *EDIT, "--out", tmp_path / "out")
    # A file where a folder of the results has to be: nothing is done by half.
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "2023").write_bytes(b"notes")
    assert "is a file, not a folder" in refusal("edit", BUNDLE, album, *EDIT, "--out", tmp_path / "out", status=1)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["2023"]


def test_a_row_of_a_list_is_one_photos(tmp_path):
    photos = [picture(tmp_path / "album" / name) for name in ("2023/x.png", "2024/x.png")]
    (tmp_path / "list.csv").write_text("image,Male\nx.png,1\n")
    line = refusal("edit", BUNDLE, tmp_path / "album", *EDIT, "--source-list", tmp_path / "list.csv", "--out", tmp_path / "out")
    assert f"'x.png' may be '{photos[0]}' or '{photos[1]}'" in line

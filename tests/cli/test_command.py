"""The command as a user meets it: what it writes, and what it says to wrong input."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from PIL import Image, ImageChops

COMMAND = os.environ.get("SECGAN_COMMAND", "secgan")
BUNDLE = str(pathlib.Path(__file__).parents[2] / "models" / "drawn-faces")


def run(*arguments, status=0):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def refusal(*arguments, status):
    """The one line that a failing command prints."""
    done = run(*arguments, status=status)
    assert done.stderr.endswith("\n") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def aligned_bundle(folder, **info):
    """The shipped networks, described as imported AttGAN weights are: CelebA's crop in CelebA's pixels."""
    shutil.copytree(BUNDLE, folder)
    config = json.loads((folder / "config.json").read_text())
    config["info"].update(crop="center:170", photo_size="178x218", **info)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A photo file of 80 x 64 pixels, written without any picture library: PPM is not read, so PNG by hand."""
    import struct
    import zlib

    width, height = 80, 64
    rows = b"".join(b"\0" + bytes((x * 3 % 256, y * 4 % 256, 128)[c] for x in range(width) for c in range(3)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    file = tmp_path_factory.mktemp("photos") / "ann.png"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return file


def size_of(png):
    return tuple(int.from_bytes(png.read_bytes()[i : i + 4], "big") for i in (16, 20))


def test_edit_keeps_names_and_sizes(photo, tmp_path):
    run("edit", BUNDLE, photo, "--set", "Eyeglasses=+1", "--set", "Blond_Hair=0.5", "--out", tmp_path, "--mask")
    assert size_of(tmp_path / "ann.png") == (64, 64)
    mask = (tmp_path / "ann_mask.png").read_bytes()
    assert mask[25] == 3, "a palette PNG"
    run("edit", BUNDLE, photo, "--set", "Male=1", "--set", "Bald=1", "--out", tmp_path / "grid", "--grid")
    # Names of one line above, the photo's seven letters on the left, all twice as large as pictures of 64 pixels would have them.
    assert size_of(tmp_path / "grid" / "ann.png") == (2 * (4 * 66 - 2) + 2 * 45, 2 * 64 + 2 * 9)


def test_an_edit_measures_its_threads_and_differs_in_last_bits_at_most(tmp_path, monkeypatch):
    photos = sorted((pathlib.Path(BUNDLE).parents[1] / "examples" / "photos").glob("*.png"))
    run("edit", BUNDLE, *photos, "--set", "Eyeglasses=1", "--out", tmp_path / "one")
    monkeypatch.delenv("OMP_NUM_THREADS")
    run("edit", BUNDLE, *photos, "--set", "Eyeglasses=1", "--out", tmp_path / "measured")
    for photo in photos:
        with Image.open(tmp_path / "one" / photo.name) as one, Image.open(tmp_path / "measured" / photo.name) as measured:
            assert all(most <= 1 for _, most in ImageChops.difference(one, measured).getextrema())


def test_a_list_says_what_each_photo_has(photo, tmp_path):
    for name in ("a.png", "b.png"):
        shutil.copy(photo, tmp_path / name)
    listed = tmp_path / "list.csv"
    listed.write_text("image_id,Bald,Male,Nonsense\na.jpg,1,-1,x\nb.png,-1,1,y\n")
    edit = ("edit", BUNDLE, "--set", "Eyeglasses=1", "--source-list", listed, "--out", tmp_path / "out", tmp_path / "a.png")
    lines = run(*edit, tmp_path / "b.png").stdout.splitlines()
    assert "a.png  (given: Bald" in lines[0] and "Male" not in lines[0]
    assert "b.png  (given: Male" in lines[1] and "Bald" not in lines[1]
    shutil.copy(photo, tmp_path / "c.png")
    shutil.rmtree(tmp_path / "out")
    assert "c.png'" in refusal(*edit, tmp_path / "c.png", status=2) and not (tmp_path / "out").exists()
    assert "excludes" in refusal(*edit, "--source", "Male", status=2)
    listed.write_text("image_id,Hat\na.png,1\n")
    assert "none of the bundle's attributes" in refusal(*edit, status=2)


def test_parse_writes_mask_and_overlay(photo, tmp_path):
    run("parse", BUNDLE, photo, "--out", tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ann_mask.png", "ann_overlay.png"]
    # A bundle of aligned photos, and a photo that is none of them.
    aligned = aligned_bundle(tmp_path / "aligned", trained_on="CelebA")
    told = run("parse", aligned, photo, "--out", tmp_path / "out").stderr
    assert "80 x 64 pixels: cropped as the bundle's photos, as no face is searched; --crop says where one is" in told
    assert not run("parse", aligned, photo, "--crop", "center", "--out", tmp_path / "out").stderr


def test_wrong_use_of_edit(photo, tmp_path):
    edit = ("edit", BUNDLE, photo, "--out", tmp_path / "out", "--set")
    assert "attribute 'Beard' is unknown; known: Bald, Bangs" in refusal(*edit, "Beard=1", status=2)
    assert "strength 'much' is not a number" in refusal(*edit, "Male=much", status=2)
    assert "is not NAME=STRENGTH" in refusal(*edit, "Male", status=2)
    assert "exclude each other" in refusal(*edit, "Bald=1", "--set", "Bangs=1", status=2)
    assert "'sharp' is unknown; known: resize, detail" in refusal(*edit, "Male=1", "--upscaling", "sharp", status=2)
    assert "--out is required" in refusal("edit", BUNDLE, photo, "--set", "Male=1", status=2)
    assert "would overwrite" in refusal("edit", BUNDLE, photo, "--set", "Male=1", "--out", photo.parent, status=2)
    assert not (tmp_path / "out").exists()


def test_bad_files_are_named_and_nothing_is_written(photo, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(photo.read_bytes()[:200])
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    for bad, reason in (
        (broken, "truncated or damaged"),
        (text, "is text; photos are read from JPEG, PNG"),
        (tmp_path / "none.jpg", "is missing"),
    ):
        line = refusal("edit", BUNDLE, photo, bad, "--set", "Male=1", "--out", tmp_path / "out", status=1)
        assert bad.name in line and reason in line
    assert not (tmp_path / "out").exists()
    assert "config.json" in refusal("edit", tmp_path, photo, "--set", "Male=1", "--out", tmp_path / "out", status=1)
    future = tmp_path / "future"
    shutil.copytree(BUNDLE, future)
    config = json.loads((future / "config.json").read_text())
    config["format_version"] = 99
    (future / "config.json").write_text(json.dumps(config))
    assert "bundle format 99" in refusal("parse", future, photo, "--out", tmp_path / "out", status=1)


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_leaves_no_half_written_file(photo, tmp_path):
    limited = f"ulimit -f 1; trap '' XFSZ; exec {COMMAND} edit {BUNDLE} {photo} --set Male=1 --out {tmp_path}/out"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True)
    assert done.returncode == 1 and "ann.png" in done.stderr and done.stderr.count("\n") == 1
    assert list((tmp_path / "out").iterdir()) == []


def train(out, *more, status=0):
    tiny = ["--option", "task.training.loader.batch=4", "--log-every", 1, "--sample-every", 0]
    arguments = ["train-parser", "--data", "synthetic", "--count", 8, "--image-size", 32, "--steps", 2, "--out", out, *tiny, *more]
    return run(*arguments) if status == 0 else refusal(*arguments, status=status)


def test_train_resume_and_settings(tmp_path):
    train(tmp_path / "run", "--option", "task.parser.unet.dim=4")
    assert (tmp_path / "run" / "bundle" / "config.json").exists()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    # The schedule's factor is not called a learning rate.
    assert [line["learning_rate_factor"] for line in lines] == [1, 1] and "learning_rate" not in lines[0]
    assert "holds a run already" in train(tmp_path / "run", status=1)
    # Resuming reads the run's own settings: the network is still the small one.
    train(tmp_path / "run", "--resume", "--steps", 3)
    by_another = ("train-classifier", "--resume", "--out", tmp_path / "run")
    assert f"--out '{tmp_path}/run' is a run of 'secgan train-parser': that command resumes it" in refusal(*by_another, status=2)
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 3
    assert "dim = 4" in (tmp_path / "run" / "settings.toml").read_text()
    again = tmp_path / "again.toml"
    again.write_text((tmp_path / "run" / "settings.toml").read_text())
    train(tmp_path / "second", "--config", again)
    assert "dim = 4" in (tmp_path / "second" / "settings.toml").read_text()


def test_wrong_settings_are_one_line(tmp_path):
    assert "--image-size 100 is not a multiple of 32" in train(tmp_path / "a", "--image-size", 100, status=2)
    assert "must be an integer" in train(tmp_path / "a", "--steps", "many", status=2)
    assert "unknown key 'stepz'; known: steps" in train(tmp_path / "a", "--option", "trainer.stepz=1", status=2)
    assert "nothing to resume" in train(tmp_path / "a", "--resume", status=1)
    assert "batch 4 is larger than the data set of 2" in train(tmp_path / "a", "--count", 2, status=2)
    bad = tmp_path / "bad.toml"
    bad.write_text("data = \n")
    assert "bad.toml:1:" in train(tmp_path / "a", "--config", bad, status=1)
    common = ("train", "--data", "synthetic", "--image-size", 32, "--out", tmp_path / "b")
    assert "parser is missing" in refusal(*common, status=2)
    assert "was trained at 64 px" in refusal(*common, "--parser", BUNDLE, status=2)
    assert "root is missing" in refusal("train-classifier", "--out", tmp_path / "c", status=2)
    assert "data set folder" in refusal(
        "train-classifier", "--root", tmp_path / "no", "--attributes", "Bald", "--out", tmp_path / "c", status=1
    )


def settings_of(run):
    import tomllib

    return tomllib.loads((run / "settings.toml").read_text())


def test_train_with_mixed_backbones(tmp_path):
    common = ("train", "--data", "synthetic", "--count", 8, "--image-size", 64, "--parser", BUNDLE, "--small", "--threads", 1)
    common += ("--steps", 1, "--batch", 2, "--sample-every", 0)
    run(
        *common,
        "--backbone",
        "stgan-official",
        "--mask-backbone",
        "stargan",
        "--out",
        tmp_path / "mixed",
        "--option",
        "task.photo_generator.stgan.conv_dim=8",
    )
    task = settings_of(tmp_path / "mixed")["task"]
    assert [task[f"{branch}_{part}"]["backbone"] for branch in ("photo", "mask") for part in ("generator", "discriminator")] == [
        "stgan"
    ] * 2 + ["stargan"] * 2
    official = task["photo_generator"]["stgan"]
    assert official["stu_norm"] == "none" and official["conv_dim"] == 8
    config = json.loads((tmp_path / "mixed" / "bundle" / "config.json").read_text())
    assert config["networks"]["generator"]["backbone"] == "stgan" and config["networks"]["mask_generator"]["backbone"] == "stargan"
    # A backbone alone keeps the recipe's widths.
    run(*common, "--backbone", "stgan", "--out", tmp_path / "plain")
    assert settings_of(tmp_path / "plain")["task"]["photo_generator"]["stgan"]["conv_dim"] == 24
    known = "'biggan' is unknown; known: attgan, stgan, stargan, stgan-official"
    assert known in refusal(*common, "--backbone", "biggan", "--out", tmp_path / "none", status=2)
    assert known in refusal(*common, "--mask-backbone", "biggan", "--out", tmp_path / "none", status=2)
    assert "p.pt" in refusal(*common[:5], "--parser-program", tmp_path / "p.pt", "--out", tmp_path / "none", status=1)
    assert not (tmp_path / "none").exists()


def test_import_makes_a_bundle_that_edits(photo, tmp_path):
    import torch

    import secgan

    torch.manual_seed(1)
    network = secgan.create_generator("stargan", attributes=2, image_size=64, conv_dim=4, repeat_num=1)
    torch.save(network.state_dict(), tmp_path / "200000-G.ckpt")
    start = ("import", tmp_path / "200000-G.ckpt", "--from", "stargan", "--image-size", 64)
    done = run(*start, "--attributes", "Male,Young", "--crop", "center", "--license", "mine", "--out", tmp_path / "bundle")
    assert "Male, Young" in done.stdout and "no classifier" in done.stdout
    info = json.loads((tmp_path / "bundle" / "config.json").read_text())["info"]
    assert info["attributes"] == ["Male", "Young"] and info["image_size"] == 64 and info["license"] == "mine"
    edit = ("edit", tmp_path / "bundle", photo, "--set", "Young=1", "--out", tmp_path / "edited")
    assert "--source is required: " in refusal(*edit, status=2)
    run(*edit, "--source", "Male")
    assert size_of(tmp_path / "edited" / "ann.png") == (64, 64)


def test_import_of_wrong_files(tmp_path):
    import torch

    out = ("--out", tmp_path / "bundle")
    assert "none.pth' is missing" in refusal("import", tmp_path / "none.pth", "--from", "stargan", *out, status=1)
    text = tmp_path / "text.pth"
    text.write_text("no weights")
    assert "text.pth" in refusal("import", text, "--from", "stargan", *out, status=1)
    assert "--from 'biggan' is unknown; known: attgan-pytorch, stgan-pytorch, stargan, face-parsing, face-parsing-yakhyo" in refusal(
        "import", text, "--from", "biggan", *out, status=2
    )
    # A pickle that would run a command is read without running it.
    torch.save({"weight": Hostile(tmp_path / "ran")}, tmp_path / "hostile.pth")
    assert "hostile.pth" in refusal("import", tmp_path / "hostile.pth", "--from", "stargan", *out, status=1)
    assert not (tmp_path / "ran").exists() and not (tmp_path / "bundle").exists()


class Hostile:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


def test_a_name_may_hold_an_equals_sign(photo, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(BUNDLE, bundle)
    config = (bundle / "config.json").read_text()
    (bundle / "config.json").write_text(config.replace('"Eyeglasses"', '"Glasses=thick"'))
    run("edit", bundle, photo, "--set", "Glasses=thick=+1", "--source", "Male", "--out", tmp_path / "out")
    run("edit", bundle, photo, "--sweep", "Glasses=thick=0:1:2", "--source", "Male", "--out", tmp_path / "sweep")
    assert "'Glasses' is unknown" in refusal(
        "edit", bundle, photo, "--set", "Glasses=1", "--source", "Male", "--out", tmp_path / "no", status=2
    )


def test_blanks_in_lists_belong_to_no_name(photo, tmp_path):
    said = run("edit", BUNDLE, photo, "--set", "Eyeglasses=1", "--source", "Male, Bangs ,", "--out", tmp_path / "out").stdout
    assert "(given: Bangs, Male;" in said or "(given: Male, Bangs;" in said
    gap = ("edit", BUNDLE, photo, "--set", "Eyeglasses=1", "--source", "Male,,Bangs", "--out", tmp_path / "gap")
    assert "--source 'Male,,Bangs': a name between the commas is missing" in refusal(*gap, status=2)
    weights = ("import", BUNDLE + "/model.safetensors", "--from", "attgan-pytorch", "--image-size", 64, "--entry", "generator")
    run(*weights, "--attributes", "A, B,C ,\tD,E,F,G,H,I", "--out", tmp_path / "imported")
    assert json.loads((tmp_path / "imported" / "config.json").read_text())["info"]["attributes"] == list("ABCDEFGHI")


def test_models_lists_every_network():
    table = json.loads(run("models", "--image-size", 64, "--attributes", 5, "--json", "-").stdout)
    parts = {(row["network"], row["part"]) for row in table["networks"]}
    for backbone in ("attgan", "stgan", "stargan", "stgan-official"):
        assert parts >= {(backbone, "generator"), (backbone, "mask generator"), (backbone, "discriminator")}
    assert parts >= {("unet", "parser"), ("bisenet-resnet18", "parser"), ("bisenet-resnet34", "parser")}
    assert all(row["multiply_adds"] > 0 and row["training_bytes"] > row["forward_bytes"] for row in table["networks"])
    lines = run("models", "--image-size", 48).stdout
    assert "not at this side" in lines and "attgan" in lines
    for flag, most in (("--image-size", 4096), ("--attributes", 65536)):
        for value in ("0", "-1", "1e2", "2.5", "", str(most + 1), "99999999999999999999"):
            line = refusal("models", flag, value, status=2)
            assert f"{flag}: must be a whole number from 1 to {most}, found '{value}'" in line


def test_data_check_lists_every_bad_file(photo, tmp_path):
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    names = [f"00000{i}.jpg" for i in range(1, 5)]
    (root / "list_attr_celeba.txt").write_text("4\nBald Male\n" + "".join(f"{n} 1 -1\n" for n in names))
    (root / "list_eval_partition.txt").write_text("".join(f"{n} {i % 3}\n" for i, n in enumerate(names)))
    for name in names:
        shutil.copy(photo, root / "img_align_celeba" / name)
    check = ("data-check", "--data", "celeba", "--root", root, "--attributes", "Bald", "--crop", "center")
    assert "4 samples, all fine" in run(*check).stdout
    (root / "img_align_celeba" / names[1]).write_text("")
    (root / "img_align_celeba" / names[2]).unlink()
    done = run(*check, status=1)
    assert names[1] in done.stdout and names[2] in done.stdout and "2 of 4 samples" in done.stderr
    assert "attribute 'Beard' is unknown" in refusal(*check[:-3], "Beard", "--crop", "center", status=2)
    for name in names:
        (root / "img_align_celeba" / name).unlink(missing_ok=True)
        (root / "img_align_celeba" / name).write_text("<html></html>")
    lines = run(*check, status=1).stdout.splitlines()
    assert len(lines) == 5 and lines[0].startswith("train ") and lines[4].startswith("4 samples")
    assert all(name in lines[4] for name in names)


def test_data_check_counts_what_each_split_shows(tmp_path):
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    # 500 to train on: 300 are bald, 40 male; 10 for validation, all bald; none to test with.
    rows = [(f"{i:06}.jpg", 1 if i <= 300 or i > 500 else -1, 1 if i <= 40 else -1, 0 if i <= 500 else 1) for i in range(1, 511)]
    (root / "list_attr_celeba.txt").write_text("510\nBald Male\n" + "".join(f"{n} {b} {m}\n" for n, b, m, _ in rows))
    (root / "list_eval_partition.txt").write_text("".join(f"{n} {part}\n" for n, _, _, part in rows))
    (root / "img_align_celeba" / rows[0][0]).write_text("")  # photos are not asked for it
    lines = run("data-check", "--data", "celeba", "--root", root, "--attributes", "Male,Bald", status=1).stdout.splitlines()
    table = [re.split(r"\s{2,}", line) for line in lines[1:4]]
    assert table == [
        ["attribute", "train, 500", "validation, 10"],
        ["Male", "40 (8.0 %)", "0 (0.0 %)"],
        ["Bald", "300 (60.0 %)", "10 (100.0 %)"],
    ]
    assert lines[4] == "warning: Male: 40 photos of train show it, too few to learn (at least 200)"
    assert not lines[5].startswith("warning")


def test_lists_that_do_not_add_up_are_told(photo, tmp_path):
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    names = [f"00000{i}.jpg" for i in range(1, 10)]
    for name in names:
        shutil.copy(photo, root / "img_align_celeba" / name)
    (root / "list_attr_celeba.txt").write_text("9\nBald Male\n" + "".join(f"{n} 1 -1\n" for n in names[:4]))
    (root / "list_eval_partition.txt").write_text("".join(f"{n} 0\n" for n in names))
    data = ("--data", "celeba", "--root", root, "--attributes", "Bald", "--crop", "center")
    done = run("data-check", *data, status=1)
    assert "its heading announces 9 photos, it has rows for 4" in done.stdout and "5 photos of" in done.stdout
    assert "4 samples can be used" in done.stderr
    for name in names[1:4]:
        (root / "img_align_celeba" / name).unlink()
    line = refusal("train-classifier", *data, "--image-size", 32, "--steps", 1, "--out", tmp_path / "run", status=1)
    assert "3 files of 4 samples are missing" in line and not (tmp_path / "run").exists()
    assert "6 samples, all fine" in run("data-check", "--data", "folder", "--root", root / "img_align_celeba").stdout
    assert "labels is missing" in refusal("data-check", "--data", "folder", "--root", root, "--attributes", "Bald", status=2)


def test_a_number_of_the_demo_is_told_as_it_was_given(tmp_path):
    for flag, value, rule in (
        ("--seed", -1, "an integer of at least 0"),
        ("--steps", "many", "an integer"),
        ("--faces", 1.5, "an integer"),
    ):
        line = refusal("demo", "--out", tmp_path / "demo", flag, value, status=2)
        assert f"{flag} must be {rule}" in line and f"found {value}" in line.replace('"', "")
    assert not (tmp_path / "demo").exists()


def test_help_names_every_command():
    text = run("--help").stdout
    for command in ("demo", "train", "train-parser", "train-classifier", "edit", "parse", "data-check", "import", "models"):
        assert command in text
    assert run("--version").stdout.startswith("secgan ")


def test_no_command_and_a_wrong_one_list_them_all(tmp_path):
    link = tmp_path / "site-packages" / "renamed"
    link.parent.mkdir()
    link.symlink_to(shutil.which(COMMAND))
    for arguments, said in (
        ((), "a command is required"),
        (("edti",), "'edti' is no command; did you mean 'edit'?"),
        (("xyzzy",), "'xyzzy' is no command"),
        (("--foo",), "a command is required before '--foo'"),
    ):
        done = subprocess.run([link, *arguments], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr == f"secgan: {said}\n"
        lines = done.stdout.splitlines()
        assert any(line.split()[:1] == ["edit"] and len(line.split()) > 3 for line in lines) and any(
            "train-parser" in line for line in lines
        )
    # So do commands that have some of their own.
    for arguments, said in (
        (("bench",), "a command is required"),
        (("bench", "frechte"), "'frechte' is no command; did you mean 'frechet'?"),
    ):
        done = subprocess.run([link, *arguments], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr == f"secgan bench: {said}\n" and "  train-step " in done.stdout
    for arguments, said in (
        (("data-check", "--count", "200"), "'--count' is no flag of this command"),
        (("edit", "M", "a.png", "--out", "o", "--sett", "Bald=1"), "'--sett' is no flag of this command; did you mean '--set'?"),
        (("bench", "frechet", "--dim=9"), "'--dim' is no flag of this command; did you mean '--dims'?"),
        (("attributes", "M", "more"), "'more' is one argument too many"),
    ):
        assert refusal(*arguments, status=2) == f"secgan {arguments[0]}: {said}\n"
    for arguments in (("--help",), ("edit", "--help"), ()):
        done = subprocess.run([link, *arguments], capture_output=True, text=True)
        assert "site-packages" not in done.stdout + done.stderr and "secgan" in done.stdout


def test_attributes_lists_what_can_be_edited(tmp_path):
    lines = run("attributes", BUNDLE).stdout.splitlines()
    listed = [line.split() for line in lines if line[:3].strip().isdigit()]
    assert [line[1] for line in listed] == json.loads(pathlib.Path(BUNDLE, "config.json").read_text())["info"]["attributes"]
    assert listed[1] == ["2", "Bangs", "Bald"] and listed[4] == ["5", "Eyeglasses"]
    assert "generator 'attgan' of 9 attributes" in lines[0] and "trained on drawn faces" in lines[0]
    assert f"'{tmp_path}' is no bundle: '{tmp_path}/config.json' is missing" in refusal("attributes", tmp_path, status=1)
    odd = pathlib.Path(shutil.copytree(BUNDLE, tmp_path / "odd")) / "config.json"
    odd.write_text(odd.read_text().replace('"Bald"', '"Ba\\nld"'))
    assert len(run("attributes", odd.parent).stdout.splitlines()) == len(lines), "a name went over the end of its line"
    assert f"the bundle '{tmp_path}/none' is missing" in refusal("attributes", tmp_path / "none", status=1)


def test_a_runs_folder_is_told_from_a_bundle(tmp_path):
    (tmp_path / "run").mkdir()
    shutil.copytree(BUNDLE, tmp_path / "run" / "bundle")
    assert f"its bundle is {tmp_path / 'run' / 'bundle'}" in refusal("attributes", tmp_path / "run", status=1)
    (tmp_path / "weights.pth").write_text("")
    assert "secgan import" in refusal("attributes", tmp_path / "weights.pth", status=1)

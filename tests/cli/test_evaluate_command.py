"""secgan evaluate, tabulate and compare."""

import json
import math
import pathlib
import re
import shutil
import statistics

import pytest
from test_command import BUNDLE, refusal, run

FEW = ("--data", "synthetic", "--photos", 12, "--option", "protocol.resamples=20")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation") / "out"
    done = run("evaluate", BUNDLE, *FEW, "--out", out)
    return out, done.stdout


def test_figures_for_machines_people_and_the_web(report):
    out, table = report
    assert sorted(p.name for p in out.iterdir()) == ["protocol.toml", "report.html", "report.json", "report.md"]
    figures = json.loads((out / "report.json").read_text())["figures"]
    assert 0.8 < figures["tarr"]["value"] <= 1 and figures["tarr"]["low"] <= figures["tarr"]["value"] <= figures["tarr"]["high"]
    assert figures["tarr"]["count"] == 12 and figures["fid"]["missing"].startswith("no weights were given")
    assert "not measured: no weights were given (--swav)" in table and "| Eyeglasses |" in table
    assert "Edits that changed most outside" in (out / "report.html").read_text()


def test_json_to_the_terminal_is_only_json(report):
    again = json.loads(run("evaluate", BUNDLE, *FEW, "--json", "-").stdout)
    assert again["hash"] == json.loads((report[0] / "report.json").read_text())["hash"]


def test_the_written_protocol_gives_the_same_hash(report):
    again = json.loads(run("evaluate", BUNDLE, "--data", "synthetic", "--protocol", report[0] / "protocol.toml", "--json", "-").stdout)
    assert again["hash"] == json.loads((report[0] / "report.json").read_text())["hash"]


def test_tables_of_equal_protocols_only(report, tmp_path):
    strong = tmp_path / "strong"
    run("evaluate", BUNDLE, *FEW, "--option", "protocol.strength=1.5", "--out", strong)
    files = [report[0] / "report.json", strong / "report.json"]
    assert "strength is 1.0 and 1.5" in refusal("tabulate", *files, status=2)
    assert "not comparable" in run("tabulate", *files, "--different-protocols").stdout
    assert run("tabulate", files[0]).stdout.startswith("| Metric | drawn-faces |")
    assert "not a report" in refusal("tabulate", BUNDLE + "/config.json", status=1)
    assert "not JSON: it is a safetensors file" in refusal("tabulate", BUNDLE + "/model.safetensors", status=1)


def test_columns_of_one_name_are_told_apart(report, tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        shutil.copytree(BUNDLE, folder / "bundle")
    few = ("--data", "synthetic", "--photos", 1, "--threads", 1, "--option", "protocol.resamples=20")
    files = [tmp_path / name / "report.json" for name in "abc"]
    # A run's bundle is called after the run.
    for file, model in zip(
        files, (tmp_path / "a" / "bundle", tmp_path / "b" / "bundle", str(tmp_path / "a" / "bundle") + "/"), strict=True
    ):
        assert run("evaluate", model, *few, "--out", file.parent).stdout.startswith(f"# {pathlib.Path(model).parent.name}/bundle\n")
    assert run("tabulate", *files[:2]).stdout.startswith("| Metric | a/bundle | b/bundle |\n")
    table = run("tabulate", *files).stdout
    assert table.startswith(f"| Metric | a/bundle ({files[0]}) | b/bundle | a/bundle ({files[2]}) |\n")
    # One photo has no interval, in a table as in the report.
    assert not any("[" in line for line in table.splitlines() if line.startswith("| TARR"))


def test_wrong_use(tmp_path):
    evaluate = ("evaluate", BUNDLE, "--data", "synthetic")
    assert "protocol 'fid-paper' is unknown" in refusal(*evaluate, "--protocol", "fid-paper", status=2)
    assert "unknown key 'strenght'" in refusal(*evaluate, "--option", "protocol.strenght=1", status=2)
    assert "strength -1 is not positive" in refusal(*evaluate, "--option", "protocol.strength=-1", status=2)
    assert "none.pth" in refusal(*evaluate, "--inception", tmp_path / "none.pth", status=1)
    wrong = refusal(*evaluate, "--swav", BUNDLE + "/model.safetensors", status=1)
    assert "model.safetensors" in wrong and "conv1.weight" in wrong
    # A list without a single test photo.
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    (root / "img_align_celeba" / "000001.jpg").touch()
    names = "Bald Bangs Black_Hair Blond_Hair Eyeglasses Male Mouth_Slightly_Open Mustache Pale_Skin"
    (root / "list_attr_celeba.txt").write_text(f"1\n{names}\n000001.jpg " + "-1 " * 9 + "\n")
    (root / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    assert "the test split is empty" in refusal("evaluate", BUNDLE, "--data", "celeba", "--root", root, status=1)


STUDY = (
    "compare",
    "--backbones",
    "attgan",
    "--seeds",
    2,
    "--image-size",
    32,
    "--faces",
    64,
    "--unseen",
    6,
    "--steps",
    2,
    "--threads",
    1,
    "--option",
    "parser_steps=2",
    "--option",
    "classifier_steps=2",
    "--option",
    "timing_rounds=2",
    "--option",
    "losses.photo.reconstruction=50",
)


def leaves(tree, path=""):
    """Of nested dictionaries and lists: {path: value}."""
    if not isinstance(tree, (dict, list)):
        return {path: tree}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {name: leaf for key, part in items for name, leaf in leaves(part, f"{path}/{key}").items()}


def measured_again(runs):
    """The same metrics. Not bit for bit: LibTorch's parallel convolutions are not repeatable on every busy machine, plain
    PyTorch's neither (one forward of some thousands differed by 4e-5)."""
    return pytest.approx(leaves(runs), rel=1e-4)


def table(text, heading):
    """The Markdown table below a heading, a dictionary per row."""
    lines = text.split(heading)[1].strip().splitlines()
    lines = lines[: next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_a_study_reports_and_goes_on_where_it_stopped(tmp_path):
    run(*STUDY, "--out", tmp_path / "study")
    study = json.loads((tmp_path / "study" / "report.json").read_text())
    assert set(study["runs"]["attgan"]) == {"plain", "sc0", "sc"} and len(study["runs"]["attgan"]["sc"]) == 2
    assert study["costs"]["attgan"]["sc"]["memory_bytes"] > study["costs"]["attgan"]["plain"]["memory_bytes"] > 0
    text = (tmp_path / "study" / "report.md").read_text()
    assert "λ_sc above 0 against λ_sc 0" in text and "photo branch alone" in text
    assert "the recipe of `secgan train --small`, photo.reconstruction 50.0. " in text  # what of it was changed
    # The finished runs are not trained again: the same figures, from the files that are there.
    before = (tmp_path / "study" / "runs" / "attgan-sc-1" / "checkpoint.safetensors").read_bytes()
    run(*STUDY, "--out", tmp_path / "study")
    again = json.loads((tmp_path / "study" / "report.json").read_text())["runs"]
    assert leaves(again) == measured_again(study["runs"])
    # Equal time adds its runs to those that are there.
    run(*STUDY, "--same-time", "--out", tmp_path / "study")
    longer = json.loads((tmp_path / "study" / "report.json").read_text())["runs"]["attgan"]
    assert len(longer.pop("plain-time")) == 2
    assert leaves(longer) == measured_again(study["runs"]["attgan"])
    # So does another seed, of the ways that are asked for.
    run(*STUDY, "--seeds", 3, "--variants", "plain,sc", "--out", tmp_path / "study")
    more = json.loads((tmp_path / "study" / "report.json").read_text())["runs"]["attgan"]
    assert set(more) == {"plain", "sc"} and leaves(more["sc"][:2]) == measured_again(study["runs"]["attgan"]["sc"])
    assert (tmp_path / "study" / "runs" / "attgan-sc-1" / "checkpoint.safetensors").read_bytes() == before
    rows = table((tmp_path / "study" / "report.md").read_text(), "## Differences\n")
    assert [row["Difference"] for row in rows] == ["the whole against the photo branch alone, equal steps"]
    by_attribute = table((tmp_path / "study" / "report.md").read_text(), "## Differences of TARR by attribute\n")
    assert list(by_attribute[0]) == ["TARR of", "Backbone", "the whole against the photo branch alone, equal steps"]
    assert by_attribute[0]["TARR of"] == "what masks show: mean of Bald, Bangs, Eyeglasses, Mouth_Slightly_Open"
    psnr = [sc["figures"]["psnr"] - plain["figures"]["psnr"] for sc, plain in zip(more["sc"], more["plain"], strict=True)]
    mean, half, low, high = (float(part) for part in re.findall(r"[-+]?[\d.]+", rows[0]["PSNR, dB"]))
    assert mean == pytest.approx(statistics.mean(psnr), abs=0.006)
    assert half == pytest.approx(4.303 * statistics.stdev(psnr) / math.sqrt(3), abs=0.006)
    assert low <= mean <= high
    other = refusal(*STUDY, "--option", "losses.photo.reconstruction=20", "--out", tmp_path / "study", status=1)
    assert "study of other settings" in other
    assert "study of other settings" in refusal(*STUDY, "--lambda-sc", 3, "--out", tmp_path / "study", status=1)
    assert "faces 32 is below 64" in refusal(*STUDY, "--faces", 32, "--out", tmp_path / "other", status=2)
    twice = refusal(*STUDY, "--option", "losses.photo.semantic_consistency=3", "--out", tmp_path / "other", status=2)
    assert "lambda_sc's to set" in twice
    taught = refusal(*STUDY, "--option", "losses.photo.generator_classifier=2", "--out", tmp_path / "other", status=2)
    assert "photo.generator_classifier must be 0, found 2: the classifier of these runs is their judge" in taught
    assert "backbone 'biggan' is unknown" in refusal("compare", "--backbones", "biggan", "--out", tmp_path / "other", status=2)
    twice = refusal("compare", "--backbones", "stgan,attgan,stgan", "--out", tmp_path / "other", status=2)
    assert "backbones: 'stgan' is given twice" in twice and not (tmp_path / "other").exists()
    wrong = refusal(*STUDY, "--parser", tmp_path / "study" / "judge" / "bundle", "--out", tmp_path / "other", status=2)
    assert "holds no parser" in wrong
    wrong = refusal(*STUDY, "--image-size", 64, "--parser", tmp_path / "study/parser/bundle", "--out", tmp_path / "other", status=2)
    assert "32 px" in wrong and not (tmp_path / "other").exists()


def test_a_study_that_cannot_begin_leaves_nothing_behind(tmp_path):
    wrong = refusal("compare", "--split", "train", "--out", tmp_path / "other", status=2)
    assert "split must be validation or test, found train" in wrong
    wrong = refusal("compare", "--variants", "plain,both", "--out", tmp_path / "other", status=2)
    assert "variants: 'both' is unknown; known: plain, sc0, sc" in wrong
    wrong = refusal("compare", "--data", "celeba", "--root", tmp_path, "--attributes", "Bangs", "--out", tmp_path / "other", status=2)
    assert "parser is missing: these photos (CelebA) have no masks to train one on" in wrong
    celeba = ("--data", "celeba", "--root", tmp_path / "none", "--attributes", "Bangs", "--parser", BUNDLE)
    assert "none' is missing" in refusal("compare", *celeba, "--out", tmp_path / "other", status=1)
    assert "cannot be chosen" in refusal("compare", "--attributes", "Bangz", "--out", tmp_path / "other", status=2)
    assert not (tmp_path / "other").exists(), "it would refuse the corrected command"


def test_a_judge_of_another_side_and_photos_of_all_splits(tmp_path):
    judge = ("train-classifier", "--data", "synthetic", "--image-size", 32, "--count", 8, "--batch", 4, "--steps", 1, "--threads", 1)
    run(*judge, "--option", "task.classifier.dim=4", "--out", tmp_path / "judge")
    line = refusal("evaluate", BUNDLE, *FEW, "--classifier", tmp_path / "judge/bundle", status=2)
    assert f"classifier: bundle {tmp_path / 'judge/bundle'} was trained at 32 px, the model at 64 px" in line
    line = refusal("evaluate", BUNDLE, *FEW, "--option", "protocol.crop=box:0,0,1000,1000", status=2)
    assert "protocol.crop: drawn faces are squares, and taken whole: leave it out, found 'box:0,0,1000,1000'" in line
    run("pack", "--data", "synthetic", "--image-size", 64, "--count", 12, "--out", tmp_path / "faces.safetensors")
    packed = ("--data", "packed", "--root", tmp_path / "faces.safetensors", *FEW[2:])
    text = run("evaluate", BUNDLE, *packed).stdout
    assert "12 photos of drawn faces, 64 px, split test, crop" in text
    photos = pathlib.Path(BUNDLE).parents[1] / "examples" / "photos"
    names = json.loads((pathlib.Path(BUNDLE) / "config.json").read_text())["info"]["attributes"]
    rows = "".join(f"{name}.png{',0' * len(names)}\n" for name in ("anna", "ben", "carla"))
    (tmp_path / "list.csv").write_text(f"image,{','.join(names)}\n{rows}")
    whole = ("--data", "folder", "--root", photos, "--labels", tmp_path / "list.csv", "--whole-folder", *FEW[4:])
    told = run("evaluate", BUNDLE, *whole).stdout
    assert "3 photos of a folder of photos, 64 px; the bundle was trained on drawn faces, all of it, crop" in told

"""Arguments that do not fit end in one line: the argument, the rule and what was found."""

import pathlib

import numpy as np
import pytest
import torch

import secgan
from secgan import metrics

ROOT = pathlib.Path(__file__).parents[2]
PHOTO = torch.zeros(3, 64, 64, dtype=torch.uint8)
SYNTHETIC = {"kind": "synthetic", "count": 4}


@pytest.fixture(scope="module")
def editor():
    return secgan.Editor.from_pretrained(ROOT / "models" / "drawn-faces")


def faces():
    return secgan.synthetic_faces(2)


def parser(**options):
    return secgan.FaceParser(torch.nn.Conv2d(3, 12, 1), **{"labels": "secgan-12", **options})


def branch(**options):
    return secgan.SemanticBranch(parser(), **{"attributes": 2, "image_size": 32, **options})


def generator(**options):
    small = dict(attributes=2, image_size=32, enc_dim=4, dec_dim=4, enc_layers=3, dec_layers=3)
    return secgan.create_generator("attgan", **{**small, **options})


def recognize(wanted):
    metrics.AttributeRecognition(1).update(torch.ones(1, 1), wanted)


NAMES = "names or a mapping of names, as ['Male'] or {'Male': True}"
MISFITS = {
    "edits as a name": (lambda e: e.edit(PHOTO, "Bangs"), TypeError, "edits must be a mapping, as {'Bangs': 1}, found 'Bangs'"),
    "no edits": (lambda e: e.edit(PHOTO, None), TypeError, "edits must be a mapping, as {'Bangs': 1}, found None"),
    "edits as a number": (lambda e: e.edit(PHOTO, 5), TypeError, "edits must be a mapping, as {'Bangs': 1}, found 5"),
    "edits of many": (lambda e: e.edit_all([PHOTO], "Bangs"), TypeError, "edits must be a mapping, as {'Bangs': 1}, found 'Bangs'"),
    "an edit by number": (
        lambda e: e.edit(PHOTO, {5: 1}),
        ValueError,
        "edits must be a mapping, as {'Bangs': 1}: its keys are names, found 5",
    ),
    "photos that are none": (lambda e: e.edit_all(5, {}), TypeError, "images must be a list of photos, as [photo], found 5"),
    "source as a number": (lambda e: e.edit(PHOTO, Male=1, source=5), TypeError, f"source must be {NAMES}, found 5"),
    "source as a name": (lambda e: e.edit(PHOTO, Male=1, source="Male"), ValueError, f"source must be {NAMES}, found 'Male'"),
    "source of numbers": (lambda e: e.edit(PHOTO, Male=1, source=[5]), ValueError, f"source must be {NAMES}, found 5 among them"),
    "source by number": (
        lambda e: e.edit(PHOTO, Male=1, source={5: True}),
        ValueError,
        f"source must be {NAMES}: its keys are names, found 5",
    ),
    "crop": (lambda e: e.edit(PHOTO, Male=1, crop=5), TypeError, "crop must be text or None, found 5"),
    "crop of a prediction": (lambda e: e.predict(PHOTO, crop=5), TypeError, "crop must be text or None, found 5"),
    "crop of a parse": (lambda e: e.parse(PHOTO, crop=5), TypeError, "crop must be text or None, found 5"),
    "upscaling": (lambda e: e.edit(PHOTO, Male=1, upscaling=None), TypeError, "upscaling must be text, found None"),
    "region": (lambda e: e.edit(PHOTO, Male=1, region=None), TypeError, "region must be text, found None"),
    "detector": (lambda _: secgan.find_faces(PHOTO, detector=5), TypeError, "detector must be a function, a file or None, found 5"),
    "engine": (lambda _: secgan.Editor.from_pretrained("m", engine=None), TypeError, "engine must be text, found None"),
    "precision": (
        lambda _: secgan.Editor.from_pretrained("m", precision=torch.bfloat16),
        TypeError,
        "precision must be text, found torch.bfloat16",
    ),
    "a bundle's folder": (lambda _: secgan.Editor.from_pretrained(None), TypeError, "folder must be a path, found None"),
    "a generator's name": (lambda _: secgan.create_generator(None, attributes=2), TypeError, "name must be text, found None"),
    "a generator's name in bytes": (
        lambda _: secgan.create_generator(b"attgan", attributes=2),
        TypeError,
        "name must be text, found bytes",
    ),
    "a discriminator's name": (lambda _: secgan.create_discriminator(None, attributes=2), TypeError, "name must be text, found None"),
    "a parser's name": (lambda _: secgan.create_parser(None), TypeError, "name must be text, found None"),
    "half an attribute": (lambda _: generator(attributes=2.5), TypeError, "attributes must be a count or a list of names, found 2.5"),
    "a side": (lambda _: generator(image_size=64.5), TypeError, "image_size must be an integer, found 64.5"),
    "no image": (lambda _: generator()(None, None), TypeError, "image must be a tensor, found None"),
    "features": (
        lambda _: generator().decode([None], torch.zeros(1, 2)),
        TypeError,
        "features must be a list of tensors, found list",
    ),
    "half a face": (lambda _: secgan.synthetic_faces(1.5), TypeError, "count must be an integer, found 1.5"),
    "a seed": (lambda _: secgan.synthetic_faces(2, seed=-1), ValueError, "seed must not be negative, found -1"),
    "many faces": (
        lambda _: secgan.synthetic_faces(2**64),
        ValueError,
        "count must be an integer of at most 64 bits, found 18446744073709551616",
    ),
    "a face by name": (lambda _: faces()["a"], TypeError, "index must be an integer, found 'a'"),
    "the size of a recipe": (lambda _: secgan.default_settings("foo"), TypeError, "small must be True or False, found 'foo'"),
    "the size of a teacher": (lambda _: secgan.default_classifier_settings("yes"), TypeError, "small must be True or False, found 'yes'"),
    "a bootstrap's seed": (lambda _: metrics.Bootstrap(4, seed=-1), ValueError, "seed must not be negative, found -1"),
    "a bootstrap's level": (lambda _: metrics.Bootstrap(4, level="x"), TypeError, "level must be a number, found 'x'"),
    "data to evaluate": (
        lambda e: secgan.evaluate("m", "synthetic"),
        TypeError,
        "data must be faces or a mapping, as {'kind': 'synthetic'}, found 'synthetic'",
    ),
    "an extractor": (
        lambda _: secgan.evaluate("m", SYNTHETIC, extractor="x"),
        TypeError,
        "extractor must be a function of photos or a mapping, as {'file': ...}, found 'x'",
    ),
    "a report's place": (lambda _: secgan.evaluate("m", SYNTHETIC, out=""), ValueError, "out must be a path, found ''"),
    "a data set": (lambda _: secgan.open_dataset("x"), TypeError, "settings must be a mapping, as {'kind': 'synthetic'}, found 'x'"),
    "a split": (lambda _: secgan.open_dataset(SYNTHETIC, None), TypeError, "split must be text, found None"),
    "settings": (
        lambda _: secgan.train("x", "run"),
        TypeError,
        "settings must be a mapping, as {'trainer': {'steps': 1000}}, found 'x'",
    ),
    "a training's parser": (
        lambda _: secgan.train({}, "run", parser=5),
        TypeError,
        "parser must be a secgan.FaceParser or None, found 5",
    ),
    "provenance": (
        lambda _: secgan.write_image("x.png", PHOTO, provenance="x"),
        TypeError,
        "provenance must be a mapping, as EditedPhoto.provenance, or None, found 'x'",
    ),
    "a name that is not UTF-8": (
        lambda _: secgan.inspect_image("\udcff.png"),
        ValueError,
        r"file must be a name in UTF-8, found '\udcff.png'",
    ),
    "a photo's name that is not UTF-8": (
        lambda _: secgan.read_image("\udcff.png"),
        ValueError,
        r"image must be a name in UTF-8, found '\udcff.png'",
    ),
    "a file's content": (lambda _: secgan.inspect_image(b"\x89PNG"), TypeError, "file must be a path, found bytes"),
    "no editor": (
        lambda _: secgan.export(None, "onnx", "x.onnx"),
        TypeError,
        "editor must be a secgan.Editor, as Editor.from_pretrained gives it, found None",
    ),
    "an editor's folder": (
        lambda _: secgan.export("model", "onnx", "x.onnx"),
        TypeError,
        "editor must be a secgan.Editor, as Editor.from_pretrained gives it, found 'model'",
    ),
    "formats": (lambda e: secgan.export(e, ["onnx"], "x.onnx"), TypeError, "format must be text, found list"),
    "a parser without a name": (lambda _: secgan.FaceParser(""), ValueError, "network must be a network or a file, found ''"),
    "a parser that is a number": (lambda _: secgan.FaceParser(5), TypeError, "network must be a network or a file, found 5"),
    "a normalization": (lambda _: parser(normalization=None), TypeError, "normalization must be text, found None"),
    "classes as text": (
        lambda _: parser(labels=["012"]),
        ValueError,
        "labels must be the name of a label set or a list of groups of class ids, found '012'",
    ),
    "options of a branch": (lambda _: branch(generator="x"), TypeError, "generator must be a mapping of options or None, found 'x'"),
    "a branch's seed": (lambda _: branch(seed=-1), ValueError, "seed must not be negative, found -1"),
    "an attribute that is not there": (
        lambda _: faces().flip(torch.zeros(1, 9), -1),
        ValueError,
        "attribute must lie in [0, 8], found -1",
    ),
    "labels of -1": (lambda _: faces().flip(-torch.ones(1, 9), 0), ValueError, "labels must be 0 or 1, found -1"),
    "labels between": (lambda _: faces().flip(0.25 * torch.ones(1, 9), 0), ValueError, "labels must be 0 or 1, found 0.25"),
    "labels without a tensor": (lambda _: faces().flip([[0]], 0), TypeError, "labels must be a tensor, found list"),
    "wanted of 5": (lambda _: recognize(torch.tensor([[5.0]])), ValueError, "wanted must be 0 or 1, or NaN, found 5"),
    "wanted between": (lambda _: recognize(torch.tensor([[0.25]])), ValueError, "wanted must be 0 or 1, or NaN, found 0.25"),
    "one name to recognize": (
        lambda _: metrics.AttributeRecognition("Bald"),
        ValueError,
        "attributes must be a count or a list of names, found 'Bald'",
    ),
    "photos to measure": (lambda _: metrics.PeakSignalToNoise().update([1], [2]), TypeError, "images must be a tensor, found list"),
    "one name to read": (
        lambda _: secgan.read_attribute_list("list.csv", "Bald"),
        ValueError,
        "attributes must be a list of names or None, found 'Bald'",
    ),
    "one name to import": (
        lambda _: secgan.import_weights("stgan-pytorch", "x.pth", "bundle", attributes="Bald"),
        ValueError,
        "attributes must be a list of names, found 'Bald'",
    ),
    "one report": (lambda _: secgan.compare_reports("report.json"), ValueError, "files must be a list of paths, found 'report.json'"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_misfits_are_told_in_one_line(case, editor):
    wrong, kind, message = MISFITS[case]
    with pytest.raises(kind) as error:
        wrong(editor)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, True), (False, False), (1, True), (0, False), (1.0, True), (0.0, False)]
    + [(np.bool_(shown), shown) for shown in (True, False)]
    + [(kind(shown), shown) for shown in (1, 0) for kind in (np.int64, np.float32, torch.tensor)]
    + [(torch.tensor(shown), shown) for shown in (True, False)],
    ids=repr,
)
def test_labels_are_true_or_false(value, shown, editor):
    assert editor.edit(PHOTO, Male=1, source={"Bangs": value}).source["Bangs"] is bool(shown)


@pytest.mark.parametrize(
    "value", [-1, 2, 0.5, float("nan"), "-1", "1", "no", "", b"1", None, [1], np.int64(-1), torch.tensor(-1)], ids=repr
)
def test_other_labels_are_refused(value, editor):
    with pytest.raises(ValueError, match="^source: 'Bangs' must be True, False, 1 or 0, found .+$"):
        editor.edit(PHOTO, Male=1, source={"Bangs": value})


def test_labels_that_say_nothing_are_not_counted():
    recognition = metrics.AttributeRecognition(["Bald", "Male"])
    recognition.update(torch.tensor([[1.0, -1.0]]), torch.tensor([[1.0, float("nan")]]))
    recognition.update(torch.tensor([[1.0, -1.0]]), torch.tensor([[True, True]]))
    assert recognition.compute()["Bald"] == 1 and recognition.compute()["Male"] == 0


def test_errors_of_ones_own_functions_stay():
    """What a detector does wrong is no misfit of the arguments that it was given with."""

    def careless(photo):
        raise TypeError("mine")

    for detector, said in ((careless, "^mine$"), (lambda _: secgan._core.class_names(5), r"^class_names\(\): incompatible")):
        with pytest.raises(TypeError, match=said):
            secgan.find_faces(PHOTO, detector=detector)

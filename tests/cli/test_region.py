"""secgan edit --region exact: what an attribute has no business with stays."""

import pathlib

import numpy
from PIL import Image
from test_command import BUNDLE, refusal, run

ANNA = pathlib.Path(__file__).parents[2] / "examples" / "photos" / "anna.png"


def pixels(file):
    with Image.open(file) as opened:
        return numpy.asarray(opened.convert("RGB"), int)


def edited(folder, *arguments):
    run("edit", BUNDLE, ANNA, "--source", "", "--set", "Eyeglasses=1", *arguments, "--out", folder)
    return pixels(folder / "anna.png")


def test_glasses_change_the_eyes_and_nothing_else(tmp_path):
    before, free, exact = pixels(ANNA), edited(tmp_path / "free"), edited(tmp_path / "exact", "--region", "exact")
    everywhere, here = (free != before).any(2).mean(), (exact != before).any(2)
    assert everywhere > 0.9, "a free edit draws every pixel anew"
    assert 0.03 < here.mean() < 0.4
    rows = numpy.flatnonzero(here.any(1))
    assert here.shape[0] * 0.2 < rows.min() and rows.max() < here.shape[0] * 0.8, "neither the top of the hair nor the neck"
    assert numpy.abs(exact - before).max() > 40, "glasses are there"


def test_an_unknown_region_is_refused(tmp_path):
    assert "--region 'tight' is unknown; known: free, exact" in refusal(
        "edit", BUNDLE, ANNA, "--set", "Eyeglasses=1", "--region", "tight", "--out", tmp_path / "out", status=2
    )
    assert not (tmp_path / "out").exists()

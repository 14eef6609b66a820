"""Data sets of files: photos in a folder, lists in other people's forms. pandas and csv write what is read here."""

import csv

import numpy
import PIL.Image
import pytest
import torch

import secgan

NAMES = ["Bald", "5_o_Clock_Shadow"]
LABELS = {"a.jpg": [1, 0], "deep/b b.png": [0, 1], "c.jpeg": [1, 1]}


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for i, name in enumerate(LABELS):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(numpy.full((40, 50, 3), 60 * i, numpy.uint8)).save(file)
    return root


@pytest.fixture
def labels(tmp_path):
    file = tmp_path / "labels.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["filename", *NAMES], *([name, *row] for name, row in LABELS.items())])
    return file


def test_list_is_a_mapping_of_photos(labels):
    shown = secgan.read_attribute_list(labels)
    assert dict(shown) == {name: dict(zip(NAMES, map(bool, row), strict=True)) for name, row in LABELS.items()}
    assert shown.attributes == NAMES
    assert torch.equal(shown.labels, torch.tensor(list(LABELS.values()), dtype=torch.float32))
    assert shown["/somewhere/deep/b b.jpg"] == shown["deep/b b.png"]
    assert "d.jpg" not in shown and len(shown) == 3
    assert secgan.read_attribute_list(labels, ["Bald"])["c.jpeg"] == {"Bald": True}
    with pytest.raises(ValueError, match="'Beard' is unknown"):
        secgan.read_attribute_list(labels, ["Beard"])
    with pytest.raises(FileNotFoundError):
        secgan.read_attribute_list("none.csv")
    labels.write_text("9\nBald\na.jpg 1\n")
    with pytest.warns(UserWarning, match="announces 9 photos, it has rows for 1"):
        secgan.read_attribute_list(labels)


def test_folder_of_photos_is_a_data_set(photos, labels):
    settings = {"kind": "folder", "root": str(photos), "image_size": 32, "crop": "none"}
    bare = secgan.open_dataset(settings, attributes=False)
    assert [bare.name(i) for i in range(len(bare))] == ["a", "c", "b b"]
    assert bare[0].labels.numel() == 0 and bare.notes == []
    assert [round(float((face.image.mean() + 1) * 127.5)) for face in bare] == [0, 120, 60]
    with pytest.raises(ValueError, match="labels is missing"):
        secgan.open_dataset({**settings, "attributes": NAMES})
    settings |= {"labels": str(labels), "attributes": NAMES[::-1]}
    faces = secgan.open_dataset(settings)
    assert torch.stack([face.labels for face in faces]).tolist() == [[0, 1], [1, 1], [1, 0]]
    with pytest.raises(RuntimeError, match="the test split is empty"):
        secgan.open_dataset(settings, "test")
    assert len(secgan.open_dataset({**settings, "whole_folder": True}, "test")) == 3

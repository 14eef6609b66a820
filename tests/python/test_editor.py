import numpy
import pytest
import torch

import secgan


def test_edit_a_file_an_array_and_a_tensor_alike(bundle, tmp_path):
    editor = secgan.Editor.from_pretrained(bundle)
    photo = torch.randint(0, 256, (3, 80, 64), dtype=torch.uint8)
    secgan.write_image(tmp_path / "photo.png", photo)
    results = [
        editor.edit(image, Eyeglasses=+1.0).photo
        for image in (tmp_path / "photo.png", photo, numpy.ascontiguousarray(photo.permute(1, 2, 0).numpy()))
    ]
    assert results[0].shape == (3, 64, 64)
    assert torch.equal(results[0], results[1]) and torch.equal(results[1], results[2])


def test_source_and_difference_are_told(bundle):
    editor = secgan.Editor.from_pretrained(bundle)
    photo = torch.zeros(3, 64, 64, dtype=torch.uint8)
    edited = editor.edit(photo, source={"Black_Hair": True, "Bangs": True}, Bald=0.5)
    assert edited.source["Black_Hair"] and not edited.source["Male"]
    assert edited.difference["Bald"] == 0.5
    assert edited.difference["Black_Hair"] == -0.5 and edited.difference["Bangs"] == -0.5
    assert set(editor.predict(photo)) == set(editor.attributes)
    assert editor.parse(photo).shape == (64, 64)


def test_save_and_load(bundle, tmp_path):
    editor = secgan.Editor.from_pretrained(bundle)
    editor.save_pretrained(tmp_path / "copy")
    photo = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    assert torch.equal(secgan.Editor.from_pretrained(tmp_path / "copy").edit(photo, Male=1).photo, editor.edit(photo, Male=1).photo)


def test_wrong_input_is_named(bundle, tmp_path):
    editor = secgan.Editor.from_pretrained(bundle)
    photo = torch.zeros(3, 64, 64, dtype=torch.uint8)
    with pytest.raises(ValueError, match="attribute 'Beard' is unknown; known: Bald"):
        editor.edit(photo, Beard=1)
    with pytest.raises(ValueError, match="source: attribute 'Beard' is unknown"):
        editor.edit(photo, source={"Beard": True}, Male=1)
    with pytest.raises(ValueError, match="exclude each other"):
        editor.edit(photo, Bald=1, Bangs=1)
    with pytest.raises(ValueError, match="found float64"):
        editor.edit(numpy.zeros((4, 4, 3)), Male=1)
    with pytest.raises(FileNotFoundError, match="nowhere.png"):
        editor.edit(tmp_path / "nowhere.png", Male=1)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(RuntimeError, match="is text; photos are read from JPEG, PNG"):
        editor.edit(tmp_path / "text.jpg", Male=1)
    with pytest.raises(FileNotFoundError):
        secgan.Editor.from_pretrained(tmp_path)

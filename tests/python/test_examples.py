"""The examples for other people's programs, without those programs: what they show is what the editor gives."""

import importlib.util
import pathlib

import pytest
import torch

import secgan

ROOT = pathlib.Path(__file__).parents[2]


def example(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / "python" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def photo():
    return secgan.read_image(ROOT / "examples" / "photos" / "anna.png")


def test_the_node_for_comfyui_edits_images_as_comfyui_has_them(bundle, photo):
    node = example("comfyui_node")
    ((name, node_class),) = node.NODE_CLASS_MAPPINGS.items()
    assert name in node.NODE_DISPLAY_NAME_MAPPINGS
    kinds = node_class.INPUT_TYPES()["required"]
    images = torch.stack([photo, photo.flip(2)]).permute(0, 2, 3, 1).float() / 255
    (edited,) = getattr(node_class(), node_class.FUNCTION)(images, bundle, "Eyeglasses=+1, Bangs=-0.5\n", kinds["faces"][0][0], "exact")
    assert edited.shape == images.shape and edited.dtype == torch.float32
    editor = secgan.Editor.from_pretrained(bundle)
    for one, before in zip(edited, (photo, photo.flip(2)), strict=True):
        expected = editor.edit(before, Eyeglasses=1, Bangs=-0.5, region="exact").whole
        assert torch.equal((one * 255).round().to(torch.uint8).permute(2, 0, 1), expected)
    for text, message in (("Eyeglasses", "'Eyeglasses' is not NAME=STRENGTH"), (" \n", "edits are empty"), ("Beard=1", "unknown")):
        with pytest.raises(ValueError, match=message):
            node_class().edit(images, bundle, text)


def test_the_page_shows_the_edit_and_its_notes(bundle, photo):
    editor = secgan.Editor.from_pretrained(bundle)
    picture, notes = example("edit_page").edited(editor, photo, {"Eyeglasses": 3.0, "Bald": 0.0}, exact=False)
    with pytest.warns(secgan.EditWarning):
        expected = editor.edit(photo, Eyeglasses=3)
    assert picture.tobytes() == expected.whole.permute(1, 2, 0).contiguous().numpy().tobytes()
    assert notes.startswith("The classifier sees: ") and "strength 3 of Eyeglasses is far" in notes

import copy
import fractions
import hashlib
import io
import pathlib
import pickle
import re
import warnings

import numpy
import pytest
import torch
from PIL import Image

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


def test_engines_agree_and_are_told(bundle):
    torch.manual_seed(1)
    photos = [torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8) for _ in range(10)]
    plain = secgan.Editor.from_pretrained(bundle, engine="libtorch")
    expected = [plain.edit(photo, Bangs=1).photo.int() for photo in photos[:2]]
    assert re.fullmatch(r"libtorch 2\.\S+", plain.engine)
    for engine in [name.split()[0] for name in secgan._core.available_engines()]:
        for precision, levels in (("float32", 1), ("bfloat16", 2)):
            editor = secgan.Editor.from_pretrained(bundle, engine=engine, precision=precision)
            edited = editor.edit(photos, Bangs=1)  # so many that compiling pays
            assert editor.engine.startswith(engine) and (engine != "libtorch" or editor.engine.endswith(" packed"))
            for one, wanted in zip(edited, expected, strict=False):
                assert (one.photo.int() - wanted).abs().max() <= levels
            revived = pickle.loads(pickle.dumps(editor))
            assert revived._native.options() == {"engine": engine, "precision": precision}
    with pytest.raises(ValueError, match="engine 'tensorrt' is unknown; known: auto, libtorch, openvino"):
        secgan.Editor.from_pretrained(bundle, engine="tensorrt")
    with pytest.raises(ValueError, match="precision 'half' is unknown"):
        secgan.Editor.from_pretrained(bundle, precision="half")


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


def blank(height=64, width=64):
    return torch.full((3, height, width), 128, dtype=torch.uint8)


def quiet(editor, *arguments, **keywords):
    """An edit whose warnings are not of interest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", secgan.EditWarning)
        return editor.edit(*arguments, **keywords)


@pytest.fixture(scope="module")
def face():
    image = secgan.synthetic_faces(1, seed=3)[0].image
    return ((image + 1) * 127.5).round().byte()


def test_edits_by_a_mapping_and_numbers_of_every_kind(bundle, face):
    editor = secgan.Editor.from_pretrained(bundle)
    expected = editor.edit(face, Bald=0.5, source=["Male"]).photo
    for strength in (numpy.float32(0.5), numpy.float64(0.5), torch.tensor(0.5), fractions.Fraction(1, 2)):
        assert torch.equal(editor.edit(face, {"Bald": strength}, source={"Male": True}).photo, expected)
    assert torch.equal(editor.edit(face, {"Bald": 1}, source=()).photo, editor.edit(face, Bald=numpy.int64(1), source={}).photo)
    for wrong in ("0.5", None, 1j, torch.zeros(2), [1]):
        with pytest.raises(ValueError, match="strength of 'Bald' must be a number"):
            editor.edit(face, {"Bald": wrong})
    with pytest.raises(ValueError, match="attribute 'Bald' is given twice"):
        editor.edit(face, {"Bald": 1}, Bald=1)
    with pytest.raises(ValueError, match="source must be names or a mapping of names.*found 'Male'"):
        editor.edit(face, Bald=1, source="Male")
    with pytest.raises(ValueError, match="source: attribute 'Male' is given twice"):
        editor.edit(face, Bald=1, source=["Male", "Male"])


def test_lists_give_lists(bundle, face):
    editor = secgan.Editor.from_pretrained(bundle)
    both = editor.edit([face, face.flip(2)], {"Male": 1}, source=[])
    assert len(both) == 2 and editor.edit([], Male=1) == []
    for one, photo in zip(both, (face, face.flip(2)), strict=True):
        assert (one.photo.int() - editor.edit(photo, Male=1, source=[]).photo.int()).abs().max() <= 1


def test_a_crop_of_one_data_sets_pixels_fits_own_photos(tmp_path):
    """AttGAN-PyTorch's test script brings a person's own square photo whole to the network: so does its bundle, of every size."""
    torch.manual_seed(1)
    network = secgan.create_generator("attgan", attributes=13, image_size=64, enc_dim=4, enc_layers=4, dec_dim=4, dec_layers=4)
    torch.save({"G": network.state_dict()}, tmp_path / "weights.49.pth")
    secgan.import_weights("attgan-pytorch", tmp_path / "weights.49.pth", tmp_path / "bundle", image_size=64)
    editor = secgan.Editor.from_pretrained(tmp_path / "bundle")
    assert editor.info["crop"] == "center:170" and editor.info["photo_size"] == "178x218"
    picture = numpy.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=numpy.uint8)
    edited = quiet(editor, picture, source=[], Male=0, upscaling="resize")
    assert edited.place == (0, 0, 300, 300)
    whole = Image.fromarray(picture).resize((64, 64), Image.BILINEAR)
    alone = quiet(editor, numpy.asarray(whole), source=[], Male=0)
    apart = torch.nn.functional.interpolate(alone.photo[None].float(), (300, 300), mode="bilinear") - edited.photo
    assert apart.abs().max() <= 6  # PIL's resize may be one level off, and the network passes that on
    assert quiet(editor, blank(640, 480), source=[], Male=1).place == (11, 91, 458, 458)
    assert quiet(editor, blank(218, 178), source=[], Male=1).place == (4, 24, 170, 170)
    assert quiet(editor, blank(218, 178), source=[], Male=1, crop="box:1,2,30,40").place == (1, 2, 30, 40)
    with pytest.raises(ValueError, match="170 x 170 pixels .* 128 x 128"):
        editor.edit(blank(128, 128), source=[], Male=1, crop="center:170")


def test_the_whole_photo_comes_back(bundle, face, tmp_path):
    editor = secgan.Editor.from_pretrained(bundle)
    wide = torch.cat([blank(64, 30), face], 2)
    edited = editor.edit(wide, Male=1, source=[], crop="box:30,0,64,64")
    assert edited.whole.shape == wide.shape and torch.equal(edited.whole[:, :, :30], wide[:, :, :30])
    assert torch.equal(edited.whole[:, :, 34:], edited.photo[:, :, 4:])
    edited.save(tmp_path / "whole.png", whole=True)
    assert torch.equal(secgan.read_image(tmp_path / "whole.png"), edited.whole)
    edited.save(tmp_path / "crop.png")
    assert torch.equal(secgan.read_image(tmp_path / "crop.png"), edited.photo)


def test_pictures_for_people(bundle, face):
    edited = secgan.Editor.from_pretrained(bundle).edit(face, Male=1, source=[])
    assert numpy.array_equal(numpy.asarray(edited.image), edited.photo.permute(1, 2, 0).numpy())
    shown = Image.open(io.BytesIO(edited._repr_png_()))
    assert shown.format == "PNG" and numpy.array_equal(numpy.asarray(shown), numpy.asarray(edited.image))
    assert repr(edited) == "EditedPhoto(64 x 64 at (0, 0) of 64 x 64, asked for Male +1)"
    assert re.fullmatch(
        r"Editor\(generator 'attgan' of 9 attributes, .*64 px, crop center.*Bald, Bangs, .*\)", repr(secgan.Editor.from_pretrained(bundle))
    )


def test_what_a_person_should_know_is_warned_of(bundle, face):
    editor = secgan.Editor.from_pretrained(bundle)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        editor.edit(face, Male=1, source=[])  # a face like those of the training, an edit that changes it
    for edits, source, said in (
        ({"Male": 50}, [], "strength 50 of Male"),
        ({"Male": 1}, ["Male"], "Male is in the photo already, as source says"),
        ({"Male": -1}, [], "Male is not in the photo anyway"),
    ):
        with pytest.warns(secgan.EditWarning, match=said) as caught:
            edited = editor.edit(face, edits, source=source)
        assert edited.notes == [str(one.message) for one in caught]
        assert caught[0].filename == __file__
    noise = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with pytest.warns(secgan.EditWarning, match="unlike those that the bundle was trained on .drawn faces."):
        editor.edit(noise, Male=1, source=[])


def test_an_editor_is_opened_by_from_pretrained(bundle):
    with pytest.raises(ValueError, match=re.escape(f"secgan.Editor.from_pretrained({bundle!r})")):
        secgan.Editor(bundle)


def test_editors_and_faces_go_to_other_processes(bundle, face):
    editor, faces = secgan.Editor.from_pretrained(bundle), secgan.synthetic_faces(3, image_size=32, seed=2)
    with torch.no_grad():
        next(editor.generator.parameters()).mul_(1.01)  # not what the folder holds
    expected = editor.edit(face, Male=1, source=[]).photo
    for twin in (copy.deepcopy(editor), pickle.loads(pickle.dumps(editor))):
        assert torch.equal(twin.edit(face, Male=1, source=[]).photo, expected)
    again = pickle.loads(pickle.dumps(faces))
    assert len(again) == 3 and torch.equal(again[2].image, faces[2].image) and repr(again) == repr(faces)
    loader = torch.utils.data.DataLoader(faces, batch_size=3, num_workers=1, multiprocessing_context="spawn")
    assert torch.equal(next(iter(loader)).image[1], faces[1].image)


def test_saved_edits_say_how_they_were_made(bundle, face, tmp_path):
    editor = secgan.Editor.from_pretrained(bundle)
    edited = editor.edit(face, Male=0.5, Bangs=-1, source=[])
    said = edited.provenance
    assert said["software"] == f"secgan {secgan.__version__}" and said["edits"] == ["Male=0.5", "Bangs=-1"]
    assert said["source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    weights = pathlib.Path(bundle, "model.safetensors").read_bytes()
    assert said["model"] == "drawn-faces" and said["model_hash"] == hashlib.sha256(weights).hexdigest()[:12]
    for name in ("a.png", "a.jpg"):
        edited.save(tmp_path / name, whole=True)
        facts = secgan.inspect_image(tmp_path / name)
        assert facts["provenance"] == said and (facts["width"], facts["height"]) == (face.shape[2], face.shape[1])
        edited.save(tmp_path / f"plain_{name}", whole=True, provenance=False)
        assert secgan.inspect_image(tmp_path / f"plain_{name}")["provenance"] is None
        assert torch.equal(secgan.read_image(tmp_path / name), secgan.read_image(tmp_path / f"plain_{name}"))
    assert Image.open(tmp_path / "a.png").text["Software"] == said["software"]
    secgan.write_image(tmp_path / "b.png", face)
    assert secgan.inspect_image(tmp_path / "b.png")["provenance"] is None
    with pytest.raises(ValueError, match="author"):
        secgan.write_image(tmp_path / "b.png", face, provenance={"author": "x"})
    # A pickle's folder is nobody's: the bundle keeps its name.
    assert pickle.loads(pickle.dumps(editor)).edit(face, Male=1, source=[]).provenance["model"] == "drawn-faces"
    assert pickle.loads(pickle.dumps(edited)).provenance == said


def test_networks_move_and_come_back(bundle, face):
    editor = secgan.Editor.from_pretrained(bundle)
    expected = editor.edit(face, Male=1).photo
    assert editor.to("cpu") is editor and torch.equal(editor.edit(face, Male=1).photo, expected)
    editor.generator.double()
    assert (editor.edit(face, Male=1).photo.int() - expected.int()).abs().max() <= 1


def test_a_device_that_is_not_there_is_named_with_those_that_are(bundle):
    parser = secgan.FaceParser(secgan.create_parser("unet", classes=12, dim=4, levels=2), labels="secgan-12")
    for opened in (
        lambda: secgan.Editor.from_pretrained(bundle, device="cuda:77"),
        lambda: secgan.Editor.from_pretrained(bundle).to("cuda:77"),
        lambda: secgan.SemanticBranch(parser, attributes=3, image_size=32, enc_dim=4, device="cuda:77"),
        lambda: secgan.evaluate(bundle, {"kind": "synthetic"}, device="cuda:77"),
    ):
        with pytest.raises(ValueError, match=r"device 'cuda:77' is not there: LibTorch .* offers auto, cpu"):
            opened()
    assert next(secgan.Editor.from_pretrained(bundle, device="cpu").generator.parameters()).device.type == "cpu"

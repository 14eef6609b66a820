"""editor.edit(photo, faces=…): faces are found, edited and put back. Detectors are functions here; facenet-pytorch's is the oracle."""

import importlib.util
import json
import pathlib
import shutil
import sys
import types
import warnings

import numpy as np
import pytest
import torch

import secgan

ROOT = pathlib.Path(__file__).parents[2]
DETECTOR = pathlib.Path(secgan.__file__).parent / "share" / "secgan" / "face-detector.safetensors"
POINTS = np.array([[69.2, 111.4], [107.9, 111.4], [88.0, 135.4], [71.4, 152.5], [105.7, 152.5]])


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    """The shipped networks, with a description as of CelebA's aligned photos."""
    folder = tmp_path_factory.mktemp("bundles") / "aligned"
    shutil.copytree(ROOT / "models" / "drawn-faces", folder)
    config = json.loads((folder / "config.json").read_text())
    config["info"].update(crop="center:170", photo_size="178x218", trained_on="CelebA")
    (folder / "config.json").write_text(json.dumps(config))
    return secgan.Editor.from_pretrained(folder)


def photo_of(width, height):
    x, y = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")
    return torch.stack([(x * 200 // width) + 20, (y * 200 // height) + 20, (x + y) % 200]).to(torch.uint8)


def edit(editor, photo, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", secgan.EditWarning)
        return editor.edit(photo, Eyeglasses=1, source=["Male"], upscaling="resize", **how)


def test_a_function_finds_the_faces(editor):
    seen = []

    def detector(photo):
        seen.append(photo)
        return [POINTS * 0.5 + (10, 20), (POINTS * 0.9 + (150, 10)).tolist()]

    photo = photo_of(330, 240)
    edited = edit(editor, photo, faces="largest", detector=detector)
    assert torch.equal(seen[0], photo)
    assert edited.photo.shape == photo.shape and torch.equal(edited.whole, edited.photo) and torch.equal(edited.crop, photo)
    assert len(edited.faces) == 1 and edited.faces_found == 2
    face = edited.faces[0]
    np.testing.assert_allclose(face.face.points, POINTS * 0.9 + (150, 10))
    assert face.photo.shape == face.crop.shape == (3, 153, 153)
    assert face.source["Male"] and face.difference["Eyeglasses"] == 1
    xs, ys = zip(*face.quad, strict=True)
    changed = (edited.photo != photo).any(0).nonzero()
    assert changed.numel() and changed[:, 1].min() >= min(xs) and changed[:, 0].max() <= max(ys)
    assert edit(editor, photo, faces=2, detector=detector).faces[0].photo.shape == (3, 85, 85)
    assert len(edit(editor, photo, faces="all", detector=detector).faces) == 2


def test_a_function_gives_points_in_any_form_and_keeps_its_hands_off(editor):
    photo = photo_of(330, 240)
    before = photo.clone()
    points = torch.tensor(POINTS * 0.9 + (150, 10))
    expected = edit(editor, photo, faces="all", detector=lambda _: [points.tolist()])
    for detector in (lambda _: [points], lambda given: (given.zero_(), [points.numpy()])[1]):
        assert torch.equal(edit(editor, photo, faces="all", detector=detector).photo, expected.photo)
        assert torch.equal(photo, before)
    with pytest.raises(ValueError, match="detector must give a list of faces, found None"):
        edit(editor, photo, faces="all", detector=lambda _: None)
    with pytest.raises(ValueError, match="detector finds faces, and faces is None"):
        edit(editor, photo, detector=lambda _: [points])


def test_what_faces_refuses(editor):
    photo = photo_of(330, 240)
    with pytest.raises(RuntimeError, match="no face was found in 330 x 240 pixels"):
        edit(editor, photo, faces="largest", detector=lambda _: [])
    with pytest.raises(RuntimeError, match="photo 2 of 2: no face was found in 200 x 240 pixels"):
        edit(editor, [photo, photo_of(200, 240)], faces="largest", detector=lambda given: [POINTS] if min(given.shape[1:]) > 200 else [])
    with pytest.raises(ValueError, match="detector must give points in pixels"):
        edit(editor, photo, faces="largest", detector=lambda _: [POINTS * np.nan])
    with pytest.raises(ValueError, match="is none of: largest, all, or a number"):
        edit(editor, photo, faces="every", detector=lambda _: [])
    with pytest.raises(ValueError, match="five points"):
        edit(editor, photo, faces="largest", detector=lambda _: [[1, 2, 3]])
    with pytest.raises(ValueError, match="choose one"):
        edit(editor, photo, faces="largest", crop="center", detector=lambda _: [POINTS])
    with pytest.raises(FileNotFoundError):
        edit(editor, photo, faces="largest", detector="no-such-file")

    def broken(_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        edit(editor, photo, faces="largest", detector=broken)
    drawn = secgan.Editor.from_pretrained(ROOT / "models" / "drawn-faces")
    with pytest.raises(ValueError, match="was trained on drawn faces"):
        edit(drawn, photo, faces="largest", detector=lambda _: [POINTS])


def test_aligned_photos_are_cropped(editor):
    photo = photo_of(178, 218)
    with pytest.warns(secgan.EditWarning, match="taken as aligned"):
        edited = editor.edit(photo, Male=1, source=[], faces="auto", detector=lambda _: pytest.fail("nobody should search"))
    assert edited.faces == () and edited.photo.shape == (3, 170, 170)
    assert edited.place == (4, 24, 170, 170)


def facenet_pytorch(monkeypatch):
    """The oracle, where it is installed; what it asks of torchvision is a few lines."""

    def batched_nms(boxes, scores, _, most):
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        kept = []
        for i in torch.sort(scores, descending=True, stable=True).indices.tolist():
            others = torch.tensor(kept, dtype=torch.long)
            low = torch.maximum(boxes[i, :2], boxes[others, :2])
            shared = (torch.minimum(boxes[i, 2:4], boxes[others, 2:4]) - low).clamp(min=0).prod(1)
            if not (shared / (area[i] + area[others] - shared) > most).any():
                kept.append(i)
        return torch.tensor(kept, dtype=torch.long)

    def module(name, **content):
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(__name__=name, **content))

    missing = {name for name in ("torchvision", "requests", "tqdm") if importlib.util.find_spec(name) is None}
    if "torchvision" in missing:
        module("torchvision")
        module("torchvision.transforms", functional=types.SimpleNamespace(to_tensor=None))
        module("torchvision.ops")
        module("torchvision.ops.boxes", batched_nms=batched_nms)
    if "requests" in missing:
        module("requests")
        module("requests.adapters", HTTPAdapter=object)
    if "tqdm" in missing:
        module("tqdm", tqdm=None)
    return pytest.importorskip("facenet_pytorch", reason="facenet-pytorch is not installed (pip install --no-deps facenet-pytorch)")


def test_the_detector_is_facenet_pytorchs(editor, monkeypatch):
    from PIL import Image

    if not DETECTOR.exists():
        pytest.skip("no face detector is installed: make build fetches it")
    oracle = facenet_pytorch(monkeypatch).MTCNN(keep_all=True)
    faces = [("anna", 128, 40, 30), ("ben", 200, 200, 20), ("carla", 96, 60, 190), ("ben", 64, 440, 230)]
    wall = Image.new("RGB", (540, 330), (120, 150, 120))
    for name, side, x, y in faces:
        wall.paste(Image.open(ROOT / "examples" / "photos" / f"{name}.png").convert("RGB").resize((side, side), Image.BICUBIC), (x, y))
    boxes, scores, points = (np.asarray(part, float) for part in oracle.detect(wall, landmarks=True))
    sure = scores >= 0.9
    found = secgan.find_faces(wall, refine=False)
    assert len(found) == sure.sum() >= 3
    np.testing.assert_allclose([face.box for face in found], boxes[sure], atol=1e-3)  # the largest first, both
    np.testing.assert_allclose([face.points for face in found], points[sure], atol=1e-3)
    np.testing.assert_allclose([face.score for face in found], scores[sure], atol=1e-5)
    assert edit(editor, wall, faces="largest").faces[0].face == secgan.find_faces(wall)[0]


def test_points_of_leaning_faces_are_looked_at_again():
    """The second look puts a leaning face's points nearer to where the same face's are when it stands upright."""
    from PIL import Image

    if not DETECTOR.exists():
        pytest.skip("no face detector is installed: make build fetches it")
    apart = {False: [], True: []}
    drawn = Image.open(ROOT / "examples" / "photos" / "ben.png").convert("RGB")  # the portrait that MTCNN finds at every size and angle
    for side in (96, 128, 160):
        portrait = drawn.resize((side, side), Image.Resampling.BICUBIC)
        for degrees in (-28, -20, 20, 28):
            turn = np.exp(1j * np.radians(degrees))
            wall = Image.new("RGB", (300, 300), (120, 150, 120))
            wall.paste(portrait, (150 - side // 2, 150 - side // 2))
            leaning = wall.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=(120, 150, 120))
            for refine, distances in apart.items():
                upright, found = (np.array(secgan.find_faces(one, refine=refine)[0].points) @ (1, 1j) for one in (wall, leaning))
                expected = (upright - (149.5 + 149.5j)) * turn + (149.5 + 149.5j)
                distances.extend(np.abs(found - expected) / np.abs(upright[1] - upright[0]))
    assert np.mean(apart[True]) < 0.6 * np.mean(apart[False])
    assert np.mean(apart[True]) < 0.05

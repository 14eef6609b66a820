"""secgan.evaluate against the same figures from parts."""

import hashlib
import json

import numpy
import pytest
import torch

import secgan

COUNT = 4
PROTOCOL = dict(min_samples=2, resamples=20, distribution_resamples=2, kernel_subsets=4, kernel_subset_size=3, score_splits=2)


@pytest.fixture(scope="module")
def faces():
    return secgan.synthetic_faces(count=COUNT, image_size=64, seed=9)


def quantized(photo):
    return ((photo.clamp(-1, 1) + 1) * 127.5).round().byte()


@pytest.fixture(scope="module")
def pictures(faces):
    """Photos and all their single edits, 8 bits each, made by the generator alone."""
    from pathlib import Path

    generator = secgan.Editor.from_pretrained(Path(__file__).parents[2] / "models" / "drawn-faces").generator
    images, labels = torch.stack([f.image for f in faces]), torch.stack([f.labels for f in faces])
    with torch.no_grad():
        edits = [quantized(generator(images, faces.flip(labels, a) - labels)) for a in range(len(faces.attributes))]
    return quantized(images), torch.cat(edits)


def test_distribution_figures_are_those_of_the_metric_objects(bundle, faces, pictures, tmp_path):
    torch.manual_seed(3)
    inception = secgan.InceptionV3()
    for weight in inception.parameters():
        if weight.dim() == 4:  # features of a size that a difference shows in
            torch.nn.init.kaiming_normal_(weight)
    file = tmp_path / "inception.pth"
    torch.save(inception.state_dict(), file)
    report = secgan.evaluate(bundle, faces, protocol=PROTOCOL, inception=file)
    photos, edits = pictures
    real, fake = (inception(p).double().numpy() for p in (photos, edits))
    assert report["figures"]["kid"]["count"] == COUNT
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert report["pinned"]["extractors"] == [f"inception-v3-fid, 299 x 299, bilinear without antialias, [-1, 1], {digest}"]

    # Of few samples in many dimensions the root's trace is a sum of few singular values.
    a, b = ((x - x.mean(0)) / numpy.sqrt(len(x) - 1) for x in (real, fake))
    root = numpy.linalg.svd(a @ b.T, compute_uv=False).sum()
    slow = ((real.mean(0) - fake.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * root
    assert report["figures"]["fid"]["value"] == pytest.approx(slow, rel=1e-4)
    # Splits take the edits photo by photo.
    score = secgan.metrics.InceptionScore(splits=2)
    score.update(inception.logits(edits, bias=False).unflatten(0, (-1, COUNT)).transpose(0, 1).flatten(0, 1))
    assert report["figures"]["is"]["value"] == pytest.approx(float(score.compute()[0]), rel=1e-4)


def test_custom_extractors(bundle, faces, pictures):
    def color(photos):
        assert photos.dtype == torch.uint8
        return photos.float().mean((2, 3))

    report = secgan.evaluate(bundle, faces, protocol=PROTOCOL, extractor=color, identity=color)
    figures = report["figures"]
    photos, edits = (p.double().mean((2, 3)) for p in pictures)
    expected = secgan.metrics.frechet_distance(photos.mean(0), photos.T.cov(), edits.mean(0), edits.T.cov())
    assert figures["frechet_color"]["value"] == pytest.approx(float(expected), rel=1e-4)
    cosine = torch.nn.functional.cosine_similarity(photos.repeat(len(edits) // COUNT, 1), edits).mean()
    assert figures["identity_cosine"]["value"] == pytest.approx(cosine.item(), rel=1e-5)
    assert any("color" in line and "without fingerprint" in line for line in report["pinned"]["extractors"])


def test_settings_reports_and_refusals(bundle, faces, tmp_path):
    report = secgan.evaluate(bundle, {"kind": "synthetic"}, protocol={"photos": 3, "resamples": 10}, out=tmp_path / "a")
    assert report == json.loads((tmp_path / "a" / "report.json").read_text()) and report["photos"] == 3
    secgan.evaluate(bundle, {"kind": "synthetic"}, protocol={"photos": 3, "resamples": 10, "strength": 2}, out=tmp_path / "b")
    files = [tmp_path / name / "report.json" for name in "ab"]
    with pytest.raises(ValueError, match="strength is 1.0 and 2.0"):
        secgan.compare_reports(files)
    assert "not comparable" in secgan.compare_reports(files, different_protocols=True)
    with pytest.raises(ValueError, match="needs at least 2048 photos and edits .min_samples., found 4 and 36"):
        secgan.evaluate(bundle, faces, extractor=lambda photos: photos.float().mean((2, 3)))
    with pytest.raises(ValueError, match="unknown key 'strenght'"):
        secgan.evaluate(bundle, faces, protocol={"strenght": 1})
    for settings, rule in (
        ({"batch": 0}, "batch 0 is not positive"),
        ({"threads": -1}, "threads -1 is not in"),
        ({"protocol": {"level": 1.0}}, "protocol.level 1 is not in "),
    ):
        with pytest.raises(ValueError, match=rule):
            secgan.evaluate(bundle, faces, **settings)
    with pytest.raises(ValueError, match="side 32 is not the bundle's 64"):
        secgan.evaluate(bundle, secgan.synthetic_faces(count=3, image_size=32))
    with pytest.raises(FileNotFoundError):
        secgan.evaluate(tmp_path / "nowhere", faces)
    with pytest.raises(RuntimeError, match="must output .N, D. or .N, D, h, w. features"):
        secgan.evaluate(bundle, faces, protocol=PROTOCOL, extractor=lambda photos: photos.float().mean())

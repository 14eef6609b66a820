"""Wrong input ends in an error that names the argument and what was found; the interpreter and the networks go on."""

import pytest
import torch

import secgan

GENERATOR = dict(attributes=2, image_size=32, enc_dim=4, dec_dim=4, enc_layers=3, dec_layers=3)
X, A = torch.zeros(2, 3, 32, 32), torch.zeros(2, 2)
PHOTO = torch.zeros(3, 64, 64, dtype=torch.uint8)


def g():
    return secgan.create_generator("attgan", **GENERATOR).eval()


def d():
    return secgan.create_discriminator("attgan", attributes=2, image_size=32, dim=4, n_layers=3, fc_dim=8).eval()


def p():
    return secgan.create_parser("unet", classes=5, dim=4, levels=2).eval()


def c():
    return secgan.create_classifier(attributes=2, image_size=32, dim=4).eval()


def parser(classes=12):
    return secgan.FaceParser(torch.nn.Conv2d(3, classes, 1), labels="secgan-12", normalization="none")


def consistency(a, b):
    return secgan.functional.semantic_consistency(a, b)


LOGS = torch.zeros(1, 3, 2, 2).log_softmax(1)
CASES = {
    "shape of a generator's image": (
        lambda _: g()(X[:, :2], A),
        r"image must be \[N, image_channels, .*dimension 1 = 3.*found \[2, 2, 32, 32\]",
    ),
    "type of a generator's image": (lambda _: g()(X.byte(), A), "image must be floating point, found uint8"),
    "another floating type": (lambda _: g()(X.double(), A), "image must be of the type of the network's weights, float32, found float64"),
    "device of a generator's image": (
        lambda _: g()(X.to("meta"), A),
        "image must be on the device of the network's weights, cpu, found meta",
    ),
    "device of attributes": (lambda _: g()(X, A.to("meta")), "attributes must be on the device of the image, cpu, found meta"),
    "number of attributes": (lambda _: g()(X, A[:, :1]), r"attributes must be \[N, A\] with dimension 1 = 2, found \[2, 1\]"),
    "number of photos": (lambda _: g()(X, A[:1]), "attributes must be of as many photos as the image, found 1 and 2"),
    "features of another network": (lambda _: g().decode([X], A), "features must be the 3 maps that encode gave, found 1"),
    "shape of a discriminator's image": (lambda _: d()(X[..., :16]), r"found \[2, 3, 32, 16\]"),
    "type of a discriminator's image": (lambda _: d()(X.double()), "weights, float32, found float64"),
    "side of a parser's photo": (lambda _: p()(X[..., :17]), "photo side 17 is not a multiple of 2"),
    "type of a parser's photo": (lambda _: p()(X.int()), "photo must be floating point, found int32"),
    "side of a classifier's photo": (lambda _: c()(X[..., :16]), r"photo must be \[N, 3, image_size, image_size\].*found \[2, 3, 32, 16\]"),
    "type of a classifier's photo": (lambda _: c()(X.double()), "weights, float32, found float64"),
    "option of a classifier": (
        lambda _: secgan.create_classifier(attributes=2, width=3),
        "unknown key 'width'; known: dim, max_dim, members",
    ),
    "members of a classifier": (lambda _: secgan.create_classifier(attributes=2, members=0), r"members 0 is not in \[1, 64\]"),
    "classes of a parser": (lambda _: parser(7)(X), r"must output \[2, 12, h, w\].*found \[2, 7, 32, 32\]"),
    "dimensions of a parser's photo": (lambda _: parser()(X[0]), r"photo must be \[N, 3, H, W\].*found \[3, 32, 32\]"),
    "masks that do not sum to one": (lambda _: secgan.functional.soft_cross_entropy(LOGS, torch.ones(1, 3, 2, 2)), "sum to 1 .*off by 2.0"),
    "negative probabilities": (
        lambda _: secgan.functional.soft_cross_entropy(LOGS[:, :2], torch.tensor([-1.0, 2.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2)),
        "found -1.0",
    ),
    "log-probabilities that are none": (lambda _: consistency(LOGS, torch.ones(1, 3, 2, 2)), "mask_log_probs must hold log-probabilities"),
    "integers in a loss": (lambda _: consistency(LOGS.long(), LOGS.long()), "image_log_probs must be floating point, found int64"),
    "two devices in a loss": (
        lambda _: secgan.functional.soft_cross_entropy(LOGS, LOGS.exp().to("meta")),
        "target must be on the device of logits, cpu, found meta",
    ),
    "a backbone": (lambda _: secgan.create_generator("biggan", attributes=2), "backbone 'biggan' is unknown; known: attgan, stgan"),
    "an option": (lambda _: secgan.create_generator("attgan", attributes=2, enc_dims=3), "unknown key 'enc_dims'; known: enc_dim"),
    "a side": (lambda _: secgan.create_generator("attgan", attributes=2, image_size=100), "image_size 100 is not a multiple of 32"),
    "no attributes": (lambda _: secgan.create_generator("attgan", attributes=0), "attributes 0 is not positive"),
    "a checkpoint of another configuration": (
        lambda _: g().load_state_dict(secgan.create_generator("attgan", **{**GENERATOR, "attributes": 3}).state_dict()),
        "size mismatch .*19, 16, 4, 4.*18, 16, 4, 4",
    ),
    "a float photo": (lambda e: e.edit(torch.zeros(3, 64, 64), Male=1), "photo must be uint8, found float32"),
    "an empty photo": (lambda e: e.edit(PHOTO[:, :0], Male=1), "photo must have pixels, found 64 x 0"),
    "a photo elsewhere": (lambda e: e.edit(PHOTO.to("meta"), Male=1), "photo must be on the device cpu, found meta"),
    "a gray photo": (lambda e: e.edit(PHOTO[0], Male=1), r"photo must be \[3, H, W\].*found \[64, 64\]"),
    "no photo": (lambda e: e.edit(None, Male=1), "image must be a file"),
    "an unknown attribute": (lambda e: e.edit(PHOTO, Beard=1), "attribute 'Beard' is unknown; known: Bald, Bangs"),
    "a strength in words": (lambda e: e.edit(PHOTO, Male="much"), "strength of 'Male' must be a number, found 'much'"),
    "an infinite strength": (lambda e: e.edit(PHOTO, Male=float("inf")), "strength of 'Male' must be finite, found inf"),
    "photos of mixed size": (lambda _: secgan.metrics.PeakSignalToNoise().update(X, X[..., :16]), "same shape"),
    "covariances of two sizes": (
        lambda _: secgan.metrics.frechet_distance(torch.zeros(2), torch.eye(3), torch.zeros(2), torch.eye(2)),
        r"covariance1 must be .*found \[3, 3\]",
    ),
    "float photos for an extractor": (lambda _: secgan.SwavResNet50()(X), "photos must be uint8"),
    "a sparse image of a generator": (lambda _: g()(X.to_sparse(), A), "image must be a dense tensor, found a sparse"),
    "a sparse photo to edit": (lambda editor: editor.edit(PHOTO.to_sparse(), Male=1), "must be a dense tensor"),
    "a photo without values": (lambda _: secgan.write_image("never.png", PHOTO.to("meta")), "found a tensor of the device meta"),
    "sparse log-probabilities": (lambda _: consistency(LOGS.to_sparse(), LOGS), "must be a dense tensor"),
    "a list of log-probabilities": (lambda _: consistency([1], LOGS), "image_log_probs must be a tensor, found list"),
    "complex moments": (
        lambda _: secgan.metrics.frechet_distance([1j], [[1.0]], [0.0], [[1.0]]),
        "mu1 must be an array of numbers, found list",
    ),
    "weights of another network": (lambda _: secgan.load_weights(d(), __file__), "test_wrong_input"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_is_named(case, bundle):
    wrong, message = CASES[case]
    with pytest.raises((ValueError, TypeError, RuntimeError), match="(?s)" + message):
        wrong(secgan.Editor.from_pretrained(bundle))
    assert g()(X, A).shape == X.shape

"""FID's and ssFID's networks against plain PyTorch, from files as they are found."""

import copy
import hashlib
import pickle

import public_networks as public
import pytest
import torch
from torch import nn

import secgan

f = nn.functional
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script.*:DeprecationWarning")


def with_statistics(network, seed):
    """Weights of no meaning under which every layer matters."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.dim() == 4:
                nn.init.kaiming_normal_(tensor)
            elif name.endswith(("running_mean", "bias")):
                tensor.uniform_(-0.1, 0.1)
            elif name.endswith(("running_var", "weight")) and tensor.dim() == 1:
                tensor.uniform_(0.9, 1.1)
    return network


@pytest.fixture(scope="module")
def inception():
    return with_statistics(secgan.InceptionV3(), 1)


@pytest.fixture(scope="module")
def swav():
    return with_statistics(secgan.SwavResNet50(), 2)


@pytest.fixture(scope="module")
def files(inception, swav, tmp_path_factory):
    """The same weights as each project would publish them."""
    folder = tmp_path_factory.mktemp("weights")
    state = inception.state_dict()
    children = [
        ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"],
        ["Conv2d_3b_1x1", "Conv2d_4a_3x3"],
        ["Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"],
        ["Mixed_7a", "Mixed_7b", "Mixed_7c"],
    ]
    places = {name: f"blocks.{block}.{i}" for block, names in enumerate(children) for i, name in enumerate(names)}
    wrapper = {places[k.partition(".")[0]] + "." + k.partition(".")[2]: v for k, v in state.items() if not k.startswith("fc.")}
    heads = {"module.projection_head.0.weight": torch.zeros(4, 2), "module.prototypes.weight": torch.zeros(3, 4)}
    torchvision = {**state, "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000), "AuxLogits.fc.bias": torch.zeros(1000)}
    contents = {
        "checkpoint": state,
        "wrapper": wrapper,
        "swav": {**{"module." + k: v for k, v in swav.state_dict().items()}, **heads},
        "torchvision": torchvision,
    }
    out = {}
    for name, content in contents.items():
        out[name] = folder / f"{name}.pth"
        torch.save(content, out[name], _use_new_zipfile_serialization=name != "checkpoint")  # the published one is of 2020
    return out


def photos(*shape, seed=3):
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def fid_input(x):
    return 2 * f.interpolate(x.float() / 255, (299, 299), mode="bilinear", align_corners=False) - 1


def test_inception_is_plain_pytorch_from_photos_to_logits(inception):
    x = photos(2, 3, 120, 90)
    maps = public.inception_v3(inception.state_dict(), fid_input(x))
    for dims, expected in zip((64, 192, 768, 2048), maps, strict=False):
        torch.testing.assert_close(inception.features(x, dims), expected.mean((2, 3)), atol=1e-4, rtol=1e-4)
    features = inception(x)
    assert features.shape == (2, 2048) and not features.requires_grad and features.min() >= 0
    weight, bias = inception.state_dict()["fc.weight"], inception.state_dict()["fc.bias"]
    torch.testing.assert_close(inception.logits(x), features @ weight.T + bias, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(inception.logits(x, bias=False), features @ weight.T, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("side", [(100, 70), (300, 500)], ids=["enlarged", "reduced"])
def test_swav_is_plain_pytorch_from_photos_to_features(swav, side):
    x = photos(2, 3, *side)
    short = min(side)
    size = tuple(int(224 * s / short) for s in side)
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    resized = f.interpolate(x, size, mode="bilinear", antialias=True)
    expected = public.resnet50(swav.state_dict(), (resized.float() / 255 - mean) / deviation)
    torch.testing.assert_close(swav(x), expected, atol=1e-4, rtol=1e-4)


def test_swav_resizes_as_pil_does(swav):
    image = pytest.importorskip("PIL.Image")
    numpy = pytest.importorskip("numpy")
    x = photos(1, 3, 300, 336)  # the shorter side is the one that shrinks to 224
    small = image.fromarray(x[0].permute(1, 2, 0).numpy()).resize((250, 224), image.Resampling.BILINEAR)
    by_pil = torch.from_numpy(numpy.asarray(small).copy()).permute(2, 0, 1)[None]
    # One value in three hundred is a level off, which moves features by some 5e-5 of their norm; plain bilinear by 0.3.
    assert (swav(x) - swav(by_pil)).norm() < 1e-3 * swav(x).norm()


@pytest.mark.parametrize("name", ["checkpoint", "wrapper"])
def test_inception_reads_both_layouts(inception, files, name):
    x = photos(1, 3, 80, 80)
    network = secgan.InceptionV3(files[name])
    assert torch.equal(network(x), inception(x))
    if name == "checkpoint":
        assert torch.equal(network.logits(x), inception.logits(x))
        assert torch.equal(network.logits(x, bias=False), inception.logits(x, bias=False))
        assert list(network.state_dict()) == list(inception.state_dict())
    else:
        assert len(network.state_dict()) == 564
        with pytest.raises(ValueError, match="no logits"):
            network.logits(x)


def test_the_extractor_of_an_earlier_block_or_another_filter(inception, files):
    x = photos(1, 3, 320, 310)
    network = secgan.InceptionV3(files["checkpoint"])
    assert torch.equal(network.features(x, 192), inception.features(x, 192))
    resized = f.interpolate(x, (299, 299), mode="bilinear", antialias=True)
    expected = public.inception_v3(inception.state_dict(), resized.float() / 127.5 - 1)[0].mean((2, 3))
    torch.testing.assert_close(network.features(x, 64, "bilinear-antialias"), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(network.features(resized, 64, "none"), expected, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="photos must be 299 x 299 where resize is none, found 310 x 320"):
        network.features(x, 64, "none")
    with pytest.raises(ValueError, match="resize 'lanczos' is unknown; known: bilinear, bilinear-antialias, none"):
        network.features(x, 64, "lanczos")


def test_swav_reads_the_published_file_with_its_heads(swav, files):
    x = photos(1, 3, 224, 224)
    network = secgan.SwavResNet50(files["swav"])
    assert torch.equal(network(x), swav(x)) and len(network.state_dict()) == 318


def test_another_networks_file_is_refused_in_one_line(inception, swav, files, tmp_path):
    before = copy.deepcopy(swav.state_dict())
    cases = [
        (lambda: secgan.InceptionV3(files["swav"]), "'Conv2d_1a_3x3.conv.weight' is missing .*'resnet-50' without a classifier"),
        (lambda: secgan.SwavResNet50(files["wrapper"]), "'conv1.weight' is missing .*'inception-v3' without a classifier"),
        (lambda: secgan.InceptionV3(files["torchvision"]), r"'fc.weight' has shape \[1000, 2048\].*'inception-v3' of 1000 classes"),
        (lambda: secgan.load_weights(swav, files["checkpoint"]), "'conv1.weight' is missing .*'inception-v3' of 1008 classes"),
        (lambda: secgan.load_weights(copy.deepcopy(inception), files["wrapper"]), "'fc.weight' is missing"),
    ]
    for load, message in cases:
        with pytest.raises(RuntimeError, match=message) as refusal:
            load()
        assert "\n" not in str(refusal.value)
    assert all(torch.equal(v, before[k]) for k, v in swav.state_dict().items())
    with pytest.raises(FileNotFoundError, match="nothing is downloaded: the weights are pt_inception"):
        secgan.InceptionV3(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(RuntimeError, match="text.pth: neither a torch.save file nor a safetensors file"):
        secgan.SwavResNet50(tmp_path / "text.pth")


def test_safetensors_and_load_weights(inception, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file({k: v.contiguous() for k, v in inception.state_dict().items()}, tmp_path / "inception.safetensors")
    network = secgan.InceptionV3()
    secgan.load_weights(network, tmp_path / "inception.safetensors")
    assert torch.equal(network(photos(1, 3, 75, 75)), inception(photos(1, 3, 75, 75)))


def test_extractors_are_modules_that_stay_in_evaluation(swav):
    x = photos(2, 3, 64, 64)
    expected = swav(x)
    whole = nn.Sequential(swav).train()
    assert not swav.training and torch.equal(whole(x), expected) and torch.equal(swav(x), expected)
    assert not any(p.requires_grad for p in swav.parameters())
    for twin in (copy.deepcopy(swav), pickle.loads(pickle.dumps(swav))):
        assert torch.equal(twin(x), expected) and not twin.training and not any(p.requires_grad for p in twin.parameters())
    precise = copy.deepcopy(swav).double()(x[:1])
    assert precise.dtype == torch.float64
    torch.testing.assert_close(precise.float(), expected[:1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.cat([swav(x[:1]), swav(x[1:])]), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"), [(torch.rand(1, 3, 8, 8), "photos must be uint8"), (photos(1, 1, 8, 8), r"photos must be \[N, 3, H, W\]")]
)
def test_photos_of_another_kind_are_refused(swav, wrong, message):
    with pytest.raises(ValueError, match=message):
        swav(wrong)


class Own(nn.Module):
    """A network of somebody's own; statistics of the batch would show."""

    def __init__(self, pooled):
        super().__init__()
        self.conv, self.norm, self.pooled = nn.Conv2d(3, 6, 3, 2), nn.BatchNorm2d(6), pooled

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return x.mean((2, 3)) if self.pooled else x


def program(file, **options):
    return secgan.ProgramExtractor(file, **{"input_size": 32, **options})


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """One network as TorchScript, as a compiled package, and as an exported program that is not compiled."""
    torch.manual_seed(4)
    network, folder = Own(pooled=False).eval(), tmp_path_factory.mktemp("programs")
    network.norm.running_mean.uniform_(-1, 1)
    torch.jit.script(Own(pooled=True)).save(folder / "training-mode.pt")
    torch.jit.script(network).save(folder / "own.pt")
    exported = torch.export.export(network, (torch.zeros(2, 3, 32, 32),), dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},))
    torch.export.save(exported, folder / "exported.pt2")
    torch._inductor.aoti_compile_and_package(exported, package_path=str(folder / "compiled.pt2"))
    return network, folder


@pytest.mark.parametrize("file", ["own.pt", "compiled.pt2"])
def test_programs_extract_what_the_network_does(own, file):
    network, folder = own
    extractor = program(folder / file, normalization="none")
    assert (extractor.name, extractor.dims) == (file, 6)
    assert extractor.fingerprint == hashlib.sha256((folder / file).read_bytes()).hexdigest()
    assert extractor.input == "32 x 32, antialiased bilinear on 8 bits, [-1, 1]"
    x = photos(5, 3, 50, 40)
    resized = f.interpolate(x, (32, 32), mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = network(resized.float() / 127.5 - 1).mean((2, 3))
    for chunk in (1, 2, 5):
        torch.testing.assert_close(extractor(x, chunk), expected, atol=1e-5, rtol=1e-5)


def test_programs_run_in_evaluation(own):
    _, folder = own
    extractor, x = program(folder / "training-mode.pt"), photos(4, 3, 32, 32)
    torch.testing.assert_close(extractor(x, 1), extractor(x, 4), atol=1e-5, rtol=1e-5)


def test_programs_that_do_not_fit_are_refused_in_one_line(own, tmp_path):
    _, folder = own
    with pytest.raises(
        RuntimeError, match="exported.pt2: an exported program that is not compiled.*torch._inductor.aoti_compile_and_package"
    ):
        program(folder / "exported.pt2")
    (tmp_path / "text.pt").write_text("no program")
    torch.save({"a": torch.zeros(1)}, tmp_path / "weights.pt")
    for name in ("text.pt", "weights.pt"):
        with pytest.raises(RuntimeError, match=f"{name}: neither a TorchScript file nor a package of AOTInductor"):
            program(tmp_path / name)

    class Summed(nn.Module):
        def forward(self, x):
            return x.sum((1, 2, 3))

    class Fixed(nn.Module):
        def forward(self, x):
            return x.reshape(1, -1)

    class Failing(nn.Module):
        def forward(self, x):
            assert x.shape[2] == 5, "five or nothing"
            return x

    for module, message in (
        (Summed(), r"must output \[N, D\] or \[N, D, h, w\] features for any N, found \[2\] for 2 photos"),
        (Fixed(), r"for any N, found \[1, 6144\] for 2 photos"),
        (Failing(), "the program fails on"),
    ):
        file = tmp_path / f"{type(module).__name__}.pt"
        torch.jit.script(module).save(file)
        with pytest.raises(RuntimeError, match=f"{file.name}: .*{message}") as refusal:
            program(file)
        assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match="input_size 0 is not positive"):
        program(folder / "own.pt", input_size=0)
    with pytest.raises(ValueError, match="photos must be 32 x 32 where resize is none, found 40 x 50"):
        program(folder / "own.pt", resize="none")(photos(1, 3, 50, 40), 1)

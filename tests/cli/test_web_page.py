"""secgan export --web: what is written into a page, without a browser. The models compute what the bundle's networks do."""

import json
import pathlib
import shutil

import pytest
from test_command import BUNDLE, COMMAND, refusal, run

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
secgan = pytest.importorskip("secgan")
safetensors = pytest.importorskip("safetensors.torch")

SHARE = pathlib.Path(COMMAND).resolve().parents[1] / "share" / "secgan"
RUNTIME = SHARE / "web" / "runtime" / "ort.wasm.js"
DETECTOR = SHARE / "face-detector.safetensors"
pytestmark = pytest.mark.skipif(not RUNTIME.exists(), reason="onnxruntime-web is not installed: make build fetches it")

ATTRIBUTES = ["Bald", "Bangs", "Male"]


def page_of(bundle, folder):
    run("export", bundle, "--web", folder)
    return folder


def computed(file, *inputs):
    """What ONNX Runtime makes of a model that onnx finds nothing wrong with."""
    onnx.checker.check_model(str(file), full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return torch.from_numpy(
        session.run(None, {one.name: value.numpy() for one, value in zip(session.get_inputs(), inputs, strict=True)})[0]
    )


def same(found, expected):
    assert found.shape == expected.shape
    assert expected.std() > 1e-3, "a constant would hide everything"
    assert (found - expected).abs().max() < 1e-4


def stirred(module):
    """Statistics and affine parameters that no norm begins with."""
    torch.manual_seed(4)
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif value.is_floating_point() and value.dim() == 1:
                value.add_(torch.randn_like(value) * 0.2)
    return module.eval()


def bundle_of(folder, side, attributes=None, info=None, **networks):
    """A bundle of these networks, as save_bundle writes it: (module, configuration) by name."""
    folder.mkdir()
    tensors = {f"{name}.{key}": value.contiguous() for name, (module, _) in networks.items() for key, value in module.state_dict().items()}
    safetensors.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    common = {"attributes": attributes or [], "image_size": side, "crop": "center", "conditioning": "difference", "intensity": 1.0}
    config = {
        "format_version": 1,
        "info": {**common, "parser_labels": "secgan-12", "parser_normalization": "none", "parser_input_size": 0, **(info or {})},
        "networks": {name: description for name, (_, description) in networks.items()},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


GENERATORS = {
    "attgan": {"enc_dim": 8, "dec_dim": 8, "shortcut_layers": 1},
    "attgan, other norms": {
        "enc_dim": 8,
        "dec_dim": 8,
        "enc_norm_fn": "switchnorm",
        "dec_norm_fn": "instancenorm",
        "upsampling": "bilinear",
    },
    "attgan, nearest": {"enc_dim": 8, "dec_dim": 8, "upsampling": "nearest"},
    "attgan, transposed": {"enc_dim": 8, "dec_dim": 8, "upsampling": "transposed"},
    "stgan": {"conv_dim": 8},
    "stargan": {"conv_dim": 8},
    "attgan, attention": {"enc_dim": 8, "dec_dim": 8, "upsampling": "subpixel"},
    "stargan, attention": {"conv_dim": 8},
}


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_compute_what_libtorch_does(name, tmp_path):
    backbone, options = name.split(",")[0], GENERATORS[name]
    networks = {}
    for role, channels, output in (("generator", 3, "attention" if "attention" in name else "tanh"), ("mask_generator", 12, "logits")):
        spec = {"attributes": 3, "image_size": 64, "image_channels": channels, "output": output}
        networks[role] = stirred(secgan.create_generator(backbone, **spec, **options)), {**spec, "backbone": backbone, backbone: options}
    parser = stirred(secgan.create_parser("unet", classes=12, dim=8, levels=3))
    networks["parser"] = parser, {"classes": 12, "network": "unet", "unet": {"dim": 8, "levels": 3}}
    page = page_of(bundle_of(tmp_path / "bundle", 64, ATTRIBUTES, **networks), tmp_path / "page")
    for batch in (1, 3):
        wanted = torch.randint(-1, 2, (batch, 3)).float()
        for role, channels in (("generator", 3), ("mask_generator", 12)):
            picture = torch.rand(batch, channels, 64, 64) * 2 - 1
            with torch.no_grad():
                expected = networks[role][0](picture, wanted)
            same(computed(page / "networks" / f"{role}.onnx", picture, wanted), expected)


@pytest.mark.parametrize(
    ("network", "labels", "normalization", "size"),
    [
        ("unet", "secgan-12", "none", 0),
        ("unet", "celebamask-hq", "imagenet", 96),
        ("bisenet-resnet18", "face-parsing", "imagenet", 0),
        ("bisenet-resnet34", "face-parsing", "none", 64),
    ],
)
def test_parsers_compute_what_libtorch_does(network, labels, normalization, size, tmp_path):
    classes = 12 if labels == "secgan-12" else 19
    options = {"dim": 8, "levels": 3} if network == "unet" else {}
    parser = stirred(secgan.create_parser(network, classes=classes, **options))
    generator = stirred(secgan.create_generator("attgan", attributes=3, image_size=64, **GENERATORS["attgan"]))
    networks = {
        "generator": (
            generator,
            {
                "attributes": 3,
                "image_size": 64,
                "image_channels": 3,
                "output": "tanh",
                "backbone": "attgan",
                "attgan": GENERATORS["attgan"],
            },
        ),
        "parser": (parser, {"classes": classes, "network": network, **({"unet": options} if options else {})}),
    }
    info = {"parser_labels": labels, "parser_normalization": normalization, "parser_input_size": size}
    page = page_of(bundle_of(tmp_path / "bundle", 64, ATTRIBUTES, info, **networks), tmp_path / "page")
    frozen = secgan.FaceParser(parser, labels=labels, normalization=normalization, input_size=size)
    for batch in (1, 2):
        photo = torch.rand(batch, 3, 64, 64) * 2 - 1
        with torch.no_grad():
            expected = frozen(photo)
        found = computed(page / "networks" / "parser.onnx", photo)
        same(found, expected.exp() if expected.max() <= 0 else expected)


@pytest.mark.parametrize("members", [1, 3])
def test_the_classifier_is_written_whatever_its_members(tmp_path, members):
    torch.manual_seed(7)
    options = {"dim": 4, "max_dim": 8, "members": members}
    classifier = stirred(secgan.create_classifier(attributes=ATTRIBUTES, image_size=64, **options))
    generator = stirred(secgan.create_generator("attgan", attributes=3, image_size=64, **GENERATORS["attgan"]))
    whole = {"attributes": 3, "image_size": 64}
    networks = {
        "generator": (generator, whole | {"image_channels": 3, "output": "tanh", "backbone": "attgan", "attgan": GENERATORS["attgan"]}),
        "classifier": (classifier, whole | options),
    }
    page = page_of(bundle_of(tmp_path / "bundle", 64, ATTRIBUTES, **networks), tmp_path / "page")
    photo = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        same(computed(page / "networks" / "classifier.onnx", photo), classifier(photo).sigmoid())


def test_the_shipped_bundle_is_a_page_of_less_than_20_megabytes(tmp_path):
    page = page_of(BUNDLE, tmp_path / "page")
    files = [file for file in page.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 20e6
    description = json.loads((page / "model.json").read_text())
    assert {file.relative_to(page).as_posix(): file.stat().st_size for file in files if file.name != "model.json"} == description["files"]
    editor = secgan.Editor.from_pretrained(BUNDLE)
    photo = torch.rand(2, 3, 64, 64) * 2 - 1
    wanted = torch.zeros(2, 9)
    wanted[0, 4] = 1
    with torch.no_grad():
        same(computed(page / "networks" / "generator.onnx", photo, wanted), editor.generator(photo, wanted))
        same(computed(page / "networks" / "classifier.onnx", photo), secgan.Classifier.from_pretrained(BUNDLE)(photo).sigmoid())
    hair = {one["name"]: [description["attributes"][other]["name"] for other in one["excludes"]] for one in description["attributes"]}
    assert hair["Bangs"] == ["Bald"] and set(hair["Bald"]) == {"Bangs", "Black_Hair", "Blond_Hair"}
    assert description["detector"] is None and not (page / "networks" / "detector1.onnx").exists(), "drawn faces stand in no fixed place"


def aligned(folder):
    """The shipped networks, with a description as of CelebA's aligned photos."""
    shutil.copytree(BUNDLE, folder)
    config = json.loads((folder / "config.json").read_text())
    config["info"].update(crop="center:170", photo_size="178x218", trained_on="CelebA")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def stage(weights, name, window, pools):
    """One of MTCNN's networks, from its paper."""
    functional, x = torch.nn.functional, window
    weight = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}

    def slope(number):
        return weight[f"prelu{number}.weight"]

    for number, pool in enumerate(pools, 1):
        x = functional.prelu(functional.conv2d(x, weight[f"conv{number}.weight"], weight[f"conv{number}.bias"]), slope(number))
        if pool:
            x = functional.max_pool2d(x, pool, 2, ceil_mode=True)
    last = len(pools) + 1
    if name == "pnet":
        heads = [functional.conv2d(x, weight[f"conv{last}_{i}.weight"], weight[f"conv{last}_{i}.bias"]) for i in (1, 2)]
    else:
        x = x.permute(0, 3, 2, 1).reshape(len(x), -1)
        x = functional.prelu(functional.linear(x, weight[f"dense{last}.weight"], weight[f"dense{last}.bias"]), slope(last))
        count = 3 if name == "onet" else 2
        heads = [
            functional.linear(x, weight[f"dense{last + 1}_{i}.weight"], weight[f"dense{last + 1}_{i}.bias"]) for i in range(1, count + 1)
        ]
    return torch.cat([heads[0].softmax(1)[:, 1:], *heads[1:]], 1)


@pytest.mark.skipif(not DETECTOR.exists(), reason="no face detector is installed: make build fetches it")
def test_the_detectors_networks_are_mtcnns(tmp_path):
    page = page_of(aligned(tmp_path / "bundle"), tmp_path / "page")
    weights = safetensors.load_file(DETECTOR)
    torch.manual_seed(6)
    for name, file, sizes, pools in (
        ("pnet", "detector1", [(12, 12), (31, 50)], (2, 0, 0)),
        ("rnet", "detector2", [(24, 24)], (3, 3, 0)),
        ("onet", "detector3", [(48, 48)], (3, 3, 2, 0)),
    ):
        for size in sizes:
            window = torch.rand(3, 3, *size) * 2 - 1
            found, expected = computed(page / "networks" / f"{file}.onnx", window), stage(weights, name, window, pools)
            assert found.shape == expected.shape and (found - expected).abs().max() < 1e-4


def test_what_is_no_page_is_left_alone(tmp_path):
    page = page_of(BUNDLE, tmp_path / "page")
    run("export", BUNDLE, "--web", page, "--title", "Drawn")
    assert json.loads((page / "model.json").read_text())["title"] == "Drawn"
    (page / "thesis.tex").write_text("mine")
    assert "thesis.tex" in refusal("export", BUNDLE, "--web", page, status=1) and (page / "thesis.tex").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.json").write_text("{}")
    assert "no page's model.json" in refusal("export", BUNDLE, "--web", other, status=1)
    assert sorted(tmp_path.iterdir()) == [other, page], "nothing half-written stays"


def test_flags_that_do_not_fit(tmp_path):
    assert "--out is required, or --web" in refusal("export", BUNDLE, status=2)
    assert "--out excludes --web" in refusal("export", BUNDLE, "--web", tmp_path / "a", "--out", tmp_path / "b", status=2)
    assert "the value is empty" in refusal("export", BUNDLE, "--web", "", status=2)
    line = refusal("export", BUNDLE, "--web", tmp_path / "a", "--detector", BUNDLE, status=2)
    assert "--detector" in line and "drawn faces" in line
    assert not any(tmp_path.iterdir())

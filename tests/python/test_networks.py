import copy
import json
import pickle
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors import torch as safetensors
from torch.nn import functional
from torch.nn.utils import prune

import secgan

SMALL = {"attgan": dict(enc_dim=4, dec_dim=4, enc_layers=2, dec_layers=2)}


def small_generator(**options):
    return secgan.create_generator("attgan", attributes=3, image_size=16, **{**SMALL["attgan"], **options})


def small_discriminator():
    return secgan.create_discriminator("attgan", attributes=["a", "b", "c"], image_size=16, dim=4, fc_dim=8, n_layers=2)


def test_import_in_a_fresh_process_registers_the_ops():
    code = "import secgan, torch; torch.ops.secgan.soft_cross_entropy; print(secgan.__version__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_another_torch_is_refused_with_the_reason():
    code = "import torch; torch.__version__ = '1.99.0'; import secgan"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ImportError: secgan was built for torch 2." in done.stderr and "found torch 1.99.0" in done.stderr


def test_the_command_starts_without_torch():
    code = "import sys, secgan_command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_generator_is_encode_then_decode():
    g = small_generator().eval()
    image, edit = torch.rand(2, 3, 16, 16), torch.rand(2, 3)
    assert torch.equal(g.decode(g.encode(image), edit), g(image, edit))
    assert g(image, edit).shape == (2, 3, 16, 16)
    softmax = secgan.create_generator("attgan", attributes=3, image_size=16, image_channels=12, output="softmax", **SMALL["attgan"])
    assert torch.allclose(softmax(torch.rand(1, 12, 16, 16), torch.zeros(1, 3)).sum(1), torch.ones(1, 16, 16))


def test_a_classifier_is_its_members_mean():
    torch.manual_seed(1)
    classifier = secgan.create_classifier(attributes=("a", "b", "c"), image_size=32, dim=4, members=2).eval()
    photo = torch.rand(2, 3, 32, 32)
    maps = classifier.encode(photo).flatten(2).chunk(2, 1)
    heads = [classifier.get_submodule(f"members.{m}.head.0") for m in range(2)]
    said = [functional.linear(seen.flatten(1), head.weight, head.bias) for seen, head in zip(maps, heads, strict=True)]
    assert torch.allclose(classifier(photo), (said[0] + said[1]) / 2, atol=1e-6)
    assert classifier.attributes == ["a", "b", "c"] == copy.deepcopy(classifier).attributes
    assert secgan.create_classifier(attributes=3).attributes == []


def test_a_bundles_classifier_says_what_the_editor_says(bundle):
    classifier = secgan.Classifier.from_pretrained(bundle)
    editor = secgan.Editor.from_pretrained(bundle)
    assert classifier.attributes == list(editor.attributes) and not classifier.training
    face = secgan.synthetic_faces(count=1, image_size=64, seed=9)[0]
    with torch.no_grad():
        assert (classifier(face.image.unsqueeze(0))[0] > 0).equal(face.labels > 0.5)
    with pytest.raises(FileNotFoundError, match="no_such"):
        secgan.Classifier.from_pretrained("no_such")


def test_a_bundle_without_the_part_is_refused(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "bare")
    config = json.loads((tmp_path / "bare" / "config.json").read_text())
    del config["networks"]["classifier"], config["networks"]["parser"]
    (tmp_path / "bare" / "config.json").write_text(json.dumps(config))
    state = safetensors.load_file(tmp_path / "bare" / "model.safetensors")
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(("classifier.", "parser."))}
    safetensors.save_file(kept, tmp_path / "bare" / "model.safetensors", {"format": "pt"})
    for kind, part in ((secgan.Classifier, "classifier"), (secgan.FaceParser, "parser")):
        with pytest.raises(ValueError, match=f"folder: bundle .*bare holds no {part}"):
            kind.from_pretrained(tmp_path / "bare")


def test_an_optimizer_step_in_python_changes_what_cpp_computes():
    g = small_generator().eval()
    image, edit = torch.rand(1, 3, 16, 16), torch.ones(1, 3)
    before = g(image, edit)
    optimizer = torch.optim.Adam(g.parameters(), lr=0.1)
    g(image, edit).square().mean().backward()
    assert all(p.grad is not None for p in g.parameters())
    optimizer.step()
    assert not torch.equal(g(image, edit), before)


def test_state_dict_travels_by_name():
    a, b = small_generator().eval(), small_generator().eval()
    image, edit = torch.rand(1, 3, 16, 16), torch.ones(1, 3)
    assert not torch.equal(a(image, edit), b(image, edit))
    b.load_state_dict(a.state_dict())
    assert torch.equal(a(image, edit), b(image, edit))
    assert "enc_layers.0.layers.0.weight" in a.state_dict()
    assert "enc_layers.0.layers.1.running_mean" in a.state_dict()


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_equal_and_independent(twin):
    g = small_generator().eval()
    g.enc_layers.get_submodule("0").requires_grad_(False)
    h = twin(g)
    image, edit = torch.rand(1, 3, 16, 16), torch.ones(1, 3)
    assert torch.equal(g(image, edit), h(image, edit)) and not h.training
    assert [p.requires_grad for p in g.parameters()] == [p.requires_grad for p in h.parameters()]
    with torch.no_grad():
        next(iter(g.parameters())).add_(1)
    assert not torch.equal(g(image, edit), h(image, edit))


def test_copies_keep_what_any_module_keeps():
    g = small_generator()
    g.note = "mine"
    g.register_forward_hook(returns_nothing)
    g.enc_layers.eval()
    g.dec_layers.to(torch.bfloat16)
    h = copy.deepcopy(g)
    assert h.note == "mine" and len(h._forward_hooks) == 1
    assert [m.training for m in h.modules()] == [m.training for m in g.modules()]
    assert [p.dtype for p in h.parameters()] == [p.dtype for p in g.parameters()]
    # A shallow copy shares, as that of any module; the original goes on working.
    twin, image, edit = copy.copy(small_generator().eval()), torch.rand(1, 3, 16, 16), torch.ones(1, 3)
    assert copy.copy(twin)(image, edit).equal(twin(image, edit))


def returns_nothing(module, arguments, output):
    """A hook that pickle can find."""


def test_an_assigned_state_is_what_cpp_computes_with():
    a, b = small_generator().eval(), small_generator().eval()
    image, edit = torch.rand(1, 3, 16, 16, dtype=torch.float64), torch.ones(1, 3, dtype=torch.float64)
    # As part of another network, so that the other network's load_state_dict is the one called.
    torch.nn.ModuleList([b]).load_state_dict(torch.nn.ModuleList([a.double()]).state_dict(), assign=True)
    assert torch.equal(a(image, edit), b(image, edit))
    optimizer = torch.optim.SGD(b.parameters(), lr=1.0)
    b(image, edit).square().sum().backward()
    before = b(image, edit)
    optimizer.step()
    assert not torch.equal(b(image, edit), before)


def test_what_cannot_reach_cpp_is_refused():
    g = small_generator().eval()
    prune.l1_unstructured(g.get_submodule("enc_layers.0.layers.0"), "weight", 0.5)
    with pytest.raises(RuntimeError, match="'enc_layers.0.layers.0.weight' was taken away"):
        g(torch.rand(1, 3, 16, 16), torch.ones(1, 3))


def test_evaluation_mode_of_a_part_reaches_cpp():
    g = small_generator()
    g.enc_layers.eval()
    encoder, decoder = (g.get_buffer(f"{part}_layers.0.layers.1.running_mean") for part in ("enc", "dec"))
    before = encoder.clone(), decoder.clone()
    g(torch.rand(2, 3, 16, 16), torch.ones(2, 3))
    assert torch.equal(encoder, before[0]) and not torch.equal(decoder, before[1])
    g.train()
    g(torch.rand(2, 3, 16, 16), torch.ones(2, 3))
    assert not torch.equal(encoder, before[0])


def test_dtype_and_mode_reach_cpp():
    g = small_generator().double()
    out = g(torch.rand(2, 3, 16, 16, dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64))
    assert out.dtype == torch.float64
    # In training, batch norm's statistics move, and Python sees the same buffers.
    mean = g.get_buffer("enc_layers.0.layers.1.running_mean")
    assert mean.dtype == torch.float64 and mean.abs().sum() > 0
    g.eval()
    before = mean.clone()
    g(torch.rand(2, 3, 16, 16, dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64))
    assert torch.equal(mean, before)


def test_gradient_penalty_through_the_discriminator():
    d = small_discriminator()
    image = torch.rand(2, 3, 16, 16, requires_grad=True)
    adversarial, logits = d(image)
    assert adversarial.shape == (2, 1) and logits.shape == (2, 3)
    (gradient,) = torch.autograd.grad(adversarial.sum(), image, create_graph=True)
    (gradient.flatten(1).norm(dim=1) - 1).square().mean().backward()
    assert next(iter(d.parameters())).grad.abs().sum() > 0


def test_compile_and_export_run_the_same_computation():
    g = small_generator().eval()
    image, edit = torch.rand(1, 3, 16, 16), torch.ones(1, 3)
    expected = g(image, edit)
    assert torch.allclose(torch.compile(g, backend="eager")(image, edit), expected, atol=1e-6)
    program = torch.export.export(g, (image, edit), strict=False)
    assert torch.allclose(program.module()(image, edit), expected, atol=1e-6)


def test_wrong_names_and_values_are_listed():
    with pytest.raises(ValueError, match="'stylegan' is unknown; known: attgan"):
        secgan.create_generator("stylegan", attributes=3)
    with pytest.raises(ValueError, match="unknown key 'enc_dims'; known: enc_dim"):
        small_generator(enc_dims=3)
    with pytest.raises(ValueError, match="image_size 100 is not a multiple of 32"):
        secgan.create_generator("attgan", attributes=3, image_size=100)
    with pytest.raises(ValueError, match="a count or a list of names, found 'Bald'"):
        secgan.create_generator("attgan", attributes="Bald")
    with pytest.raises(ValueError, match="attgan.slope must be finite, found nan"):
        small_generator(slope=float("nan"))
    with pytest.raises(ValueError, match="unknown key 'dim'"):
        secgan.create_parser("bisenet-resnet18", dim=4)
    with pytest.raises(ValueError, match=r"image must be \[N, image_channels, image_size, image_size\]"):
        small_generator()(torch.rand(1, 3, 8, 8), torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"attributes must be \[N, A\]"):
        small_generator()(torch.rand(1, 3, 16, 16), torch.ones(1, 4))
    assert secgan.list_generators() == secgan.list_discriminators()
    assert small_generator().options["attgan"]["enc_dim"] == 4


def test_parser_outputs_main_logits_or_every_head():
    parser = secgan.create_parser("unet", classes=12, dim=4, levels=2)
    assert parser.eval()(torch.rand(1, 3, 8, 8)).shape == (1, 12, 8, 8)
    assert [h.shape for h in parser.train()(torch.rand(2, 3, 8, 8))] == [(2, 12, 8, 8)]
    assert "unet" in secgan.list_parsers()

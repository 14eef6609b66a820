"""Exported editors against ours, each in its own runtime."""

import json
import logging
import subprocess
import sys

import public_networks as public
import pytest
import torch

import secgan
from secgan import export_program


def bundle(tmp_path, conditioning="difference", output="tanh"):
    """A small editor with weights of no meaning but batch statistics of its own."""
    torch.manual_seed(2)
    origin = {"difference": "stgan-pytorch", "labels": "stargan", "signed-labels": "attgan-pytorch"}[conditioning]
    options = {
        "stgan": dict(conv_dim=4, n_layers=3, shortcut_layers=2),
        "stargan": dict(conv_dim=4, repeat_num=1),
        "attgan": dict(enc_dim=4, dec_dim=4, enc_layers=3, dec_layers=3),
    }
    backbone = origin.split("-")[0]
    network = secgan.create_generator(backbone, attributes=2, image_size=32, output=output, **options[backbone])
    for name, tensor in network.state_dict().items():
        if "running" in name:
            tensor.uniform_(0.5, 1.5)
    file = tmp_path / "weights.pth"
    torch.save(network.state_dict(), file)
    secgan.import_weights(origin, file, tmp_path / "bundle", attributes=["Male", "Young"], image_size=32, intensity=0.7)
    return secgan.Editor.from_pretrained(tmp_path / "bundle")


def inputs(editor, batch):
    torch.manual_seed(3)
    photo = torch.rand(batch, 3, 32, 32) * 2 - 1
    source, difference = torch.randint(0, 2, (batch, 2)).float(), torch.randn(batch, 2)
    return (photo, difference) if editor.info["conditioning"] == "difference" else (photo, source, difference)


def expected(editor, arguments):
    photo, *labels = arguments
    change = 0.7 * labels[-1]
    attributes = {"difference": lambda: change, "labels": lambda: labels[0] + change, "signed-labels": lambda: labels[0] - 0.5 + change}[
        editor.info["conditioning"]
    ]()
    with torch.no_grad():
        return editor.generator(photo, attributes)


@pytest.mark.parametrize("conditioning", ["difference", "labels", "signed-labels"])
def test_onnx_runtime_agrees_at_any_batch(conditioning, tmp_path, caplog):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    editor = bundle(tmp_path, conditioning)
    secgan.export(editor, "onnx", tmp_path / "editor.onnx")
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING], "torch complains of packages that nobody asked for"
    session = onnxruntime.InferenceSession(tmp_path / "editor.onnx")
    names = [i.name for i in session.get_inputs()]
    assert names == (["photo", "difference"] if conditioning == "difference" else ["photo", "source", "difference"])
    for batch in (1, 3):
        arguments = inputs(editor, batch)
        (answer,) = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, arguments, strict=False)})
        torch.testing.assert_close(torch.from_numpy(answer), expected(editor, arguments), atol=1e-4, rtol=0)
    info = json.loads(session.get_modelmeta().custom_metadata_map["secgan"])
    assert info["attributes"] == ["Male", "Young"] and info["image_size"] == 32 and info["inputs"] == names
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle", "editor.onnx", "weights.pth"]


@pytest.mark.parametrize("conditioning", ["difference", "labels", "signed-labels"])
def test_attention_is_exported_with_the_network(conditioning, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    editor = bundle(tmp_path, conditioning, "attention")
    secgan.export(editor, "onnx", tmp_path / "editor.onnx")
    secgan.export(editor, "torchscript", tmp_path / "editor.pt")
    session, program = onnxruntime.InferenceSession(tmp_path / "editor.onnx"), torch.jit.load(tmp_path / "editor.pt")
    arguments = inputs(editor, 3)
    (answer,) = session.run(None, {i.name: tensor.numpy() for i, tensor in zip(session.get_inputs(), arguments, strict=True)})
    wanted = expected(editor, arguments)
    assert torch.equal(editor.generator.encode(arguments[0])[0], arguments[0]), "the network has no attention"
    torch.testing.assert_close(torch.from_numpy(answer), wanted, atol=1e-4, rtol=0)
    torch.testing.assert_close(program(*arguments), wanted, atol=1e-4, rtol=0)


def test_torchscript_agrees_at_any_batch(tmp_path):
    editor = bundle(tmp_path)
    secgan.export(editor, "torchscript", tmp_path / "editor.pt")
    extra = {"secgan": ""}
    program = torch.jit.load(tmp_path / "editor.pt", _extra_files=extra)
    for batch in (1, 3):
        arguments = inputs(editor, batch)
        torch.testing.assert_close(program(*arguments), expected(editor, arguments), atol=1e-4, rtol=0)
    assert json.loads(extra["secgan"])["attributes"] == ["Male", "Young"]


def test_the_compiled_package_agrees_at_any_batch(tmp_path):
    editor = bundle(tmp_path)
    secgan.export(editor, "aoti", tmp_path / "editor.pt2")
    program = torch._inductor.aoti_load_package(str(tmp_path / "editor.pt2"))
    for batch in (1, 3):
        arguments = inputs(editor, batch)
        torch.testing.assert_close(program(*arguments), expected(editor, arguments), atol=1e-4, rtol=0)


def test_a_program_from_the_command_line(tmp_path):
    bundle(tmp_path)

    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "secgan.export_program", *map(str, arguments)], capture_output=True, text=True)

    done = run(tmp_path / "bundle", tmp_path / "editor.pt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    arguments = inputs(secgan.Editor.from_pretrained(tmp_path / "bundle"), 1)
    assert torch.jit.load(tmp_path / "editor.pt")(*arguments).shape == (1, 3, 32, 32)
    done = run(tmp_path / "bundle", tmp_path / "editor.tflite")
    assert done.returncode == 2 and "ends in none of .onnx (onnx), .pt2 (aoti), .pt (torchscript)" in done.stderr
    done = run(tmp_path / "none", tmp_path / "editor.pt")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and f"{tmp_path / 'none'}" in done.stderr
    # A program is replaced by the next, and nothing else is.
    done = run(tmp_path / "bundle", tmp_path / "editor.pt")
    assert (done.returncode, done.stderr) == (0, "")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "mine.pt")
    (tmp_path / "mine.onnx").write_bytes(b"secgan, but no program")
    for name in ("mine.pt", "mine.onnx"):
        kept = (tmp_path / name).read_bytes()
        done = run(tmp_path / "bundle", tmp_path / name)
        assert done.returncode == 2 and f"'{tmp_path / name}' is there and was not made by this command" in done.stderr
        assert (tmp_path / name).read_bytes() == kept


def test_wrong_formats_are_named(tmp_path):
    editor = bundle(tmp_path)
    with pytest.raises(ValueError, match="format 'tflite' is unknown; known: onnx, aoti, torchscript"):
        secgan.export(editor, "tflite", tmp_path / "editor.tflite")
    with pytest.raises(ValueError, match="path must end in .onnx for format 'onnx', found 'editor.pt'"):
        secgan.export(editor, "onnx", tmp_path / "editor.pt")
    assert not (tmp_path / "editor.pt").exists()


def test_bundles_without_a_generator_are_told(tmp_path, capsys):
    torch.save(public.BiSeNet(19).state_dict(), tmp_path / "79999_iter.pth")
    secgan.import_weights("face-parsing", tmp_path / "79999_iter.pth", tmp_path / "parser", image_size=64)
    editor = secgan.Editor.from_pretrained(tmp_path / "parser")
    for wrong in (lambda: editor.generator, lambda: secgan.export(editor, "torchscript", tmp_path / "editor.pt")):
        with pytest.raises(RuntimeError, match="^parser: the bundle has no generator$"):
            wrong()
    assert export_program.main([str(tmp_path / "parser"), str(tmp_path / "editor.pt")]) == 1
    assert capsys.readouterr().err == "python -m secgan.export_program: parser: the bundle has no generator\n"
    assert not (tmp_path / "editor.pt").exists()


def test_places_are_tried_before_the_work_and_what_is_there_stays(tmp_path, monkeypatch):
    editor = bundle(tmp_path)
    monkeypatch.setattr(torch.export, "export", lambda *_, **__: pytest.fail("the work began"))
    for place in ("/proc/editor.onnx", tmp_path / "weights.pth" / "editor.onnx", tmp_path / "folder.onnx"):
        (tmp_path / "folder.onnx").mkdir(exist_ok=True)
        with pytest.raises(RuntimeError, match="cannot be written"):
            secgan.export(editor, "onnx", place)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    with pytest.raises(RuntimeError, match="holds 'thesis.tex', which is no part of a bundle"):
        editor.save_pretrained(tmp_path / "mine")
    with pytest.raises(RuntimeError, match="holds 'thesis.tex'"):
        secgan.import_weights("stgan-pytorch", tmp_path / "none.pth", tmp_path / "mine")
    with pytest.raises(RuntimeError, match="'/proc/out': cannot be written"):
        secgan.evaluate(tmp_path / "none", {"kind": "synthetic"}, out="/proc/out")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years"
    editor.save_pretrained(tmp_path / "bundle")

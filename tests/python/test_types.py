"""What type checkers and help() see."""

import difflib
import inspect
import pathlib
import re
import subprocess
import sys

import pytest

import secgan

ROOT = pathlib.Path(__file__).parents[2]


def test_the_stub_is_the_extensions(tmp_path):
    pytest.importorskip("pybind11_stubgen")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "make_stubs.py"), str(tmp_path / "_core.pyi")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    there, made = ((f / "_core.pyi").read_text().splitlines() for f in (ROOT / "python" / "secgan", tmp_path))
    assert not list(difflib.unified_diff(there, made, lineterm="")), "run tools/make_stubs.py"


def test_mypy_passes_on_the_package_and_the_examples():
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", "/dev/null", "python/secgan", "examples/python"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_wrong_types_are_found_by_mypy(tmp_path):
    """A check that cannot fail would not be one."""
    pytest.importorskip("mypy")
    (tmp_path / "wrong.py").write_text(
        "import secgan\n"
        "secgan.create_generator('attgan', attributes=3, image_size='64')\n"
        "secgan.train({'trainer': {'step': 3}}, 'run')\n"
        "secgan.train({'task': {'losses': {'real_masks': 'sharp'}}}, 'run')\n"
        "secgan.evaluate('model', {'kind': 'celeba', 'rot': '.'})\n"
        "secgan.train({'trainer': {'steps': 3}, 'task': {'photo_generator': {'stgan': {'conv_dim': 8}}}}, 'run')\n"
        "editor = secgan.Editor.from_pretrained('bundle')\n"
        "edits: dict[str, float] = {'5_o_Clock_Shadow': 1}\n"
        "one: secgan.EditedPhoto = editor.edit('photo.png', edits, source=['Male'])\n"
        "many: list[secgan.EditedPhoto] = editor.edit(['a.png', 'b.png'], edits, Bald=1)\n"
        "one.image.save('edited.png')\n"
        "editor.edit('photo.png', {'Bald': 'much'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "/dev/null", str(tmp_path / "wrong.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and 'incompatible type "str"; expected "int"' in done.stdout
    for line, what in ((3, "TrainerOptions"), (4, "real_masks"), (5, "DataSource")):
        assert re.search(rf"wrong.py:{line}: error: .*{what}", done.stdout), done.stdout
    assert "wrong.py:12: error" in done.stdout and not any(f"wrong.py:{line}:" in done.stdout for line in range(6, 12)), done.stdout


def test_completion_offers_what_is_public():
    assert set(secgan.__all__) <= set(dir(secgan))
    assert not {"Any", "TYPE_CHECKING", "importlib", "annotations"} & set(dir(secgan))


def test_everything_public_says_what_it_is():
    for name in secgan.__all__:
        thing = getattr(secgan, name)
        if name == "functional":
            continue
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            for attribute, member in vars(thing).items():
                if (
                    not attribute.startswith("_")
                    and (inspect.isfunction(member) or isinstance(member, property))
                    and attribute not in ("forward", "train")
                ):
                    assert inspect.getdoc(member), f"{name}.{attribute}"
    text = inspect.getdoc(secgan.SemanticBranch)
    assert all(word in text for word in ("Args:", "Raises:", "discriminator_step", "state_dict", "autocast", "2111.09298"))
    assert "[N, 3, S, S]" in inspect.getdoc(secgan.SemanticBranch.generator_step)

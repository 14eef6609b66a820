"""The package as a wheel leaves it: it finds its libraries wherever it lies, and says what is wrong with its torch."""

import pathlib
import shutil
import signal
import subprocess
import sys
import venv

import pytest
import torch

import secgan

PACKAGE = pathlib.Path(secgan.__file__).parent
SITE = pathlib.Path(torch.__file__).parents[1]
#: What `pip install torch numpy` brings along.
NEEDS = [
    "torch",
    "torchgen",
    "functorch",
    "numpy",
    "numpy.libs",
    "sympy",
    "mpmath",
    "networkx",
    "jinja2",
    "markupsafe",
    "fsspec",
    "filelock",
    "typing_extensions.py",
]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A virtual environment with torch, numpy and this package, and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    for name in NEEDS:
        if (SITE / name).exists():
            (site / name).symlink_to(SITE / name)
    shutil.copytree(PACKAGE, site / "secgan", ignore=shutil.ignore_patterns("__pycache__"))
    return folder, site


def python(folder, code):
    return subprocess.run([folder / "bin" / "python", "-c", code], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})


def test_only_torch_and_numpy_are_needed(fresh, bundle, tmp_path):
    folder, _ = fresh
    done = python(
        folder,
        f"""
import importlib.util, secgan, torch
assert importlib.util.find_spec("torchmetrics") is None and importlib.util.find_spec("safetensors") is None
face = secgan.synthetic_faces(count=1, image_size=64)[0].image
edited = secgan.Editor.from_pretrained({bundle!r}).edit(((face + 1) * 127.5).byte(), Eyeglasses=1.0)
secgan.write_image({str(tmp_path / "edited.png")!r}, edited.photo)
print(secgan.metrics.frechet_distance(torch.zeros(2), torch.eye(2), torch.ones(2), torch.eye(2)))
""",
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(2) and (tmp_path / "edited.png").exists()


def test_libraries_are_found_relative_to_the_package(fresh):
    _, site = fresh
    reader = shutil.which("readelf")
    if reader is None:
        pytest.skip("no readelf")
    for library in [*site.glob("secgan/_core*.so"), site / "secgan/lib/libsecgan.so", site / "secgan/bin/secgan"]:
        text = subprocess.run([reader, "-d", library], capture_output=True, text=True).stdout
        paths = [line.split("[")[1].rstrip("]") for line in text.splitlines() if "RUNPATH" in line or "RPATH" in line]
        assert paths and all(part.startswith("$ORIGIN") for path in paths for part in path.split(":")), (library, paths)


def test_another_torch_is_named_in_one_sentence(fresh):
    folder, site = fresh
    stamp = site / "secgan" / "_built_for.txt"
    original = stamp.read_text()
    try:
        stamp.write_text("2.9.1+cpu\n")
        done = python(folder, "import secgan")
    finally:
        stamp.write_text(original)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: secgan was built for torch 2.9, found torch {torch.__version__}") and "pip install" in last


def test_the_installed_command_stops_when_nobody_listens(tmp_path):
    """Python ignores SIGPIPE from its start, and a program that it becomes would go on doing so."""
    command = (
        f"{sys.executable} -c 'import secgan_command as c; c.main()' train-parser --data synthetic --count 8 --image-size 32 --threads 1"
    )
    command += f" --batch 4 --steps 200 --log-every 1 --sample-every 0 --out {tmp_path}/run"
    done = subprocess.run(["bash", "-c", f"{command} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 128 + signal.SIGPIPE, done.stdout
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()

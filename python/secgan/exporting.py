"""Editors as programs that run without this library."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from . import _core
from ._arguments import path as _path
from ._arguments import shown, text
from .editing import Editor


class _Edit(nn.Module):
    """(photo, difference) → edit; with another conditioning than the difference's: (photo, source, difference)."""

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.generator = editor.generator
        self._editor = editor

    def forward(self, photo: torch.Tensor, *labels: torch.Tensor) -> torch.Tensor:
        source, difference = labels if len(labels) == 2 else (torch.zeros_like(labels[0]), labels[0])
        return self.generator(photo, self._editor._native.condition(source, difference))


def _inputs(editor: Editor) -> list[str]:
    return ["photo", "difference"] if editor.info["conditioning"] == "difference" else ["photo", "source", "difference"]


def _example(editor: Editor, batch: int = 2) -> tuple[torch.Tensor, ...]:
    side, count = editor.info["image_size"], len(editor.attributes)
    photo = torch.linspace(-1, 1, batch * 3 * side * side).view(batch, 3, side, side)
    return (photo, *(torch.zeros(batch, count) for _ in _inputs(editor)[1:]))


def _program(editor: Editor) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1, max=4096)
    example = _example(editor)
    # Named inputs, which *labels would not have.
    if len(example) == 2:

        class Named(_Edit):
            def forward(self, photo: torch.Tensor, difference: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                return super().forward(photo, difference)
    else:

        class Named(_Edit):  # type: ignore[no-redef]
            def forward(self, photo: torch.Tensor, source: torch.Tensor, difference: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                return super().forward(photo, source, difference)

    module = Named(editor).eval()
    with torch.no_grad():
        return torch.export.export(module, example, dynamic_shapes=tuple({0: batch} for _ in example), strict=False)


def _metadata(editor: Editor) -> dict[str, str]:
    """What a program's user has to know, as text: attribute names, side, crop, inputs."""
    return {"secgan": json.dumps({**editor.info, "inputs": _inputs(editor)})}


@contextlib.contextmanager
def _without_warnings(logger: str) -> Iterator[None]:
    said = logging.getLogger(logger)
    level = said.level
    said.setLevel(logging.ERROR)
    try:
        yield
    finally:
        said.setLevel(level)


def _write_onnx(editor: Editor, file: str) -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as missing:
        raise RuntimeError(f'format "onnx" needs the packages onnx and onnxscript: {missing}') from None
    with _without_warnings("torch.onnx"):  # of operators of packages that are not there, nor asked for
        program = torch.onnx.export(_program(editor), dynamo=True, verbose=False)
    assert program is not None
    program.model.metadata_props.update(_metadata(editor))
    program.save(file)


def _write_aoti(editor: Editor, file: str) -> None:
    torch._inductor.aoti_compile_and_package(
        _program(editor), package_path=file, inductor_configs={"aot_inductor.metadata": _metadata(editor)}
    )


def _write_torchscript(editor: Editor, file: str) -> None:
    with torch.no_grad():
        traced = torch.jit.trace(_Edit(editor).eval(), _example(editor), check_trace=False)
    torch.jit.save(traced, file, _extra_files=_metadata(editor))


#: By format: the writer, and the ending that its readers ask for.
_FORMATS: dict[str, tuple[Any, str]] = {
    "onnx": (_write_onnx, ".onnx"),
    "aoti": (_write_aoti, ".pt2"),
    "torchscript": (_write_torchscript, ".pt"),
}


def export(editor: Editor, format: str, path: str | os.PathLike[str]) -> None:
    """Writes an editor's generator as a program that needs neither this library nor, but for ONNX Runtime, Python.

    The program takes ``photo`` ``[N, 3, S, S]`` in [-1, 1], cropped and resized as the bundle says, and ``difference``
    ``[N, A]``, the strengths of an edit (1 adds, -1 removes), and gives the edited photo in [-1, 1], for any N. Bundles that
    were imported from AttGAN-PyTorch or StarGAN also take ``source`` ``[N, A]``, the photo's labels, before ``difference``.
    Attribute names, side, crop and input names are included as JSON under the metadata key ``secgan``.

    Args:
        editor: what to export.
        format: ``"onnx"`` (ONNX Runtime; needs the packages onnx and onnxscript), ``"aoti"`` (compiled for this machine's
            kind of CPU with its C++ compiler; LibTorch's ``AOTIModelPackageLoader`` runs it, ``examples/cpp/run_compiled_editor.cpp``),
            or ``"torchscript"`` (``torch::jit::load``).
        path: the file, ending in .onnx, .pt2 or .pt; it appears whole or not at all, and replaces what is there.

    Raises:
        ValueError: an unknown format (the known ones are listed) or another ending.
        TypeError: what is no editor; an argument of another type.
        RuntimeError: the bundle has no generator; a package or a compiler is missing; or nothing can be written at ``path``, which is
            tried first.
    """
    if not isinstance(editor, Editor):
        raise TypeError(f"editor must be a secgan.Editor, as Editor.from_pretrained gives it, found {shown(editor)}")
    if text(format, "format") not in _FORMATS:
        raise ValueError(f"format '{format}' is unknown; known: {', '.join(_FORMATS)}")
    write, ending = _FORMATS[format]
    file = pathlib.Path(_path(path, "path", "a file's name")).absolute()
    if not file.name.endswith(ending):
        raise ValueError(f"path must end in {ending} for format '{format}', found '{file.name}'")
    _core.require_writable_file(str(file))
    with tempfile.TemporaryDirectory(prefix="secgan-exporting-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between torch's own parts
        written = pathlib.Path(folder) / ("program" + ending)
        write(editor, str(written))
        _core.write_file(str(file), written.read_bytes())

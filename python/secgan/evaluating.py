"""Metrics of a bundle under a pinned protocol."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from . import _core
from ._arguments import call, items, mapping, path, shown
from .data import Faces
from .options import DataSource, EvaluationProtocol, ExtractorProgram


def _named(function: Callable[[torch.Tensor], torch.Tensor] | None, what: str) -> tuple[Any, str] | None:
    if function is None:
        return None
    if not callable(function):
        raise TypeError(f"{what} must be a function of photos or a mapping, as {{'file': ...}}, found {shown(function)}")
    return function, getattr(function, "__name__", type(function).__name__)


def evaluate(
    model: str | os.PathLike[str],
    data: Faces | DataSource,
    *,
    protocol: str | os.PathLike[str] | EvaluationProtocol = "secgan",
    inception: str | os.PathLike[str] | None = None,
    swav: str | os.PathLike[str] | None = None,
    extractor: Callable[[torch.Tensor], torch.Tensor] | ExtractorProgram | None = None,
    identity: Callable[[torch.Tensor], torch.Tensor] | ExtractorProgram | None = None,
    out: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """``secgan evaluate``: every metric with its interval, its count and the hash of what it depends on beside the model.

    Args:
        model: a bundle's folder.
        data: ``{"kind": "celeba", "root": …}``; side, attributes, crop and split follow from bundle and protocol. Or faces that
            are open already, whose split and crop are then yours to vouch for.
        protocol: ``"secgan"``, ``"stgan-paper"``, a TOML file, or a mapping of what departs from ``"secgan"``.
        inception, swav: weights of the FID Inception v3 and of SwAV's ResNet-50. Nothing is downloaded; without them
            FID, KID, IS and ssFID are reported as not measured.
        extractor: custom features, photos ``[N, 3, S, S]`` uint8 → ``[N, D]``, for a Fréchet distance under its name; or a
            program, ``{"file": …, "input_size": …}``.
        identity: an identity embedding likewise, for the cosine between photo and edit.
        out: folder for report.json, report.md, report.html and protocol.toml; None: none is written.
        **settings: more of the command's settings: ``batch``, ``device``, ``threads``, ``masks``, ``inception_resize``.

    Returns:
        The report: ``figures`` by key (``{"value", "low", "high", "count", "protocol"}`` or ``{"missing": why}``), ``attributes``
        with the same per attribute, ``hash``, ``protocol``, ``pinned``.

    Raises:
        ValueError: unknown settings, data that do not fit the bundle, too few photos for a covariance.
        FileNotFoundError, RuntimeError: files, by name.
    """
    chosen: dict[str, Any] = dict(settings)
    if isinstance(protocol, Mapping):
        chosen["protocol"] = dict(protocol)
    named = "secgan" if isinstance(protocol, Mapping) else path(protocol, "protocol", "a protocol's name, a file or a mapping")
    for name, file in (("inception", inception), ("swav", swav)):
        if file is not None:
            chosen[name] = path(file, name)
    functions: dict[str, Any] = {}
    for name, network in (("extractor", extractor), ("identity", identity)):
        if isinstance(network, Mapping):
            chosen[name] = dict(network)
        functions[name] = None if isinstance(network, Mapping) else _named(network, name)
    folder = "" if out is None else path(out, "out")
    if isinstance(data, Faces):
        return call(_core.evaluate_faces, path(model, "model"), data._native, named, chosen, **functions, out=folder)
    chosen["data"] = mapping(data, "data", "faces or a mapping, as {'kind': 'synthetic'}")
    return call(_core.evaluate, path(model, "model"), named, chosen, **functions, out=folder)


def compare_reports(files: Sequence[str | os.PathLike[str]], *, different_protocols: bool = False) -> str:
    """Reports of :func:`evaluate` side by side, as a Markdown table.

    Raises:
        ValueError: two of them were made under different protocols, and what differs is named; or one name in place of a list.
        RuntimeError: a file that is no report.
    """
    listed = [path(file, "files", "a list of paths") for file in items(files, "files", "a list of paths")]
    return call(_core.compare_reports, listed, different_protocols)

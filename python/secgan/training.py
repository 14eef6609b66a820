"""Training runs from Python: the trainer of the ``secgan train`` command, with networks and parsers of one's own."""

from __future__ import annotations

import copy
import json
import os
from typing import Any, Mapping, NamedTuple

from torch import nn

from . import _core
from .parsing import FaceParser


class TrainingOutcome(NamedTuple):
    """What :func:`train` gives."""

    steps: int  #: done, counted from the beginning of the run
    finished: bool  #: False: stopped on request, with a checkpoint to resume from
    seconds: float  #: of this call


class _OwnNetwork:
    """Hands a module to C++: the module itself the first time, then a copy for the moving average."""

    def __init__(self, module: nn.Module, what: str) -> None:
        if not isinstance(module, nn.Module):
            raise ValueError(f"{what} must be a torch.nn.Module, found {type(module).__name__}")
        self._module = module
        self._twin = copy.deepcopy(module)
        self._given = False

    def __call__(self) -> Any:
        module = self._twin if self._given else self._module
        self._given = True
        trained = [(name, tensor) for name, tensor in module.named_parameters() if tensor.requires_grad]
        kept = [(name, tensor) for name, tensor in module.named_parameters() if not tensor.requires_grad]

        def train(on: bool) -> None:
            module.train(on)

        return _core.OwnNetwork(module, trained, kept + list(module.named_buffers()), train)


def default_settings(small: bool = False) -> dict[str, Any]:
    """Every setting of :func:`train` with its default; ``small``: the recipe for 64 px on a CPU."""
    return json.loads(_core.default_train_settings(small))


def train(
    settings: Mapping[str, Any],
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    photo_generator: nn.Module | None = None,
    photo_discriminator: nn.Module | None = None,
    mask_generator: nn.Module | None = None,
    mask_discriminator: nn.Module | None = None,
    parser: FaceParser | None = None,
) -> TrainingOutcome:
    """Trains SeCGAN, then writes ``out/bundle``; log, TensorBoard events, samples and checkpoint lie beside it.

    Networks of your own are trained in place. A generator is called with image ``[N, C, S, S]`` and difference vector
    ``[N, A]`` and answers the edit: photos in [-1, 1], masks as logits over 12 classes. A discriminator answers
    ``(adversarial [N, 1], attribute_logits [N, A])`` and must be twice differentiable (gradient penalty). A bundle
    cannot hold a generator of your own: its averaged weights are ``out/photo_generator.safetensors``.

    Ctrl-C stops after the step, with a checkpoint.

    Args:
        settings: nested as in ``settings.toml``; :func:`default_settings` shows all. Missing ones keep their default.
        out: the run's folder.
        resume: go on from its checkpoint, bit for bit as if never stopped.
        photo_generator, photo_discriminator, mask_generator, mask_discriminator: modules of your own.
        parser: the frozen parser, in place of ``settings["parser"]``.

    Raises:
        ValueError: an unknown setting (the known ones are listed) or a value that breaks a rule.
        RuntimeError: a run that fails: no data, a figure that is not finite, a checkpoint that does not fit.
    """

    def own(module: nn.Module | None, what: str) -> _OwnNetwork | None:
        return None if module is None else _OwnNetwork(module, what)

    outcome = _core.train(
        json.dumps(dict(settings), allow_nan=False),
        os.fspath(out),
        resume,
        own(photo_generator, "photo_generator"),
        own(photo_discriminator, "photo_discriminator"),
        own(mask_generator, "mask_generator"),
        own(mask_discriminator, "mask_discriminator"),
        None if parser is None else parser._native,
    )
    return TrainingOutcome(**json.loads(outcome))


def train_parser(settings: Mapping[str, Any], out: str | os.PathLike[str], *, resume: bool = False) -> TrainingOutcome:
    """``secgan train-parser``: a face parser on photos with masks. Arguments and errors as in :func:`train`."""
    return TrainingOutcome(**json.loads(_core.train_parser(json.dumps(dict(settings)), os.fspath(out), resume)))


def train_classifier(settings: Mapping[str, Any], out: str | os.PathLike[str], *, resume: bool = False) -> TrainingOutcome:
    """``secgan train-classifier``: the attribute classifier. Arguments and errors as in :func:`train`."""
    return TrainingOutcome(**json.loads(_core.train_classifier(json.dumps(dict(settings)), os.fspath(out), resume)))

"""Training runs from Python: the trainer of the ``secgan train`` command, with custom networks and parsers."""

from __future__ import annotations

import copy
import os
from typing import Any, NamedTuple, cast

from torch import nn

from . import _core
from ._arguments import call, mapping, path, shown
from .options import TrainClassifierSettings, TrainParserSettings, TrainSettings
from .parsing import FaceParser

_SETTINGS = "a mapping, as {'trainer': {'steps': 1000}}"


class TrainingOutcome(NamedTuple):
    """What :func:`train` gives."""

    steps: int  #: done, counted from the beginning of the run
    finished: bool  #: False: stopped on request, with a checkpoint to resume from
    seconds: float  #: of this call


def _outcome(native: _core.TrainingOutcome) -> TrainingOutcome:
    return TrainingOutcome(native.steps, native.finished, native.seconds)


class _CustomNetwork:
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

        return _core.CustomNetwork(module, trained, kept + list(module.named_buffers()), train)


def default_settings(small: bool = False, *, photos: bool = False, with_classifier: bool = False) -> TrainSettings:
    """Every setting of :func:`train` with its default.

    Args:
        small: the recipe for 64 px on a CPU: for drawn faces, or for photos of people
        photos: small: the one for photos, with STGAN's networks
        with_classifier: photos: the generator also learns from the frozen classifier that ``settings["classifier"]`` has to name
    """
    return cast("TrainSettings", call(_core.default_train_settings, small, photos, with_classifier))


def default_classifier_settings(small: bool = False) -> TrainClassifierSettings:
    """Every setting of :func:`train_classifier` with its default.

    Args:
        small: the recipe for some thousand photos of 64 px on a CPU: a teacher for ``default_settings(small=True, photos=True,
            with_classifier=True)``, of four networks that have learned from photos shifted and lit as they will be shown edits
    """
    return cast("TrainClassifierSettings", call(_core.default_classifier_settings, small))


def train(
    settings: TrainSettings,
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    synchronize: bool = True,
    photo_generator: nn.Module | None = None,
    photo_discriminator: nn.Module | None = None,
    mask_generator: nn.Module | None = None,
    mask_discriminator: nn.Module | None = None,
    parser: FaceParser | None = None,
) -> TrainingOutcome:
    """Trains SeCGAN, then writes ``out/bundle``; log, TensorBoard events, samples and checkpoint lie beside it.

    Custom networks are trained in place. A generator is called with image ``[N, C, S, S]`` and difference vector
    ``[N, A]`` and returns the edit: photos in [-1, 1], masks as logits over 12 classes. A discriminator returns
    ``(adversarial [N, 1], attribute_logits [N, A])`` and must be twice differentiable (gradient penalty). A bundle
    cannot hold a custom generator: its averaged weights are ``out/photo_generator.safetensors``.

    Ctrl-C stops after the step, with a checkpoint: see ``finished``. What the host and other trainings draw at random meanwhile
    is neither read nor changed.

    Args:
        settings: nested as in ``settings.toml``; :func:`default_settings` shows all. Missing ones keep their default.
        out: the run's folder, held by one training at a time.
        resume: go on from its checkpoint, bit for bit as if never stopped; before the first, from the beginning. Settings are those given
            here: what decides the checkpoint's meaning must be the same, the rest is told. ``threads`` 0: as the run had them.
        synchronize: in a job of several processes (``torch.distributed`` is initialized, or torchrun started this one) all
            of them call this and train one run together, each on its share of every batch; the first one writes
            (docs/scaling.md). False: this process trains by itself.
        photo_generator, photo_discriminator, mask_generator, mask_discriminator: custom modules.
        parser: the frozen parser, in place of ``settings["parser"]``.

    Raises:
        ValueError: an unknown setting (the known ones are listed) or a value that breaks a rule.
        RuntimeError: a run that fails: no data, a value that is not finite, a checkpoint that is damaged or does not fit, a folder in use.
    """
    if parser is not None and not isinstance(parser, FaceParser):
        raise TypeError(f"parser must be a secgan.FaceParser or None, found {shown(parser)}")

    def custom(module: nn.Module | None, what: str) -> _CustomNetwork | None:
        return None if module is None else _CustomNetwork(module, what)

    return _outcome(
        call(
            _core.train,
            mapping(settings, "settings", _SETTINGS),
            path(out, "out"),
            resume,
            synchronize,
            custom(photo_generator, "photo_generator"),
            custom(photo_discriminator, "photo_discriminator"),
            custom(mask_generator, "mask_generator"),
            custom(mask_discriminator, "mask_discriminator"),
            None if parser is None else parser._native,
        )
    )


def train_parser(
    settings: TrainParserSettings, out: str | os.PathLike[str], *, resume: bool = False, synchronize: bool = True
) -> TrainingOutcome:
    """``secgan train-parser``: a face parser on photos with masks. Arguments and errors as in :func:`train`."""
    return _outcome(call(_core.train_parser, mapping(settings, "settings", _SETTINGS), path(out, "out"), resume, synchronize))


def train_classifier(
    settings: TrainClassifierSettings, out: str | os.PathLike[str], *, resume: bool = False, synchronize: bool = True
) -> TrainingOutcome:
    """``secgan train-classifier``: the attribute classifier. Arguments and errors as in :func:`train`."""
    return _outcome(call(_core.train_classifier, mapping(settings, "settings", _SETTINGS), path(out, "out"), resume, synchronize))

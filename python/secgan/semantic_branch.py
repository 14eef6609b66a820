"""SeCGAN's mask branch and its consistency loss for a training loop that somebody else wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch

from . import _core
from ._arguments import call, mapping
from ._module import NativeModule
from .networks import _count
from .options import SecganStepOptions
from .parsing import FaceParser

Branch = TypeVar("Branch", bound="SemanticBranch")


def _options(given: Any, what: str) -> dict[str, Any]:
    return {} if given is None else mapping(given, what, "a mapping of options or None")


class SemanticBranch(NativeModule):
    """SeCGAN's mask branch (arXiv 2111.09298) beside a photo GAN that somebody else trains.

    Two lines in an AttGAN or STGAN training loop::

        branch = secgan.SemanticBranch(parser, attributes=13, image_size=128)
        ...
        branch.discriminator_step(image, source, target)                       # after the host's discriminator update
        loss_g = loss_g + branch.generator_step(image, edited, source, target) # before loss_g.backward()

    The branch owns a mask generator and a mask discriminator with their optimizers. Both calls update them inside; of
    the host nothing is touched: networks, gradients, random state, train/eval flags, autocast. ``state_dict()`` holds all
    that a resumed run needs, the optimizers' moments and step counts included, so that ``torch.save`` of it beside the
    host's checkpoint resumes exactly. The parser is the caller's: it is not in the state.

    Under ``torch.autocast`` with bfloat16 the branch's networks follow; with float16 they stay in float32, since no
    gradient scaler guards them.

    Args:
        parser: the frozen parser, of as many classes as the masks shall have (12 for every named label set).
        attributes: how many, or their names.
        image_size: side of the photos in pixels.
        backbone: of both mask networks, one of :func:`secgan.list_generators`.
        generator, discriminator: options of the networks, named as in :func:`secgan.create_generator` and
            :func:`secgan.create_discriminator`.
        semantic_consistency: λ_sc, weight of the consistency in the host's loss and in the mask generator's.
        losses: more weights and choices, as in ``settings.toml`` under ``task.losses`` (``{"mask": {"reconstruction": 100},
            "consistency_target": "soft", "intensity": 0.5}``).
        augment: of the masks that the mask discriminator sees, drawn anew for each call: ``{"shift": 0.125, "flip": 0.5}``, a share of
            the side and a probability; none at first.
        learning_rate: of both Adam optimizers (betas 0.5 and 0.999).
        accumulate: calls per optimizer step; as many as the host accumulates. Save between such groups.
        synchronize: where ``torch.distributed`` is initialized, the steps are collectives of its default group: weights begin as
            rank 0's, and gradients and running statistics are means over the ranks, so that beside a host in
            ``DistributedDataParallel`` all ranks stay the same. Every rank must then call them equally often. Losses are the rank's own.
        seed: of the first weights, the gradient penalty's places and the augmentation. The host's random state is not used.
        device: of the branch's networks, ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``, …; ``.to(device)`` moves them later.
            The parser is where the caller has put it.
        **options: of the backbone, for whichever of the two networks knows the name.

    Raises:
        ValueError: an unknown name or option (the known ones are listed), a value that breaks a rule, or a parser
            that is no :class:`secgan.FaceParser`.
    """

    _native_type = _core.SemanticBranch
    _parser: FaceParser

    def __init__(
        self,
        parser: FaceParser,
        *,
        attributes: int | Sequence[str],
        image_size: int,
        backbone: str = "attgan",
        generator: Mapping[str, Any] | None = None,
        discriminator: Mapping[str, Any] | None = None,
        semantic_consistency: float = 1.0,
        losses: SecganStepOptions | None = None,
        augment: Mapping[str, float] | None = None,
        learning_rate: float = 2e-4,
        accumulate: int = 1,
        synchronize: bool = True,
        seed: int = 0,
        device: str | torch.device = "cpu",
        **options: Any,
    ) -> None:
        if not isinstance(parser, FaceParser):
            raise ValueError(f"parser must be a secgan.FaceParser, found {type(parser).__name__}: wrap it, FaceParser(network, labels=...)")
        # Outside the module tree: the state holds what is trained here.
        object.__setattr__(self, "_parser", parser)
        super().__init__(
            call(
                _core.SemanticBranch.create,
                parser._native,
                attributes=_count(attributes),
                image_size=image_size,
                backbone=backbone,
                generator=_options(generator, "generator"),
                discriminator=_options(discriminator, "discriminator"),
                semantic_consistency=semantic_consistency,
                losses=_options(losses, "losses"),
                learning_rate=learning_rate,
                accumulate=accumulate,
                synchronize=synchronize,
                seed=seed,
                options=options,
                augment=_options(augment, "augment"),
            )
        )
        if str(device) != "cpu":
            self.to(_core.find_device(str(device)))

    def _rebuild(self, config: dict[str, Any]) -> Any:
        return self._native_type.from_config(self._parser._native, config)

    @property
    def parser(self) -> FaceParser:
        """The frozen parser."""
        return self._parser

    def discriminator_step(self, image: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
        """Updates the mask discriminator.

        Args:
            image: ``[N, 3, S, S]`` in [-1, 1].
            source, target: ``[N, A]``, labels 0 or 1 of the photos and of the edits asked for.

        Returns:
            Its loss terms before weighting; empty for an empty batch.

        Raises:
            ValueError: a wrong shape, range, type or device, naming the argument.
        """
        return call(self._in_step().discriminator_step, image, source, target)

    def generator_step(self, image: torch.Tensor, edited: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Updates the mask generator, and gives what to add to the host's generator loss.

        Args:
            image: ``[N, 3, S, S]`` in [-1, 1].
            edited: ``[N, 3, S, S]`` in [-1, 1], the host generator's output, with its graph.
            source, target: ``[N, A]``, labels 0 or 1 of the photos and of the edits asked for.

        Returns:
            A scalar: λ_sc times the semantic consistency of ``edited``; its gradient reaches ``edited`` through the
            parser. 0 for an empty batch.

        Raises:
            ValueError: a wrong shape, range, type or device, naming the argument; an ``edited`` without a graph (detached), of which
                the host's generator would learn nothing.
        """
        return call(self._in_step().generator_step, image, edited, source, target)

    @property
    def losses(self) -> dict[str, float]:
        """Terms of the last :meth:`generator_step`, before weighting: the mask generator's, and ``image_consistency``."""
        return self._native.generator_losses()

    def forward(self, *args: Any, **kwargs: Any) -> None:
        """Not how it is called."""
        raise NotImplementedError("a SemanticBranch is called by discriminator_step(...) and generator_step(...)")

    def _apply(self: Branch, fn: Any, recurse: bool = True) -> Branch:
        self._parser._apply(fn, recurse)
        return super()._apply(fn, recurse)

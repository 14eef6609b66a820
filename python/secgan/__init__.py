"""SeCGAN (arXiv 2111.09298): face attribute editing with two conditional GANs tied by semantic consistency.

Networks are ``torch.nn.Module``; their computation runs in C++. Photos are RGB, ``[N, 3, H, W]`` in [-1, 1];
masks are probabilities over classes, ``[N, K, H, W]``.
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import _torch_check  # noqa: F401  (says what is wrong before the extension fails to load)
from . import _core
from . import functional
from .data import AttributeList, Face, Faces, open_dataset, read_attribute_list, synthetic_faces
from .editing import EditedFace, EditedPhoto, Editor, EditWarning, FoundFace, find_faces, inspect_image, read_image, write_image
from .evaluating import compare_reports, evaluate
from .exporting import export
from .extractors import InceptionV3, ProgramExtractor, SwavResNet50
from .losses import SemanticConsistency, SoftCrossEntropy
from .networks import (
    Classifier,
    Discriminator,
    Generator,
    Parser,
    create_classifier,
    create_discriminator,
    create_generator,
    create_parser,
    list_discriminators,
    list_generators,
    list_parsers,
)
from .parsing import FaceParser, class_names, class_palette
from .semantic_branch import SemanticBranch
from .training import TrainingOutcome, default_classifier_settings, default_settings, train, train_classifier, train_parser
from .weights import import_weights, load_weights

if TYPE_CHECKING:
    from . import metrics
else:

    def __getattr__(name: str) -> Any:
        """``secgan.metrics`` is loaded when it is first used: importing torchmetrics takes longer than all the rest."""
        if name == "metrics":
            return importlib.import_module(".metrics", __name__)
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

    def __dir__() -> list[str]:
        return sorted({*__all__, "__all__", "__doc__", "__name__", "__version__"})  # completion offers what is public


__version__: str = _core.version

__all__ = [
    "AttributeList",
    "Classifier",
    "Discriminator",
    "EditWarning",
    "EditedFace",
    "EditedPhoto",
    "Editor",
    "Face",
    "FaceParser",
    "Faces",
    "FoundFace",
    "Generator",
    "InceptionV3",
    "Parser",
    "ProgramExtractor",
    "SemanticBranch",
    "SemanticConsistency",
    "SoftCrossEntropy",
    "SwavResNet50",
    "TrainingOutcome",
    "class_names",
    "class_palette",
    "compare_reports",
    "create_classifier",
    "create_discriminator",
    "create_generator",
    "create_parser",
    "default_classifier_settings",
    "default_settings",
    "evaluate",
    "export",
    "find_faces",
    "functional",
    "import_weights",
    "inspect_image",
    "list_discriminators",
    "list_generators",
    "list_parsers",
    "load_weights",
    "metrics",
    "open_dataset",
    "read_attribute_list",
    "read_image",
    "synthetic_faces",
    "train",
    "train_classifier",
    "train_parser",
    "write_image",
]

"""scikit-build-core, once what it needs is there: a build without isolation else ends in a traceback."""

import importlib.util
import sys

_missing = [name for name in ("torch", "scikit_build_core") if importlib.util.find_spec(name) is None]
if _missing:
    sys.exit(
        f"secgan: building needs {' and '.join(_missing)} in this environment: pip install torch==2.13.0 numpy scikit-build-core, "
        "then pip install --no-build-isolation . again"
    )

from scikit_build_core.build import *  # noqa: E402, F403

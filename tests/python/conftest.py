import pathlib

import pytest


@pytest.fixture
def bundle() -> str:
    """The bundle that ships with the project."""
    return str(pathlib.Path(__file__).parents[2] / "models" / "drawn-faces")

"""What is written from the lists of fields agrees with them: documentation, Python's types, help."""

import difflib
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = os.environ["SECGAN_COMMAND"]


@pytest.mark.parametrize("file", ["docs/options.md", "python/secgan/options.py"])
def test_the_projects_file_is_what_the_command_says(file, tmp_path):
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_options.py"), COMMAND, str(tmp_path)], check=True)
    there, made = ((folder / file).read_text().splitlines() for folder in (ROOT, tmp_path))
    assert not list(difflib.unified_diff(there, made, lineterm="")), "run tools/make_options.py"


def test_a_flags_help_is_its_fields_meaning_rule_and_default():
    text = " ".join(subprocess.run([COMMAND, "train", "--help"], capture_output=True, text=True).stdout.split())
    assert "--sample-every N steps between sample pictures; 0: none; at least 0 [1000]" in text
    assert "--data NAME" in text and "one of synthetic, celeba, celebamask-hq, folder, packed [celeba]" in text

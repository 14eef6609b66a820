"""The ``secgan`` command: hands over to the program inside the package.

It stands outside that package, whose import loads torch: the command would start two seconds later.
"""

import importlib.util
import os
import pathlib
import signal
import sys


def main() -> None:
    """Becomes the program, with the command line's arguments."""
    package = importlib.util.find_spec("secgan")  # found, not imported
    if package is None or package.origin is None:
        sys.exit("secgan: the Python package secgan is not installed beside this command")
    # Python ignores it from its start, and a program inherits what is ignored: a training would not stop when nobody listens any more.
    # SIGXFSZ stays ignored: a file that may not grow is then an error that names it.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    program = pathlib.Path(package.origin).with_name("bin") / "secgan"
    os.execv(program, [str(program), *sys.argv[1:]])

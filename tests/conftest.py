import os
import signal

import pytest

# A shell starts what it puts in the background with SIGINT ignored; commands would inherit that, and rightly not stop on it. A handler,
# unlike an ignored signal, does not outlive the exec of a command.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Where nobody says how many threads, commands measure it, and another number gives other last bits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS") or "1")
        yield

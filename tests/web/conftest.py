"""A browser, a plain file server, and pages that `secgan export --web` wrote."""

import functools
import http.server
import io
import json
import os
import pathlib
import shutil
import subprocess
import threading

import numpy
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = os.environ.get("SECGAN_COMMAND", "secgan")
BUNDLE = ROOT / "models" / "drawn-faces"
PHOTOS = ROOT / "examples" / "photos"


def run(*arguments):
    done = subprocess.run([COMMAND, *map(str, arguments)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def share():
    """Where the command finds its data."""
    command = shutil.which(COMMAND)
    return pathlib.Path(command).resolve().parents[1] / "share" / "secgan" if command else pathlib.Path("nowhere")


def pixels(file):
    """[H, W, 3] of a file, or of its bytes."""
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as opened:
        return numpy.asarray(opened.convert("RGB"), int)


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("Debian's chromium is not installed")
    if not (share() / "web" / "runtime" / "ort.wasm.js").exists():
        pytest.skip("onnxruntime-web is not installed: make build fetches it")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


class Servers:
    """Serve folders as `python3 -m http.server` does."""

    def __init__(self):
        self.running = {}

    def __call__(self, folder):
        """The folder's address."""

        class Silent(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        self.running[address] = server
        return address

    def stop(self, address):
        server = self.running.pop(address)
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def serve():
    servers = Servers()
    yield servers
    for address in list(servers.running):
        servers.stop(address)


@pytest.fixture(scope="session")
def aligned(tmp_path_factory):
    """The shipped networks, with a description as of CelebA's aligned photos."""
    if not (share() / "face-detector.safetensors").exists():
        pytest.skip("no face detector is installed: make build fetches it")
    folder = tmp_path_factory.mktemp("bundles") / "aligned"
    shutil.copytree(BUNDLE, folder)
    config = json.loads((folder / "config.json").read_text())
    config["info"].update(crop="center:170", photo_size="178x218", trained_on="CelebA")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def drawn_page(browser, serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / "drawn"
    run("export", BUNDLE, "--web", folder)
    return serve(folder)


@pytest.fixture(scope="session")
def aligned_page(browser, serve, aligned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / "aligned"
    run("export", aligned, "--web", folder, "--title", "Faces")
    return serve(folder)


class Page:
    """What a person does with the page, and what the page asked of the network meanwhile."""

    def __init__(self, browser, address, width=1280, height=900, **options):
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        self.tab = self.context.new_page()
        self.requests, self.faults = [], []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        self.tab.goto(address)
        self.tab.wait_for_selector("body[data-ready]", timeout=120_000)

    def idle(self):
        self.tab.wait_for_selector('body[data-busy=""]', state="attached", timeout=120_000)

    def open(self, file):
        self.tab.set_input_files("#file", file)
        self.idle()

    def slide(self, label, strength):
        self.tab.get_by_role("slider", name=label, exact=True).fill(str(strength))
        self.idle()

    def value(self, label):
        return float(self.tab.get_by_role("slider", name=label, exact=True).input_value())

    def says(self, label, shown):
        """Whether the attribute is in the photo."""
        self.tab.get_by_role("checkbox", name=f"{label} is in the photo").set_checked(shown)
        self.idle()

    def shown(self):
        """The labels of what is in the photo, as the page sees it."""
        boxes = self.tab.locator("#attributes input[type=checkbox]:checked").all()
        return [box.get_attribute("aria-label").removesuffix(" is in the photo") for box in boxes]

    def save(self, kind="PNG"):
        with self.tab.expect_download() as waiting:
            self.tab.get_by_role("button", name=f"Download {kind}").click()
        return pathlib.Path(waiting.value.path()).read_bytes(), waiting.value.suggested_filename


@pytest.fixture
def visit(browser):
    """Opens a page, which must end without an error in its console."""
    pages = []

    def opened(address, **options):
        pages.append(Page(browser, address, **options))
        return pages[-1]

    yield opened
    for page in pages:
        faults = page.faults
        page.context.close()
        assert not faults, faults

"""The page of `secgan serve` in a browser: it edits by the server, and says so."""

import io
import json
import re
import subprocess

import numpy
import pytest
from conftest import BUNDLE, COMMAND, PHOTOS, pixels, run
from PIL import Image
from test_page import command_edits, name_of, scene


class Served:
    """A running `secgan serve`, and what it logged."""

    def __init__(self, folder, bundle, *flags):
        self.log = folder / "log"
        with self.log.open("w") as log:
            command = [COMMAND, "serve", bundle, "--port", "0", "--verbose", *map(str, flags)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.address = self.process.stdout.readline().rstrip("\n")

    def requests(self, pattern):
        return re.findall(pattern, self.log.read_text(), re.MULTILINE)


@pytest.fixture
def served(browser, tmp_path):
    running = []

    def started(bundle=BUNDLE, *flags):
        running.append(Served(tmp_path, bundle, *flags))
        return running[-1]

    yield started
    for server in running:
        server.process.terminate()
        assert server.process.wait(60) == 143


def test_edits_are_the_servers(visit, served, tmp_path):
    server = served()
    page = visit(server.address)
    promise = page.tab.locator("#promise")
    assert promise.is_visible() and "sent to this server" in promise.inner_text()
    assert "runs on this server" in page.tab.locator("#about").inner_text()
    page.open(PHOTOS / "anna.png")
    shown = page.shown()
    sign = {"Eyeglasses": -1 if "Eyeglasses" in shown else 1, "Pale_Skin": -0.5 if "Pale skin" in shown else 0.5}
    page.slide("Eyeglasses", 1)
    page.slide("Pale skin", 0.5)
    file, name = page.save()
    source = ["--source", ",".join(name_of(label) for label in shown)]
    expected = command_edits(BUNDLE, PHOTOS / "anna.png", tmp_path / "free", sign, *source)
    assert name == "anna-edited.png" and (pixels(file) == expected).all(), "not nearly: to the bit"
    assert file == (tmp_path / "free" / "anna.png").read_bytes(), "the file itself, with its provenance"
    assert (page.tab.evaluate(PAINTED) == pixels(file).reshape(-1)).all(), "what is downloaded is what is shown"
    page.tab.get_by_role("switch", name=re.compile("Change only")).check()
    page.idle()
    exact = command_edits(BUNDLE, PHOTOS / "anna.png", tmp_path / "exact", sign, *source, "--region", "exact")
    assert (pixels(page.save()[0]) == exact).all()
    assert page.save("JPEG")[0].startswith(b"\xff\xd8")
    assert not [url for url in page.requests if not url.startswith((server.address, "blob:", "data:"))]
    assert not page.tab.evaluate("() => navigator.serviceWorker.getRegistrations().then((all) => all.length)"), (
        "there is no page without it"
    )


PAINTED = """() => {
  const canvas = document.getElementById("after"), { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return Array.from(data).filter((_, i) => i % 4 < 3);
}"""


def test_the_mask_branchs_view_is_the_servers(visit, served):
    page = visit(served().address)
    page.open(PHOTOS / "anna.png")
    page.says("Eyeglasses", False)
    page.slide("Eyeglasses", 1)
    page.tab.get_by_role("switch", name=re.compile("mask branch")).check()
    page.idle()
    assert {"skin", "hair", "glasses"} <= set(page.tab.get_by_role("list", name="Classes in the picture").inner_text().split())


def test_each_face_of_a_photo_is_edited_by_the_server(visit, served, aligned, tmp_path):
    photo = scene(tmp_path / "photo.png", [("carla", 300, 20, 10), ("ben", 200, 420, 150)], (700, 400))
    page = visit(served(aligned).address)
    page.open(photo)
    assert "2 faces found" in page.tab.get_by_role("status").inner_text()
    page.tab.get_by_role("radio", name="Face 2 of 2").check()
    page.idle()
    page.slide("Bangs", 1)
    sign = -1 if "Bangs" in page.shown() else 1
    source = ["--source", ",".join(name_of(label) for label in page.shown())]
    assert (pixels(page.save()[0]) == command_edits(aligned, photo, tmp_path / "out", {"Bangs": sign}, "--face", "2", *source)).all()
    page.tab.get_by_role("switch", name=re.compile("mask branch")).check()
    page.idle()
    found = numpy.array(page.tab.evaluate(PAINTED)).reshape(400, 700, 3)
    beside = pixels(photo)[:, 690:]
    assert numpy.abs(found[:, 690:] - (160 + 0.375 * beside)).max() <= 1, "around the faces the photo, pale"

    page.open(scene(tmp_path / "wall.png", []))
    alert = page.tab.get_by_role("alert")
    assert "No face was found" in alert.inner_text()
    page.tab.get_by_role("button", name="Edit the middle of the photo").click()
    page.idle()
    page.tab.get_by_role("slider", name="Eyeglasses", exact=True).wait_for()
    page.faults.clear()  # Chromium tells of the photo that was refused


def test_what_the_server_forgets_or_puts_off_is_asked_again(visit, served, tmp_path):
    server = served(BUNDLE, "--max-photos", 1, "--max-megabytes", 1)
    page, other = visit(server.address), visit(server.address)
    page.open(PHOTOS / "anna.png")
    other.open(PHOTOS / "ben.png")
    page.slide("Male", 1)
    assert not page.tab.get_by_role("alert").is_visible()
    assert server.requests("^POST /api/photos/.*/edits 404"), "it was forgotten"
    assert len(server.requests("^POST /api/photos 201")) == 3, "and sent again"
    shown = page.shown()
    expected = command_edits(
        BUNDLE, PHOTOS / "anna.png", tmp_path, {"Male": -1 if "Male" in shown else 1}, "--source", ",".join(map(name_of, shown))
    )
    assert (pixels(page.save()[0]) == expected).all()
    large = io.BytesIO()
    Image.fromarray(numpy.random.default_rng(1).integers(0, 256, (700, 700, 3), numpy.uint8)).save(large, "PNG")
    (tmp_path / "large.png").write_bytes(large.getvalue())
    page.open(tmp_path / "large.png")
    assert "This server takes photos of up to 1.0" in page.tab.get_by_role("alert").inner_text()
    page.faults.clear()


def test_a_page_of_files_alone_has_nothing_of_a_server(serve, tmp_path):
    run("export", BUNDLE, "--web", tmp_path / "page")
    files = json.loads((tmp_path / "page" / "model.json").read_text())["files"]
    assert not {"remote.js", "openapi.json"} & set(files) and not (tmp_path / "page" / "remote.js").exists()


def test_a_server_that_asks_for_time_gets_it(visit, served, tmp_path):
    server = served(BUNDLE, "--requests-per-minute", 40)
    page = visit(server.address)
    page.open(PHOTOS / "ben.png")
    shown = page.shown()
    for step in range(40):
        page.slide("Bangs", 0.05 * (step + 1))
        if server.requests(" 429, "):
            break
    assert server.requests(" 429, ") and not page.tab.get_by_role("alert").is_visible()
    edits = {"Bangs": page.value("Bangs") * (-1 if "Bangs" in shown else 1)}
    expected = command_edits(BUNDLE, PHOTOS / "ben.png", tmp_path, edits, "--source", ",".join(map(name_of, shown)))
    assert (pixels(page.save()[0]) == expected).all()
    page.faults.clear()  # Chromium tells of what was put off

"""The page in a browser: its edits are the command's, and it can be used in every way."""

import json
import re

import numpy
import pytest
from conftest import BUNDLE, PHOTOS, pixels, run
from PIL import Image


def command_edits(bundle, photo, out, edits, *flags):
    """The command's picture of a photo."""
    sets = [part for name, strength in edits.items() for part in ("--set", f"{name}={strength}")]
    run("edit", bundle, photo, *sets, *flags, "--out", out)
    return pixels(out / photo.name)


def scene(file, faces, size=(480, 360)):
    """Drawn faces (name, side, x, y) before a drawn wall."""
    wall = Image.linear_gradient("L").resize(size)
    photo = Image.merge("RGB", (wall.point(lambda v: 60 + v // 3), wall.point(lambda v: 120 - v // 4), wall.point(lambda v: 90 + v // 5)))
    for name, side, x, y in faces:
        photo.paste(Image.open(PHOTOS / f"{name}.png").convert("RGB").resize((side, side), Image.BICUBIC), (x, y))
    photo.save(file)
    return file


def name_of(label):
    """CelebA's name of an attribute."""
    return next(
        name
        for name in json.loads((BUNDLE / "config.json").read_text())["info"]["attributes"]
        if name.replace("_", " ").lower() == label.lower()
    )


def close(found, expected, share=0.0):
    """To two levels, but for a share of the values: of exact regions, where a class of a mask may turn on a rounding error."""
    assert found.shape == expected.shape
    difference = numpy.abs(found - expected)
    assert (difference > 2).mean() <= share and difference.max() <= (2 if share == 0 else 32)


@pytest.mark.parametrize("name", ["anna", "ben", "carla"])
def test_edits_are_the_commands(visit, drawn_page, name, tmp_path):
    page, photo = visit(drawn_page), PHOTOS / f"{name}.png"
    page.open(photo)
    shown = page.shown()
    sign = {"Eyeglasses": -1 if "Eyeglasses" in shown else 1, "Pale_Skin": -0.5 if "Pale skin" in shown else 0.5}
    page.slide("Eyeglasses", 1)
    page.slide("Pale skin", 0.5)
    found = pixels(page.save()[0])
    close(found, command_edits(BUNDLE, photo, tmp_path / "free", sign))
    assert numpy.abs(found - pixels(photo)).max() > 40, "something was edited"
    page.tab.get_by_role("switch", name=re.compile("Change only")).check()
    page.idle()
    close(pixels(page.save()[0]), command_edits(BUNDLE, photo, tmp_path / "exact", sign, "--region", "exact"))


@pytest.mark.parametrize(("size", "mode"), [((300, 200), "RGB"), ((41, 64), "RGB"), ((150, 150), "L")])
def test_photos_of_other_sizes_are_cropped_and_keep_their_detail(visit, drawn_page, size, mode, tmp_path):
    photo = tmp_path / "photo.png"
    with Image.open(PHOTOS / "ben.png") as ben:
        ben.convert(mode).resize(size, Image.BICUBIC).save(photo)
    page = visit(drawn_page)
    page.open(photo)
    shown = page.shown()
    page.slide("Male", 1)
    source = ",".join(name_of(label) for label in shown)
    sign = -1 if "Male" in shown else 1
    close(pixels(page.save()[0]), command_edits(BUNDLE, photo, tmp_path / "out", {"Male": sign}, "--source", source))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("faces", "size"), [([("ben", 160, 250, 120)], (480, 360)), ([("carla", 300, 20, 10), ("ben", 200, 420, 150)], (700, 400))]
)
def test_faces_are_edited_in_their_place(visit, aligned, aligned_page, faces, size, exact, tmp_path):
    photo = scene(tmp_path / "photo.png", faces, size)
    page = visit(aligned_page)
    page.open(photo)
    if exact:
        page.tab.get_by_role("switch", name=re.compile("Change only")).check()
    page.says("Eyeglasses", False)
    page.slide("Eyeglasses", 1)
    flags = ["--face", "largest", "--source", ",".join(name_of(label) for label in page.shown())]
    expected = command_edits(aligned, photo, tmp_path / "out", {"Eyeglasses": 1}, *flags, *(["--region", "exact"] if exact else []))
    found = pixels(page.save()[0])
    close(found, expected, share=1e-3 if exact else 0.0)
    assert numpy.abs(found - pixels(photo)).max() > 20, "something was edited"
    assert page.tab.get_by_role("radio").count() == (len(faces) if len(faces) > 1 else 0)


def test_each_face_has_its_own_edit(visit, aligned, aligned_page, tmp_path):
    photo = scene(tmp_path / "photo.png", [("carla", 300, 20, 10), ("ben", 200, 420, 150)], (700, 400))
    page = visit(aligned_page)
    page.open(photo)
    assert "2 faces found" in page.tab.get_by_role("status").inner_text()
    page.tab.get_by_role("radio", name="Face 2 of 2").check()
    page.idle()
    page.slide("Bangs", 1)
    sign = -1 if "Bangs" in page.shown() else 1
    found = pixels(page.save()[0])
    close(found, command_edits(aligned, photo, tmp_path / "out", {"Bangs": sign}, "--face", "2"))
    assert (found[:, :300] == pixels(photo)[:, :300]).all(), "the other face keeps every bit"
    page.tab.get_by_role("radio", name="Face 1 of 2, the largest").check()
    page.idle()
    assert page.value("Bangs") == 0
    page.slide("Male", 1)
    both = pixels(page.save()[0])
    assert (both[:, 450:] == found[:, 450:]).all(), "the second keeps its edit"
    assert (both[:, :300] != found[:, :300]).any()


def test_exclusive_attributes_are_tied(visit, drawn_page, tmp_path):
    page = visit(drawn_page)
    page.open(PHOTOS / "anna.png")
    for label in ("Bald", "Bangs", "Black hair", "Blond hair"):
        page.says(label, label == "Black hair")
    page.slide("Blond hair", 0.75)
    assert page.value("Black hair") == 0.75, "black hair goes where blond comes"
    assert "−0.75" in page.tab.locator(".attribute", has_text="Black hair").locator(".number").inner_text()
    close(
        pixels(page.save()[0]),
        command_edits(
            BUNDLE, PHOTOS / "anna.png", tmp_path, {"Blond_Hair": 0.75}, "--source", ",".join(name_of(one) for one in page.shown())
        ),
    )
    page.slide("Bald", 1)
    assert page.value("Blond hair") == 0 and page.value("Black hair") == 1
    page.slide("Bangs", 0.5)
    assert page.value("Bald") == 0 and page.value("Black hair") == 0
    page.tab.get_by_role("button", name="Reset").click()
    page.idle()
    assert page.value("Bangs") == 0 and page.tab.get_by_role("button", name="Reset").is_disabled()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_downloads_say_how_they_were_made(visit, drawn_page, kind, tmp_path):
    page = visit(drawn_page)
    page.open(PHOTOS / "anna.png")
    assert page.tab.get_by_role("button", name=f"Download {kind}").is_disabled(), "nothing is edited yet"
    page.slide("Eyeglasses", 1)
    data, name = page.save(kind)
    assert name == ("anna-edited.png" if kind == "PNG" else "anna-edited.jpg")
    file = tmp_path / name
    file.write_bytes(data)
    run("inspect", file, "--json", tmp_path / "page.json")
    run("edit", BUNDLE, PHOTOS / "anna.png", "--set", "Eyeglasses=1", "--out", tmp_path / "out")
    run("inspect", tmp_path / "out" / "anna.png", "--json", tmp_path / "command.json")
    found, expected = (json.loads((tmp_path / f"{which}.json").read_text()) for which in ("page", "command"))

    def provenance(facts):
        return next(value for key, value in find(facts) if key == "provenance")

    def find(node):
        for value in node if isinstance(node, list) else node.values() if isinstance(node, dict) else []:
            yield from find(value)
        if isinstance(node, dict):
            yield from node.items()

    assert provenance(found) == provenance(expected) and provenance(found)["edits"] == ["Eyeglasses=1"]
    # The command takes them for its own, as it does what it wrote itself.
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "anna.png").write_bytes(page.save("PNG")[0])
    run("edit", BUNDLE, PHOTOS / "anna.png", "--set", "Eyeglasses=1", "--out", tmp_path / "again")


def test_the_keyboard_is_enough(visit, drawn_page):
    page = visit(drawn_page)
    page.open(PHOTOS / "anna.png")
    page.tab.locator("#divider").focus()
    page.tab.keyboard.press("End")
    assert page.tab.locator("#divider").get_attribute("aria-valuetext") == "before alone"
    page.tab.keyboard.press("ArrowLeft")
    assert page.tab.locator("#divider").get_attribute("aria-valuetext") == "99 % before"
    seen = []
    for _ in range(30):
        page.tab.keyboard.press("Tab")
        seen.append(page.tab.evaluate("() => document.activeElement.id || document.activeElement.textContent"))
        if seen[-1] == "slider-1":
            for _ in range(4):
                page.tab.keyboard.press("ArrowRight")
            page.idle()
    order = ["shown-0", "slider-0", "slider-1", "exact", "masks", "save-png", "choose-other"]
    assert [one for one in dict.fromkeys(seen) if one in order] == order
    assert page.value("Bangs") == 0.2
    status = page.tab.get_by_role("status")
    status.filter(has_text="Bangs").wait_for()
    assert re.search(r"Edited: Bangs [+−]0\.2\.", status.inner_text())


def test_the_mask_branchs_view(visit, drawn_page):
    page = visit(drawn_page)
    page.open(PHOTOS / "anna.png")
    page.says("Eyeglasses", False)
    page.slide("Eyeglasses", 1)
    page.tab.get_by_role("switch", name=re.compile("mask branch")).check()
    page.idle()
    classes = page.tab.get_by_role("list", name="Classes in the picture")
    assert {"skin", "hair", "glasses"} <= set(classes.inner_text().split())
    assert page.tab.get_by_role("img", name=re.compile("Classes of the edited face")).is_visible()
    assert numpy.abs(pixels(page.save()[0]) - pixels(PHOTOS / "anna.png")).max() > 40, "the file is the photo's edit, not the classes"


def test_what_cannot_be_edited_is_said(visit, drawn_page, aligned_page, tmp_path):
    page = visit(drawn_page)
    (tmp_path / "letter.png").write_text("not a picture")
    page.open(tmp_path / "letter.png")
    alert = page.tab.get_by_role("alert")
    assert "not a picture that this browser can read" in alert.inner_text()
    Image.new("1", (8000, 6000)).save(tmp_path / "large.png")
    page.open(tmp_path / "large.png")
    assert "too large: 8000 × 6000 pixels" in alert.inner_text()
    page.open(PHOTOS / "anna.png")
    assert not alert.is_visible()
    page.open(tmp_path / "letter.png")
    assert alert.is_visible()
    page.slide("Male", 1)
    assert page.save()[1] == "anna-edited.png", "the photo before can still be edited"

    page = visit(aligned_page)
    wall = scene(tmp_path / "wall.png", [])
    page.open(wall)
    assert "No face was found" in page.tab.get_by_role("alert").inner_text()
    page.tab.get_by_role("button", name="Edit the middle of the photo").click()
    page.idle()
    page.tab.get_by_role("slider", name="Eyeglasses", exact=True).wait_for()


def test_nothing_is_asked_of_anybody_else(visit, aligned_page, tmp_path):
    page = visit(aligned_page)
    page.open(scene(tmp_path / "photo.png", [("ben", 160, 250, 120)]))
    page.slide("Male", 1)
    page.save()
    strange = [url for url in page.requests if not url.startswith((aligned_page, "blob:", "data:"))]
    assert not strange
    assert len(page.requests) > 10
    policy = page.tab.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy.startswith("default-src 'self';") and "http" not in policy and "*" not in policy


@pytest.mark.parametrize("width", [320, 768])
def test_narrow_screens_need_no_scrolling_sideways(visit, drawn_page, width):
    page = visit(drawn_page, width=width, height=720)
    for step in ("empty", "edited"):
        if step == "edited":
            page.open(PHOTOS / "anna.png")
            page.slide("Mouth slightly open", 1)
        assert page.tab.evaluate("() => document.documentElement.scrollWidth") <= width
        beyond = page.tab.evaluate(
            "() => [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && "
            "one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.id || one.className || one.tagName)"
        )
        assert not beyond


def test_every_control_has_a_name(visit, drawn_page):
    page = visit(drawn_page)
    page.open(PHOTOS / "anna.png")
    tree = page.tab.locator("body").aria_snapshot()
    assert not re.search(r"- (button|slider|checkbox|switch|radio|img)(?! \")", tree), tree
    assert 'slider "Eyeglasses"' in tree and 'slider "Divider between before, on its left, and after"' in tree


def test_examples_of_drawn_faces(visit, drawn_page):
    page = visit(drawn_page)
    page.tab.get_by_role("button", name="Example 2").click()
    page.tab.get_by_role("slider", name="Eyeglasses", exact=True).wait_for()
    page.idle()
    page.slide("Male", 1)
    assert page.save()[1] == "face2-edited.png"


def test_a_second_visit_needs_no_network(visit, serve, tmp_path):
    run("export", BUNDLE, "--web", tmp_path / "page")
    address = serve(tmp_path / "page")
    page = visit(address)
    page.tab.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    serve.stop(address)
    page.faults.clear()
    page.tab.reload()
    page.tab.wait_for_selector("body[data-ready]", timeout=60_000)
    page.open(PHOTOS / "anna.png")
    page.slide("Male", 1)
    assert numpy.abs(pixels(page.save()[0]) - pixels(PHOTOS / "anna.png")).max() > 20
    page.faults.clear()  # Chromium tells of every request that failed

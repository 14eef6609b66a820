"""What edited pictures say of themselves, as Pillow and an XML parser read it, and what secgan inspect reads back."""

import hashlib
import json
import pathlib
import shutil
import xml.etree.ElementTree

import pytest
from PIL import Image, PngImagePlugin
from test_command import BUNDLE, refusal, run

PHOTO = pathlib.Path(__file__).parents[2] / "examples" / "photos" / "anna.png"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "iptc": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "secgan": "urn:secgan:1.0:",
}
VERSION = run("--version").stdout.strip()


def edit(*arguments, out):
    return run("edit", BUNDLE, *arguments, "--set", "Eyeglasses=1", "--set", "Bangs=-0.5", "--out", out)


def model_hash(bundle=BUNDLE):
    return hashlib.sha256(pathlib.Path(bundle, "model.safetensors").read_bytes()).hexdigest()[:12]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    shutil.copy(PHOTO, folder / "a.png")
    Image.open(PHOTO).convert("RGB").save(folder / "b.jpg", quality=95)
    return [folder / "a.png", folder / "b.jpg"]


@pytest.fixture(scope="module")
def edited(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("edited")
    edit(*photos, "--mask", out=out)
    return out


def packet(file):
    """The XMP packet's description, by an XML parser."""
    with Image.open(file) as opened:
        opened.load()
        xmp = opened.info["xmp"]
    return xml.etree.ElementTree.fromstring(xmp).find(".//rdf:Description", SPACES)


def inspected(*files):
    return json.loads(run("inspect", *files, "--json", "-").stdout)["files"]


def test_every_file_says_how_it_was_made(edited):
    for name in ("a.png", "b.jpg", "a_mask.png", "b_mask.png"):
        said = packet(edited / name)
        assert said.find("iptc:DigitalSourceType", SPACES).text == SOURCE_TYPE
        assert said.find("xmp:CreatorTool", SPACES).text == VERSION
        assert said.find("secgan:Model", SPACES).text == "drawn-faces"
        assert said.find("secgan:ModelHash", SPACES).text == model_hash()
        assert [item.text for item in said.findall("secgan:Edits/rdf:Seq/rdf:li", SPACES)] == ["Eyeglasses=1", "Bangs=-0.5"]
        (entry,) = inspected(edited / name)
        assert entry["provenance"] == {
            "source_type": SOURCE_TYPE,
            "software": VERSION,
            "model": "drawn-faces",
            "model_hash": model_hash(),
            "edits": ["Eyeglasses=1", "Bangs=-0.5"],
        }
        assert (entry["kind"], entry["width"], entry["height"]) == ("JPEG" if name == "b.jpg" else "PNG", 64, 64)
        assert entry["bytes"] == (edited / name).stat().st_size
    with Image.open(edited / "a.png") as opened:
        assert opened.text["Software"] == VERSION
        assert opened.text["secgan model"] == "drawn-faces" and opened.text["secgan model hash"] == model_hash()
        assert opened.text["secgan edits"] == "Eyeglasses=1\nBangs=-0.5"


def test_without_provenance_the_same_pixels_and_nothing_else(photos, edited, tmp_path):
    edit(*photos, "--mask", "--no-provenance", out=tmp_path)
    for name in ("a.png", "b.jpg", "a_mask.png", "b_mask.png"):
        plain, marked = (tmp_path / name).read_bytes(), (edited / name).read_bytes()
        header = 33 if name.endswith("png") else 20
        assert len(plain) < len(marked) and plain[:header] == marked[:header] and marked.endswith(plain[header:])
        assert b"secgan" not in plain and b"xap" not in plain
        with Image.open(tmp_path / name) as opened:
            opened.load()
            assert "xmp" not in opened.info and getattr(opened, "text", {}) == {}
        assert inspected(tmp_path / name)[0]["provenance"] is None
    # What says nothing is nobody's; what says it is replaced.
    again = ("edit", BUNDLE, photos[1], "--set", "Male=1", "--out")
    assert "--overwrite" in refusal(*again, tmp_path, status=2)
    run(*again, tmp_path, "--overwrite")
    run(*again, tmp_path)
    assert inspected(tmp_path / "b.jpg")[0]["provenance"]["edits"] == ["Male=1"]


def test_results_of_earlier_versions_are_known_again(photos, tmp_path):
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "secgan")
    Image.open(PHOTO).save(tmp_path / "a.png", pnginfo=text)
    Image.open(photos[1]).save(tmp_path / "b.jpg", comment=b"secgan")
    edit(*photos, out=tmp_path)
    for software in ("secgander", "GIMP"):
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", software)
        Image.open(PHOTO).save(tmp_path / "a.png", pnginfo=text)
        line = refusal("edit", BUNDLE, photos[0], "--set", "Male=1", "--out", tmp_path, status=2)
        assert "was not made by this command" in line


def test_grids_and_whole_photos_are_marked(photos, tmp_path):
    for more in ("--grid", "--whole"):
        edit(photos[1], more, out=tmp_path / more)
        assert inspected(tmp_path / more / "b.jpg")[0]["provenance"]["source_type"] == SOURCE_TYPE


def test_names_of_every_kind_survive(photos, tmp_path):
    bundle = tmp_path / "<Łódź> & \"co\" 'x'"
    shutil.copytree(BUNDLE, bundle)
    config = json.loads((bundle / "config.json").read_text())
    name = "Größe <&\"'> a"
    config["info"]["attributes"][4] = name
    (bundle / "config.json").write_text(json.dumps(config))
    run("edit", bundle, *photos, "--source", "Male", "--set", f"{name}=0.25", "--out", tmp_path / "out")
    for file in (tmp_path / "out" / "a.png", tmp_path / "out" / "b.jpg"):
        provenance = inspected(file)[0]["provenance"]
        assert (provenance["model"], provenance["edits"]) == (bundle.name, [f"{name}=0.25"])
        said = packet(file)
        assert said.find("secgan:Model", SPACES).text == bundle.name
        assert said.find(".//rdf:li", SPACES).text == f"{name}=0.25"
        assert bundle.name in run("inspect", file).stdout
    with Image.open(tmp_path / "out" / "a.png") as opened:
        assert opened.text["secgan model"] == bundle.name and opened.text["secgan edits"] == f"{name}=0.25"


def test_inspect_prints_what_it_finds(photos, edited, tmp_path):
    lines = run("inspect", photos[1], edited / "a.png", "--json", tmp_path / "facts.json").stdout.splitlines()
    with Image.open(photos[1]) as opened:
        width, height = opened.size
    assert lines[0] == f"{photos[1]}: JPEG, {width} x {height} pixels, {photos[1].stat().st_size} bytes"
    assert "no provenance" in lines[1]
    assert lines[2].startswith(f"{edited / 'a.png'}: PNG, 64 x 64 pixels")
    assert [line.split(maxsplit=1 if line.startswith("  s") else 3)[-1] for line in lines[3:5]] == [SOURCE_TYPE, VERSION]
    assert "drawn-faces" in lines[5] and model_hash() in lines[6] and "Eyeglasses=1, Bangs=-0.5" in lines[7]
    entries = json.loads((tmp_path / "facts.json").read_text())["files"]
    assert [entry["file"] for entry in entries] == [str(photos[1]), str(edited / "a.png")] and entries[0]["provenance"] is None


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_other_programs_say_it_as_element_or_attribute(kind, tmp_path):
    space = f'xmlns:rdf="{SPACES["rdf"]}" xmlns:Iptc4xmpExt="{SPACES["iptc"]}"'
    for form in (
        f'<rdf:Description {space} Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/>',
        f"<rdf:Description {space}><Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType></rdf:Description>",
    ):
        file = tmp_path / f"a.{kind}"
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", form, zip=True)
        options = {"pnginfo": text} if kind == "png" else {"tiffinfo": {700: form.encode()}} if kind == "tif" else {"xmp": form.encode()}
        Image.open(PHOTO).convert("RGB").save(file, **options)
        provenance = inspected(file)[0]["provenance"]
        assert provenance == {"source_type": SOURCE_TYPE, "software": "", "model": "", "model_hash": "", "edits": []}
        assert "not said" in run("inspect", file).stdout


def test_files_that_cannot_be_read_are_one_line(edited, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((edited / "a.png").read_bytes()[:1500])
    for name, reason in (("text.jpg", "is text"), ("cut.png", "truncated or damaged"), ("none.png", "is missing")):
        line = refusal("inspect", tmp_path / name, status=1)
        assert name in line and reason in line
    # The others are told all the same.
    done = run("inspect", tmp_path / "text.jpg", edited / "a.png", tmp_path / "none.png", "--json", tmp_path / "facts.json", status=1)
    assert VERSION in done.stdout
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["secgan inspect"] * 2
    entries = json.loads((tmp_path / "facts.json").read_text())["files"]
    assert [sorted(entry) for entry in entries][::2] == [["error", "file"]] * 2 and entries[1]["kind"] == "PNG"
    assert refusal("inspect", edited / "a.png", "--json", tmp_path, status=1)


def test_texts_of_strangers_never_steer_a_terminal(tmp_path):
    text = PngImagePlugin.PngInfo()
    text.add_itxt("Software", "\x1b[31mred\n  model  forged\u202e\x9b")
    Image.open(PHOTO).save(tmp_path / "a.png", pnginfo=text)
    lines = run("inspect", tmp_path / "a.png").stdout.splitlines()
    assert len(lines) == 6 and all(line.isprintable() for line in lines)
    assert "\\x1b[31mred\\n" in lines[2]
    assert run("inspect", tmp_path / "a.png", "--json", "-").stdout.replace("\n", "").isprintable()

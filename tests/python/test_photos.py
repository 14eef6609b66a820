"""A photo is the same whatever it comes in. The oracle is Pillow, where it is installed."""

import io
import itertools
import struct
import zlib

import numpy
import pytest
import torch

import secgan

Image = pytest.importorskip("PIL.Image")
ImageCms = pytest.importorskip("PIL.ImageCms")
ImageOps = pytest.importorskip("PIL.ImageOps")


def face(mode="RGB", size=(48, 32)):
    """Smooth, with other edges on each side."""
    x, y = numpy.meshgrid(numpy.linspace(0, 1, size[0]), numpy.linspace(0, 1, size[1]))
    picture = Image.fromarray((numpy.stack([220 * x + 20, 200 * y + 30, 120 * x * y + 60], -1)).astype(numpy.uint8))
    return picture.convert(mode)


def saved(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def shown(content):
    """What Pillow shows of a file, ``[3, H, W]``."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    picture = picture.convert("RGBA").convert("RGB") if picture.mode in {"P", "PA"} else picture.convert("RGB")
    return torch.from_numpy(numpy.array(picture)).permute(2, 0, 1)


def worst(a, b):
    assert a.shape == b.shape
    return int((a.int() - b.int()).abs().max())


def p3_profile():
    """Display P3, written by hand: three primaries, sRGB's curve."""

    def s15(*values):
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + s15(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    colors = {
        b"wtpt": (0.9642, 1.0, 0.8249),
        b"rXYZ": (0.51512, 0.2412, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.1571, 0.06657, 0.78407),
    }
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(78), b"cprt": b"text\0\0\0\0CC0\0"}
    tags |= {name: b"XYZ \0\0\0\0" + s15(*xyz) for name, xyz in colors.items()} | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    body, table = b"", b""
    for tag, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += tag + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(padded))
        body += padded
    header = bytearray(128)
    header[8:12], header[12:24], header[36:40], header[68:80] = b"\x02\x40\0\0", b"mntrRGB XYZ ", b"acsp", s15(0.9642, 1.0, 0.8249)
    profile = bytes(header) + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


def as_srgb(picture, profile):
    out = ImageCms.profileToProfile(
        picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return torch.from_numpy(numpy.array(out)).permute(2, 0, 1)


FILES = {
    "jpeg": (face(), "JPEG", {"quality": 95}),
    "jpeg progressive": (face(), "JPEG", {"progressive": True}),
    "jpeg gray": (face("L"), "JPEG", {}),
    "jpeg cmyk": (face("CMYK"), "JPEG", {}),
    "png": (face(), "PNG", {}),
    "png rgba": (face("RGBA"), "PNG", {}),
    "png gray": (face("L"), "PNG", {}),
    "png gray alpha": (face("LA"), "PNG", {}),
    "png 1 bit": (face("1"), "PNG", {}),
    "png palette": (face().quantize(64), "PNG", {}),
    "png palette of 4 bits, transparent": (face().quantize(13), "PNG", {"transparency": 3, "bits": 4}),
    "png 2 bits": (face().quantize(4), "PNG", {"bits": 2}),
    "webp lossless": (face(), "WEBP", {"lossless": True}),
    "webp": (face(), "WEBP", {"quality": 80}),
    "webp rgba": (face("RGBA"), "WEBP", {"quality": 80}),
    "tiff": (face(), "TIFF", {}),
    "tiff lzw": (face(), "TIFF", {"compression": "tiff_lzw"}),
    "tiff deflate": (face(), "TIFF", {"compression": "tiff_adobe_deflate"}),
    "tiff rgba": (face("RGBA"), "TIFF", {}),
    "tiff gray": (face("L"), "TIFF", {}),
    "tiff palette": (face().quantize(64), "TIFF", {}),
    "tiff fax": (face("1"), "TIFF", {"compression": "group4"}),
    "tiff cmyk": (face("CMYK"), "TIFF", {}),
    "bmp": (face(), "BMP", {}),
    "bmp rgba": (face("RGBA"), "BMP", {}),
    "bmp gray": (face("L"), "BMP", {}),
    "bmp palette": (face().quantize(200), "BMP", {}),
    "bmp 1 bit": (face("1"), "BMP", {}),
}


def alpha(picture):
    """A pattern of every transparency over the colors."""
    if picture.mode in {"RGBA", "LA"}:
        ramp = numpy.arange(picture.width * picture.height, dtype=numpy.uint8).reshape(picture.height, picture.width)
        picture.putalpha(Image.fromarray(ramp))
    return picture


@pytest.mark.parametrize("name", FILES)
def test_a_file_its_bytes_an_open_file_and_a_pil_picture_are_one_photo(name, tmp_path):
    picture, kind, options = FILES[name]
    content = saved(alpha(picture.copy()), kind, **options)
    (tmp_path / "photo.jpg").write_bytes(content)
    photo = secgan.read_image(tmp_path / "photo.jpg")
    assert worst(photo, shown(content)) <= (1 if kind in {"JPEG", "WEBP"} else 0)  # other builds of the codecs round otherwise
    assert torch.equal(secgan.read_image(content), photo)
    assert torch.equal(secgan.read_image(memoryview(content)), photo)
    with (tmp_path / "photo.jpg").open("rb") as file:
        assert torch.equal(secgan.read_image(file), photo)
    assert torch.equal(secgan.read_image(io.BytesIO(content)), photo)
    assert worst(secgan.read_image(Image.open(io.BytesIO(content))), photo) <= (1 if kind in {"JPEG", "WEBP"} else 0)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_colors_that_a_tiff_holds_multiplied_by_alpha_are_divided(mode):
    picture = alpha(face("RGBA"))
    pixels = numpy.asarray(picture.convert("RGBa")).copy()
    multiplied = Image.fromarray(pixels if mode == "RGBA" else pixels[..., [0, 3]].copy(), mode)
    content = bytearray(saved(multiplied, "TIFF"))
    entry = content.index(struct.pack("<HHI", 338, 3, 1))  # ExtraSamples
    content[entry + 8 : entry + 10] = struct.pack("<H", 1)  # associated alpha
    expected = shown(bytes(content)) if mode == "RGBA" else torch.from_numpy(numpy.array(multiplied.convert("RGBA"))).permute(2, 0, 1)
    photo = secgan.read_image(bytes(content))
    if mode == "RGBA":
        assert torch.equal(photo, expected)
    else:
        gray, share = expected[:1].int(), expected[3:].int()
        assert torch.equal(photo, torch.where(share == 0, gray, (255 * gray // share.clamp(1)).clamp(max=255)).expand(3, -1, -1).byte())


def tiled_tiff(samples, side, photometric):
    """Samples ``[H, W, S]`` in tiles of ``side`` pixels, as Pillow writes none; the last tiles reach beyond the picture."""
    height, width, count = samples.shape
    padded = numpy.zeros((-(-height // side) * side, -(-width // side) * side, count), samples.dtype)
    padded[:height, :width] = samples
    tiles = [padded[y : y + side, x : x + side].tobytes() for y in range(0, height, side) for x in range(0, width, side)]
    lists = [[8 * samples.itemsize] * count, [0] * len(tiles), [len(tile) for tile in tiles]]  # the tiles' places follow
    tags = [(256, width), (257, height), (258, lists[0]), (259, 1), (262, photometric), (277, count), (284, 1), (322, side), (323, side)]
    tags += [(324, lists[1]), (325, lists[2])] + ([(338, 2)] if count in (2, 4) else [])
    begin = 8 + 2 + 12 * len(tags) + 4
    first = begin + 4 * sum(map(len, lists))
    lists[1][:] = [first + len(tiles[0]) * i for i in range(len(tiles))]
    directory, behind = struct.pack("<H", len(tags)), b""
    for tag, value in tags:
        if isinstance(value, int):
            directory += struct.pack("<HHII", tag, 4, 1, value)
        else:
            directory += struct.pack("<HHII", tag, 4, len(value), value[0] if len(value) == 1 else begin + len(behind))
            behind += struct.pack(f"<{len(value)}I", *value)
    behind += bytes(first - begin - len(behind))
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + behind + b"".join(tiles)


@pytest.mark.parametrize("dtype", [numpy.uint8, numpy.uint16])
@pytest.mark.parametrize(("count", "photometric"), [(1, 1), (1, 0), (2, 1), (3, 2), (4, 2)])
def test_tiles_that_reach_beyond_the_picture(count, photometric, dtype):
    most = numpy.iinfo(dtype).max
    y, x = numpy.mgrid[:50, :41]
    samples = numpy.stack([(4 * y + x) / 300 * (1 - 0.1 * channel) * most for channel in range(count)], -1).astype(dtype)
    if count in (2, 4):
        samples[..., -1] = most  # opaque
    colors = numpy.round(samples[..., : 3 if count > 2 else 1] * (255.0 / most))
    expected = torch.from_numpy(255 - colors if photometric == 0 else colors).permute(2, 0, 1).byte().expand(3, -1, -1)
    for side in (32, 64):
        assert torch.equal(secgan.read_image(tiled_tiff(samples, side, photometric)), expected)


def test_bmp_of_other_programs_than_pillow(tmp_path):
    picture = face(size=(45, 38))
    content = saved(picture, "BMP")
    row = (3 * picture.width + 3) // 4 * 4
    header, rows = content[:54], [content[54 + row * y :][:row] for y in range(picture.height)]
    downwards = header[:22] + struct.pack("<i", -picture.height) + header[26:] + b"".join(reversed(rows))
    early = b"BM" + struct.pack("<IIIIHHHH", 26 + row * len(rows), 0, 26, 12, *picture.size, 1, 24) + b"".join(rows)
    for bytes_ in (downwards, early):
        assert torch.equal(secgan.read_image(bytes_), shown(content))
    with pytest.raises(RuntimeError, match="truncated or damaged: the file ends too early"):
        secgan.read_image(downwards[:-4])
    wide = header[:18] + struct.pack("<i", 400_000) + header[22:]  # a header and millions of pixels
    with pytest.raises(RuntimeError, match="truncated or damaged: the file ends too early"):
        secgan.read_image(wide)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_a_bmp_shows_black_where_its_palette_ends(bits, early):
    width, height, colors = 32, 8, [(10, 20, 30), (40, 50, 60), (70, 80, 90)][: 1 if bits == 1 else 3]
    ids = numpy.arange(width * height).reshape(height, width) % (1 << bits)
    packed = numpy.zeros((height, width * bits // 8), numpy.uint8)
    for place in range(8 // bits):
        packed |= (ids[:, place :: 8 // bits] << (8 - bits * (place + 1))).astype(numpy.uint8)
    palette = b"".join(bytes(reversed(color)) + (b"" if early else b"\0") for color in colors)
    size = 12 if early else 40
    header = b"BM" + struct.pack("<III", 0, 0, 14 + size + len(palette)) + struct.pack("<I", size)
    header += struct.pack("<HHHH", width, height, 1, bits) if early else struct.pack("<iiHHIIiiII", width, height, 1, bits, *[0] * 6)
    table = torch.zeros(1 << bits, 3, dtype=torch.uint8)
    table[: len(colors)] = torch.tensor(colors, dtype=torch.uint8)
    expected = table[torch.from_numpy(ids)].permute(2, 0, 1).flip(1)  # its rows stand from below
    assert torch.equal(secgan.read_image(header + palette + packed.tobytes()), expected)
    wrong = header[:10] + struct.pack("<I", 20) + header[14:]
    with pytest.raises(RuntimeError, match="its pixels begin within its header"):
        secgan.read_image(wrong + palette + packed.tobytes())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "La", "CMYK", "YCbCr", "HSV", "LAB"])
def test_a_pil_picture_of_every_mode_is_what_it_shows(mode):
    source = face("RGBA" if mode == "RGBa" else "LA" if mode == "La" else "L" if mode == "PA" else "RGB")
    picture = source.convert(mode)
    expected = picture.convert({"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}.get(mode, "RGB")).convert("RGB")
    assert torch.equal(secgan.read_image(picture), torch.from_numpy(numpy.array(expected)).permute(2, 0, 1))


def test_sixteen_bits_and_numbers_without_a_range():
    values = numpy.arange(0, 65536, 43, dtype=numpy.uint16)[: 38 * 40].reshape(38, 40)
    rounded = torch.from_numpy(numpy.round(values / 257.0).astype(numpy.uint8)).expand(3, 38, 40)
    content = saved(Image.fromarray(values), "PNG")
    assert torch.equal(secgan.read_image(content), rounded)
    assert torch.equal(secgan.read_image(Image.open(io.BytesIO(content))), rounded)
    assert torch.equal(secgan.read_image(saved(Image.fromarray(values), "TIFF")), rounded)
    for order in ("<", ">"):
        picture = Image.frombytes("I;16" if order == "<" else "I;16B", (40, 38), values.astype(f"{order}u2").tobytes())
        assert torch.equal(secgan.read_image(picture), rounded)
    for mode in ("I", "F"):
        with pytest.raises(ValueError, match=rf"mode '{mode}' .*\.convert\('RGB'\)"):
            secgan.read_image(face("L").convert(mode))


def test_a_progressive_jpeg_that_lacks_a_scan_is_damaged():
    content = saved(face(), "JPEG", progressive=True)
    begins = [place for place in range(len(content)) if content[place : place + 2] == b"\xff\xda"]
    tables = [content.rfind(b"\xff\xc4", 0, place) for place in begins]  # a scan's table stands before it, where it has one
    begins = [table if table > last else own for own, table, last in zip(begins, tables, [0, *begins], strict=False)]
    scans = [content[begin:end] for begin, end in itertools.pairwise([*begins, len(content) - 2])]
    assert len(scans) == 10 and content == content[: begins[0]] + b"".join(scans) + content[-2:]
    for lost in range(len(scans)):
        kept = b"".join(scan for place, scan in enumerate(scans) if place != lost)
        with pytest.raises(RuntimeError, match="truncated or damaged"):
            secgan.read_image(content[: begins[0]] + kept + content[-2:])
    # What needs none of the others may come before them.
    swapped = [scans[0], scans[2], scans[1], *scans[3:]]
    assert torch.equal(secgan.read_image(content[: begins[0]] + b"".join(swapped) + content[-2:]), secgan.read_image(content))


def damaged_strip(content, noise):
    """The end of a TIFF's only strip overwritten: with zeros, or with what no encoder wrote."""
    tags = Image.open(io.BytesIO(content)).tag_v2
    (begin,), (size,) = tags[273], tags[279]
    out = bytearray(content)
    for place in range(begin + size * 6 // 10, begin + size):
        out[place] = (place * 73 + 11) % 256 if noise else 0
    return bytes(out)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("compression", ["jpeg", "group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_whose_pixels_are_damaged_is_refused(compression, noise):
    mode = "1" if compression in ("group3", "group4", "tiff_ccitt") else "RGB"
    picture = face(mode, size=(120, 100))
    content = saved(picture, "TIFF", compression=compression, tiffinfo={278: picture.height})
    assert worst(secgan.read_image(content), shown(content)) <= (compression == "jpeg")
    with pytest.raises(RuntimeError, match="truncated or damaged"):
        secgan.read_image(damaged_strip(content, noise))


def changed_tag(content, tag, value=None, *, new_tag=None):
    """A little-endian TIFF with another value, or another name, of one entry of its directory."""
    out = bytearray(content)
    directory = struct.unpack_from("<I", content, 4)[0]
    for entry in range(directory + 2, directory + 2 + 12 * struct.unpack_from("<H", content, directory)[0], 12):
        if struct.unpack_from("<H", content, entry)[0] == tag:
            if new_tag is not None:
                struct.pack_into("<H", out, entry, new_tag)
            if value is not None:
                struct.pack_into("<I", out, entry + 8, value)
    assert out != content
    return bytes(out)


def test_a_tiff_without_its_strips_or_its_palette_is_damaged():
    picture = face(size=(40, 32))
    content = saved(picture, "TIFF", tiffinfo={278: picture.height})
    with pytest.raises(RuntimeError, match="strip or tile 1 of its pixels has no place in the file"):
        secgan.read_image(changed_tag(content, 273, 0))
    with pytest.raises(RuntimeError, match="strip or tile 2 of its pixels has no place in the file"):
        secgan.read_image(changed_tag(content, 257, 2 * picture.height))
    colors = saved(picture.quantize(200), "TIFF")
    with pytest.raises(RuntimeError, match="its palette is missing"):
        secgan.read_image(changed_tag(colors, 320, new_tag=321))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_followed_as_pillow_does(kind):
    for value in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = value
        options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
        content = saved(face(), kind, exif=exif, **options)
        photo = secgan.read_image(content)
        assert worst(photo, shown(content)) <= (kind == "JPEG")
        assert worst(secgan.read_image(Image.open(io.BytesIO(content))), photo) <= (kind == "JPEG")


def test_the_editor_edits_a_pil_picture_as_its_file(bundle, tmp_path):
    editor = secgan.Editor.from_pretrained(bundle)
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(face("RGBA"), "PNG", exif=exif, icc_profile=p3_profile())
    (tmp_path / "photo.png").write_bytes(content)
    by_file = editor.edit(tmp_path / "photo.png", Male=1)
    for image in (Image.open(io.BytesIO(content)), content, io.BytesIO(content)):
        assert torch.equal(editor.edit(image, Male=1).photo, by_file.photo)
    assert editor.predict(Image.open(tmp_path / "photo.png")) == editor.predict(content)


@pytest.mark.parametrize(("kind", "mode"), [*itertools.product(["JPEG", "PNG", "WEBP", "TIFF"], ["RGB"]), ("PNG", "P"), ("TIFF", "RGBA")])
def test_a_profile_is_converted_as_pillow_does(kind, mode):
    profile = p3_profile()
    picture = face().quantize(32) if mode == "P" else face(mode)
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    content = saved(picture, kind, icc_profile=profile, **options)
    stored = Image.open(io.BytesIO(content)).convert("RGB")
    expected = as_srgb(stored, profile)
    assert worst(expected, torch.from_numpy(numpy.array(stored)).permute(2, 0, 1)) > 20
    assert worst(secgan.read_image(content), expected) <= 2  # other releases of lcms2, and of libjpeg, round otherwise
    assert worst(secgan.read_image(Image.open(io.BytesIO(content))), secgan.read_image(content)) <= 1 + (kind == "JPEG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_srgb_and_broken_profiles_leave_every_bit(kind):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = secgan.read_image(saved(face(), kind))
    for profile in (srgb, p3_profile()[:150], b"no profile"):
        assert torch.equal(secgan.read_image(saved(face(), kind, icc_profile=profile)), plain)


def test_png_gamma_is_the_same_of_a_file_and_of_its_pil_picture():
    png = saved(face(), "PNG")
    at = png.index(b"IDAT") - 4
    body = b"gAMA" + struct.pack(">I", 100_000)
    content = png[:at] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + png[at:]
    assert worst(secgan.read_image(content), shown(png)) > 20
    assert torch.equal(secgan.read_image(Image.open(io.BytesIO(content))), secgan.read_image(content))


def test_lab_colors_are_those_of_the_pil_picture():
    lab = ImageCms.profileToProfile(face(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
    for options in ({}, {"compression": "tiff_lzw"}):
        content = saved(lab, "TIFF", **options)
        read = secgan.read_image(content)
        assert torch.equal(read, shown(content)) and torch.equal(read, secgan.read_image(Image.open(io.BytesIO(content))))
        assert worst(read, shown(saved(face(), "PNG"))) < 20, "8 bits of Lab are coarse, and no more than that"
    # ICC's Lab: the same numbers, counted from -128 on.
    content = bytearray(saved(lab, "TIFF"))
    with Image.open(io.BytesIO(content)) as opened:
        begin, size = opened.tag_v2[273][0], opened.tag_v2[279][0]
        assert opened.tag_v2[262] == 8 and len(opened.tag_v2[273]) == 1
    tag = content.index(struct.pack("<HHII", 262, 3, 1, 8))
    content[tag + 8] = 9
    pixels = numpy.frombuffer(content, numpy.uint8, size, begin).reshape(-1, 3).copy()
    pixels[:, 1:] ^= 128
    content[begin : begin + size] = pixels.tobytes()
    assert torch.equal(secgan.read_image(bytes(content)), secgan.read_image(saved(lab, "TIFF")))
    content[tag + 8] = 10
    with pytest.raises(RuntimeError, match="is a TIFF picture of a kind that is not supported: Lab colors of fax"):
        secgan.read_image(bytes(content))


def test_the_first_of_several_pictures_is_read():
    frames = [face(), ImageOps.mirror(face())]
    for kind, options in (("TIFF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        content = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert torch.equal(secgan.read_image(content), shown(saved(frames[0], "PNG"))), kind
    with_a_part = [Image.new("RGBA", (48, 32)), Image.new("RGBA", (48, 32))]
    with_a_part[0].paste((200, 100, 50, 255), (10, 8, 30, 20))
    content = saved(with_a_part[0], "WEBP", save_all=True, append_images=with_a_part[1:], lossless=True, duration=100)
    assert torch.equal(secgan.read_image(content), shown(content))


def test_other_kinds_are_named():
    kinds = {"GIF": "a GIF picture", "AVIF": "an AVIF picture", "JPEG2000": "a JPEG 2000 picture", "PPM": "a PNM picture", "ICO": "an icon"}
    for kind, phrase in kinds.items():
        if kind.replace("JPEG2000", "JPEG 2000") and Image.init() and kind not in Image.SAVE:
            continue
        with pytest.raises(RuntimeError, match=f"'picture' is {phrase}; photos are read from JPEG, PNG, WebP, TIFF and BMP"):
            secgan.read_image(saved(face(), kind))
    float_tiff = saved(face("L").convert("F"), "TIFF")
    with pytest.raises(RuntimeError, match="is a TIFF picture of a kind that is not supported"):
        secgan.read_image(float_tiff)


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "BMP"])
def test_what_is_cut_off_or_changed_is_told_in_one_line(kind):
    content = saved(face(size=(96, 64)), kind)
    for share in (0.02, 0.3, 0.6, 0.95):
        with pytest.raises(RuntimeError, match="'picture' is"):
            secgan.read_image(content[: int(share * len(content))])
    generator = numpy.random.default_rng(5)
    told = []
    for _ in range(200):
        changed = bytearray(content)
        for place in generator.integers(0, len(changed), 3):
            changed[place] = generator.integers(256)
        try:
            secgan.read_image(changed)
        except RuntimeError as problem:
            told.append(str(problem))
    assert told and not [line for line in told if "\n" in line]


def test_wrong_input_says_what_would_do(bundle, tmp_path):
    editor = secgan.Editor.from_pretrained(bundle)
    array = numpy.asarray(face())
    for wrong, advice in (
        (array.astype(numpy.float32), "astype\\(numpy.uint8\\)"),
        (array.transpose(2, 0, 1), "transpose\\(1, 2, 0\\)"),
        (numpy.asarray(face("RGBA")), "drops alpha"),
        (numpy.asarray(face("L")), "makes gray RGB"),
        (None, "found NoneType"),
        (7, "found int"),
    ):
        with pytest.raises(ValueError, match=advice):
            editor.predict(wrong)
    with pytest.raises(ValueError, match="images must be a list of photos"):
        editor.edit_all("face.png", {"Male": 1})
    with pytest.raises(ValueError, match="binary mode"):
        secgan.read_image(io.StringIO("text"))
    with pytest.raises(RuntimeError, match="'picture' is empty"):
        secgan.read_image(b"")
    with pytest.raises(ValueError, match="mode 'I'"):
        editor.edit(face("L").convert("I"), Male=1)


def test_write_image_takes_what_a_photo_comes_in(tmp_path):
    for i, image in enumerate((face(), numpy.asarray(face()), torch.from_numpy(numpy.array(face())).permute(2, 0, 1))):
        secgan.write_image(tmp_path / f"{i}.png", image)
        assert torch.equal(secgan.read_image(tmp_path / f"{i}.png"), shown(saved(face(), "PNG")))
    with pytest.raises(ValueError, match="image must be uint8, found float32"):
        secgan.write_image(tmp_path / "float.png", torch.zeros(3, 4, 4))

#!/usr/bin/env python3
"""Writes the seeds of tests/fuzz/corpus: small files as torch, NumPy, PIL, safetensors and this package write them.

Files that a fuzzer found are named by what they did (crash_of_…) and stay as they are. Usage: make_corpus.py [TARGET ...]
"""

import io
import json
import pathlib
import struct
import sys
import tempfile
import zipfile
from collections import OrderedDict
from unittest import mock

import numpy as np
import safetensors.torch
import torch
from PIL import Image, PngImagePlugin

import secgan

CORPUS = pathlib.Path(__file__).parent / "corpus"
ROOT = pathlib.Path(__file__).parents[2]
PUBLISHED = ["Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses", "Male"]
PUBLISHED += ["Mouth_Slightly_Open", "Mustache", "No_Beard", "Pale_Skin", "Young"]

TRAIN_TOML = """threads = 2
parser = "runs/parser/bundle"
[data]
kind = "celeba"
root = 'C:\\photos'
attributes = ["Male", "Bangs"]
image_size = 64
crop = "center:170"
[task]
lambda_sc = 1e1
seed = 7
[task.generator]
backbone = "attgan"
[task.generator.attgan]
enc_dim = 0x10
slope = 0.2
[trainer]
steps = 1_000
"""


def as_bytes(save, *args, **options):
    file = io.BytesIO()
    save(*args, file, **options)
    return file.getvalue()


def torch_saved(value, **options):
    return as_bytes(lambda file: torch.save(value, file, **options))


def small_networks():
    """One of each kind that files are recognized as."""
    attgan = {"enc_dim": 2, "enc_layers": 2, "dec_dim": 2, "dec_layers": 2}
    return {
        "attgan": secgan.create_generator("attgan", attributes=13, image_size=32, **attgan),
        "stgan": secgan.create_generator("stgan", attributes=10, image_size=32, conv_dim=4, n_layers=2, shortcut_layers=1),
        "stargan": secgan.create_generator("stargan", attributes=5, image_size=32, conv_dim=2, repeat_num=1),
        "attgan_discriminator": secgan.create_discriminator("attgan", attributes=13, image_size=32, dim=2, n_layers=2, fc_dim=4),
        "stargan_discriminator": secgan.create_discriminator("stargan", attributes=5, image_size=32, conv_dim=2, repeat_num=2),
        "parser": secgan.create_parser("bisenet-resnet18", classes=19),
    }


def torch_files():
    shared = torch.arange(8.0)
    state = OrderedDict(weight=shared.view(2, 4), view=shared[1:7:2], counter=torch.tensor(3), empty=torch.empty(0, 3))
    kinds = {str(t)[6:]: torch.zeros(2, dtype=t) for t in (torch.bfloat16, torch.half, torch.double, torch.int8, torch.uint8, torch.bool)}
    parameter = torch.nn.Parameter(torch.ones(2, 2))
    parameter.note = "an attribute"
    nested = {
        "epoch": 3,
        "model": {"state_dict": {"module.a": torch.ones(2)}},
        "optimizer": {"state": {0: {"step": 1}}, "betas": (0.5, 0.9)},
    }
    lightning = {"pytorch-lightning_version": "2.4.0", "state_dict": {"generator.a": torch.ones(2)}, "hyper_parameters": {"lr": 1e-4}}
    objects = {"state": state, "kinds": kinds, "nested": nested, "lightning": lightning, "parameter": {"p": parameter}}
    objects["module"] = torch.nn.Linear(2, 1)
    # The older format stores where a module's source lies on the machine that writes it: the corpus names none.
    source = (["class Linear(Module): ...\n"], 0, "linear.py")
    for name, value in objects.items():
        yield name + ".pth", torch_saved(value)
        with mock.patch("torch.serialization.get_source_lines_and_file", return_value=source):
            yield name + "_legacy.pth", torch_saved(value, _use_new_zipfile_serialization=False)


def pickles():
    three = {"a": torch.arange(8.0), "b": torch.arange(6), "c": torch.empty(0)}  # the storages that the target has
    for name, value in {
        "flat": three,
        "ordered": OrderedDict(three),
        "nested": {"model": {"module.x": three["a"].view(2, 4), "y": three["b"][::2]}, "z": [(three["c"], None), 1.5, "text", 2**70]},
        "parameter": {"p": torch.nn.Parameter(three["a"])},
    }.items():
        for protocol in (2, 4):
            with zipfile.ZipFile(io.BytesIO(torch_saved(value, pickle_protocol=protocol))) as archive:
                yield f"{name}_{protocol}.pkl", archive.read(next(n for n in archive.namelist() if n.endswith("data.pkl")))


def safetensors_files():
    kinds = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8)
    many = {str(t)[6:]: torch.ones(2, 1, dtype=t) for t in (*kinds, torch.uint8, torch.bool)}
    yield "kinds.safetensors", safetensors.torch.save(many, metadata={"format": "pt", "step": "12"})
    yield "empty.safetensors", safetensors.torch.save({"none": torch.empty(0, 5), "scalar": torch.tensor(1.0)})


def npz_files():
    arrays = {"mu": np.arange(3.0), "sigma": np.asfortranarray(np.eye(3, dtype=np.float32)), "half": np.zeros((1, 2), np.float16)}
    arrays |= {
        "whole": np.arange(4, dtype=np.int16),
        "flags": np.array([True, False]),
        "scalar": np.float64(2),
        "bytes": np.zeros(2, np.uint8),
    }
    yield "stored.npz", as_bytes(lambda file: np.savez(file, **arrays))
    yield "deflated.npz", as_bytes(lambda file: np.savez_compressed(file, **arrays))
    yield "big_endian.npz", as_bytes(lambda file: np.savez(file, x=np.arange(2, dtype=">f4")))
    yield "objects.npz", as_bytes(lambda file: np.savez(file, x=np.array([{}], dtype=object)))


def settings_toml():
    yield "train.toml", TRAIN_TOML
    yield "quoted.toml", 'parser = "\\u00e9\\"\\n"\n"data".root = """\nlines"""\ndata.attributes = [ "A", # comment\n"B" ]\n'
    yield "deep.toml", "[" + "a." * 30000 + "a]\n"
    yield "wrong.toml", "threads = 1979-05-27T07:32:00Z\n[[data]]\nx = {y = inf}\n"


def settings_json():
    yield "protocol.json", json.dumps({"name": "mine", "split": "test", "photos": 10, "attributes": ["Male"], "strength": 0.5})
    yield "wrong.json", '{"name": null, "photos": -1, "seed": 18446744073709551615, "crop": [1, {"a": "\\ud83d\\ude00"}]}'


def edit_requests():
    faces = [{"face": 1, "edits": {"Male": -1, "Bangs": 0.5}, "source": {"Bald": True}}, {"face": 0, "edits": {}}]
    yield "edit.json", json.dumps({"faces": faces, "region": "exact", "format": "jpeg"})
    yield "masks.json", "m" + json.dumps({"faces": faces[:1], "of": "before"})
    yield "wrong.json", '{"faces": [{"face": 18446744073709551616, "edits": {"Male": 1e999, "Male": null}, "\\ud83d": [[[]]]}]}'


def request_hosts():
    yield "local", "localhost:8080\nhttp://localhost:8080"
    yield "added", "Faces.Example\nhttps://faces.example"
    yield "six", "[::1]:8080\nnull"
    yield "strange", "127.0.0.1.strange.example:80\nhttps://[::ffff:127.0.0.1]"


def bundle_configs():
    attgan = {"enc_dim": 4, "enc_layers": 2, "dec_dim": 4, "dec_layers": 2, "slope": 0.2, "enc_norm_fn": "batchnorm"}
    generator = {"attributes": 9, "image_size": 32, "image_channels": 3, "output": "tanh", "backbone": "attgan", "attgan": attgan}
    names = ["Bald", "Bangs", "Black_Hair", "Blond_Hair", "Eyeglasses", "Male", "Mouth_Slightly_Open", "Mustache", "Pale_Skin"]
    info = {"attributes": names, "image_size": 32, "crop": "center", "intensity": 0.5, "conditioning": "difference", "licence": "MIT"}
    info |= {"parser_labels": "secgan-12", "parser_normalization": "none", "parser_input_size": 0}
    networks = {
        "generator": generator,
        "mask_generator": {**generator, "image_channels": 12, "output": "logits"},
        "classifier": {"attributes": 9, "image_size": 32, "dim": 4},
        "parser": {"network": "unet", "classes": 12, "unet": {"dim": 4, "levels": 2}},
    }
    yield "all.json", json.dumps({"format_version": 1, "info": info, "networks": networks})
    yield "deep.json", '{"format_version": 1, "info": ' + "[" * 60000 + "]" * 60000 + "}"
    info |= {"crop": "box:1,2,20,20", "conditioning": "signed-labels"}
    yield "generator.json", json.dumps({"format_version": 1, "info": info, "networks": {"generator": generator}}, indent=1)


def bundle_headers():
    """The entries of the bundle that the target has, in a header alone."""
    attgan = {"enc_dim": 4, "enc_layers": 2, "dec_dim": 4, "dec_layers": 2}
    networks = {
        "generator": secgan.create_generator("attgan", attributes=9, image_size=32, **attgan),
        "mask_generator": secgan.create_generator("attgan", attributes=9, image_size=32, image_channels=12, output="logits", **attgan),
        "parser": secgan.create_parser("unet", classes=12, dim=4, levels=2),
    }
    tensors = {f"{part}.{name}": tensor for part, network in networks.items() for name, tensor in network.state_dict().items()}
    file = safetensors.torch.save(tensors)
    yield "whole.json", file[8 : 8 + struct.unpack("<Q", file[:8])[0]].rstrip()


def import_files():
    origins = {"attgan": 0, "stgan": 1, "stargan": 2, "parser": 3}  # the order of secgan::kWeightOrigins
    for name, network in small_networks().items():
        if name not in origins:
            continue
        state = network.state_dict()
        if name == "parser":  # 13 million values otherwise
            state = {key: value.new_empty((0, *value.shape[1:])) if value.dim() else value for key, value in state.items()}
        yield name, bytes([origins[name]]) + safetensors.torch.save({k: v.contiguous() for k, v in state.items()})


def attgan_settings():
    settings = {
        "attrs": PUBLISHED,
        "data": "CelebA",
        "img_size": 128,
        "shortcut_layers": 1,
        "inject_layers": 0,
        "enc_dim": 64,
        "dec_dim": 64,
    }
    settings |= {
        "enc_norm": "batchnorm",
        "enc_acti": "lrelu",
        "dec_acti": "relu",
        "thres_int": 0.5,
        "test_int": 1.0,
        "b_distribution": "none",
    }
    yield "celeba.txt", json.dumps(settings, indent=4)
    yield "celeba_hq.txt", json.dumps({"data": "CelebA-HQ", "img_size": 256, "attrs": PUBLISHED[:3], "test_int": 2})


def shapes():
    for name, network in small_networks().items():
        lines = (f"{key} {' '.join(map(str, value.shape))}" for key, value in network.state_dict().items())
        yield name + ".txt", "\n".join(lines)


def picture(mode="RGB", size=(13, 9)):
    y, x = np.mgrid[: size[1], : size[0]]
    rgb = np.stack([x * 19, y * 28, (x + y) * 11], axis=2).astype(np.uint8)
    return Image.fromarray(rgb).convert(mode)


def exif_of(orientation, big_endian=False, kind=3):
    """EXIF data that holds nothing but an orientation."""
    order = ">" if big_endian else "<"
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
    return (b"MM" if big_endian else b"II") + struct.pack(order + "HIHHHI", 42, 8, 1, 0x112, kind, 1) + value + bytes(4)


def exif_files():
    for orientation in (1, 3, 6, 8):
        yield f"little_{orientation}", exif_of(orientation)
    yield "big_5", exif_of(5, big_endian=True)
    yield "long_7", exif_of(7, kind=4)
    exif = Image.Exif()
    exif.update({0x112: 6, 0x10F: "maker", 0x11A: 72.0})
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    yield "pil", exif.tobytes()[6:]


def photos():
    exif = b"Exif\0\0" + exif_of(6)
    profile = bytes(128)
    yield "rgb.jpg", as_bytes(picture().save, format="JPEG")
    yield "progressive.jpg", as_bytes(picture().save, format="JPEG", progressive=True, subsampling=0)
    yield "turned.jpg", as_bytes(picture().save, format="JPEG", exif=exif, icc_profile=profile)
    for mode in ("L", "CMYK"):
        yield mode.lower() + ".jpg", as_bytes(picture(mode).save, format="JPEG")
    for mode in ("RGB", "RGBA", "P", "LA", "L", "1"):
        yield mode.lower() + ".png", as_bytes(picture(mode).save, format="PNG")
    yield "deep.png", as_bytes(Image.fromarray((np.arange(24, dtype=np.uint16) * 2000).reshape(4, 6)).save, format="PNG")
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>", zip=True)
    yield "turned.png", as_bytes(picture().save, format="PNG", exif=exif, icc_profile=profile, pnginfo=text)
    for format, options in (("WEBP", {"lossless": True}), ("WEBP", {"exif": exif}), ("GIF", {}), ("BMP", {}), ("ICO", {}), ("PPM", {})):
        yield f"{'turned' if 'exif' in options else 'rgb'}.{format.lower()}", as_bytes(picture().save, format=format, **options)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        yield f"{compression}.tif", as_bytes(picture().save, format="TIFF", compression=compression)
    yield "bits.tif", as_bytes(picture("1").save, format="TIFF", compression="group4")
    yield "page.jpg", b"<!DOCTYPE html><html><title>404</title></html>"


def packets():
    spaces = {
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "secgan": "urn:secgan:1.0:",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    }
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in spaces.items())
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    edits = "<secgan:Edits>\n<rdf:Seq>\n<rdf:li>Bangs=1</rdf:li>\n<rdf:li>a&lt;b=-0.5</rdf:li>\n</rdf:Seq>\n</secgan:Edits>"
    texts = {
        "Iptc4xmpExt:DigitalSourceType": kind,
        "xmp:CreatorTool": "secgan 0.1.0",
        "secgan:Model": "&quot;x&#39;",
        "secgan:ModelHash": "01",
    }
    elements = "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())
    yield "elements.xmp", f"<rdf:RDF {declared}><rdf:Description>{elements}{edits}</rdf:Description></rdf:RDF>"
    attributes = " ".join(f"{name}='{text}'" for name, text in texts.items())
    yield "attributes.xmp", f"<rdf:RDF {declared}><rdf:Description {attributes} tiff:Orientation='6'/></rdf:RDF>"
    yield "other_prefix.xmp", f"<d xmlns:i='{spaces['Iptc4xmpExt']}' i:DigitalSourceType='{kind}'/>"
    yield "entity.xmp", f"<!DOCTYPE d [<!ENTITY a 'b'>]><d xmlns:xmp='{spaces['xmp']}' xmp:CreatorTool='&a;'/>"


def masks():
    ids = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    yield "gray.png", as_bytes(ids.save, format="PNG")
    indexed = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4), mode="P")
    indexed.putpalette([v for i in range(12) for v in (i * 20, 0, 255 - i * 20)])
    yield "palette.png", as_bytes(indexed.save, format="PNG")
    yield "bits.png", as_bytes(indexed.save, format="PNG", bits=4)
    yield "rgb.png", as_bytes(picture().save, format="PNG")


def attribute_lists():
    yield "celeba.txt", "2\nBangs Male Young \n000001.jpg -1  1 -1\n000002.jpg  1 -1  0\n"
    yield "bom.txt", "\ufeff1\r\nMale Bangs\r\na.jpg 1 1\r\n"
    yield "partition.txt", "2\nBangs Male\n000001.jpg -1 1\n000002.jpg 1 -1\n\x00000001.jpg 0\n000002.jpg 1\n"
    yield "kaggle.csv", "image_id,Bangs,Male\n000001.jpg,-1,1\n000002.jpg,1,0\n"
    yield "pandas.csv", ',name,"Bangs",Male\n0,"a, b.jpg",True,1.0\n'


def programs():
    yield "exported.pt2", zipped({"archive/models/model.json": "{}", "archive/version": "3"})
    yield "weights.pth", torch_saved({"a": torch.ones(2)})
    yield "one.safetensors", safetensors.torch.save({"a": torch.ones(1)})
    yield "page.html", "<html>"


def zipped(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def reports():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        protocol = {"photos": 4, "attributes": ["Male"], "resamples": 2, "distribution_resamples": 2}
        secgan.evaluate(str(ROOT / "models/drawn-faces"), {"kind": "synthetic"}, protocol=protocol, out=folder)
        report = json.loads((pathlib.Path(folder) / "report.json").read_text())
    yield "evaluate.json", json.dumps(report)
    yield (
        "deep.json",
        '{"report_format": 1, "figures": {}, "hash": "", "pinned": {}, "protocol": ' + '{"a":' * 30000 + "1" + "}" * 30000 + "}",
    )
    yield "least.json", json.dumps({key: report[key] for key in ("report_format", "figures", "hash", "protocol", "pinned", "model")})


def packed_data():
    """Two photos of 32 pixels, as pack_dataset writes them."""

    def bytes_of(*shape, most):
        return (torch.arange(int(np.prod(shape))) % (most + 1)).to(torch.uint8).view(shape)

    tensors = {"photos": bytes_of(2, 3, 32, 32, most=255), "splits": torch.tensor([0, 2], dtype=torch.uint8)}
    tensors |= {"labels": bytes_of(2, 2, most=1), "names": torch.tensor(list(b"a.jpg\0b.jpg\0"), dtype=torch.uint8)}
    told = {"format": "secgan packed data 1", "title": "photos", "terms": "", "crop": "center", "photo_size": "50x40"}
    told |= {"attributes": '["Bangs", "Male"]'}
    yield "photos.safetensors", safetensors.torch.save(tensors, told)
    tensors["masks"] = bytes_of(2, 32, 32, most=11)
    yield "masks.safetensors", safetensors.torch.save(tensors, {**told, "labels": "secgan-12"})
    yield "classes.safetensors", safetensors.torch.save(tensors | {"masks": tensors["masks"] + 9}, {**told, "labels": "secgan-12"})
    yield "deep.safetensors", safetensors.torch.save(tensors, {**told, "attributes": "[" * 20000 + "]" * 20000})


SEEDS = {
    "attgan_settings": attgan_settings,
    "attribute_list": attribute_lists,
    "bundle_config": bundle_configs,
    "bundle_weights": bundle_headers,
    "edit_request": edit_requests,
    "exif": exif_files,
    "import_file": import_files,
    "mask": masks,
    "npz": npz_files,
    "packed": packed_data,
    "photo": photos,
    "pickle": pickles,
    "program": programs,
    "provenance": packets,
    "report": reports,
    "request_host": request_hosts,
    "safetensors": safetensors_files,
    "settings_json": settings_json,
    "settings_toml": settings_toml,
    "state_shapes": shapes,
    "torch_file": torch_files,
}


def main():
    torch.manual_seed(1)
    for target in sys.argv[1:] or SEEDS:
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in SEEDS[target]():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main()

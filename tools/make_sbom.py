#!/usr/bin/env python3
"""Writes a software bill of materials in CycloneDX's JSON: Python packages, libraries, headers, the face detector, the page's runtime.

Usage: make_sbom.py LIBSECGAN OUT, by the interpreter of the environment that is described, which has cyclonedx-bom.
"""

import json
import pathlib
import re
import subprocess
import sys

import torch
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

# Licenses by Debian's source package, as upstream states them for the library. A new library needs a line here.
LICENSES = {
    "bzip2": "bzip2-1.0.6",
    "cli11": "BSD-3-Clause",
    "eigen3": "MPL-2.0",
    "ffmpeg": "GPL-2.0-or-later",  # as Debian builds it
    "gcc": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "glibc": "LGPL-2.1-or-later",
    "gloo": "BSD-3-Clause",
    "jbigkit": "GPL-2.0-or-later",
    "lcms2": "MIT",
    "lerc": "Apache-2.0",
    "libdeflate": "MIT",
    "libjpeg-turbo": "IJG AND BSD-3-Clause AND Zlib",
    "libmicrohttpd": "LGPL-2.1-or-later",
    "libpng": "libpng-2.0",
    "libstb": "MIT OR Unlicense",
    "libwebp": "BSD-3-Clause",
    "libzip": "BSD-3-Clause",
    "libzstd": "BSD-3-Clause OR GPL-2.0-only",
    "nlohmann-json3": "MIT",
    "openssl": "Apache-2.0",
    "tiff": "libtiff",
    "tomlplusplus": "MIT",
    "xz-utils": "0BSD",
    "zlib": "Zlib",
}
HEADERS = ["libcli11-dev", "libeigen3-dev", "libgloo-dev", "libstb-dev", "libtomlplusplus-dev", "nlohmann-json3-dev"]
TORCH = pathlib.Path(torch.__file__).parent


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(library):
    """The names of the libraries that it links itself."""
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", library)))


def debian_packages(library):
    """The packages of all libraries that are loaded with it and the command, LibTorch's aside, as (name, whether it is linked directly)."""
    found = {}
    files = [file for file in (pathlib.Path(library), pathlib.Path(library).parents[1] / "bin" / "secgan") if file.exists()]
    direct = set().union(*map(needed, files))
    for name, path in re.findall(r"(\S+) => (/\S+)", "".join(output("ldd", file) for file in files)):
        if pathlib.Path(path).resolve().is_relative_to(TORCH) or name == pathlib.Path(library).name:
            continue
        # dpkg knows files by the name that they were packaged under, with or without /usr.
        usr = path if path.startswith("/usr") else "/usr" + path
        asked = subprocess.run(["dpkg", "-S", usr, usr.removeprefix("/usr")], check=False, capture_output=True, text=True)
        package = asked.stdout.split(":")[0]
        if not package:
            sys.exit(f"{path}: no Debian package has it")
        found[package] = found.get(package, False) or name in direct
    return sorted(found.items())


def debian_component(package, use):
    fields = output("dpkg-query", "-W", "-f=${Version} ${source:Package} ${Architecture}\n", package)
    version, source, arch = fields.splitlines()[0].split()
    expression = LICENSES.get(re.sub(r"(gcc-|libpng)[\d.]+$", lambda m: m[1].rstrip("-"), source))
    if expression is None and use != "indirect":
        sys.exit(f"{package}: say its license in {pathlib.Path(__file__).name}")
    purl = f"pkg:deb/debian/{package}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={arch}"
    license = {"expression": expression} if expression else {"license": {"name": f"see /usr/share/doc/{package}/copyright"}}
    return component(package, version, license, purl, use)


def component(name, version, license, purl, use):
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": [license],
        "properties": [{"name": "secgan:use", "value": use}],
    }


def torch_headers():
    """Header libraries that come with LibTorch and are compiled into secgan."""
    fmt = int(re.search(r"FMT_VERSION (\d+)", (TORCH / "include/fmt/base.h").read_text())[1])
    text = (TORCH / "include/pybind11/detail/common.h").read_text()
    pybind = ".".join(re.search(rf"PYBIND11_VERSION_{part} (\w+)", text)[1] for part in ("MAJOR", "MINOR", "MICRO"))
    versions = {"fmtlib/fmt": (f"{fmt // 10000}.{fmt // 100 % 100}.{fmt % 100}", "MIT"), "pybind/pybind11": (pybind, "BSD-3-Clause")}
    for name, (version, license) in versions.items():
        yield component(name.split("/")[1], version, {"expression": license}, f"pkg:github/{name}@{version}", "headers")


def face_detector(library):
    """The weights that the wheel carries beside the library, where they were fetched, as requirements/detector.txt names their package."""
    if not (pathlib.Path(library).parents[1] / "share" / "secgan" / "face-detector.safetensors").exists():
        return
    locked = (pathlib.Path(__file__).parents[1] / "requirements" / "detector.txt").read_text()
    name, version = re.search(r"^(\S+)==(\S+)", locked, re.MULTILINE).groups()
    yield component(name, version, {"expression": "MIT"}, f"pkg:pypi/{name}@{version}", "weights") | {"type": "machine-learning-model"}


def web_runtime(library):
    """What the wheel carries for pages, where it was fetched, in the version that the Makefile names."""
    root = pathlib.Path(__file__).parents[1]
    if not (pathlib.Path(library).parents[1] / "share" / "secgan" / "web" / "runtime" / "ort.wasm.js").exists():
        return
    version = re.search(r"^RUNTIME\s*:= (\S+)", (root / "Makefile").read_text(), re.MULTILINE)[1]
    yield component("onnxruntime-web", version, {"expression": "MIT"}, f"pkg:npm/onnxruntime-web@{version}", "web page")


def films(library):
    """What reads films, where it was built: loaded when a film is asked for, with all that FFmpeg's libraries need themselves."""
    reader = pathlib.Path(library).with_name("libsecgan_film.so")
    if reader.exists():
        linked = {name for name, direct in debian_packages(reader) if direct} - {name for name, _ in debian_packages(library)}
        yield from (debian_component(name, "films") for name in sorted(linked))


def main():
    library, out = sys.argv[1:]
    root = pathlib.Path(__file__).parents[1]
    python = sys.executable
    bom = json.loads(output(python, "-m", "cyclonedx_py", "environment", "--pyproject", str(root / "pyproject.toml"), python))
    native = [debian_component(name, "linked" if direct else "indirect") for name, direct in debian_packages(library)]
    native += [debian_component(name, "headers") for name in HEADERS]
    native += torch_headers()
    native += face_detector(library)
    native += web_runtime(library)
    native += films(library)
    bom["components"] += native
    product = bom["metadata"]["component"]
    product["version"] = re.search(r'kVersion = "([\d.]+)"', (root / "include/secgan/version.hpp").read_text())[1]
    own = next(entry for entry in bom["dependencies"] if entry["ref"] == product["bom-ref"])
    own["dependsOn"] = sorted({*own.get("dependsOn", []), *(c["bom-ref"] for c in native if c["properties"][0]["value"] != "indirect")})
    text = json.dumps(bom, indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"not CycloneDX: {error}")
    pathlib.Path(out).write_text(text + "\n")
    print(f"{out}: {len(bom['components'])} components, {len(native)} of them native")


if __name__ == "__main__":
    main()

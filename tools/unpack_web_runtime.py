#!/usr/bin/env python3
"""Keeps of onnxruntime-web what `secgan export --web` puts into a page.

Usage: unpack_web_runtime.py INTEGRITY FOLDER FILE.tgz

The package (33 MB, of `npm pack`) is compared with its integrity, npm's base64 of its SHA-512, before a byte of it is read. Two runtimes
are kept, each with its WebAssembly compressed, as a plain file server compresses nothing: one for the processor, one for WebGPU.
"""

import base64
import gzip
import hashlib
import io
import pathlib
import sys
import tarfile

# In the package, and in the page. JSPI, which browsers with WebGPU have, makes a WebGPU runtime of 17 MB instead of 27.
FILES = {
    "ort.wasm.bundle.min.mjs": "ort.wasm.js",
    "ort-wasm-simd-threaded.wasm": "ort.wasm.bin",
    "ort.jspi.bundle.min.mjs": "ort.webgpu.js",
    "ort-wasm-simd-threaded.jspi.wasm": "ort.webgpu.bin",
}


def main() -> int:
    integrity, folder, file = sys.argv[1:]
    data = pathlib.Path(file).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != integrity:
        print(f"{file}: the package's integrity is {found}, expected {integrity}", file=sys.stderr)
        return 1
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for name, kept in FILES.items():
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None, name
            read = member.read()
            (out / kept).write_bytes(gzip.compress(read, 9, mtime=0) if kept.endswith(".bin") else read)
    return 0


if __name__ == "__main__":
    sys.exit(main())

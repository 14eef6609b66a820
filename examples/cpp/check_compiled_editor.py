"""Whether run_compiled_editor wrote the picture that the library's generator makes: BUNDLE PHOTO ATTRIBUTE WRITTEN."""

import sys

import torch

import secgan

bundle, photo, attribute, written = sys.argv[1:]
editor = secgan.Editor.from_pretrained(bundle)
change = torch.zeros(1, len(editor.attributes))
change[0, editor.attributes.index(attribute)] = editor.info["intensity"]
with torch.no_grad():
    edit = editor.generator(secgan.read_image(photo)[None] / 127.5 - 1, change)[0]
expected = ((edit.clamp(-1, 1) + 1) * 127.5).round().int()
difference = (expected - secgan.read_image(written).int()).abs().max().item()
print(f"largest difference: {difference} of 255")
sys.exit(difference > 1)

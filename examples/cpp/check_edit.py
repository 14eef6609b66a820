"""Whether edit_photo's picture shows what was asked for: BUNDLE PHOTO ATTRIBUTE WRITTEN."""

import sys

import secgan

bundle, photo, attribute, written = sys.argv[1:]
editor = secgan.Editor.from_pretrained(bundle)
before, after = (editor.predict(file)[attribute] for file in (photo, written))
rebuilt = editor.edit(photo, {attribute: 0}).photo  # what the network draws when nothing is asked for
largest = (rebuilt.int() - secgan.read_image(written).int()).abs().max().item()
print(f"{attribute} {before:.2f} -> {after:.2f}; largest change: {largest} of 255")
sys.exit((before > 0.5) == (after > 0.5) or largest < 60)

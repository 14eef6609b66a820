"""A page of sliders with gradio: pip install "gradio>=6", then python examples/python/edit_page.py [MODEL].

Everything stays on this machine: the page is served to it alone, at http://127.0.0.1:7860.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import secgan


def edited(editor: secgan.Editor, photo: Any, strengths: dict[str, float], exact: bool) -> tuple[Any, str]:
    """The photo with the edits in it, as PIL picture, and what a person should know of them."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", secgan.EditWarning)
        result = editor.edit(
            photo,
            {name: strength for name, strength in strengths.items() if strength},
            faces="auto" if editor.finds_faces else None,
            region="exact" if exact else "free",
        )
    from PIL import Image

    seen = ", ".join(name for name, shown in result.source.items() if shown) or "none of the attributes"
    picture = Image.fromarray(result.whole.permute(1, 2, 0).contiguous().numpy())
    return picture, "\n".join([f"The classifier sees: {seen}.", *(str(note.message) for note in notes)])


def page(editor: secgan.Editor) -> Any:
    try:
        import gradio as gr
    except ImportError:
        raise SystemExit("gradio is not installed: pip install gradio") from None

    with gr.Blocks(title="Edit a face") as blocks:
        gr.Markdown("# Edit a face\nPhotos stay on this machine. 1 is what training used; attributes that exclude each other follow.")
        with gr.Row():
            with gr.Column():
                photo = gr.Image(type="pil", label="Photo", sources=["upload", "webcam", "clipboard"], height=360)
                sliders = [gr.Slider(-2, 2, value=0, step=0.1, label=name.replace("_", " ")) for name in editor.attributes]
                exact = gr.Checkbox(False, label="Change only where the attributes can show")
            with gr.Column():
                result = gr.Image(
                    type="pil", label="Edited", format="png", interactive=False, height=360, buttons=["download", "fullscreen"]
                )
                said = gr.Textbox(label="Notes", lines=3, interactive=False)

        def run(picture: Any, only_there: bool, *strengths: float) -> tuple[Any, str]:
            if picture is None:
                return None, "Drop a photo on the left."
            try:
                return edited(editor, picture, dict(zip(editor.attributes, strengths, strict=True)), only_there)
            except (ValueError, RuntimeError) as error:  # no face, or a bundle without a mask branch
                return picture, str(error)

        inputs, outputs = [photo, exact, *sliders], [result, said]
        gr.on([photo.change, exact.change, *(slider.release for slider in sliders)], run, inputs, outputs)
    return blocks


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", nargs="?", default="models/drawn-faces", help="a bundle's folder [%(default)s]")
    page(secgan.Editor.from_pretrained(arguments.parse_args().model)).launch(server_name="127.0.0.1", share=False)

"""The page of `secgan export --web`: how large it is, how soon it is ready, and how long an edit takes in WebAssembly.

    python benchmarks/web_page.py [--model models/drawn-faces] [--photo examples/photos/anna.png] [--edits 40] [--engine wasm|webgpu]

Chromium (Debian's), without a window, over a plain file server, which means one thread. An edit's time is the worker's own: networks,
resizing and blending, without drawing on the screen. Told are the first edit, and of the others, which all set another strength, the median
and the slowest.
"""

import argparse
import functools
import http.server
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from playwright.sync_api import sync_playwright


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/drawn-faces")
    parser.add_argument("--photo", default="examples/photos/anna.png")
    parser.add_argument("--edits", type=int, default=40)
    parser.add_argument("--engine", default="wasm")
    parser.add_argument("--command", default="secgan")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_folder = pathlib.Path(folder) / "page"
        subprocess.run([arguments.command, "export", arguments.model, "--web", page_folder], check=True)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=page_folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--enable-unsafe-webgpu"])
        page = browser.new_page()
        begin = time.perf_counter()
        page.goto(f"http://127.0.0.1:{server.server_port}/?engine={arguments.engine}")
        page.wait_for_selector("body[data-ready]", timeout=300_000)
        print(f"ready after {time.perf_counter() - begin:.1f} s, Chromium {browser.version}")
        begin = time.perf_counter()
        page.set_input_files("#file", arguments.photo)
        page.wait_for_selector(".attribute")
        page.wait_for_selector('body[data-busy=""]', state="attached", timeout=300_000)
        print(f"photo opened after {time.perf_counter() - begin:.2f} s")
        slider, times = page.get_by_role("slider", name="Eyeglasses", exact=True), []
        for i in range(arguments.edits):
            slider.fill(str(0.05 * (1 + i % 40)))
            page.wait_for_selector('body[data-busy=""]', state="attached", timeout=300_000)
            times.append(float(page.locator("body").get_attribute("data-milliseconds")))
        print(f"an edit: first {times[0]:.0f} ms, then median {statistics.median(times[1:]):.0f} ms, slowest {max(times[1:]):.0f} ms")
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()

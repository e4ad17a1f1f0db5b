"""How fast the page without a server answers in Chromium, beside the same model in this program.

in:   a folder that export_model.py --page wrote; a JPEG of twelve megapixels is drawn
out:  static_page_speed.md (a table)

  python export_model.py --output-dir exported --page site
  python benchmarks/static_page_speed.py --site site

Both answer the same file in turn: the page from the File on, in one thread; the program from the
path on, decoding included. The program reduces a JPEG while it is decoded, which no browser does.
"""

import argparse
import functools
import http.server
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

SIDES = 4000, 3000  # pixels
FLAGS = ["--no-sandbox", "--disable-gpu"]
# The page's own thread answers; a picture that is shown as well would be decoded twice.
ASK = """() => {
  const network = new Worker("network.js", { type: "module" });
  const begun = performance.now();
  let told;
  network.onmessage = ({ data }) => told(data.outputs);
  window.loaded = new Promise((resolve) => {
    told = () => resolve((performance.now() - begun) / 1000);
  });
  window.ask = async (name) => {
    await window.loaded;
    const file = new File([await (await fetch(name)).blob()], name);
    const started = performance.now();
    const outputs = await new Promise((resolve) => {
      told = resolve;
      network.postMessage({ number: 1, file });
    });
    if (outputs.failed) throw new Error(outputs.failed);
    return (performance.now() - started) / 1000;
  };
}"""


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--site", type=Path, default=Path("site"), metavar="FOLDER",
                        help="what export_model.py --page wrote")
    parser.add_argument("--rounds", type=console.positive_int, default=10, help="of each")
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def draw_jpeg(path: Path) -> None:
    """Write a JPEG of twelve megapixels."""
    from PIL import Image

    from celestial.renderer.draw import draw_picture

    drawn = Image.fromarray(draw_picture("jupiter", 1000, 42, 0))
    drawn.resize(SIDES).save(path, quality=90)


def start_host(folder: Path) -> http.server.ThreadingHTTPServer:
    """Serve a folder as a plain host of files does; `shutdown` ends it."""
    class Host(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Host, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def measure(site: Path, picture: Path, rounds: int) -> tuple[float, list[float], list[float]]:
    """Return the seconds of loading, of each answer of the page, and of each of the program."""
    import torch
    from playwright.sync_api import sync_playwright

    from celestial.inference.predictor import Predictor

    predictor = Predictor(site / "model.onnx", torch.device("cpu"), 1, 0, engine="onnx")
    server = start_host(site)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(service_workers="block")
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.evaluate(ASK)
        loading = page.evaluate("window.loaded")
        of_page, of_program = [], []
        for _ in range(rounds + 1):
            of_page.append(page.evaluate("(name) => window.ask(name)", picture.name))
            begun = time.perf_counter()
            answer, = predictor.predict([picture])
            of_program.append(time.perf_counter() - begun)
            if answer.status == "failed":
                raise console.UserError(answer.reason)
        browser.close()
    server.shutdown()
    return loading, of_page[1:], of_program[1:]


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args, "cpu")
    if not (args.site / "index.html").is_file():
        raise console.UserError(f"{args.site} holds no page; run python export_model.py --page "
                                f"{args.site}")
    if shutil.which("chromium") is None:
        raise console.UserError("there is no chromium here; install it")
    with tempfile.TemporaryDirectory() as place:
        site = Path(place, "site")
        shutil.copytree(args.site, site)
        draw_jpeg(site / "picture.jpg")
        loading, of_page, of_program = measure(site, site / "picture.jpg", args.rounds)
    weight = sum(path.stat().st_size for path in args.site.rglob("*") if path.is_file())
    page, program = map(statistics.median, (of_page, of_program))
    result = {"page_seconds": page, "program_seconds": program, "ratio": page / program,
              "slowest_page_seconds": max(of_page), "loading_seconds": loading,
              "megabytes": weight / 1e6}
    table = "\n".join([
        "| a JPEG of 12 megapixels | seconds (median) | slowest |", "|---|---|---|",
        f"| the page in Chromium, one thread | {page:.2f} | {max(of_page):.2f} |",
        f"| the program, --engine onnx | {program:.2f} | {max(of_program):.2f} |", "",
        f"The page weighs {weight / 1e6:.1f} MB; the network was loaded in {loading:.1f} s from "
        "this machine.", ""])
    args.output_dir.mkdir(parents=True, exist_ok=True)
    written = args.output_dir / "static_page_speed.md"
    written.write_text(table, encoding="utf-8")
    print(table)
    console.print_result(result, [written])


if __name__ == "__main__":
    console.run(main)

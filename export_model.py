"""Take a model along: one ONNX file that takes pictures, for other programs and languages.

in:   a checkpoint; with --quantise data/celestial_dataset/{val,test}/<class>/*
out:  exported/
      model.onnx (from RGB pictures of any size to calibrated probabilities), classes.json,
      README.md (how to use it from Python and JavaScript); with --quantise model_int8.onnx
      site/, with --page: a page for any static host, which needs no server of its own

  python export_model.py
  python export_model.py --checkpoint my_model.pth --output-dir exported
  python export_model.py --quantise          # and in whole numbers of 8 bits, smaller and faster
  python export_model.py --page site         # then: python -m http.server --directory site
  python predict_my_images.py --engine onnx --checkpoint exported/model.onnx

The file is compared with the network itself on drawn pictures before it is written.
"""

import argparse
import string
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from celestial.inference.onnx_engine import OnnxModel
    from celestial.inference.predictor import Predictor

MODEL, QUANTISED, CLASSES, README = "model.onnx", "model_int8.onnx", "classes.json", "README.md"
TEMPLATE = console.ROOT / "celestial/drawing/templates/exported.md"
PICTURES = 100  # drawn for the comparison
DRAWN_SIDE = 96  # pixels; to draw each picture in its own size would take a minute
SLOW_TO_DRAW = ("mars", "mercury", "moon", "pluto")  # whose maps are made first
SIDES = (24, 48, 96, 131, 224, 300, 640)  # pixels, longer sides of these
RATIOS = (1, 1, 0.75, 0.56, 0.2)  # of the shorter side to the longer one
OF_SHIPPED = "MIT; the ImageNet weights it began from are Google's, Apache 2.0"  # MODEL_CARD.md
DARK = (1, 1, 0.5, 0.2, 0.03)  # factors of their light
MOST_END_TO_END, MOST_FROM_SQUARE = 0.01, 1e-4  # differences of a probability


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    console.add_checkpoint_option(group)
    group.add_argument("--output-dir", type=Path, default=Path("exported"), metavar="FOLDER",
                       help="where the files go")
    group.add_argument("--page", type=Path, default=None, metavar="FOLDER",
                       help="write a page as well that answers pictures inside the visitor's "
                       "browser: files for any static host; npm fetches what computes there")
    console.add_data_option(group)
    parser.add_argument("--licence", default=None, metavar="TEXT",
                        help="of the weights, as it is to stand in the files; None: that of the "
                        "weights that ship, of others that it is not stated")
    parser.add_argument("--quantise", action="store_true",
                        help="write model_int8.onnx as well, its ranges from val of --data-dir, "
                        "and compare it with model.onnx on test")
    console.add_compute_options(parser)
    return parser.parse_args()


def draw_pictures() -> "list[np.ndarray]":
    """Draw the pictures of the comparison: many sizes and shapes, some dark; uint8 RGB each."""
    import numpy as np
    from PIL import Image

    from celestial.renderer.draw import draw_picture

    random = np.random.default_rng(0)
    names = [name for name in (*console.DRAWN, *console.OUTLIERS) if name not in SLOW_TO_DRAW]
    pictures = []
    for number in range(PICTURES):
        side = SIDES[number % len(SIDES)]
        drawn = draw_picture(names[number % len(names)], DRAWN_SIDE, 0, number)
        drawn = np.asarray(Image.fromarray(drawn).resize((side, side)))
        shorter = max(1, round(max(drawn.shape) * random.choice(RATIOS)))
        drawn = drawn[:shorter] if random.random() < 0.5 else drawn[:, :shorter]
        pictures.append(np.uint8(drawn * random.choice(DARK)))
    return pictures


def compare(model: "OnnxModel", predictor: "Predictor", engine: str) -> dict:
    """Compare a file with the network that it was made of.

    Args:
        model: opened.
        predictor: has the network, and the program's default engine.
        engine: that engine in words.

    Raises:
        UserError: the probabilities differ by more than is allowed.
    """
    import copy

    from celestial.evaluation.agreement import by_file, by_predictor, by_torch

    pictures = draw_pictures()
    network = copy.deepcopy(predictor.model).cpu()
    true, found = by_torch(network, predictor.checkpoint, pictures), by_file(model, pictures)
    figures = {
        "pictures": len(pictures), "largest_difference": true.difference(found),
        "largest_difference_from_square": true.difference(by_file(model, pictures, True)),
        "equal_verdicts": found.equal_verdicts(by_predictor(predictor, pictures),
                                               model.reject_below),
        "default_engine": engine}
    if (figures["largest_difference"] > MOST_END_TO_END
            or figures["largest_difference_from_square"] > MOST_FROM_SQUARE):
        raise UserError("the exported network answers otherwise than the network itself: a "
                        f"probability differs by {figures['largest_difference']:.6f} from the "
                        f"picture on and by {figures['largest_difference_from_square']:.6f} from "
                        f"the square on, where {MOST_END_TO_END} and {MOST_FROM_SQUARE} are "
                        "allowed; nothing was written")
    print(f"largest difference of a probability from the network in float32, on {PICTURES} drawn "
          f"pictures: {figures['largest_difference']:.6f} from the picture on, "
          f"{figures['largest_difference_from_square']:.7f} from the square on\n"
          f"verdicts equal to those of {engine}: {figures['equal_verdicts']:.1%}", flush=True)
    return figures


def about_of(predictor: "Predictor", licence: str | None) -> dict:
    """Return what classes.json says."""
    from celestial.common.files import sha256_of

    checkpoint = predictor.checkpoint
    if licence is None:
        shipped = console.SHIPPED.is_file() and sha256_of(console.SHIPPED)
        licence = OF_SHIPPED if shipped == sha256_of(predictor.path) else "not stated"
    return {"classes": list(checkpoint.classes), "reject_below": checkpoint.reject_below,
            "temperature": checkpoint.temperature, "size": checkpoint.preprocessing.size,
            "model": checkpoint.model, "licence": licence,
            "commit": console.git_commit(), "checkpoint_sha256": sha256_of(predictor.path)}


def quantise(graph: "onnx.ModelProto", full: Path, predictor: "Predictor",
             args: argparse.Namespace) -> tuple[bytes, dict]:
    """Return the file in whole numbers of 8 bits, and how it compares with the full one on test.

    Args:
        graph: the full one.
        full: its file; the other is written beside it.
        predictor: says how pictures are prepared, and decodes them.
        args: the script's options.
    """
    import numpy as np

    from celestial.data.datasets import list_split
    from celestial.evaluation.agreement import compare_on_split, times_as_fast
    from celestial.evaluation.metrics import as_text
    from celestial.inference import quantisation
    from celestial.inference.predictor import Predictor

    val, test = (list_split(args.data_dir, split, predictor.classes) for split in ("val", "test"))
    chosen = np.random.default_rng(0).permutation(len(val.paths))[:quantisation.MOST_CALIBRATING]
    squares = np.stack([predictor.preprocessing.square(picture) for picture in
                        predictor.pictures([val.paths[index] for index in chosen])])
    small = full.with_name(QUANTISED)
    content = quantisation.quantise(graph, predictor.preprocessing, squares).SerializeToString()
    small.write_bytes(content)
    both = [Predictor(path, None, args.batch_size, args.workers, console.ONNX)
            for path in (full, small)]
    figures = {**compare_on_split(*both, test), "times_as_fast": times_as_fast(*both, squares[:24]),
               "bytes": len(content)}
    print(f"in whole numbers of 8 bits, on {figures['pictures']} pictures of test: "
          f"{as_text(figures['accuracy'])} right, the full one {as_text(figures['accuracy_full'])};"
          f" {figures['equal_verdicts']:.1%} of the verdicts are equal; "
          f"{figures['times_as_fast']:.2f} times as fast here", flush=True)
    return content, figures


def in_words(figures: dict) -> str:
    """Return the paragraph of README.md on the quantised file."""
    from celestial.evaluation.metrics import as_text

    right, of_full = as_text(figures["accuracy"]), as_text(figures["accuracy_full"])
    return f"""
`{QUANTISED}` is the same with convolutions in whole numbers of 8 bits, {figures["bytes"] / 1e6:.1f}
MB. On {figures["pictures"]} pictures of test {right} of its answers are right, of the full one's
{of_full}; {figures["equal_verdicts"]:.1%} of the verdicts are equal. It was
{figures["times_as_fast"]:.2f} times as fast where it was made; CPUs with VNNI gain most.
"""


def readme(about: dict, figures: dict, quantised: str) -> str:
    """Return README.md: what the file takes and gives, and how to use it."""
    from celestial.inference.onnx_export import OPSET

    template = string.Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute({
        **figures, **about, "classes": ", ".join(about["classes"]), "count": len(about["classes"]),
        "largest_difference": f"{figures['largest_difference']:.6f}",
        "largest_difference_from_square": f"{figures['largest_difference_from_square']:.7f}",
        "equal_verdicts_percent": f"{100 * figures['equal_verdicts']:.0f}", "opset": OPSET,
        "quantised": quantised})


def main() -> None:
    args = parse_args()
    # Heavy imports wait until the options are read: --help answers at once.
    from celestial.common.files import atomic_path, write_json
    from celestial.inference.devices import describe, inference_precision, pick_device
    from celestial.inference.onnx_engine import open_model
    from celestial.inference.onnx_export import export
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    engine = describe(pick_device(args.device), inference_precision)
    about = about_of(predictor, args.licence)
    graph = export(predictor.model, predictor.checkpoint,
                   {name: about[name] for name in ("licence", "commit", "checkpoint_sha256")})
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place, MODEL)
        trial.write_bytes(graph.SerializeToString())
        figures = compare(open_model(trial), predictor, engine)
        files, paragraph = {MODEL: trial.read_bytes()}, ""
        if args.quantise:
            files[QUANTISED], figures["int8"] = quantise(graph, trial, predictor, args)
            paragraph = in_words(figures["int8"])

    out = args.output_dir
    files[README] = readme(about, figures, paragraph).encode()
    written = [out / name for name in files]
    for path, content in zip(written, files.values(), strict=True):
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    written.append(write_json(out / CLASSES, about))
    if args.page is not None:
        from celestial.static_page.site import write_site

        written += write_site(args.page, files[MODEL], about["classes"], about["reject_below"],
                              about["licence"])
    console.print_result(figures, written)


if __name__ == "__main__":
    console.run(main)

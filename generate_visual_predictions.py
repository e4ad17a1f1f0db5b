"""Step 4: a framed picture for each prediction, green where it is right and red where it is wrong.

in:   a blind mapping (blind_test_validation.py) or a folder of class folders; the checkpoint
out:  visual_predictions/<class>/<picture>.png, visual_predictions/showcase_summary.png

  python generate_visual_predictions.py                    # the newest mapping, else the test split
  python generate_visual_predictions.py --mapping blind_test_mapping_20260503_210000.json
  python generate_visual_predictions.py --input-dir data/celestial_dataset/val
"""

import argparse
from pathlib import Path

from celestial import console
from celestial.console import UserError

ON_SHEET = 60  # pictures in showcase_summary.png


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    source = group.add_mutually_exclusive_group()
    source.add_argument("--mapping", type=Path, metavar="FILE",
                        help="blind mapping; None: the newest one here, else the test split")
    source.add_argument("--input-dir", type=Path, metavar="FOLDER",
                        help="folder of class folders to take instead")
    console.add_data_option(group)
    console.add_checkpoint_option(group)
    group.add_argument("--output-dir", type=Path, default=Path("visual_predictions"),
                       metavar="FOLDER", help="where the framed pictures go")
    console.add_compute_options(parser, batch_size=32)
    return parser.parse_args()


def find_pictures(args: argparse.Namespace, classes: tuple[str, ...]) -> tuple[list, list, str]:
    """Return the files, their true classes, and where they come from."""
    from celestial import blind
    from celestial.datasets import list_split

    mapping = args.mapping
    if mapping is None and args.input_dir is None:
        mapping = blind.newest_mapping(Path())
    if mapping is not None:
        folder, pictures = blind.read_mapping(mapping)
        if unknown := sorted({p.true for p in pictures} - set(classes)):
            raise UserError(f"{mapping} has classes that the checkpoint does not know: "
                            f"{', '.join(unknown)}; make a new mapping with "
                            "blind_test_validation.py")
        return [folder / p.blind for p in pictures], [p.true for p in pictures], str(mapping)
    folder = args.input_dir or args.data_dir / "test"
    files = list_split(folder.parent, folder.name, classes)
    return list(files.paths), [classes[label] for label in files.labels], str(folder)


def frame_all(predictor, files: list[Path], truth: list[str], out: Path) -> tuple[list, list, list]:
    """Draw a framed picture of each file; return (cards, whether each is right, unreadable)."""
    from tqdm import tqdm

    from celestial.cards import draw_card, judged_card, save
    from celestial.files import short_name

    cards, right, unreadable = [], [], []
    stream = zip(predictor.predict(files, keep_pictures=True), truth, strict=True)
    for prediction, true_name in tqdm(stream, total=len(files), desc="drawing", unit="file"):
        if prediction.status == "failed":
            unreadable.append(prediction)
            continue
        card = judged_card(prediction, true_name)
        save(draw_card(card), out / true_name / short_name(f"{prediction.path.name}.png", 5))
        right.append(prediction.top(1)[0][0] == true_name)
        if len(cards) < ON_SHEET or not right[-1]:
            cards.append(card)
    return cards, right, unreadable


def main() -> None:
    args = parse_args()
    from celestial import metrics
    from celestial.cards import RED, card_sheet
    from celestial.checkpoints import find_checkpoint
    from celestial.devices import describe, pick_device
    from celestial.images import display_name
    from celestial.inference import Predictor

    device = pick_device(args.device)
    console.print_header(__file__, args, describe(device))
    predictor = Predictor(find_checkpoint(args.checkpoint), device, args.batch_size, args.workers)
    files, truth, origin = find_pictures(args, predictor.classes)
    print(f"{len(files)} pictures from {origin}")
    cards, right, unreadable = frame_all(predictor, files, truth, args.output_dir)
    for prediction in unreadable:
        print(f"not drawn: {display_name(prediction.path)}: {prediction.reason}")
    if not right:
        raise UserError(f"no picture from {origin} can be read")

    hits, total = sum(right), len(right)
    accuracy = {"value": hits / total, **dict(zip(("low", "high"), metrics.wilson(hits, total),
                                                  strict=True))}
    cards.sort(key=lambda card: card.colour != RED)
    summary = card_sheet(cards[:ON_SHEET], args.output_dir / "showcase_summary.png",
                         f"{hits} of {total} pictures right; the mistakes come first")
    print(f"\n{hits} of {total} right: {metrics.as_text(accuracy)}; in brackets the 95 % interval")
    console.print_result({"pictures": total, "accuracy": accuracy,
                          "unreadable": len(unreadable)}, [summary, args.output_dir])


if __name__ == "__main__":
    console.run(main)

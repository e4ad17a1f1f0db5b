"""How right is a recipe on photographs of sources that it never saw? And the weights that ship.

in:   PHOTOGRAPHS/ with classes/, outliers/ and photographs.csv, as pretrained/photographs.py makes
      it; --drawings, a dataset of drawn pictures with train/ and val/; --outliers
out:  folds/<n>/            a dataset and a model for each part of the sources
      out_of_fold.csv       one row a photograph: what the model says that never saw its source
      cross_validation.md   named rightly, accepted and more, by class and by source
      confidence.json       temperatures and thresholds of these answers
      --ship FILE: the checkpoint that learned from all photographs by the same recipe, with them

  python benchmarks/cross_validation.py data/photographs --drawings data/drawn_dataset --outliers data/drawn_outliers -- --weights drawn_model/celestial_classification_final_model.pth

What stands after -- goes to improved_training.py, which starts from ImageNet's weights unless told
otherwise: those that ship have learned from these photographs. Each part of the sources is held out once; a
training picture that shares an object with a picture held out, or is a near-copy of one, is left
out as well. All of it can be stopped: the same command goes on where it stopped.
"""  # noqa: E501

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)
from celestial.common.console import UserError  # noqa: E402

VAL_SHARE = 0.1  # of the groups of a class of photographs, of classes with many, go into val
MANY = 40  # groups; a class with fewer leaves all its photographs in train
VAL_DRAWINGS = 25  # of such a class in val, where photographs are to decide
DEEP_SKY = ("galaxy", "nebula", "star_cluster")
VIEWS = console.VIEWS
PROPORTIONS = ("most_probable_class", "named_rightly", "accepted")
# Folders, for --folder-weights; of a class with fewer than ENOUGH photographs they are FEW.
DRAWINGS, PHOTOGRAPHS, FEW, ENOUGH = "drawings", "photographs", "few_photographs", 100


def parse_args() -> tuple[argparse.Namespace, list[str]]:
    parser = console.make_parser(__doc__)
    parser.add_argument("photographs", type=Path, metavar="PHOTOGRAPHS")
    parser.add_argument("--drawings", type=Path, required=True, metavar="FOLDER",
                        help="dataset of drawn pictures that datapre.py made")
    parser.add_argument("--outliers", type=Path, required=True, metavar="FOLDER",
                        help="drawn pictures that are none of the classes")
    parser.add_argument("--folds", type=console.positive_int, default=5,
                        help="parts that the sources are dealt out to")
    parser.add_argument("--output-dir", type=Path, metavar="FOLDER",
                        default=Path("evaluation_results/cross_validation"),
                        help="what is there already is not run again")
    parser.add_argument("--ship", type=Path, default=None, metavar="FILE",
                        help="learn from all photographs as well, and write that checkpoint")
    parser.add_argument("--seed", type=console.seed_number, default=42,
                        help="of the folds and of val")
    console.add_compute_options(parser)
    own, training = sys.argv[1:], []
    if "--" in own:
        own, training = own[:own.index("--")], own[own.index("--") + 1:]
    if "--weights" not in training:
        training = ["--weights", "imagenet", *training]
    return parser.parse_args(own), training


def read_photographs(args: argparse.Namespace) -> list[dict]:
    """Return a row for each usable photograph: its table's columns, `file`, `group`, `fold`.

    Pictures of one object and near-copies share a group. Sources are dealt out so that each fold
    holds about as many pictures of each class as that allows.
    """
    from sklearn.model_selection import StratifiedGroupKFold
    from tqdm import tqdm

    from celestial.common.tables import read_csv
    from celestial.data import groups
    from celestial.data.splits import scan

    folder = args.photographs / "classes"
    listed = {row["path"]: row for row in read_csv(args.photographs / "photographs.csv")}
    pictures, thumbnails, rejected = scan([folder], args.workers, lambda found, total: tqdm(
        found, total=total, desc="checking", unit="file"))
    for row in rejected:
        print(f"left out: {row.source}: {row.reason}")
    objects = {path.removeprefix("classes/"): [f"object={row['object']}"]
               for path, row in listed.items() if row["object"]}
    pictures, _ = groups.leave_out_copies(pictures, thumbnails)
    pictures, _ = groups.join(pictures, thumbnails, objects)
    rows = [{**listed[f"classes/{picture.source}"], "file": folder / picture.source,
             "class": picture.label, "group": picture.group} for picture in pictures]
    rows.sort(key=lambda row: row["path"])
    sources, labels = [row["source"] for row in rows], [row["class"] for row in rows]
    if not 2 <= args.folds <= len(set(sources)):
        raise UserError(f"--folds {args.folds} does not fit photographs of {len(set(sources))} "
                        "sources; say 2 or more, and no more than there are sources", status=2)
    folds = StratifiedGroupKFold(args.folds, shuffle=True, random_state=args.seed)
    for number, (_, held_out) in enumerate(folds.split(rows, labels, sources)):
        for index in held_out:
            rows[index]["fold"] = number
    return rows


def require_drawings(rows: list[dict], args: argparse.Namespace) -> None:
    """Raise UserError where a class of photographs has no drawings in train and in val."""
    from celestial.common.files import class_files

    for split in ("train", "val"):
        drawn, _ = class_files(args.drawings / split)
        if missing := sorted({row["class"] for row in rows} - drawn.keys()):
            raise UserError(f"{args.drawings / split} has no folder of {', '.join(missing)}, of "
                            "which there are photographs; draw these classes as well", status=2)


def require_unseen(training: list[str], rows: list[dict]) -> None:
    """Raise UserError where the weights to start from have learned from these photographs."""
    from celestial.common.files import sha256_of
    from celestial.models.checkpoints import load_checkpoint

    weights = training[len(training) - training[::-1].index("--weights")]  # the last one counts
    if weights == "auto":
        raise UserError("-- --weights auto may take weights that have learned from these "
                        "photographs; say imagenet, none or name a file", status=2)
    if weights in ("imagenet", "none"):
        return
    checkpoint = load_checkpoint(Path(weights))
    asked = {sha256_of(row["file"]) for row in rows}
    if seen := asked & {*checkpoint.train_sha256, *checkpoint.val_sha256}:
        raise UserError(f"{weights} has learned from {len(seen)} of these photographs, and would "
                        "be answered by them; start from other weights", status=2)


def require_same_run(training: list[str], args: argparse.Namespace) -> None:
    """Raise UserError where the output folder holds the folds of another command."""
    from celestial.common.files import sha256_of, walk_files, write_json

    this = {"folds": args.folds, "seed": args.seed, "training": training,
            "photographs": sha256_of(args.photographs / "photographs.csv"),
            "drawings": sha256_of(args.drawings / "manifest.csv"),
            "outliers": sorted(str(file.relative_to(args.outliers))
                               for file in walk_files(args.outliers))}
    file = args.output_dir / "run.json"
    if file.exists() and json.loads(file.read_text(encoding="utf-8")) != this:
        raise UserError(f"{args.output_dir} holds the folds of another command or of other "
                        "pictures; name another --output-dir")
    write_json(file, this)


def say_alone(rows: list[dict]) -> None:
    """Print the sources that are nearly alone with their class."""
    counts = Counter(row["class"] for row in rows)
    for (label, source), count in sorted(Counter(
            (row["class"], row["source"]) for row in rows).items()):
        if count > 0.9 * counts[label]:
            print(f"{source} has {count} of {counts[label]} photographs of {label}: where it is "
                  "held out, that class is learned from drawings alone")


def make_dataset(place: Path, rows: list[dict], held_out: int | None,
                 args: argparse.Namespace) -> None:
    """Link a fold's dataset: the drawings, and the photographs that may be learned from.

    Its test split are the photographs held out, so that the other scripts can measure them as well.
    """
    import numpy as np

    from celestial.common.files import class_files
    from celestial.data.splits import place_file

    if (place / "complete").exists():
        return
    for label, files in class_files(args.drawings / "train")[0].items():
        for file in files:
            link(file, place / "train" / label / DRAWINGS / file.name, place_file)
    asked = [row for row in rows if row["fold"] == held_out]
    for row in asked:
        link(row["file"], place / "test" / row["class"] / row["file"].name, place_file)
    gather_outliers(place.parent / "outliers", {row["source"] for row in asked}, args)
    forbidden = {row["group"] for row in asked}
    allowed = [row for row in rows if row["group"] not in forbidden]
    random = np.random.default_rng(args.seed)
    for label, drawn in class_files(args.drawings / "val")[0].items():
        own = sorted({row["group"] for row in allowed if row["class"] == label})
        random.shuffle(own)
        many = sum(row["class"] == label for row in rows) >= ENOUGH
        val = set(own[:round(VAL_SHARE * len(own))] if len(own) >= MANY else [])
        for file in [] if val else drawn[:VAL_DRAWINGS]:
            link(file, place / "val" / label / DRAWINGS / file.name, place_file)
        for row in allowed:
            if row["class"] == label:
                split = "val" if row["group"] in val else "train"
                folder = place / split / label / (PHOTOGRAPHS if many else FEW)
                link(row["file"], folder / row["file"].name, place_file)
    (place / "complete").touch()


def link(file: Path, target: Path, place_file) -> None:
    """Hard-link or copy a file to where none is yet."""
    if not target.exists():
        place_file(file, target, copy=False)


def train(place: Path, training: list[str], args: argparse.Namespace) -> Path:
    """Train on a fold's dataset, its log beside it; return the checkpoint.

    Raises:
        UserError: the training failed.
    """
    checkpoint = place / "model" / console.FINAL_CHECKPOINT.name
    if checkpoint.exists():
        return checkpoint
    command = [sys.executable, str(console.ROOT / "improved_training.py"), "--data-dir",
               str(place / "dataset"), "--outliers", str(place / "outliers"),
               "--output-dir", str(checkpoint.parent), *training]
    log = place / "training.log"
    with log.open("a") as file:
        if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode:
            raise UserError(f"improved_training.py failed; see {log}")
    return checkpoint


def gather_outliers(place: Path, held_out: set[str], args: argparse.Namespace) -> None:
    """Link drawn outliers and photographed ones, less those of sources held out, side by side."""
    from celestial.common.files import walk_files
    from celestial.common.tables import read_csv
    from celestial.data.splits import place_file

    for file in walk_files(args.outliers):
        link(file, place / DRAWINGS / file.relative_to(args.outliers), place_file)
    for row in read_csv(args.photographs / "photographs.csv"):
        if not row["class"] and row["source"] not in held_out:
            link(args.photographs / row["path"], place / PHOTOGRAPHS / Path(row["path"]).name,
                 place_file)


def answer(checkpoint: Path, rows: list[dict], args: argparse.Namespace) -> None:
    """Put the logits of the eight views of each photograph, (8, classes), into its row."""
    from functools import partial

    import numpy as np

    from celestial.inference.devices import pick_device
    from celestial.inference.predictor import Predictor
    from celestial.pictures.decoder_pool import decode_all
    from celestial.pictures.preprocessing import prepare

    predictor = Predictor(checkpoint, pick_device(args.device), args.batch_size, args.workers)
    found = decode_all(partial(prepare, predictor.preprocessing), [row["file"] for row in rows],
                       args.workers)
    squares = np.stack([prepared.square for _, prepared in found])  # all were read before
    for row, logits in zip(rows, predictor.engine.logits_of_views(squares).swapaxes(0, 1),
                           strict=True):
        row["logits"], row["classes"] = logits, predictor.classes


def weights_of(rows: list[dict]):
    """Return a weight of each photograph, float (N,): classes alike, and in these the groups."""
    import numpy as np

    sizes = Counter(row["group"] for row in rows)
    groups = Counter(label for label, _ in {(row["class"], row["group"]) for row in rows})
    weights = np.array([1 / sizes[row["group"]] / groups[row["class"]] for row in rows])
    return weights * len(rows) / weights.sum()


def fit(rows: list[dict]) -> dict:
    """Fit temperature and threshold of 1, 2, 4 and 8 views, and note what each row then says.

    A row's own probability has the temperature of the other folds, so that the calibration error
    is honest by the one number that is fitted.
    """
    import numpy as np

    from celestial.inference import confidence
    from celestial.inference.views import means_of_views

    classes = rows[0]["classes"]
    labels = np.array([classes.index(row["class"]) for row in rows])
    weights, folds = weights_of(rows), np.array([row["fold"] for row in rows])
    means = means_of_views(np.stack([row["logits"] for row in rows], axis=1))
    fitted = {views: confidence.fit(logits, labels, weights) for views, logits in means.items()}
    for views, logits in means.items():
        scores = confidence.known_score(logits)
        for fold in np.unique(folds):
            own = folds == fold
            temperature = confidence.fit_temperature(logits[~own], labels[~own], weights[~own])
            probabilities = confidence.probabilities(logits[own], temperature)
            for index, probability in zip(np.flatnonzero(own), probabilities, strict=True):
                rows[index][f"answer_{views}"] = classes[int(probability.argmax())]
                rows[index][f"confidence_{views}"] = float(probability.max())
                rows[index][f"known_score_{views}"] = float(scores[index])
                rows[index][f"accepted_{views}"] = bool(
                    scores[index] >= fitted[views]["reject_below"])
    return {**fitted[1], "by_views": {views: own for views, own in fitted.items() if views > 1}}


def figures(rows: list[dict], views: int) -> dict[str, float]:
    """Return the proportions of some photographs; a group of copies counts as one."""
    import numpy as np

    from celestial.evaluation.calibration import rising_bins

    sizes = Counter(row["group"] for row in rows)
    weights = np.array([1 / sizes[row["group"]] for row in rows])
    right = np.array([row[f"answer_{views}"] == row["class"] for row in rows])
    accepted = np.array([row[f"accepted_{views}"] for row in rows])
    return {"photographs": len(rows), "groups": len(sizes),
            "most_probable_class": float(np.average(right, weights=weights)),
            "named_rightly": float(np.average(right & accepted, weights=weights)),
            "accepted": float(np.average(accepted, weights=weights)),
            "ece": rising_bins(np.array([row[f"confidence_{views}"] for row in rows]), right).error}


def summarise(rows: list[dict], views: int) -> dict[str, dict]:
    """Return `figures` of each class, of each source, of the planets and of all.

    Those of the planets, the deep sky and all are means over their classes, but for the ece.
    """
    import numpy as np

    found = {}
    for name in ("class", "source"):
        for value in sorted({row[name] for row in rows}):
            found[f"{name} {value}"] = figures([row for row in rows if row[name] == value], views)
    for name, own in {"planets": [row for row in rows if row["class"] not in DEEP_SKY],
                      "deep sky": [row for row in rows if row["class"] in DEEP_SKY],
                      "all": rows}.items():
        if not own:
            continue
        parts = [found[f"class {label}"] for label in sorted({row["class"] for row in own})]
        means = {name: float(np.mean([part[name] for part in parts])) for name in PROPORTIONS}
        found[name] = {**figures(own, views), **means}
    return found


def interval(name: str, summary: dict[str, dict]) -> tuple[float, float]:
    """Return the 95 % interval of `named_rightly`, of a mean over classes by the classes' own."""
    import numpy as np

    from celestial.evaluation.metrics import mean_of_proportions

    kinds = {"planets": lambda label: label not in DEEP_SKY,
             "deep sky": lambda label: label in DEEP_SKY, "all": lambda label: True}
    parts = [own for part, own in summary.items()
             if part.startswith("class ") and kinds[name](part.removeprefix("class "))
             ] if name in kinds else [summary[name]]
    totals = np.array([own["groups"] for own in parts])
    return mean_of_proportions(np.array([own["named_rightly"] for own in parts]) * totals, totals)


def as_markdown(summary: dict[str, dict]) -> str:
    """Return the table: a row a class, a source, and all."""

    lines = ["| held out | photographs | groups | most probable class right | named rightly (95 % "
             "interval) | accepted | ECE |", "|---|---|---|---|---|---|---|"]
    for name, own in summary.items():
        low, high = interval(name, summary)
        lines.append(f"| {name} | {own['photographs']} | {own['groups']} | "
                     f"{own['most_probable_class']:.1%} | {own['named_rightly']:.1%} "
                     f"({low:.1%} to {high:.1%}) | {own['accepted']:.1%} | {own['ece']:.3f} |")
    return "\n".join(lines) + "\n"


def write_tables(rows: list[dict], fitted: dict, args: argparse.Namespace) -> list[Path]:
    """Write out_of_fold.csv, cross_validation.md and confidence.json."""
    from celestial.common.files import atomic_path, write_json
    from celestial.common.tables import write_csv

    kept = [name for name in rows[0] if name not in ("file", "logits", "classes")]
    table = write_csv(args.output_dir / "out_of_fold.csv",
                      [*kept, *(f"logit_{name}" for name in rows[0]["classes"])],
                      [[row[name] for name in kept] + [f"{z:.9g}" for z in row["logits"][0]]
                       for row in rows])
    tables = {views: as_markdown(summarise(rows, views)) for views in VIEWS}
    report = args.output_dir / "cross_validation.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(f"{views} view{'s' * (views > 1)}:\n\n{text}"
                                       for views, text in tables.items()), encoding="utf-8")
    print("\n" + tables[1])
    return [table, report, write_json(args.output_dir / "confidence.json", fitted)]


def ship(rows: list[dict], training: list[str], fitted: dict, args: argparse.Namespace) -> Path:
    """Learn from all photographs; write the checkpoint with temperatures and thresholds."""
    from dataclasses import replace

    from celestial.models.checkpoints import load_checkpoint, save_checkpoint

    place = args.output_dir / "folds/all"
    make_dataset(place / "dataset", rows, None, args)
    checkpoint = load_checkpoint(train(place, training, args))
    return save_checkpoint(args.ship, replace(
        checkpoint, **fitted, options={**checkpoint.options, "confidence_from":
                                       f"{len(rows)} photographs, each answered by a network that "
                                       "never saw its source"}))


def main() -> None:
    args, training = parse_args()
    console.print_header(__file__, args)
    print(f"training options: {' '.join(training)}")
    rows = read_photographs(args)
    require_drawings(rows, args)
    require_unseen(training, rows)
    require_same_run(training, args)
    say_alone(rows)
    for fold in range(args.folds):
        place = args.output_dir / f"folds/{fold}"
        own = [row for row in rows if row["fold"] == fold]
        print(f"fold {fold}: {len(own)} photographs of "
              f"{', '.join(sorted({row['source'] for row in own}))} held out", flush=True)
        make_dataset(place / "dataset", rows, fold, args)
        answer(train(place, training, args), own, args)
    fitted = fit(rows)
    written = write_tables(rows, fitted, args)
    if args.ship:
        written.append(ship(rows, training, fitted, args))
    console.print_result({"photographs": len(rows), **fitted,
                          **{name: own for name, own in summarise(rows, 1).items()
                             if name in ("planets", "deep sky", "all")}}, written)


if __name__ == "__main__":
    console.run(main, "the same command goes on where it stopped")

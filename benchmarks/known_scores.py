"""Which score tells "none of my classes" best? The usual ones side by side on the same pictures.

in:   DATASET/{train,val,test}/<class>/*, OUTLIERS/<kind>/*, KNOWN/<class>/*; never changed
out:  known_scores.csv, known_scores.md

  python benchmarks/known_scores.py --outliers data/outliers_test
  python benchmarks/known_scores.py --outliers ~/none_of_them --known ~/photographs

Each score is fitted on train and its threshold accepts 95 % of val. AUROC is the chance that a
known picture fits better than an outlier. The scores but the first are pytorch-ood's (pip install
pytorch-ood; only this benchmark needs it).
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

FITTED_ON = 10_000  # pictures of train at most: nearest neighbours would take long on more


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    console.add_data_option(group)
    console.add_checkpoint_option(group)
    group.add_argument("--outliers", type=Path, required=True, metavar="FOLDER",
                       help="pictures that are none of the classes, one folder a kind")
    group.add_argument("--known", type=Path, default=None, metavar="FOLDER",
                       help="pictures of the classes, one folder a class; None: the test split")
    group.add_argument("--output-dir", type=Path, default=Path("evaluation_results/known_scores"),
                       metavar="FOLDER", help="where the tables go")
    group.add_argument("--seed", type=console.seed_number, default=42,
                       help="of the choice of pictures that the scores are fitted on")
    console.add_compute_options(parser)
    return parser.parse_args()


def outputs_of(predictor, paths):
    """Return features float32 (N, width) and logits (N, classes) of the readable files."""
    import torch

    found = [(torch.from_numpy(p.features), torch.from_numpy(p.logits))
             for p in predictor.predict(paths) if p.logits is not None]
    return torch.stack([f for f, _ in found]), torch.stack([z for _, z in found])


def fitted_scores(predictor, features, logits, labels) -> dict[str, Callable]:
    """Return each score, (features, logits) -> (N,), larger for what fits better."""
    import torch
    from pytorch_ood.detector import KNN, RMD, EnergyBased, Mahalanobis, MaxLogit, MaxSoftmax, ViM

    from celestial.inference import confidence

    last = predictor.model.head[-1]
    scores = {"chosen": lambda f, z: torch.from_numpy(confidence.known_score(z.numpy())),
              "maximum softmax": lambda f, z: -MaxSoftmax.score(z),
              "maximum logit": lambda f, z: -MaxLogit.score(z),
              "energy": lambda f, z: -EnergyBased.score(z)}
    fitted = {"Mahalanobis": Mahalanobis(None), "relative Mahalanobis": RMD(None),
              "50th nearest neighbour": KNN(None, k=min(50, len(labels))),
              "ViM": ViM(None, min(features.shape[1] // 2, 256), last.weight, last.bias)}
    for name, detector in fitted.items():
        detector.fit_features(features, labels)
        scores[name] = lambda f, z, d=detector: -d.predict_features(f)
    return scores


def figures_of(score: Callable, val, known, kinds: dict) -> list[float]:
    """Return AUROC overall and of each kind, and the proportions of known and outliers accepted."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    threshold = np.quantile(score(*val).numpy(), 0.05, method="lower")
    fits = score(*known).numpy()
    outliers = {kind: score(*values).numpy() for kind, values in kinds.items()}
    together = np.concatenate(list(outliers.values()))

    def auroc(strange):
        return roc_auc_score(np.r_[np.ones(len(fits)), np.zeros(len(strange))],
                             np.r_[fits, strange])

    return [auroc(together), *(auroc(strange) for strange in outliers.values()),
            (fits >= threshold).mean(), (together >= threshold).mean()]


def main() -> None:
    args = parse_args()
    import numpy as np
    import torch

    from celestial.common.files import atomic_path, class_folders, walk_files
    from celestial.common.tables import write_csv
    from celestial.data.datasets import list_outliers, list_split
    from celestial.inference.predictor import start_predictor

    predictor = start_predictor(__file__, args)
    train = list_split(args.data_dir, "train", predictor.classes)
    chosen = np.random.default_rng(args.seed).permutation(len(train.paths))[:FITTED_ON]
    train = train.keep(chosen)
    features, logits = outputs_of(predictor, train.paths)
    scores = fitted_scores(predictor, features, logits, torch.from_numpy(train.labels))

    val = outputs_of(predictor, list_split(args.data_dir, "val", predictor.classes).paths)
    known = outputs_of(predictor, walk_files(args.known) if args.known else
                       list_split(args.data_dir, "test", predictor.classes).paths)
    folders = class_folders(args.outliers) or [args.outliers]
    kinds = {folder.name: outputs_of(predictor, list_outliers(folder)) for folder in folders}

    header = ["score", "AUROC", *(f"AUROC {kind}" for kind in kinds), "known accepted",
              "outliers accepted"]
    rows = [[name, *figures_of(score, val, known, kinds)] for name, score in scores.items()]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    lines += [f"| {row[0]} | " + " | ".join(f"{value:.3f}" for value in row[1:]) + " |"
              for row in rows]
    print("\n".join(lines))
    with atomic_path(args.output_dir / "known_scores.md") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print_result(
        {"known": len(known[0]), "outliers": sum(len(values[0]) for values in kinds.values())},
        [write_csv(args.output_dir / "known_scores.csv", header, rows),
         args.output_dir / "known_scores.md"])


if __name__ == "__main__":
    console.run(main)

"""In the manner of fastai: a Learner's get_preds on a test DataLoader.

From https://docs.fast.ai/tutorial.vision.html: items are files, an item transform makes each the
network's square, a batch transform normalises, and `get_preds` collects the probabilities of all
batches. Nothing is drawn.

  python benchmarks/peers/fastai_manner.py FOLDER --checkpoint FILE --output-dir FOLDER
"""

import argparse
import warnings

import torch
from same_work import list_pictures, load, make_parser, read_picture, write_answers

warnings.simplefilter("ignore")  # of parts of fastai that are not used here

import fastai.callback.progress  # noqa: E402, F401  (it gives a Learner its no_bar)
from fastai.data.core import DataLoaders, Datasets, TfmdDL  # noqa: E402
from fastai.learner import Learner  # noqa: E402
from fastai.losses import CrossEntropyLossFlat  # noqa: E402


def parse_args() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, preprocessing, classes = load(args.checkpoint)

    def item(path):
        return torch.from_numpy(preprocessing.square(read_picture(path)))

    def normalise(batch):
        return preprocessing.normalise(batch).contiguous()

    paths = list_pictures(args.folder)
    loader = TfmdDL(Datasets(paths, [item]), bs=args.batch_size, num_workers=args.workers,
                    after_batch=normalise, device=device)
    learner = Learner(DataLoaders(loader, loader, device=device), network,
                      loss_func=CrossEntropyLossFlat())
    with learner.no_bar(), learner.no_logging():
        probabilities, _ = learner.get_preds(dl=loader)
    write_answers(args.output_dir, [path.name for path in paths], probabilities.numpy(), classes)


if __name__ == "__main__":
    main()

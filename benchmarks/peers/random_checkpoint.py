"""Write a checkpoint of random weights whose answers about given pictures are spread.

BatchNorm sees a few batches of the pictures, so that no activation grows or dies; the last layer is
scaled until the answers are neither certain nor all alike. Speed does not depend on what a network
knows, and comparing answers asks only that they differ from picture to picture.

  python benchmarks/peers/random_checkpoint.py FOLDER --checkpoint FILE
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from same_work import list_pictures, read_picture
from torch import nn

from celestial import console
from celestial.checkpoints import Checkpoint, save_checkpoint
from celestial.models import Classifier
from celestial.preprocessing import Preprocessing

SEED = 42
CLASSES = ("earth", "jupiter", "mars", "moon", "neptune", "saturn", "uranus")
MOST = 105  # pictures that the network is set up with
BATCH = 16
TOP = (0.3, 0.95)  # the highest probability of most pictures: neither a guess nor certain


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pictures")
    parser.add_argument("--checkpoint", type=Path, required=True, help="the file to write")
    parser.add_argument("--model", choices=console.MODELS, default="efficientnet_b3")
    parser.add_argument("--image-size", type=console.image_side, default=299)
    return parser.parse_args()


def fill_statistics(model: Classifier, batches: list[torch.Tensor]) -> None:
    """Let each BatchNorm learn what goes through it; the rest stays in eval mode."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in layers:
        nn.init.ones_(layer.weight)  # those that end a residual block begin at zero
        layer.momentum = None  # the mean of all batches
        layer.reset_running_stats()
        layer.train()
    for batch in batches:
        model(batch)
    model.eval()


def share_within(logits: torch.Tensor) -> torch.Tensor:
    """Return the share of the pictures whose highest probability lies within `TOP`."""
    tops = logits.softmax(dim=1).amax(dim=1)
    return ((tops > TOP[0]) & (tops < TOP[1])).float().mean()


def spread_answers(layer: nn.Linear, logits: torch.Tensor) -> None:
    """Turn and scale the last layer: no class follows another, most answers lie within `TOP`."""
    centre = logits.median(dim=0).values
    distances = (logits - centre).norm(dim=1)
    usual = logits[distances <= distances.quantile(0.75)]  # a few lie far from all others
    variances, axes = torch.linalg.eigh(usual.T.cov())
    turn = axes / (variances + 1e-3 * variances.max()).sqrt()
    alike = (logits - centre) @ turn
    scales = torch.linspace(0.1, 10, 100)
    turn *= scales[torch.stack([share_within(alike * scale) for scale in scales]).argmax()]
    layer.bias.copy_((layer.bias - centre) @ turn)
    layer.weight.copy_(turn.T @ layer.weight)


@torch.no_grad()
def main() -> None:
    args = parse_args()
    preprocessing = Preprocessing(args.image_size)
    squares = np.stack([preprocessing.square(read_picture(path))
                        for path in list_pictures(args.folder)[:MOST]])
    batches = preprocessing.normalise(torch.from_numpy(squares)).split(BATCH)
    torch.manual_seed(SEED)
    model = Classifier(args.model, len(CLASSES)).eval()
    fill_statistics(model, batches)
    spread_answers(model.head[-1], torch.cat([model(batch) for batch in batches]))
    save_checkpoint(args.checkpoint, Checkpoint(
        model=args.model, classes=CLASSES, preprocessing=preprocessing, state=model.state_dict(),
        temperature=1.0, reject_below=0.0, val={}, options={}, manifest_sha256="",
        train_sha256=[]))
    logits = torch.cat([model(batch) for batch in batches])
    print(f"random weights answer {len(logits.argmax(dim=1).unique())} classes, "
          f"{share_within(logits):.0%} of the pictures with {TOP[0]} to {TOP[1]}")


if __name__ == "__main__":
    console.run(main)

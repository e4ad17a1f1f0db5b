"""The usual way to fine-tune a classifier: torchvision's folder, loader, transforms and network.

in:   FOLDER/{train,val}/<class>/*
out:  one line of JSON at the end: the seconds of each epoch, train and val, by stage

  python benchmarks/peers/usual_training.py FOLDER --model efficientnet_b3 --image-size 224

It shares no code with the project, which benchmarks/training_speed.py compares with it. Stage 1:
the backbone takes no gradient and every epoch runs through it anew. Stage 2: the blocks named by
--unfreeze learn as well, ten times slower.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch import nn
from torchvision import datasets, models
from torchvision import transforms as T

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path, metavar="FOLDER")
    parser.add_argument("--model", default="efficientnet_b3", help="a network of torchvision")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="of the backbone; random")
    parser.add_argument("--unfreeze", nargs="*", metavar="BLOCK",
                        default=["features.6", "features.7", "features.8"])
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--stage1-epochs", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=30, help="of stage 2")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    return parser.parse_args()


def make_loaders(args: argparse.Namespace) -> tuple[list[str], dict]:
    """Return the classes and the loaders of train and val."""
    side = (args.image_size, args.image_size)
    usual = [T.ToTensor(), T.Normalize(**IMAGENET)]
    transforms = {
        "train": T.Compose([T.Resize(side), T.RandomHorizontalFlip(), T.RandomRotation(30),
                            T.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2), *usual]),
        "val": T.Compose([T.Resize(side), *usual])}
    loaders = {}
    for split, transform in transforms.items():
        pictures = datasets.ImageFolder(str(args.data_dir / split), transform)
        loaders[split] = torch.utils.data.DataLoader(
            pictures, args.batch_size, shuffle=split == "train", num_workers=args.workers,
            persistent_workers=args.workers > 0, pin_memory=args.device.startswith("cuda"))
    return pictures.classes, loaders


def make_network(class_count: int, args: argparse.Namespace) -> nn.Module:
    """Return the network under a new head, its backbone frozen."""
    network = getattr(models, args.model)(weights=None)
    name = "fc" if hasattr(network, "fc") else "classifier"
    last = getattr(network, name)
    width = (last if isinstance(last, nn.Linear) else last[-1]).in_features
    head = nn.Sequential(nn.Linear(width, 512), nn.ReLU(), nn.Dropout(0.3),
                         nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.2),
                         nn.Linear(256, class_count))
    setattr(network, name, nn.Identity())
    if args.weights:
        network.load_state_dict(torch.load(args.weights, weights_only=True))
    network.requires_grad_(False)
    setattr(network, name, head)
    return network.to(args.device)


def train_epoch(network: nn.Module, loader, optimizer, device: str) -> float:
    """Learn from each picture once; return the mean loss."""
    network.train()
    total = 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


@torch.no_grad()
def validate(network: nn.Module, loader, device: str) -> float:
    """Return the accuracy."""
    network.eval()
    right = 0
    for images, labels in loader:
        right += (network(images.to(device)).argmax(1) == labels.to(device)).sum().item()
    return right / len(loader.dataset)


def run_stage(name: str, network: nn.Module, loaders: dict, epochs: int, rate: float,
              device: str) -> list[float]:
    """Train all that takes a gradient; return the seconds of each epoch."""
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=rate)
    seconds = []
    for epoch in range(epochs):
        started = time.perf_counter()
        loss = train_epoch(network, loaders["train"], optimizer, device)
        accuracy = validate(network, loaders["val"], device)
        seconds.append(time.perf_counter() - started)
        print(f"{name}  epoch {epoch + 1}  loss {loss:.3f}  val accuracy {accuracy:.3f}  "
              f"{seconds[-1]:.1f} s", flush=True)
    return seconds


def main() -> None:
    args = parse_args()
    classes, loaders = make_loaders(args)
    network = make_network(len(classes), args)
    stage1 = run_stage("stage 1", network, loaders, args.stage1_epochs, args.learning_rate,
                       args.device)
    for block in args.unfreeze:
        network.get_submodule(block).requires_grad_(True)
    stage2 = run_stage("stage 2", network, loaders, args.epochs, args.learning_rate / 10,
                       args.device)
    print(json.dumps({"stage1": stage1, "stage2": stage2}))


if __name__ == "__main__":
    main()

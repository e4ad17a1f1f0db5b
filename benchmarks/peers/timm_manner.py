"""In the manner of timm's inference.py: a DataLoader, batches, channels_last, autocast, one table.

From https://github.com/huggingface/pytorch-image-models: pictures are decoded completely by PIL in
the loader's workers, collated as uint8, normalised a batch at a time, and go through the network in
torch.inference_mode; the answers are collected and written at the end. No picture is drawn.

  python benchmarks/peers/timm_manner.py FOLDER --checkpoint FILE --output-dir FOLDER
"""

import argparse
import contextlib

import numpy as np
import torch
from same_work import list_pictures, load, make_parser, read_picture, write_answers
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    """The squares of a folder's pictures, uint8 (3, size, size)."""

    def __init__(self, paths: list, preprocessing):
        self.paths = paths
        self.preprocessing = preprocessing

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.preprocessing.square(read_picture(self.paths[index]))


def parse_args() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, preprocessing, classes = load(args.checkpoint)
    memory = torch.channels_last if args.channels_last else torch.contiguous_format
    network = network.to(device, memory_format=memory).eval()
    paths = list_pictures(args.folder)
    loader = DataLoader(Pictures(paths, preprocessing), batch_size=args.batch_size,
                        num_workers=args.workers, pin_memory=device.type == "cuda")
    autocast = (torch.autocast(device.type, torch.bfloat16) if args.bf16
                else contextlib.nullcontext())
    answers = []
    with torch.inference_mode():
        for squares in loader:
            batch = preprocessing.normalise(squares.to(device, non_blocking=True))
            with autocast:
                logits = network(batch.contiguous(memory_format=memory))
            answers.append(logits.float().softmax(dim=1).cpu().numpy())
    write_answers(args.output_dir, [path.name for path in paths], np.concatenate(answers), classes)


if __name__ == "__main__":
    main()

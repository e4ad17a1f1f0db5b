"""In the manner of Ultralytics: its classification predictor, run over the folder as a stream.

From https://github.com/ultralytics/ultralytics: the predictor reads the files with OpenCV, from 8
in a batch on in threads; its AutoBackend takes any torch network and computes it in channels_last
on a CPU. Only `preprocess` is ours, so that the network sees the same square. Nothing is drawn.

  python benchmarks/peers/ultralytics_manner.py FOLDER --checkpoint FILE --output-dir FOLDER
"""

import os
from pathlib import Path

os.environ.setdefault("YOLO_OFFLINE", "true")  # else importing it asks the network, and waits

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from same_work import load, make_parser, write_answers  # noqa: E402
from torch import nn  # noqa: E402
from ultralytics.models.yolo.classify import ClassificationPredictor  # noqa: E402


class Probabilities(nn.Module):
    """The network as the predictor expects one: it answers probabilities and knows its names."""

    def __init__(self, network: nn.Module, classes: tuple[str, ...]):
        super().__init__()
        self.network = network
        self.names = dict(enumerate(classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images).softmax(dim=1)


class Predictor(ClassificationPredictor):
    """Ultralytics' predictor with the project's square."""

    preprocessing = None

    def preprocess(self, images: list[np.ndarray]) -> torch.Tensor:
        squares = [self.preprocessing.square(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
                   for image in images]
        return self.preprocessing.normalise(torch.from_numpy(np.stack(squares)).to(self.device))


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--batch-size", type=int, default=1)
    args = parser.parse_args()
    network, Predictor.preprocessing, classes = load(args.checkpoint)
    device = "0" if torch.cuda.is_available() else "cpu"
    predictor = Predictor(overrides={"batch": args.batch_size, "device": device, "save": False,
                                     "verbose": False, "imgsz": Predictor.preprocessing.size})
    names, answers = [], []
    for result in predictor(str(args.folder), Probabilities(network, classes), stream=True):
        names.append(Path(result.path).name)
        answers.append(result.probs.data.cpu().numpy())
    write_answers(args.output_dir, names, np.stack(answers), classes)


if __name__ == "__main__":
    main()

"""The usual script: pictures one by one, and a matplotlib figure of each.

This is the manner of most tutorials and answers on the web ("classify your own images with
PyTorch"): load the model once, loop over the folder with PIL, a batch of one, softmax, show the
picture beside a bar chart of the probabilities, and a CSV at the end.

  python benchmarks/peers/usual_script.py FOLDER --checkpoint FILE --output-dir FOLDER
"""

import json
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen before)
import numpy as np  # noqa: E402
import torch  # noqa: E402
from same_work import list_pictures, load, make_parser, read_picture, write_answers  # noqa: E402


def draw_figure(picture: np.ndarray, probs: np.ndarray, classes: tuple[str, ...],
                path: Path) -> None:
    """Save the picture beside a bar chart of its probabilities."""
    best = int(probs.argmax())
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5))
    left.imshow(picture)
    left.axis("off")
    left.set_title(f"{classes[best]}: {probs[best]:.1%}")
    right.barh(classes, probs)
    right.set_xlim(0, 1)
    right.set_xlabel("Probability")
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    args = make_parser(__doc__).parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, preprocessing, classes = load(args.checkpoint)
    network = network.to(device).eval()
    mean, std = (torch.tensor(values).view(3, 1, 1)
                 for values in (preprocessing.mean, preprocessing.std))

    names, answers, ends = [], [], []
    for path in list_pictures(args.folder):
        picture = read_picture(path)
        square = torch.from_numpy(preprocessing.square(picture)).float() / 255
        batch = ((square - mean) / std).unsqueeze(0).to(device)
        with torch.no_grad():
            probs = torch.softmax(network(batch), dim=1)[0].cpu().numpy()
        draw_figure(picture, probs, classes, args.output_dir / f"{path.name}.png")
        names.append(path.name)
        answers.append(probs)
        ends.append(time.perf_counter())
    write_answers(args.output_dir, names, np.stack(answers), classes)
    # The first picture counts as start-up: it loads fonts and prepares the network's layers.
    print(json.dumps({"seconds_after_first": ends[-1] - ends[0]}))


if __name__ == "__main__":
    main()

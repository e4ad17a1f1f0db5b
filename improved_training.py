"""Step 2: train a classifier by two-stage transfer learning, or from scratch without weights.

in:   data/celestial_dataset/{train,val}/<class>/*    what datapre.py made
out:  model_checkpoints/celestial_classification_final_model.pth
      training_history.csv and .png, augmentation_examples.png, training_options.json,
      logs/ (tensorboard --logdir model_checkpoints/logs)

  python improved_training.py
  python improved_training.py --model ensemble --image-size 224 --batch-size 64
  python improved_training.py --weights none --epochs 40
  python improved_training.py --improve --output-dir improved/model_checkpoints
  torchrun --nproc-per-node 4 improved_training.py --batch-size 64

Stage 1: the backbone is frozen and the head learns. Stage 2: the last blocks learn as well, ten
times slower. Pictures that are none of the classes (--outliers) teach the model to say so. The same
command run again after a kill goes on where it stopped. Under torchrun several processes, on one
machine or many, share each batch (docs/scale.md).
"""

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from celestial.common import console
from celestial.common.console import UserError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch.utils.tensorboard import SummaryWriter

    from celestial.data.datasets import SplitFiles
    from celestial.models.checkpoints import Checkpoint
    from celestial.models.networks import Classifier
    from celestial.models.start_weights import StartWeights
    from celestial.pictures.preprocessing import Preprocessing
    from celestial.training.distributed import Processes
    from celestial.training.progress import EpochFigures, Progress
    from celestial.training.trainer import Trainer
    from celestial.training.training_data import TrainingData

STATE_VERSION = 4  # of unfinished trainings; those of other versions are not resumed


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    group = parser.add_argument_group("folders")
    console.add_data_option(group)
    group.add_argument("--outliers", type=Path, default=None, metavar="FOLDER",
                       help="pictures that are none of the classes, in any sub-folders: the model "
                       "learns to be sure of no class there")
    group.add_argument("--folder-weights", type=folder_weight, nargs="+", default=[],
                       metavar="FOLDER=WEIGHT", help="how often an epoch takes the pictures that "
                       "came from folders of this name below a class folder of data/input, or "
                       "below --outliers; a weight of 4: four times, in stage 2 each "
                       "another view")
    group.add_argument("--output-dir", type=Path, default=console.FINAL_CHECKPOINT.parent,
                       metavar="FOLDER", help="where the checkpoint and the figures go")
    add_network_options(parser.add_argument_group("network"))
    console.add_cleaning_options(parser, "before it is learned; the checkpoint remembers it")
    group = parser.add_argument_group("learning")
    group.add_argument("--epochs", type=console.positive_int, default=30,
                       help="of stage 2, or of the one stage from scratch; early stopping may end "
                       "it before")
    group.add_argument("--stage1-epochs", type=console.positive_int, default=20,
                       help="of stage 1, on cached features")
    group.add_argument("--stage1-views", type=console.positive_int, default=4,
                       help="augmented views of each picture whose features stage 1 learns from")
    group.add_argument("--fine-tune", choices=("last-blocks", "all"), default="last-blocks",
                       help="what of the backbone learns in stage 2; all suits many pictures")
    group.add_argument("--grow-from", type=console.image_side, default=None, metavar="SIDE",
                       help="begin with pictures of this side, pixels, which grow to "
                       "--image-size: faster; None: all epochs at --image-size")
    group.add_argument("--learning-rate", type=console.positive_float, default=1e-3,
                       help="highest rate; in stage 2 the backbone takes a tenth of it")
    group.add_argument("--optimizer", choices=console.OPTIMIZERS, default="adamw",
                       help="rmsprop has Keras' settings")
    group.add_argument("--patience", type=console.positive_int, default=10,
                       help="epochs without a smaller loss on val, after temperature scaling, "
                       "before a stage ends")
    group.add_argument("--seed", type=console.seed_number, default=42)
    group.add_argument("--fresh", action="store_true",
                       help="forget an unfinished training of the same command")
    console.add_compute_options(parser, batch_size=16)
    return parser.parse_args()


def add_network_options(group: argparse._ArgumentGroup) -> None:
    """Add what the network is and which weights it begins with."""
    group.add_argument("--model", type=console.model_name, default=console.DEFAULT_MODEL,
                       metavar="|".join((*console.MODELS, "timm:NAME")),
                       help="efficientnet_lite0 is small, and celestial weights ship for it; "
                       "ImageNet's weights of efficientnet_lite0 and 2 come as packages; cnn is a "
                       "plain convolutional network that needs none and learns in one stage; "
                       "timm:NAME is any classifier of timm, with weights from its hub")
    group.add_argument("--weights", default="auto", metavar="auto|imagenet|none|FILE",
                       help="first weights: auto takes celestial ones that ship for the network in "
                       "pretrained/, else ImageNet's, else none; a file is a checkpoint or "
                       "torchvision's own weights")
    group.add_argument("--improve", type=Path, nargs="?", const=Path(), default=None,
                       metavar="FILE", help="go on from this checkpoint, with its network, its "
                       "preparation of pictures and what its head knows of its classes, and learn "
                       "new classes beside them, in stage 1 through all epochs; without FILE: "
                       "from the one that the other scripts use")
    group.add_argument("--image-size", type=console.image_side, default=console.DEFAULT_SIDE,
                       help="side of the network's square input, pixels")
    group.add_argument("--float16", action="store_true",
                       help="store the weights in 16 bits: half the file, the same answers to "
                       "about 0.1 %%")


def folder_weight(text: str) -> str:
    """Check an option like `photographs=4`."""
    folder, _, weight = text.rpartition("=")
    if not folder:
        raise argparse.ArgumentTypeError(f"{text} is not FOLDER=WEIGHT, as in photographs=4")
    console.positive_float(weight)
    return text


def run_key(args: argparse.Namespace, *content: object) -> str:
    """Return a hash of all that decides the result: only an equal run may be resumed."""
    deciding = {name: value for name, value in vars(args).items()
                if name not in ("data_dir", "outliers", "output_dir", "workers", "fresh",
                                "weights", "improve")}
    text = json.dumps([STATE_VERSION, deciding, *content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def require_enough(train_files: "SplitFiles", val_files: "SplitFiles") -> None:
    """Raise UserError where there is nothing to tell apart, to learn from or to choose by."""
    learned = set(train_files.labels.tolist())
    missing = [name for label, name in enumerate(train_files.classes) if label not in learned]
    if len(train_files.classes) < 2:
        reason = "train has only one class"
    elif missing:
        reason = f"train has no readable picture of {', '.join(missing)}"
    elif not val_files.paths:
        reason = "val has no readable picture"
    else:
        return
    raise UserError(f"{reason}; put pictures into data/input and run datapre.py again")


def say_absent(val_files: "SplitFiles") -> None:
    """Print the classes that val lacks, if any: nothing that is chosen on val knows of them."""
    from celestial.data.datasets import some

    present = set(val_files.labels.tolist())
    if absent := [name for label, name in enumerate(val_files.classes) if label not in present]:
        print(f"val has no picture of {some(absent)}: the weights to keep, the temperature and the "
              "threshold of unknown are chosen without; run datapre.py again, or add some to val")


def load_split(split: str, classes: tuple[str, ...] | None, preprocessing: "Preprocessing",
               args: argparse.Namespace) -> tuple["np.ndarray", "SplitFiles", list[str]]:
    """Decode a split; return (pictures, readable files, sha256 of each of these)."""
    from celestial.common.files import sha256_of
    from celestial.data.datasets import decode_split, list_outliers, list_split

    files = list_split(args.data_dir, split, classes)
    if split == "train" and args.outliers is not None:
        files = files.with_outliers(list_outliers(args.outliers))
    hashes = {path: sha256_of(path) for path in files.paths}
    pictures, files = decode_split(files, preprocessing, args.output_dir / "cache",
                                   list(hashes.values()), args.workers)
    return pictures, files, [hashes[path] for path in files.paths]


def load_data(args: argparse.Namespace, device: "torch.device", processes: "Processes",
              present: "Checkpoint | None"
              ) -> tuple["TrainingData", "SplitFiles", "SplitFiles", list[str]]:
    """Decode train and val; return TrainingData, the files of both, sha256 of each of train."""
    from celestial.data.datasets import folder_weights, groups_of
    from celestial.models.backbones import input_scale
    from celestial.pictures.cleaning import Cleaning
    from celestial.pictures.preprocessing import Preprocessing
    from celestial.training.training_data import TrainingData

    cleaning = Cleaning(args.denoise, args.normalise, args.stretch)
    preprocessing = present.preprocessing if present else Preprocessing(
        args.image_size, cleaning=cleaning, **input_scale(args.model))
    train, train_files, train_hashes = load_split("train", None, preprocessing, args)
    val, val_files, val_hashes = load_split("val", train_files.classes, preprocessing, args)
    require_enough(train_files, val_files)
    say_absent(val_files)
    asked = {folder: float(weight) for folder, _, weight in
             (text.rpartition("=") for text in args.folder_weights)}
    weights = folder_weights(args.data_dir, train_files, asked,
                             args.outliers) if asked else None
    data = TrainingData(train, train_files.labels, val, val_files.labels,
                        train_hashes + val_hashes, preprocessing, args.output_dir / "cache", device,
                        processes, groups_of(args.data_dir, val_files.paths), weights)
    return data, train_files, val_files, train_hashes


def train(model: "Classifier", start: "StartWeights", data: "TrainingData", trainer: "Trainer",
          args: argparse.Namespace) -> None:
    """Run the stages: two on given weights, one from scratch."""
    from celestial.training import stages

    if start.states:
        model.load_backbones(start.states)
        if start.head:
            model.head.load_state_dict(start.head)
        trainer.run(0, stages.head_stage(model, data, start.digest(), args))
        trainer.run(1, stages.fine_tuning_stage(model, data, args))
    else:
        trainer.run(0, stages.scratch_stage(model, data, args))


def draw_augmentations(data: "TrainingData", classes: tuple[str, ...],
                       args: argparse.Namespace) -> Path:
    """Write augmentation_examples.png: a picture of each class and views of it."""
    from torch import from_numpy, uint8

    from celestial.drawing.cards import labelled_rows
    from celestial.training.augmentation import random_views

    firsts = [int((data.train_labels == label).argmax()) for label in range(len(classes))]
    pictures = from_numpy(data.train[firsts])
    seen = [pictures, *((random_views(pictures, args.seed, view, firsts) * 255).to(uint8)
                        for view in range(6))]
    rows = [(name, [round_of_views[label].permute(1, 2, 0).numpy() for round_of_views in seen])
            for label, name in enumerate(classes)]
    return labelled_rows(rows, args.output_dir / "augmentation_examples.png",
                         title="What training sees: the picture and random views of it",
                         columns=["as it is", *(f"view {n}" for n in range(1, 7))])


def reporter(log_dir: Path, epochs_done: int
             ) -> tuple["SummaryWriter", Callable[["EpochFigures"], None]]:
    """Return a TensorBoard log, and a function that prints an epoch's figures and adds them."""
    from dataclasses import asdict

    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(log_dir), purge_step=epochs_done + 1)

    def report(row: "EpochFigures") -> None:
        for name, value in asdict(row).items():
            if name not in ("epoch", "stage"):
                writer.add_scalar(name.replace("_", "/", 1), value, row.epoch)
        writer.flush()
        print(f"epoch {row.epoch:3d}  {row.stage}  loss {row.train_loss:.3f}  "
              f"accuracy {row.train_accuracy:.3f}  val loss {row.val_loss:.3f} "
              f"({row.val_calibrated_loss:.3f} after temperature scaling)  "
              f"val accuracy {row.val_accuracy:.3f}  rate {row.learning_rate:.1e}  "
              f"{row.seconds:.1f} s ({row.waiting_seconds:.1f} s waiting for pictures)", flush=True)

    return writer, report


def write_outputs(checkpoint: "Checkpoint", progress: "Progress",
                  args: argparse.Namespace) -> list[Path]:
    """Write the checkpoint and what belongs to it, the checkpoint last; return the files."""
    from dataclasses import asdict

    from celestial.common.files import write_json
    from celestial.common.tables import write_csv
    from celestial.drawing.figures import draw_history
    from celestial.models.checkpoints import save_checkpoint

    rows = [asdict(row) for row in progress.history]
    out = args.output_dir
    return [
        write_csv(out / "training_history.csv", list(rows[0]), (row.values() for row in rows)),
        draw_history(rows, progress.kept, out / "training_history.png"),
        write_json(out / "training_options.json", checkpoint.options | checkpoint.versions),
        save_checkpoint(out / console.FINAL_CHECKPOINT.name, checkpoint),
    ]


def main() -> None:
    args = parse_args()
    # Heavy imports wait until the options are read: --help answers at once.
    import numpy as np
    import torch
    from PIL import Image

    from celestial.data.datasets import OUTLIER
    from celestial.inference.devices import describe, pick_device
    from celestial.models.backbones import plain_name, require_usable
    from celestial.models.networks import Classifier
    from celestial.models.start_weights import start_weights, weights_of
    from celestial.training import distributed
    from celestial.training.finishing import finish
    from celestial.training.present_model import adopt, require_all_classes
    from celestial.training.progress import Progress
    from celestial.training.trainer import Trainer
    from celestial.training.training_data import side_in_epoch

    processes = distributed.join(args.batch_size)
    device = distributed.start(processes, pick_device(args.device))
    present = adopt(args)
    console.print_header(__file__, args, describe(device))
    if processes.count > 1:
        print(f"{processes.count} processes share each batch of {args.batch_size}")
    require_usable(args.model, args.image_size,
                   {side_in_epoch(epoch, args) for epoch in range(args.epochs)})
    data, files, val_files, train_sha256 = load_data(args, device, processes, present)
    require_all_classes(present, files.classes, args.improve)
    known = data.train_labels[data.train_labels != OUTLIER]
    counts = np.bincount(known, minlength=len(files.classes))
    print("train: " + ", ".join(f"{count} {name}" for count, name
                                in zip(counts, files.classes, strict=True))
          + (f", {len(data.train_labels) - len(known)} outliers" if args.outliers else ""))
    start = weights_of(present, args.improve, files.classes) if present else processes.from_first(
        start_weights(args.weights, args.model, args.image_size) if processes.first else None)
    print(f"weights: {start.why}", flush=True)

    weights = None if data.train_weights is None else data.train_weights.tolist()
    key = run_key(args, files.classes, data.content, data.train_labels.tolist(), weights,
                  data.val_labels.tolist(), start.digest())
    state_file = args.output_dir / f"unfinished_{plain_name(args.model)}_{key}.pth"
    if args.fresh and processes.first and not distributed.restarted():
        Progress.forget(state_file)
    taken = data.taken(len(files.classes))
    class_weights = torch.tensor(taken.sum() / (len(taken) * taken)).float()  # all classes alike
    torch.manual_seed(args.seed)
    model = Classifier(args.model, len(files.classes), args.image_size)
    trainer = Trainer(device, class_weights, args.patience, args.seed, state_file, processes,
                      args.optimizer, choosing=present is None)
    if done := len(trainer.progress.history):
        print(f"going on after epoch {done} of an unfinished training, {state_file}")
    log_dir = args.output_dir / "logs" / f"{plain_name(args.model)}_{key}"
    if processes.first:
        examples = draw_augmentations(data, files.classes, args)
        log, trainer.report = reporter(log_dir, done)
        log.add_image("augmentation examples", np.asarray(Image.open(examples)), dataformats="HWC")
    train(model, start, data, trainer, args)
    distributed.finish(processes)
    if not processes.first:
        return

    checkpoint = finish(model, data, files, val_files, train_sha256, start.why, present, args)
    written = write_outputs(checkpoint, trainer.progress, args)
    Progress.forget(state_file)
    log.add_hparams({name: str(value) if isinstance(value, list) else value
                     for name, value in checkpoint.options.items()},
                    {"val/final_accuracy": checkpoint.val["accuracy"]})
    log.close()
    best = checkpoint.val
    print(f"\nval: accuracy {best['accuracy']:.3f}  top-2 {best['top2']:.3f}  log loss "
          f"{best['log_loss']:.3f}  temperature {checkpoint.temperature:.2f}  unknown below "
          f"{checkpoint.reject_below:.2f}")
    console.print_result({"model": args.model, "weights": start.why, "val": best,
                          "epochs": len(trainer.progress.history)}, [*written, examples, log_dir])


if __name__ == "__main__":
    console.run(main, "the same command goes on where it stopped")

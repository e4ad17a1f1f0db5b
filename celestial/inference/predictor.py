"""Turns pictures into calibrated probabilities, in the same way for every script.

torch is imported only where an engine needs it: --engine onnx works and starts without it.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from celestial.common.console import ONNX, UserError, print_header
from celestial.inference import confidence
from celestial.inference.streams import in_streams
from celestial.inference.views import first_views
from celestial.models.fitted import say_unfitted
from celestial.pictures.cleaning import Cleaning
from celestial.pictures.decoder_pool import decode_all
from celestial.pictures.preprocessing import SHOWN_SIDE, Input, prepare
from celestial.pictures.readers.types import ImageError

if TYPE_CHECKING:
    import torch

    from celestial.inference.engines import TorchEngine
    from celestial.inference.onnx_engine import OnnxEngine, OnnxModel
    from celestial.models.checkpoints import Checkpoint
    from celestial.models.networks import Classifier

MOST_WAITING = 4096  # files in a batch, so that many unreadable ones do not wait for it to fill


@dataclass(frozen=True)
class Prediction:
    """The answer for one file; there is one for every file, readable or not, in their order.

    Attributes:
        path: the file.
        probabilities: float64 (classes,), or None where the file could not be read.
        classes: their names.
        known_score: how well the picture fits the classes, see `confidence.known_score`.
        accepted: whether known_score reaches the checkpoint's threshold; else it is rejected.
        reason: why the file could not be read, else empty.
        note: what the user should know although the file was read, else empty.
        picture: a copy for showing, uint8 (height, width, 3), where it was asked for.
        features: float32 (width,), the input of the network's last layer, the mean over the views,
            from which that layer makes these logits; None where unreadable, and with --engine onnx.
        logits: float32 (classes,), the mean over the views; None where unreadable.
        square: what the network saw, uint8 (3, size, size), where the picture was asked for.
    """

    path: Path
    probabilities: np.ndarray | None
    classes: tuple[str, ...]
    known_score: float = 0.0
    accepted: bool = False
    reason: str = ""
    note: str = ""
    picture: np.ndarray | None = None
    features: np.ndarray | None = None
    logits: np.ndarray | None = None
    square: np.ndarray | None = None

    @property
    def status(self) -> str:
        """ok (accepted), unknown (rejected: none of the classes) or failed (not readable)."""
        if self.probabilities is None:
            return "failed"
        return "ok" if self.accepted else "unknown"

    @property
    def name(self) -> str:
        """The most probable class if accepted, unknown if rejected, empty if not readable."""
        if self.status == "ok":
            return self.top(1)[0][0]
        return "unknown" if self.status == "unknown" else ""

    @property
    def explanation(self) -> str:
        """Why no class is named, and the note; empty where there is nothing to say."""
        if self.status == "failed":
            return self.reason
        doubt = (f"none of the classes fits well enough; the nearest is {self.top(1)[0][0]}"
                 if self.status == "unknown" else "")
        return "; ".join(filter(None, [doubt, self.note]))

    def top(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` most probable classes with their probabilities, best first."""
        if self.probabilities is None:
            return []
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.classes[index], float(self.probabilities[index])) for index in order]


@dataclass(frozen=True)
class Prepared:
    """A decoded file: its square for the network, or the reason why there is none."""

    path: Path
    square: np.ndarray | None
    reason: str
    picture: np.ndarray | None = None
    note: str = ""

    @classmethod
    def of(cls, path: Path, found: Input | ImageError) -> "Prepared":
        """Take what `prepare` returned or raised."""
        if isinstance(found, ImageError):
            return cls(path, None, str(found))
        return cls(path, found.square, "", found.picture, found.note)


def start_predictor(script: str, args: argparse.Namespace) -> "Predictor":
    """Print the run header and load the checkpoint that a script's common options name.

    Raises:
        UserError: the device or the checkpoint cannot be used.
    """
    cleaning = Cleaning(args.denoise, args.normalise, args.stretch) if "denoise" in args else None
    engine, views = getattr(args, "engine", "torch"), getattr(args, "views", 1)
    if engine == ONNX:
        _require_onnx_options(args)
        print_header(script, args, "cpu (float32)", ("onnxruntime", "numpy"))
        return Predictor(args.checkpoint, None, args.batch_size, args.workers, engine, cleaning,
                         views)
    from celestial.inference.devices import describe, inference_precision, pick_device
    from celestial.models.checkpoints import find_checkpoint

    device = pick_device(args.device)
    print_header(script, args, describe(device, inference_precision))
    return Predictor(find_checkpoint(args.checkpoint), device, args.batch_size, args.workers,
                     engine, cleaning, views)


def _require_onnx_options(args: argparse.Namespace) -> None:
    """Raise UserError where an option needs what an ONNX file does not have."""
    reason = (
        "takes an ONNX file; name one with --checkpoint, as export_model.py writes it"
        if args.checkpoint is None else
        "takes an ONNX file, and imagenet: needs torch; leave one of them out"
        if str(args.checkpoint).startswith("imagenet:") else
        "has no gradients, and --explain needs torch; leave one of them out"
        if getattr(args, "explain", False) else
        "computes on the CPU; say --device cpu" if args.device not in ("auto", "cpu") else "")
    if reason:
        raise UserError(f"--engine onnx {reason}", status=2)


def _with_torch(path: Path, device: "torch.device", batch_size: int | None, engine: str
                ) -> "tuple[Path, Checkpoint, Classifier, TorchEngine]":
    """Open a checkpoint; return its file, what is in it, the network and its engine."""
    import torch

    from celestial.inference.engines import ENGINES
    from celestial.models.checkpoints import build_model
    from celestial.models.imagenet_networks import open_checkpoint

    file, checkpoint = open_checkpoint(path)
    model = build_model(checkpoint, path).to(device, memory_format=torch.channels_last)
    return file, checkpoint, model, ENGINES[engine](model, checkpoint.preprocessing, device,
                                                    batch_size)


def _with_onnx(path: Path, device: None, batch_size: int | None, engine: str
               ) -> "tuple[Path, OnnxModel, None, OnnxEngine]":
    """Open an ONNX file; return it, what its metadata say, and its engine."""
    from celestial.inference.onnx_engine import OnnxEngine, open_model

    model = open_model(path)
    return path, model, None, OnnxEngine(model, batch_size)


class Predictor:
    """A checkpoint ready to predict: the one way from a file to probabilities."""

    def __init__(self, checkpoint_path: Path, device: "torch.device | None",
                 batch_size: int | None, workers: int, engine: str = "torch",
                 cleaning: Cleaning | None = None, views: int = 1):
        """Load the checkpoint.

        Args:
            checkpoint_path: the .pth file, or imagenet:resnet50 and the like; with the engine onnx
                the .onnx file. `model`, the network, is None there.
            device: where the network runs; None for the engine onnx.
            batch_size: pictures that go through it at once; None: what suits the device.
            workers: processes that decode; 0: in this process, see `decoder_pool.decode_all`.
            engine: what computes the network, "onnx" or a name in `engines.ENGINES`.
            cleaning: of the pictures, beside what the checkpoint remembers.
            views: turned and mirrored views of a picture whose logits are averaged, one of
                `console.VIEWS`; temperature and threshold are those for so many.

        Raises:
            UserError: the checkpoint or the engine cannot be used.
        """
        start = _with_onnx if engine == ONNX else _with_torch
        self.path, self.checkpoint, self.model, self.engine = start(checkpoint_path, device,
                                                                    batch_size, engine)
        self.classes = self.checkpoint.classes
        self.preprocessing = self.checkpoint.preprocessing.cleaned(cleaning or Cleaning())
        self.device = device
        self.workers = workers
        self.views = views
        self.temperature, self.reject_below = self.checkpoint.fitted_for(views)
        say_unfitted(self.checkpoint, checkpoint_path, views)

    def predict(self, paths: Iterable[Path], keep_pictures: bool = False) -> Iterator[Prediction]:
        """Yield a prediction for each file, in order, while later files are being decoded.

        Memory does not grow with the number of files.
        """
        return self._predict_all(self._prepare_all(paths, keep_pictures))

    def predict_pictures(self, pictures: Iterable[np.ndarray]) -> Iterator[Prediction]:
        """Yield a prediction for each decoded picture, uint8 (height, width, 3), in order."""
        return self.predict_squares(map(self.preprocessing.square, pictures))

    def predict_squares(self, squares: Iterable[np.ndarray]) -> Iterator[Prediction]:
        """Yield a prediction for each input of the network, uint8 (3, size, size), in order."""
        return self._predict_all(Prepared(Path(str(number)), square, "")
                               for number, square in enumerate(squares))

    def predict_prepared(self, batch: list[Prepared]) -> list[Prediction]:
        """Return a prediction for each file; call it in a thread that the engine has set up."""
        return list(self._answers(batch, iter(self._classify(batch))))

    def pictures(self, paths: Iterable[Path]) -> list[np.ndarray]:
        """Decode files again, uint8 (height, width, 3); one that has become unreadable is black."""
        lost = np.zeros((SHOWN_SIDE, SHOWN_SIDE, 3), np.uint8)
        return [lost if isinstance(found, ImageError) else found
                for _, found in decode_all(self.preprocessing.load, paths, self.workers)]

    def _prepare_all(self, paths: Iterable[Path], keep_pictures: bool) -> Iterator[Prepared]:
        """Decode ahead of the network by two batches for each stream at most."""
        function = partial(prepare, self.preprocessing, keep_picture=keep_pictures)
        ahead = max(16, 2 * self.engine.streams * self.engine.batch_size)
        for path, found in decode_all(function, paths, self.workers, ahead):
            yield Prepared.of(path, found)

    def _predict_all(self, prepared: Iterable[Prepared]) -> Iterator[Prediction]:
        engine = self.engine
        batches = _batches(prepared, max(1, engine.batch_size // self.views))
        outputs = in_streams(self._classify, batches, engine.streams, engine.start_stream)
        for batch, found in outputs:
            yield from self._answers(batch, iter(found))

    def _answers(self, batch: list[Prepared], found: Iterator[dict]) -> Iterator[Prediction]:
        for item in batch:
            if item.square is None:
                yield Prediction(item.path, None, self.classes, reason=item.reason)
            else:
                square = None if item.picture is None else item.square
                yield Prediction(item.path, classes=self.classes, note=item.note,
                                 picture=item.picture, square=square, **next(found))

    def _classify(self, batch: list[Prepared]) -> list[dict]:
        """Return the answer for each readable file: fields of its Prediction."""
        squares = [item.square for item in batch if item.square is not None]
        if not squares:
            return []
        views = first_views(np.stack(squares), self.views)
        features, logits = (
            [None] * len(squares) if output is None
            else output.reshape(self.views, len(squares), -1).mean(axis=0)
            for output in self.engine.outputs(views.reshape(-1, *views.shape[2:])))
        probs = confidence.probabilities(logits, self.temperature)
        scores = confidence.known_score(logits)
        return [{"features": features[row], "logits": logits[row], "probabilities": probs[row],
                 "known_score": float(scores[row]),
                 "accepted": bool(scores[row] >= self.reject_below)}
                for row in range(len(squares))]


def _batches(prepared: Iterable[Prepared], size: int) -> Iterator[list[Prepared]]:
    """Cut a stream into parts with `size` readable pictures each, but for the last."""
    batch, readable = [], 0
    for item in prepared:
        batch.append(item)
        readable += item.square is not None
        if readable == size or len(batch) == MOST_WAITING:
            yield batch
            batch, readable = [], 0
    if batch:
        yield batch

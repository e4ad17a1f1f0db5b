"""Computes a network's outputs with ONNX Runtime, where there is no torch."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from celestial.common.console import UserError
from celestial.models.fitted import KIND, Fitted, Unusable, check_fitted
from celestial.pictures.preprocessing import Preprocessing

FORMAT_VERSION = 1
PICTURES, FITTED = "pictures", "fitted"  # inputs of the graph
OUTPUTS = ("probabilities", "known_score", "logits")
PIXELS_AT_ONCE = 400_000  # of the squares in a batch, as `engines.PIXELS_AT_ONCE` of a CPU
ERRORS_ALONE = 3  # ONNX Runtime's level of messages: its warnings help no user


@dataclass(frozen=True)
class OnnxModel(Fitted):
    """An ONNX file that export_model.py wrote, opened.

    Attributes, beside those of `Fitted`:
        session: computes it.
    """

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    temperature: float
    reject_below: float
    by_views: dict[int, dict[str, float]]
    session: onnxruntime.InferenceSession


def open_model(path: Path) -> OnnxModel:
    """Open an ONNX file and read what its metadata say.

    Raises:
        UserError: one sentence that says why it cannot be used.
    """
    try:
        if path.suffix.lower() == ".pth":
            raise Unusable("--engine onnx takes an ONNX file, and this is a checkpoint of torch")
        session = _session(path)
        about = session.get_modelmeta().custom_metadata_map
        if about.get("kind") != KIND:
            raise Unusable("it is no model of this project")
        if about.get("format_version") != str(FORMAT_VERSION):
            raise Unusable(f"its format is not {FORMAT_VERSION}, the one that this program reads")
        model = _read(about, session)
        check_fitted(model)
        _check_shapes(model)
    except Unusable as error:
        raise UserError(f"{path} cannot be used, because {error}; write one with export_model.py "
                        "or name another") from error
    return model


def _session(path: Path) -> onnxruntime.InferenceSession:
    """Let ONNX Runtime load a file; each stream computes with one thread of its own.

    Raises:
        Unusable: it is no ONNX file.
        UserError: it cannot be read.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ALONE
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"there is no model {path}; write one with export_model.py or name "
                        "another") from error
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own errors are of many types, all below Exception alone
        raise Unusable("it is damaged or another kind of file") from error


def _read(about: dict[str, str], session: onnxruntime.InferenceSession) -> OnnxModel:
    try:
        found = {name: json.loads(about[name]) for name in
                 ("classes", "preprocessing", "temperature", "reject_below", "by_views")}
        by_views = {int(views): own for views, own in found["by_views"].items()}
        return OnnxModel(tuple(found["classes"]), Preprocessing.from_dict(found["preprocessing"]),
                         found["temperature"], found["reject_below"], by_views, session)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unusable("a part of its metadata is missing or of the wrong kind") from error


def _check_shapes(model: OnnxModel) -> None:
    """Raise Unusable if the graph's inputs and outputs are not those of an exported model."""
    given = [(value.name, value.type, value.shape[1:]) for value in model.session.get_inputs()]
    optional = [value.name for value in model.session.get_overridable_initializers()]
    answers = {value.name: value.shape[1:] for value in model.session.get_outputs()}
    classes = [len(model.classes)]
    if ([(name, kind, shape[2:]) for name, kind, shape in given]
            != [(PICTURES, "tensor(uint8)", [3])] or FITTED not in optional
            or answers != dict(zip(OUTPUTS, (classes, [], classes), strict=True))):
        raise Unusable("its inputs and outputs are not those of a model of this project")


class OnnxEngine:
    """An ONNX file as an engine: the same methods as `engines.TorchEngine` that answers need."""

    def __init__(self, model: OnnxModel, batch_size: int | None = None):
        """Take a model.

        Args:
            model: opened.
            batch_size: pictures that go through the network at once; None: as suits a CPU.
        """
        self.session = model.session
        self.batch_size = batch_size or max(
            1, round(PIXELS_AT_ONCE / model.preprocessing.size ** 2))
        self.streams = _cores()

    def start_stream(self) -> None:
        """Nothing is to be set up: one session computes in any number of threads."""

    def outputs(self, squares: np.ndarray) -> tuple[None, np.ndarray]:
        """Compute any number of squares, at most `batch_size` at once.

        Args:
            squares: uint8 (N, 3, size, size).

        Returns:
            None, because the file does not give the last layer's input, and logits (N, classes).
        """
        feeds = np.ascontiguousarray(squares.transpose(0, 2, 3, 1))
        fitted = np.array(True)
        return None, np.concatenate([
            self.session.run(["logits"], {PICTURES: feeds[start:start + self.batch_size],
                                          FITTED: fitted})[0]
            for start in range(0, len(feeds), self.batch_size)])


def _cores() -> int:
    """Return the cores that this process may use, or fewer where OMP_NUM_THREADS says so."""
    allowed = (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
               else os.cpu_count() or 1)
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(allowed, int(wanted)) if wanted.isdigit() and int(wanted) else allowed

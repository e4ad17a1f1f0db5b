"""Computes a network's outputs with torch, or with OpenVINO where that is installed."""

import copy
import sys
import threading
import warnings

import numpy as np
import torch

from celestial.common.console import VIEWS, UserError, is_out_of_memory
from celestial.inference.devices import inference_precision
from celestial.inference.streams import in_streams, start_stream, stream_count
from celestial.inference.views import view
from celestial.models.convolutions import fold_batch_norm
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import Preprocessing

# Pixels of the squares that go through a network at once: few on a CPU, so that what passes from
# layer to layer stays in the caches (benchmarks/results.md); many on a GPU, to keep it busy.
PIXELS_AT_ONCE = {"cpu": 400_000, "cuda": 20_000_000}
LARGEST_BATCH = 1024


class TorchEngine:
    """The network itself, its BatchNorm folded into the convolutions."""

    def __init__(self, model: Classifier, preprocessing: Preprocessing, device: torch.device,
                 batch_size: int | None = None):
        """Prepare the network.

        Args:
            model: in eval mode; it stays as it is.
            preprocessing: normalises the pictures.
            device: where to compute.
            batch_size: pictures that go through the network at once; None: what suits the device.
        """
        pixels = PIXELS_AT_ONCE.get(device.type, PIXELS_AT_ONCE["cuda"])
        self.batch_size = batch_size or min(
            LARGEST_BATCH, max(1, round(pixels / preprocessing.size ** 2)))
        self.streams = stream_count(device)
        self.halving = threading.Lock()
        self.preprocessing = preprocessing
        self.device = device
        self.network = copy.deepcopy(model)
        self.prepare()

    def prepare(self) -> None:
        """Make the network ready to compute.

        The backbones' weights are converted to the precision once, because autocast would convert
        them for every batch, which takes EfficientNet-B3 7 % of its time.
        """
        fold_batch_norm(self.network).to(self.device, memory_format=torch.channels_last)
        self.precision = inference_precision(self.device) or torch.float32
        self.network.backbones.to(self.precision)

    def start_stream(self) -> None:
        """Set up the thread that calls this for computing `outputs`."""
        start_stream(self.device)

    @torch.inference_mode()
    def outputs(self, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute any number of squares, at most `batch_size` at once, fewer if the memory is full.

        Args:
            squares: uint8 (N, 3, size, size).

        Returns:
            The input of the network's last layer, float32 (N, width), and logits (N, classes).
        """
        found, start = [], 0
        while start < len(squares):
            part = squares[start:start + self.batch_size]
            try:
                outputs = self.network.classify(self.features(part))
                found.append([output.cpu().numpy() for output in outputs])
            except (MemoryError, RuntimeError) as error:
                if len(part) == 1 or not is_out_of_memory(error):
                    raise
                self._take_fewer_than(len(part))
            else:
                start += len(part)
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def _take_fewer_than(self, too_many: int) -> None:
        """Halve the batches of all streams, with a notice, unless another stream has done so."""
        half = (too_many + 1) // 2
        with self.halving:
            if half < self.batch_size:
                print(f"a batch of {too_many} pictures is too large for the memory; going on with "
                      f"{half} at once", flush=True)
                self.batch_size = half

    def logits(self, squares: np.ndarray) -> np.ndarray:
        """Compute any number of squares in all streams.

        Args:
            squares: uint8 (N, 3, size, size), which may lie in a file.

        Returns:
            float32 (N, classes).
        """
        starts = range(0, len(squares), self.batch_size)
        batches = (np.array(squares[start:start + starts.step]) for start in starts)
        return np.concatenate([logits for _, (_, logits) in in_streams(
            self.outputs, batches, self.streams, self.start_stream)])

    def logits_of_views(self, squares: np.ndarray) -> np.ndarray:
        """Compute the eight views of any number of squares, each as `logits` does.

        Returns:
            float32 (8, N, classes), in the order of `views.view`.
        """
        return np.stack([self.logits(view(squares, number)) for number in range(max(VIEWS))])

    def features(self, squares: np.ndarray) -> torch.Tensor:
        """Return the pooled features, (N, width), on the device."""
        batch = torch.from_numpy(squares)
        if self.device.type == "cuda":
            batch = batch.pin_memory().to(self.device, non_blocking=True)
        return self.features_of_normalised(self.preprocessing.normalise(batch.to(self.device)))

    @torch.inference_mode()
    def features_of_normalised(self, squares: torch.Tensor) -> torch.Tensor:
        """Return the pooled features, (N, width), of normalised float (N, 3, size, size)."""
        return self.network.features(squares.to(self.precision))


class _Features(torch.nn.Module):
    """A network that returns its pooled features, for OpenVINO to convert."""

    def __init__(self, network: Classifier):
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network.features(images)


class OpenVINOEngine(TorchEngine):
    """The backbones computed by OpenVINO on the CPU, the head by torch."""

    def prepare(self) -> None:
        """Convert the backbones.

        Raises:
            UserError: OpenVINO is not installed, or another device than the CPU was asked for.
        """
        if self.device.type != "cpu":
            raise UserError("--engine openvino computes on the CPU; say --device cpu", status=2)
        # OpenVINO works without its telemetry, which would report to Intel from another process.
        sys.modules.setdefault("openvino_telemetry", None)
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise UserError("--engine openvino needs OpenVINO; run pip install -r "
                            "requirements-openvino.txt", status=2) from error
        side = self.preprocessing.size
        example = torch.zeros(1, 3, side, side)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch will replace its trace
            traced = torch.jit.trace(_Features(self.network), example, check_trace=False)
            network = openvino.convert_model(traced, example_input=example)
        network.reshape([-1, 3, side, side])
        precision = inference_precision(self.device)
        self.compiled = openvino.Core().compile_model(network, "CPU", {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == torch.bfloat16 else "f32",
            "NUM_STREAMS": self.streams, "INFERENCE_NUM_THREADS": self.streams})
        self.requests = threading.local()

    def start_stream(self) -> None:
        """Give the thread that calls this an OpenVINO request of its own."""
        super().start_stream()
        self.requests.own = self.compiled.create_infer_request()

    def features(self, squares: np.ndarray) -> torch.Tensor:
        """Return the pooled features, (N, width)."""
        batch = self.preprocessing.normalise(torch.from_numpy(squares)).contiguous().numpy()
        return torch.from_numpy(np.array(self.requests.own.infer([batch])[0]))


ENGINES = {"torch": TorchEngine, "openvino": OpenVINOEngine}


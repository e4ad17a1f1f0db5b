"""How the network is computed: the same answers for any batch, order, workers and engine."""

import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from itertools import count, islice

import numpy as np
import pytest
import torch
from conftest import CLASSES, ROOT, draw, run

from celestial.common.console import DEFAULT_MODEL, SHIPPED
from celestial.common.ordered_work import in_order
from celestial.inference import engines
from celestial.inference.engines import ENGINES, TorchEngine
from celestial.inference.predictor import Predictor
from celestial.inference.streams import in_streams
from celestial.models.backbones import BACKBONES
from celestial.models.convolutions import fold_batch_norm
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import Preprocessing, percentile

CPU = torch.device("cpu")


@pytest.fixture(params=[None, torch.bfloat16], ids=["float32", "bfloat16"])
def precision(request, monkeypatch):
    monkeypatch.setattr(engines, "inference_precision", lambda device: request.param)
    return request.param


def used(model: Classifier) -> Classifier:
    """Return a network whose BatchNorm has seen pictures and whose parts all matter."""
    torch.manual_seed(1)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.0)
            torch.nn.init.uniform_(layer.bias, -0.2, 0.2)
    model.train()
    with torch.no_grad():
        for _ in range(20):
            model(torch.randn(8, 3, 64, 64))
    return model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
def test_folded_batch_norm_changes_nothing(name):
    model = used(Classifier(name, 3))
    pictures = torch.randn(4, 3, 64, 64)
    with torch.inference_mode():
        before = model.features(pictures)
        folded = fold_batch_norm(model)
        after = folded.features(pictures)
    left = [layer for layer in folded.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert not left, "some BatchNorm was not folded"
    assert before.abs().max() > 0.01
    assert torch.allclose(before, after, rtol=1e-3, atol=1e-4 * before.abs().max().item())


@pytest.mark.slow
def test_same_probabilities_for_any_batch_order_and_number_of_workers(
        precision, dataset):
    files = sorted(dataset.glob("*/*/*.png"))[::2]

    def probabilities(batch_size, workers, order=1):
        predictor = Predictor(SHIPPED, CPU, batch_size, workers)
        answers = list(predictor.predict(files[::order]))[::order]
        assert [answer.path for answer in answers] == files
        return np.stack([answer.probabilities for answer in answers])

    first = probabilities(None, 1)
    assert first.std(axis=0).max() > 0.1, "the model always says the same"
    nearness = 1e-5 if precision is None else 1e-3
    for other in (probabilities(1, 2), probabilities(7, 1), probabilities(None, 2, order=-1)):
        assert np.abs(first - other).max() < nearness


@pytest.mark.slow
def test_openvino_gives_the_same_answers(dataset, monkeypatch):
    pytest.importorskip("openvino", reason="pip install -r tests/requirements.txt")
    monkeypatch.setattr(engines, "inference_precision", lambda device: None)
    files = sorted(dataset.glob("*/*/*.png"))[::5]
    found = [np.stack([answer.probabilities for answer
                       in Predictor(SHIPPED, CPU, 4, 1, engine).predict(files)])
             for engine in ENGINES]
    assert np.abs(found[0] - found[1]).max() < 1e-4


@pytest.mark.parametrize("extra, words", [
    (("--engine", "openvino"), "requirements-openvino.txt"),
    (("--workers", "0"), "0 is not a whole number of at least 1"),
    (("--batch-size", "0"), "0 is not a whole number of at least 1"),
])
def test_a_wrong_choice_is_one_sentence(extra, words, checkpoint, dataset, tmp_path, monkeypatch):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/openvino.py").write_text("raise ModuleNotFoundError(name='openvino')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))
    done = run("predict_my_images.py", dataset, "--checkpoint", checkpoint, *extra, cwd=tmp_path)
    assert done.status == 2 and words in done.err and "Traceback" not in done.err


def test_more_workers_than_cores_are_no_mistake_but_said(checkpoint, dataset, tmp_path):
    many = os.cpu_count() + 3
    done = run("predict_my_images.py", dataset / "val", "--checkpoint", checkpoint, "--workers",
               many, "--no-pictures", cwd=tmp_path)
    assert done.status == 0 and done.result["ok"] + done.result["unknown"] == 9, done.err
    assert f"{many} workers on {os.cpu_count()} cores" in done.out


class SmallMemory(TorchEngine):
    """Has memory for three pictures, and notes how many it is asked for; all streams at once."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.asked, self.together = [], threading.Barrier(self.streams)

    def features(self, squares):
        self.asked.append(len(squares))
        if len(squares) == 13:
            self.together.wait(60)
        if len(squares) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ...")
        return super().features(squares)


NOTICES = [f"a batch of {many} pictures is too large for the memory; going on with {few} at once"
           for many, few in ((13, 7), (7, 4), (4, 2))]


@pytest.mark.parametrize("streams", [1, 3])
def test_a_batch_too_large_for_the_memory_is_halved_and_stays_so(streams, capsys, monkeypatch):
    monkeypatch.setattr(engines, "stream_count", lambda device: streams)
    model, preprocessing = used(Classifier(DEFAULT_MODEL, 3)), Preprocessing(32)
    squares = np.stack([preprocessing.square(draw(CLASSES[n % 3], n)) for n in range(13)])
    expected = TorchEngine(model, preprocessing, CPU, 13).outputs(squares)
    small = SmallMemory(model, preprocessing, CPU, 13)
    for _, found in in_streams(small.outputs, [squares] * 6, streams, small.start_stream):
        for one, other in zip(found, expected, strict=True):
            assert one.shape == other.shape and np.allclose(one, other, atol=0.05)
    assert capsys.readouterr().out.splitlines() == NOTICES
    assert small.batch_size == 2
    for size in (13, 7, 4):
        assert small.asked.count(size) <= streams, "each stream learns of it once"
    if streams == 1:
        assert small.asked == [13, 7, 4, *([2] * 6 + [1]) * 6]


def test_a_single_picture_too_large_for_the_memory_is_an_error():
    class NoMemory(TorchEngine):
        def features(self, squares):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    engine = NoMemory(Classifier(DEFAULT_MODEL, 3).eval(), Preprocessing(32), CPU)
    with pytest.raises(RuntimeError, match="allocate"):
        engine.outputs(np.zeros((2, 3, 32, 32), np.uint8))


@pytest.mark.slow
def test_help_imports_no_torch_and_predicting_no_compiler(checkpoint, dataset, tmp_path):
    def imported(*command) -> set[str]:
        done = subprocess.run([sys.executable, "-X", "importtime", *map(str, command)],
                              capture_output=True, text=True, cwd=tmp_path, check=True)
        return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()
                if line.startswith("import time:")}

    for script in sorted(ROOT.glob("*.py")):
        assert not imported(script, "--help") & {"torch", "numpy", "matplotlib"}, script
    seen = imported(ROOT / "predict_my_images.py", dataset / "test", "--checkpoint", checkpoint,
                    "--workers", 1)
    assert {"torch", "torchvision"} <= seen
    assert not seen & {"torch._dynamo", "scipy.optimize", "matplotlib", "sklearn"}


@pytest.mark.slow
def test_torchvision_still_finds_the_compiler():
    code = ("from celestial.models.torchvision_import import torchvision; import sys, torch; "
            "assert 'torch._dynamo' not in sys.modules; "
            "boxes = torch.tensor([[0, 0., 0, 4, 4]]); "
            "torchvision.ops.roi_align(torch.rand(1, 3, 8, 8), boxes, 2); "
            "import torch._dynamo.utils; assert torch._dynamo.utils.is_compile_supported")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_in_order_runs_ahead_and_no_further():
    started = []

    def start(number: int) -> Future:
        started.append(number)
        future = Future()
        future.set_result(number * number)
        return future

    found = in_order(start, count(), ahead=3)
    assert [(item, future.result()) for item, future in islice(found, 4)] == [
        (0, 0), (1, 1), (2, 4), (3, 9)]
    assert started == [0, 1, 2, 3, 4, 5]


def test_in_order_cancels_what_nobody_waits_for():
    futures = [Future() for _ in range(5)]
    found = in_order(futures.__getitem__, range(5), ahead=4)
    next(found)
    found.close()
    assert [future.cancelled() for future in futures] == [False, True, True, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_percentile_is_numpys(seed):
    random = np.random.default_rng(seed)
    values = random.integers(0, random.integers(2, 256), (random.integers(1, 40), 13)).astype("u1")
    for percent in (0, 12.3, 50, 99.5, 100):
        expected = np.percentile(values, percent)
        assert percentile(values, percent) == pytest.approx(expected, abs=1e-9)

"""A model as an ONNX file: the same answers, from pictures of any size, without torch."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import CLASSES, draw, draw_folder, run
from PIL import Image

from celestial.models.checkpoints import Checkpoint, build_model, save_checkpoint
from celestial.models.networks import Classifier
from celestial.pictures.cleaning import Cleaning
from celestial.pictures.preprocessing import Preprocessing

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

import torch  # noqa: E402

from celestial.common.console import UserError  # noqa: E402
from celestial.inference import onnx_export  # noqa: E402

SIDE = 32
SHAPES = ((1, 1), (2, 3), (SIDE, SIDE), (SIDE, 12), (1, 225), (225, 1), (3, 500), (48, 40),
          (181, 60), (64, 32), (65, 32), (100, 300), (333, 222), (700, 50), (640, 480))


def tiny_checkpoint(path: Path, preprocessing: Preprocessing | None = None) -> Checkpoint:
    """Write a checkpoint of the smallest network, untrained but for its BatchNorm."""
    torch.manual_seed(1)
    network = Classifier("cnn", len(CLASSES), SIDE)
    with torch.no_grad():
        for _ in range(20):  # so that folding BatchNorm changes something
            network(torch.randn(8, 3, SIDE, SIDE) * 2 + 1)
        network.head[-1].weight.mul_(20)
    checkpoint = Checkpoint(
        "cnn", CLASSES, preprocessing or Preprocessing(SIDE), network.state_dict(), 0.7, 1.2,
        {}, {}, "", [], by_views={2: {"temperature": 0.6, "reject_below": 1.3}})
    save_checkpoint(path, checkpoint)
    return checkpoint


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Path, Path, Checkpoint]:
    """A checkpoint file, the ONNX file of it, and what is in it."""
    place = tmp_path_factory.mktemp("onnx")
    checkpoint = tiny_checkpoint(place / "tiny.pth")
    network = build_model(checkpoint, place / "tiny.pth")
    graph = onnx_export.export(network, checkpoint, {"licence": "as you like"})
    (place / "model.onnx").write_bytes(graph.SerializeToString())
    return place / "tiny.pth", place / "model.onnx", checkpoint


def quiet_session(content: str | bytes) -> "onnxruntime.InferenceSession":
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    return onnxruntime.InferenceSession(content, options)


def pictures() -> list[np.ndarray]:
    """Return pictures of many shapes, every second one dark."""
    random = np.random.default_rng(3)
    light = (1.0, 0.3, 1.0, 0.05, 1.0, 0.0)
    return [(random.integers(0, 256, (*shape, 3)) * light[number % 6]).astype(np.uint8)
            for number, shape in enumerate(SHAPES)]


def preparing(preprocessing: Preprocessing) -> "onnxruntime.InferenceSession":
    """Return the part of a graph before the network alone."""
    graph = onnx.helper.make_graph([], "alone", [], [onnx.helper.make_tensor_value_info(
        onnx_export.SQUARE, onnx.TensorProto.UINT8, ["N", 3, SIDE, SIDE])])
    model = onnx.helper.make_model(graph, ir_version=10, opset_imports=[
        onnx.helper.make_opsetid("", onnx_export.OPSET)])
    onnx_export.take_pictures(model.graph, preprocessing)
    return quiet_session(model.SerializeToString())


@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_the_graph_prepares_pictures_as_pillow_does(gain):
    preprocessing = Preprocessing(SIDE, largest_gain=gain)
    session = preparing(preprocessing)
    for picture in pictures():
        both = np.stack([picture, picture[::-1, ::-1]])
        found, = session.run(None, {"pictures": both})
        for one, square in zip(both, found, strict=True):
            assert np.array_equal(square, preprocessing.square(one)), picture.shape


def test_answers_are_those_of_the_network(exported):
    path, file, checkpoint = exported
    network, session = build_model(checkpoint, path), quiet_session(str(file))
    for picture in pictures():
        square = checkpoint.preprocessing.square(picture)
        with torch.no_grad():
            logits = network((torch.from_numpy(square)[None] / 255 - torch.tensor(
                checkpoint.preprocessing.mean)[:, None, None]) / torch.tensor(
                    checkpoint.preprocessing.std)[:, None, None]).double().numpy()[0]
        odds = np.exp(logits / checkpoint.temperature)
        score = np.log(np.exp(logits).sum()) - logits.mean()
        for feeds in ({"pictures": picture[None]},
                      {"pictures": square.transpose(1, 2, 0)[None], "fitted": np.array(True)}):
            probabilities, known, own_logits = (found[0] for found in session.run(None, feeds))
            assert np.abs(probabilities - odds / odds.sum()).max() < 1e-4
            assert abs(known - score) < 1e-4 and np.abs(own_logits - logits).max() < 1e-3


def test_the_file_says_what_it_is(exported):
    _, file, checkpoint = exported
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert {one.domain for one in model.opset_import} == {""}, "standard operators alone"
    assert model.opset_import[0].version >= 18
    about = quiet_session(str(file)).get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == list(CLASSES) and about["licence"] == "as you like"
    assert json.loads(about["reject_below"]) == 1.2 and json.loads(about["temperature"]) == 0.7
    assert json.loads(about["preprocessing"])["size"] == SIDE
    assert about["commit"] == checkpoint.versions["commit"]


@pytest.fixture
def without_torch(tmp_path, monkeypatch):
    """Let every import of torch fail in the scripts that a test runs."""
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked/sitecustomize.py").write_text(
        "import sys\nfor name in ('torch', 'torchvision', 'timm', 'onnx', 'scipy', 'sklearn'):\n"
        "    sys.modules[name] = None\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [
        str(tmp_path / "blocked"), os.environ.get("PYTHONPATH")])))


@pytest.mark.parametrize("options", [(), ("--views", 2, "--denoise")], ids=["plain", "views"])
def test_the_table_is_that_of_torch(options, exported, tmp_path, request):
    path, file, _ = exported
    folder = draw_folder(tmp_path / "in", 2)
    (folder / "broken.png").write_bytes(b"no picture")
    common = (folder, "--no-pictures", "--workers", 1, "--device", "cpu", *options)
    first = run("predict_my_images.py", *common, "--checkpoint", path, "--output-dir", "torch",
                cwd=tmp_path)
    request.getfixturevalue("without_torch")
    second = run("predict_my_images.py", *common, "--checkpoint", file, "--engine", "onnx",
                 "--output-dir", "onnx", cwd=tmp_path)
    assert first.status == second.status == 0, first.err + second.err
    tables = [(tmp_path / name / "batch_prediction_summary.csv").read_text(encoding="utf-8-sig")
              for name in ("torch", "onnx")]
    assert tables[0] == tables[1] and tables[1].count("\n") == 8
    assert "onnxruntime" in second.out.splitlines()[1]


def test_annotated_pictures_need_no_torch(exported, tmp_path, without_torch):
    (tmp_path / "in").mkdir()
    Image.fromarray(draw("mars", 0)).save(tmp_path / "in/mars.png")
    done = run("predict_my_images.py", "in", "--denoise", "--engine", "onnx", "--checkpoint",
               exported[1], "--workers", 1, "--output-dir", "out", cwd=tmp_path)
    assert done.status == 0, done.err
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "pictures", "contact_sheet.png", "before_after.png"}


def test_files_that_are_no_model_of_this_project(exported, tmp_path):
    from celestial.inference.onnx_engine import open_model

    path, file, _ = exported
    content = file.read_bytes()
    model = onnx.load(file)
    del model.metadata_props[:]
    other = onnx.load(file)
    other.graph.input[0].name = other.graph.node[0].attribute[0].g.node[0].input[0]
    onnx.helper.set_model_props(other, {"kind": "celestial classifier", "format_version": "9"})
    cases = {"text.onnx": b"hello", "cut.onnx": content[:len(content) // 2], "empty.onnx": b"",
             "bare.onnx": model.SerializeToString(), "later.onnx": other.SerializeToString(),
             "torch.pth": path.read_bytes()}
    words = {"text.onnx": "another kind", "cut.onnx": "damaged", "empty.onnx": "damaged",
             "bare.onnx": "no model of this project", "later.onnx": "format",
             "torch.pth": "checkpoint of torch", "none.onnx": "there is no model"}
    for name, bad in cases.items():
        (tmp_path / name).write_bytes(bad)
    for name, says in words.items():
        with pytest.raises(UserError, match=says):
            open_model(tmp_path / name)


def test_metadata_that_make_no_sense(exported, tmp_path):
    from celestial.inference.onnx_engine import open_model

    for key, value, says in (("temperature", "-1", "temperature"), ("classes", '["a"]', "outputs"),
                             ("classes", '["../a", "b", "c"]', "folder"), ("by_views", "7", "kind"),
                             ("reject_below", '"x"', "threshold"), ("classes", "{", "kind")):
        model = onnx.load(exported[1])
        onnx.helper.set_model_props(
            model, {one.key: one.value for one in model.metadata_props} | {key: value})
        (tmp_path / "odd.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(UserError, match=says):
            open_model(tmp_path / "odd.onnx")


@pytest.mark.parametrize("options, says", [
    (("--engine", "onnx"), "name one with --checkpoint"),
    (("--engine", "onnx", "--checkpoint", "imagenet:resnet50"), "needs torch"),
    (("--engine", "onnx", "--checkpoint", "model.onnx", "--explain"), "needs torch"),
    (("--engine", "onnx", "--checkpoint", "model.onnx", "--device", "cuda"), "say --device cpu"),
    (("--checkpoint", "model.onnx"), "--engine onnx"),
], ids=["no file", "imagenet", "explain", "device", "torch"])
def test_what_does_not_go_together(options, says, tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(draw("mars", 0)).save(tmp_path / "in/mars.png")
    done = run("predict_my_images.py", "in", "--workers", 1, *options, cwd=tmp_path)
    assert done.status == 2 and says in done.error


def test_cleaning_and_crops_cannot_be_exported():
    for preprocessing in (Preprocessing(SIDE, cleaning=Cleaning(denoise=True)),
                          Preprocessing(SIDE, fit="crop", cropped_from=40)):
        with pytest.raises(UserError, match="cannot be put into|is not put into"):
            onnx_export.require_exportable(preprocessing)


def test_a_file_that_answers_otherwise_is_not_written(exported, monkeypatch):
    import export_model
    from celestial.inference.onnx_engine import open_model
    from celestial.inference.predictor import Predictor

    monkeypatch.setattr(export_model, "PICTURES", 4)
    path, file, _ = exported
    predictor = Predictor(path, torch.device("cpu"), 4, 0)
    figures = export_model.compare(open_model(file), predictor, "torch")
    assert figures["largest_difference"] < 1e-4 and figures["equal_verdicts"] == 1
    with torch.no_grad():
        predictor.model.head[-1].bias[0] += 1
    with pytest.raises(UserError, match="answers otherwise"):
        export_model.compare(open_model(file), predictor, "torch")

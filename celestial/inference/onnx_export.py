"""Turns a checkpoint into an ONNX graph that takes pictures: preprocessing, network, temperature."""

import contextlib
import copy
import io
import json
import logging
import warnings

import onnx
import torch
from onnx.parser import parse_node
from torch import nn

from celestial.common.console import UserError
from celestial.inference.onnx_engine import FITTED, FORMAT_VERSION, OUTPUTS, PICTURES
from celestial.models.checkpoints import Checkpoint
from celestial.models.convolutions import fold_batch_norm
from celestial.models.fitted import KIND
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import WHITE_PERCENTILE, Preprocessing

OPSET = 18  # the first whose Resize can smooth as Pillow does
SQUARE = "square"
# What a feed that is already the square needs, and what any other picture needs. `pictures` are
# uint8 (N, H, W, 3). Resize with antialias and exclude_outside is Pillow's own algorithm; sizes,
# gain and percentile are computed as Preprocessing computes them, in float64.
PREPARE = """
square = If (fitted) <
  then_branch = keep () => (uint8[N, 3, {size}, {size}] kept) {{
    kept = Transpose <perm = [0, 3, 1, 2]> (pictures)
  }},
  else_branch = prepare () => (uint8[N, 3, {size}, {size}] prepared) {{
    number = Shape <start = 0, end = 1> (pictures)
    sides = Shape <start = 1, end = 3> (pictures)
    zero = Constant <value = int64[1] {{0}}> ()
    two = Constant <value = int64[1] {{2}}> ()
    three = Constant <value = int64[1] {{3}}> ()
    size = Constant <value = int64[1] {{{size}}}> ()
    size_float = Cast <to = 11> (size)
    sides_float = Cast <to = 11> (sides)
    longest = ReduceMax <keepdims = 1> (sides_float)
    scale = Div (size_float, longest)
    scaled = Mul (sides_float, scale)
    rounded = Round (scaled)
    one_float = Constant <value = double[1] {{1}}> ()
    new_float = Max (rounded, one_float)
    new = Cast <to = 7> (new_float)
    sizes = Concat <axis = 0> (number, new, three)
    resized = Resize <mode = "linear", antialias = 1, exclude_outside = 1,
        coordinate_transformation_mode = "half_pixel"> (pictures, , , sizes)
    {expose}
    gap = Sub (size, new)
    before = Div (gap, two)
    after = Sub (gap, before)
    pads = Concat <axis = 0> (zero, before, zero, zero, after, zero)
    padded = Pad (exposed, pads)
    prepared = Transpose <perm = [0, 3, 1, 2]> (padded)
  }}
>
"""
# The brightest 0.5 % of the pixels, sorted, are all that the percentile needs.
EXPOSE = """
    brightest = ReduceMax <keepdims = 0> (resized, three)
    listed = Flatten <axis = 1> (brightest)
    values = Cast <to = 1> (listed)
    count = Shape <start = 1, end = 2> (listed)
    one = Constant <value = int64[1] {{1}}> ()
    last = Sub (count, one)
    last_float = Cast <to = 11> (last)
    proportion = Constant <value = double[1] {{{proportion!r}}}> ()
    place = Mul (proportion, last_float)
    lower_float = Floor (place)
    upper_float = Ceil (place)
    part = Sub (place, lower_float)
    lower_place = Cast <to = 7> (lower_float)
    upper_place = Cast <to = 7> (upper_float)
    kept_count = Sub (count, lower_place)
    kept_values, kept_places = TopK <axis = 1> (values, kept_count)
    lower_index = Sub (last, lower_place)
    upper_index = Sub (last, upper_place)
    lower_single = Gather <axis = 1> (kept_values, lower_index)
    upper_single = Gather <axis = 1> (kept_values, upper_index)
    lower = Cast <to = 11> (lower_single)
    upper = Cast <to = 11> (upper_single)
    step = Sub (upper, lower)
    more = Mul (step, part)
    white = Add (lower, more)
    white_or_one = Max (white, one_float)
    full = Constant <value = double[1] {{255}}> ()
    wanted = Div (full, white_or_one)
    largest = Constant <value = double[1] {{{largest_gain!r}}}> ()
    limited = Min (wanted, largest)
    gain = Max (limited, one_float)
    gain_float = Cast <to = 1> (gain)
    inner = Concat <axis = 0> (two, three)
    gains = Unsqueeze (gain_float, inner)
    resized_float = Cast <to = 1> (resized)
    multiplied = Mul (resized_float, gains)
    whole = Round (multiplied)
    black_level = Constant <value = float {{0}}> ()
    white_level = Constant <value = float {{255}}> ()
    clipped = Clip (whole, black_level, white_level)
    exposed = Cast <to = 2> (clipped)
"""


class Answer(nn.Module):
    """A network with all that follows the square: normalisation, softmax, known_score."""

    def __init__(self, network: Classifier, checkpoint: Checkpoint):
        """Take a network in eval mode, which stays as it is, and the temperature beside it."""
        super().__init__()
        self.network = fold_batch_norm(copy.deepcopy(network))
        self.preprocessing = checkpoint.preprocessing
        self.temperature = checkpoint.temperature
        self.eval()

    def forward(self, squares: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """uint8 (N, 3, size, size) -> the three `onnx_engine.OUTPUTS`, float32."""
        logits = self.network(self.preprocessing.normalise(squares))
        return (torch.softmax(logits / self.temperature, dim=1),
                -torch.log_softmax(logits, dim=1).mean(dim=1), logits)


def require_exportable(preprocessing: Preprocessing) -> None:
    """Raise UserError where a checkpoint prepares pictures in a way that no graph here can."""
    if preprocessing.cleaning.active:
        raise UserError("the checkpoint cleans pictures (noise, colours or faint light), which "
                        "cannot be put into an ONNX file; name one that was trained without it",
                        status=2)
    if preprocessing.fit != "pad" or preprocessing.resampling != "bilinear":
        raise UserError("the checkpoint crops its pictures, which is not put into an ONNX file; "
                        "name one that improved_training.py wrote", status=2)


def export(network: Classifier, checkpoint: Checkpoint, about: dict[str, str]) -> onnx.ModelProto:
    """Return the whole graph, checked: `pictures` in, probabilities, known_score and logits out.

    A second input, `fitted`, may be left out: where it is true, `pictures` are squares already and
    only turned into the network's order of axes.

    Args:
        network: in eval mode, float32.
        checkpoint: whose weights it has.
        about: more for the file's metadata, by key.

    Raises:
        UserError: the checkpoint, or a network of timm, cannot be exported.
    """
    require_exportable(checkpoint.preprocessing)
    model = _network_graph(Answer(network, checkpoint), checkpoint)
    _take_pictures(model.graph, checkpoint.preprocessing)
    model.producer_name, model.producer_version = KIND, checkpoint.versions["celestial"]
    onnx.helper.set_model_props(model, metadata(checkpoint) | about)
    onnx.checker.check_model(model, full_check=True)
    return model


def _network_graph(answer: Answer, checkpoint: Checkpoint) -> onnx.ModelProto:
    """Let torch write the part from the square on."""
    side = checkpoint.preprocessing.size
    example = torch.zeros(2, 3, side, side, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # about torch's own insides
        try:
            program = torch.onnx.export(
                answer, (example,), input_names=[SQUARE], output_names=list(OUTPUTS),
                dynamic_shapes=({0: torch.export.Dim("N")},), opset_version=OPSET, dynamo=True,
                verbose=False)
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise UserError(f"torch cannot write {checkpoint.model} as ONNX ({reason}); train "
                            "another --model") from error
    return program.model_proto


def _take_pictures(graph: onnx.GraphProto, preprocessing: Preprocessing) -> None:
    """Put the preprocessing before a graph whose input is the square, in place."""
    expose = "exposed = Identity (resized)" if preprocessing.largest_gain <= 1 else EXPOSE.format(
        proportion=WHITE_PERCENTILE / 100, largest_gain=float(preprocessing.largest_gain))
    graph.node.insert(0, parse_node(PREPARE.format(size=preprocessing.size, expose=expose)))
    del graph.input[:]
    graph.input.append(onnx.helper.make_tensor_value_info(
        PICTURES, onnx.TensorProto.UINT8, ["N", "H", "W", 3]))
    # An input with a value may be left out.
    graph.input.append(onnx.helper.make_tensor_value_info(FITTED, onnx.TensorProto.BOOL, []))
    graph.initializer.append(onnx.helper.make_tensor(FITTED, onnx.TensorProto.BOOL, [], [False]))


def metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """Return what `onnx_engine.read_model` needs of a checkpoint; JSON but for plain words."""
    values = {"classes": checkpoint.classes, "temperature": checkpoint.temperature,
              "reject_below": checkpoint.reject_below, "by_views": checkpoint.by_views,
              "preprocessing": checkpoint.preprocessing.to_dict()}
    return {"kind": KIND, "format_version": str(FORMAT_VERSION), "model": checkpoint.model,
            "date": checkpoint.date, "commit": checkpoint.versions["commit"],
            **{key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}}

"""Turns a checkpoint into an ONNX graph: preprocessing, network and temperature."""

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
BLOCK = 8  # rows that are computed from one window of the picture; more of them would waste work
# What a feed that is already the square needs, and what any other picture needs. `pictures` are
# uint8 (N, H, W, 3). Pillow resizes one axis after the other and rounds between them, the first
# axis of the two first where it shrinks by more than twice as many pixels, else the second.
# ONNX's own Resize rounds its weights otherwise: a grey level in a hundred differs by one, and in
# dark pictures, which are brightened, by four.
PREPARE = """
square = If (fitted) <
  then_branch = keep () => (uint8[N, 3, {size}, {size}] kept) {{
    kept = Transpose <perm = [0, 3, 1, 2]> (pictures)
  }},
  else_branch = prepare () => (uint8[N, 3, {size}, {size}] prepared) {{
    number = Shape <start = 0, end = 1> (pictures)
    sides = Shape <start = 1, end = 3> (pictures)
    zero = Constant <value = int64[1] {{0}}> ()
    one = Constant <value = int64[1] {{1}}> ()
    two = Constant <value = int64[1] {{2}}> ()
    three = Constant <value = int64[1] {{3}}> ()
    all = Constant <value = int64[1] {{-1}}> ()
    zero_float = Constant <value = double[1] {{0}}> ()
    half = Constant <value = double[1] {{0.5}}> ()
    one_float = Constant <value = double[1] {{1}}> ()
    size = Constant <value = int64[1] {{{size}}}> ()
    size_float = Cast <to = 11> (size)
    sides_float = Cast <to = 11> (sides)
    longest = ReduceMax <keepdims = 1> (sides_float)
    scale = Div (size_float, longest)
    scaled = Mul (sides_float, scale)
    rounded = Round (scaled)
    new_float = Max (rounded, one_float)
    new = Cast <to = 7> (new_float)

    height, width = Split <num_outputs = 2> (sides)
    new_height, new_width = Split <num_outputs = 2> (new)
    samples = Mul (width, three)
    shrunk = Sub (sides, new)
    shrunk_rows, shrunk_columns = Split <num_outputs = 2> (shrunk)
    twice = Mul (shrunk_columns, two)
    taller = Greater (shrunk_rows, twice)
    shrinks = Greater (shrunk_rows, zero)
    rows_first_listed = And (taller, shrinks)
    rows_first = Squeeze (rows_first_listed, zero)
    wide_shape = Concat <axis = 0> (all, samples)
    first = If (rows_first) <
      then_branch = as_rows () => (uint8[a, b] rows) {{
        rows_deep = Transpose <perm = [1, 0, 2, 3]> (pictures)
        rows_shape = Concat <axis = 0> (height, all)
        rows = Reshape (rows_deep, rows_shape)
      }},
      else_branch = as_columns () => (uint8[a, b] columns) {{
        lines = Reshape (pictures, wide_shape)
        columns = Transpose <perm = [1, 0]> (lines)
      }}>
    order_rows = Constant <value = int64[2] {{0, 1}}> ()
    order_columns = Constant <value = int64[2] {{1, 0}}> ()
    order = Where (rows_first, order_rows, order_columns)
    lengths = Gather (sides, order)
    new_lengths = Gather (new, order)
    length1, length2 = Split <num_outputs = 2> (lengths)
    new_length1, new_length2 = Split <num_outputs = 2> (new_lengths)
    flat_shape1 = Concat <axis = 0> (length1, all)
    flat1 = Reshape (first, flat_shape1)
    {pass1}
    rest = Where (rows_first, samples, height)
    half_shape = Concat <axis = 0> (all, rest)
    half_done = Reshape (result1, half_shape)
    second = Transpose <perm = [1, 0]> (half_done)
    flat_shape2 = Concat <axis = 0> (length2, all)
    flat2 = Reshape (second, flat_shape2)
    {pass2}
    resized = If (rows_first) <
      then_branch = from_columns () => (uint8[a, b, c, d] from_columns) {{
        shape_columns = Concat <axis = 0> (new_width, three, new_height, number)
        deep_columns = Reshape (result2, shape_columns)
        from_columns = Transpose <perm = [3, 2, 0, 1]> (deep_columns)
      }},
      else_branch = from_rows () => (uint8[a, b, c, d] from_rows) {{
        shape_rows = Concat <axis = 0> (new_height, new_width, three, number)
        deep_rows = Reshape (result2, shape_rows)
        from_rows = Transpose <perm = [3, 0, 1, 2]> (deep_rows)
      }}>
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
# Resizes the first axis of flat{n}, uint8 (length{n}, anything): triangles as weights, in float64
# and then whole numbers of 22 bits, as in Pillow's Resample.c. Whole numbers are multiplied three
# bytes of a weight at a time. A block of rows needs but a window of the picture, `span{n}` rows.
PASS = """
    from{n} = Cast <to = 11> (length{n})
    to{n} = Cast <to = 11> (new_length{n})
    scale{n} = Div (from{n}, to{n})
    support{n} = Max (scale{n}, one_float)
    steep{n} = Div (one_float, support{n})
    block{n} = Constant <value = int64[1] {{{block}}}> ()
    block_float{n} = Cast <to = 11> (block{n})
    blocks_exact{n} = Div (to{n}, block_float{n})
    blocks_float{n} = Ceil (blocks_exact{n})
    padded_float{n} = Mul (blocks_float{n}, block_float{n})
    zero_scalar{n} = Constant <value = double {{0}}> ()
    one_scalar{n} = Constant <value = double {{1}}> ()
    padded_scalar{n} = Squeeze (padded_float{n}, zero)
    numbers{n} = Range (zero_scalar{n}, padded_scalar{n}, one_scalar{n})
    middles{n} = Add (numbers{n}, half)
    centres_flat{n} = Mul (middles{n}, scale{n})
    centres_shape{n} = Constant <value = int64[3] {{-1, {block}, 1}}> ()
    centres{n} = Reshape (centres_flat{n}, centres_shape{n})
    first_centres{n} = Slice (centres{n}, zero, one, one)
    lowest{n} = Sub (first_centres{n}, support{n})
    lowest_half{n} = Add (lowest{n}, half)
    lowest_whole{n} = Floor (lowest_half{n})
    starts{n} = Max (lowest_whole{n}, zero_float)
    reach{n} = Mul (scale{n}, block_float{n})
    both{n} = Add (support{n}, support{n})
    span_exact{n} = Add (reach{n}, both{n})
    span_whole{n} = Ceil (span_exact{n})
    span_more{n} = Add (span_whole{n}, one_float)
    span_most{n} = Add (span_more{n}, one_float)
    span_float{n} = Min (span_most{n}, from{n})
    span_scalar{n} = Squeeze (span_float{n}, zero)
    window{n} = Range (zero_scalar{n}, span_scalar{n}, one_scalar{n})
    places{n} = Add (starts{n}, window{n})
    inside_bool{n} = Less (places{n}, from{n})
    inside{n} = Cast <to = 11> (inside_bool{n})
    off{n} = Sub (places{n}, centres{n})
    off_half{n} = Add (off{n}, half)
    off_scaled{n} = Mul (off_half{n}, steep{n})
    far{n} = Abs (off_scaled{n})
    near{n} = Sub (one_float, far{n})
    triangle{n} = Max (near{n}, zero_float)
    weights{n} = Mul (triangle{n}, inside{n})
    sums{n} = ReduceSum (weights{n}, two)
    tiny{n} = Constant <value = double[1] {{0.000001}}> ()
    sums_apart{n} = Max (sums{n}, tiny{n})
    parts{n} = Div (weights{n}, sums_apart{n})
    unit{n} = Constant <value = double[1] {{4194304}}> ()
    parts_scaled{n} = Mul (parts{n}, unit{n})
    parts_half{n} = Add (parts_scaled{n}, half)
    whole{n} = Floor (parts_half{n})
    upper_unit{n} = Constant <value = double[1] {{65536}}> ()
    middle_unit{n} = Constant <value = double[1] {{256}}> ()
    upper_exact{n} = Div (whole{n}, upper_unit{n})
    upper{n} = Floor (upper_exact{n})
    upper_back{n} = Mul (upper{n}, upper_unit{n})
    less{n} = Sub (whole{n}, upper_back{n})
    middle_exact{n} = Div (less{n}, middle_unit{n})
    middle{n} = Floor (middle_exact{n})
    middle_back{n} = Mul (middle{n}, middle_unit{n})
    lower{n} = Sub (less{n}, middle_back{n})
    bytes_float{n} = Concat <axis = 1> (upper{n}, middle{n}, lower{n})
    bytes{n} = Cast <to = 2> (bytes_float{n})
    last{n} = Sub (from{n}, one_float)
    places_there{n} = Min (places{n}, last{n})
    indices_deep{n} = Cast <to = 7> (places_there{n})
    indices{n} = Squeeze (indices_deep{n}, one)
    windows{n} = Gather (flat{n}, indices{n})
    products{n} = MatMulInteger (bytes{n}, windows{n})
    by_upper{n}, by_middle{n}, by_lower{n} = Split <axis = 1, num_outputs = 3> (products{n})
    upper_int{n} = Constant <value = int32[1] {{65536}}> ()
    middle_int{n} = Constant <value = int32[1] {{256}}> ()
    rounding{n} = Constant <value = int32[1] {{2097152}}> ()
    unit_int{n} = Constant <value = int32[1] {{4194304}}> ()
    sum_upper{n} = Mul (by_upper{n}, upper_int{n})
    sum_middle{n} = Mul (by_middle{n}, middle_int{n})
    sum_two{n} = Add (sum_upper{n}, sum_middle{n})
    sum_three{n} = Add (sum_two{n}, by_lower{n})
    sum_all{n} = Add (sum_three{n}, rounding{n})
    levels{n} = Div (sum_all{n}, unit_int{n})
    shades{n} = Cast <to = 2> (levels{n})
    padded_int{n} = Cast <to = 7> (padded_float{n})
    listed_shape{n} = Concat <axis = 0> (padded_int{n}, all)
    listed{n} = Reshape (shades{n}, listed_shape{n})
    result{n} = Slice (listed{n}, zero, new_length{n}, zero)
"""
# The brightest 0.5 % of the pixels, sorted, are all that the percentile needs.
EXPOSE = """
    brightest = ReduceMax <keepdims = 0> (resized, three)
    listed = Flatten <axis = 1> (brightest)
    values = Cast <to = 1> (listed)
    count = Shape <start = 1, end = 2> (listed)
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
    take_pictures(model.graph, checkpoint.preprocessing)
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


def take_pictures(graph: onnx.GraphProto, preprocessing: Preprocessing) -> None:
    """Put the preprocessing before a graph whose input is the square, in place."""
    expose = "exposed = Identity (resized)" if preprocessing.largest_gain <= 1 else EXPOSE.format(
        proportion=WHITE_PERCENTILE / 100, largest_gain=float(preprocessing.largest_gain))
    graph.node.insert(0, parse_node(PREPARE.format(
        size=preprocessing.size, expose=expose, pass1=PASS.format(n=1, block=BLOCK),
        pass2=PASS.format(n=2, block=BLOCK))))
    del graph.input[:]
    graph.input.append(onnx.helper.make_tensor_value_info(
        PICTURES, onnx.TensorProto.UINT8, ["N", "H", "W", 3]))
    # An input with a value may be left out.
    graph.input.append(onnx.helper.make_tensor_value_info(FITTED, onnx.TensorProto.BOOL, []))
    graph.initializer.append(onnx.helper.make_tensor(FITTED, onnx.TensorProto.BOOL, [], [False]))


def without_pictures(model: onnx.ModelProto, preprocessing: Preprocessing) -> onnx.ModelProto:
    """Return a copy of an exported model whose input is the square, as before `take_pictures`."""
    bare = copy.deepcopy(model)
    graph, side = bare.graph, preprocessing.size
    del graph.node[0], graph.input[:]
    graph.initializer.remove(next(one for one in graph.initializer if one.name == FITTED))
    graph.input.append(onnx.helper.make_tensor_value_info(
        SQUARE, onnx.TensorProto.UINT8, ["N", 3, side, side]))
    return bare


def metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """Return what `onnx_engine.read_model` needs of a checkpoint; JSON but for plain words."""
    values = {"classes": checkpoint.classes, "temperature": checkpoint.temperature,
              "reject_below": checkpoint.reject_below, "by_views": checkpoint.by_views,
              "preprocessing": checkpoint.preprocessing.to_dict()}
    return {"kind": KIND, "format_version": str(FORMAT_VERSION), "model": checkpoint.model,
            "date": checkpoint.date, "commit": checkpoint.versions["commit"],
            **{key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}}

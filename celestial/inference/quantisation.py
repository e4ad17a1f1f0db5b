"""Turns an exported graph into whole numbers of 8 bits, for less space and, on some CPUs, time."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from celestial.inference.onnx_export import SQUARE, take_pictures, without_pictures
from celestial.pictures.preprocessing import Preprocessing

MOST_CALIBRATING = 200  # pictures; the ranges hardly change with more
AT_ONCE = 10  # of them through the network
# Softmax and the head stay in float32: probabilities in steps of 1/255 would not be calibrated.
QUANTISED = ["Conv", "Clip", "Add"]


class _Squares(CalibrationDataReader):
    """Gives ONNX Runtime the squares that it measures the ranges on."""

    def __init__(self, squares: np.ndarray):
        self.batches = (squares[start:start + AT_ONCE] for start in range(0, len(squares), AT_ONCE))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, or None."""
        batch = next(self.batches, None)
        return None if batch is None else {SQUARE: batch}


def quantise(model: onnx.ModelProto, preprocessing: Preprocessing, squares: np.ndarray
             ) -> onnx.ModelProto:
    """Return a model whose convolutions compute with 8-bit numbers; preprocessing stays as it is.

    ONNX Runtime's static quantisation: a scale for each channel of the weights, and one for each
    activation, from the range of its values. The weights take 7 bits of the 8, because on CPUs
    without VNNI sums of products would overflow (ONNX Runtime, "Quantize ONNX models").

    Args:
        model: that `onnx_export.export` returned; it stays as it is.
        preprocessing: of its checkpoint.
        squares: uint8 (N, 3, size, size), pictures whose activations give the ranges.
    """
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "network.onnx")
        quantize_static(
            without_pictures(model, preprocessing), path, _Squares(squares),
            quant_format=QuantFormat.QDQ, op_types_to_quantize=QUANTISED, per_channel=True,
            reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax)
        found = onnx.load(path)
    take_pictures(found.graph, preprocessing)
    onnx.helper.set_model_props(found, {one.key: one.value for one in model.metadata_props})
    onnx.checker.check_model(found)
    return found

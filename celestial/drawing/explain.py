"""Draws Grad-CAM, the places in a picture that speak for a class, and activations of layers."""

from collections.abc import Iterable, Iterator
from itertools import islice

import cv2
import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import HiResCAM
from pytorch_grad_cam.utils.image import scale_cam_image, show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from celestial.drawing.cards import tile
from celestial.inference.predictor import Prediction, Predictor
from celestial.models.networks import Classifier
from celestial.pictures.preprocessing import as_picture

HEAT_SIDE = 256  # pixels, side of a picture with its heat map
AT_ONCE = 8  # pictures; gradients take much more memory than predictions
LAYERS = 5  # layers of a backbone whose channels are shown, at most
SEEN = 3  # rows and columns in which a layer's channels are shown


class _AgreeingCAM(HiResCAM):
    """HiResCAM, multiplied over the layers of each backbone, and averaged over the backbones.

    The map's mean is subtracted, because evidence that is the same everywhere has no place.
    """

    def __init__(self, model: Classifier, side: int):
        layers = model.cam_layers(side)
        self.counts = [len(own) for own in layers]
        super().__init__(model, [layer for own in layers for layer in own], model.as_map)

    def aggregate_multi_layers(self, cam_per_target_layer: list[np.ndarray]) -> np.ndarray:
        """Take a list of (N, 1, size, size), 0..1, backbone after backbone -> (N, size, size)."""
        layers = np.concatenate(cam_per_target_layer, axis=1)
        parts = np.split(layers, np.cumsum(self.counts)[:-1], axis=1)
        products = np.stack([part.prod(axis=1) for part in parts], axis=1)
        heats = scale_cam_image(products).mean(axis=1)
        return scale_cam_image(np.maximum(heats - heats.mean(axis=(1, 2), keepdims=True), 0))


def grad_cam(predictor: Predictor, squares: torch.Tensor, classes: list[int]) -> np.ndarray:
    """Return how much each place speaks for a class.

    The last layer tells the class well but the place coarsely (4 x 4 places in 112 pixels); earlier
    layers do the opposite. So the maps of the last three layers are multiplied, as Guided Grad-CAM
    multiplies a coarse map by a fine one (Selvaraju et al., "Grad-CAM: Visual Explanations from
    Deep Networks", 2017). Each map is HiResCAM's, an element-wise product of activations and
    gradients (Draelos and Carin, "Use HiResCAM instead of Grad-CAM", 2020).

    For drawn planets that are off-centre and rightly named, 89 % of the map's sum lies on the
    planet with the weights that ship, 75 % and more with hardly trained networks, and about half
    with plain Grad-CAM (benchmarks/where_it_looks.py).

    Args:
        predictor: its network is explained, in float32, because gradients are small.
        squares: uint8 (N, 3, size, size).
        classes: index of the class in question for each picture.

    Returns:
        float32 (N, size, size), 0..1 in each picture.
    """
    maps = []
    with _AgreeingCAM(predictor.model, predictor.preprocessing.size) as cam:
        for start in range(0, len(squares), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            inputs = predictor.preprocessing.normalise(squares[part].to(predictor.device))
            maps.append(cam(inputs, targets=[ClassifierOutputTarget(index)
                                             for index in classes[part]]))
    return np.concatenate(maps)


def explained(predictor: Predictor, predictions: Iterable[Prediction]
              ) -> Iterator[tuple[Prediction, np.ndarray | None]]:
    """Yield each prediction with the Grad-CAM of its best class, laid over its picture.

    The overlay is uint8 (HEAT_SIDE, HEAT_SIDE, 3); None where the file could not be read.
    """
    predictions = iter(predictions)
    while part := list(islice(predictions, AT_ONCE)):
        good = [prediction for prediction in part if prediction.square is not None]
        heats = iter(grad_cam(
            predictor, torch.from_numpy(np.stack([one.square for one in good])),
            [int(one.probabilities.argmax()) for one in good]) if good else ())
        for prediction in part:
            yield prediction, (None if prediction.square is None else
                               overlay(framed(predictor, prediction), next(heats)))


def framed(predictor: Predictor, prediction: Prediction) -> np.ndarray:
    """Return a picture framed as the network's input is, for showing: uint8 (side, side, 3).

    Where the input holds the whole picture, this is the decoded picture, which is sharper. Where
    the input is cropped, it is the input.
    """
    if predictor.preprocessing.fit == "crop":
        return as_picture(prediction.square)
    return np.asarray(tile(prediction.picture, max(prediction.picture.shape[:2])))


def activation_maps(predictor: Predictor, square: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return the activations of a few layers of each backbone, from the first to the last.

    Of each layer the channels that differ most from place to place are shown, each from its
    least (dark) to its greatest value (bright).

    Args:
        predictor: its network is explained.
        square: uint8 (3, size, size).

    Returns:
        (the layer in words, uint8 (HEAT_SIDE, HEAT_SIDE, 3)) for each layer.
    """
    kept, hooks = [], []
    model = predictor.model
    layers = model.map_layers(predictor.preprocessing.size)
    for names, (member, network) in zip(layers, model.backbones.items(), strict=True):
        chosen = np.linspace(0, len(names) - 1, min(LAYERS, len(names))).round().astype(int)
        for number, name in enumerate((names[index] for index in chosen), start=1):
            told = f"{member} {number}" if len(layers) > 1 else f"layer {number}"
            hooks.append(network.get_submodule(name).register_forward_hook(
                lambda layer, inputs, output, told=told: kept.append(
                    (told, model.as_map(output)[0].cpu().numpy().copy()))))
    try:
        with torch.inference_mode():
            model(predictor.preprocessing.normalise(
                torch.from_numpy(square)[None].to(predictor.device)))
    finally:
        for hook in hooks:
            hook.remove()
    return [(f"{told}, {output.shape[1]} x {output.shape[2]}", _channels(output))
            for told, output in kept]


def _channels(values: np.ndarray) -> np.ndarray:
    """Draw the channels that differ most from place to place.

    float (C, height, width) -> uint8 (HEAT_SIDE, HEAT_SIDE, 3).
    """
    chosen = np.argsort(-values.std(axis=(1, 2)), kind="stable")[:SEEN ** 2]
    side, gap = HEAT_SIDE // SEEN - 1, 2
    sheet = np.full((HEAT_SIDE, HEAT_SIDE, 3), 255, np.uint8)
    for place, channel in enumerate(values[chosen]):
        low, high = float(channel.min()), float(channel.max())
        grey = np.uint8(255 * (channel - low) / (high - low or 1))
        y, x = (index * (side + gap) for index in divmod(place, SEEN))
        large = cv2.resize(grey, (side, side), interpolation=cv2.INTER_NEAREST)
        sheet[y:y + side, x:x + side] = cv2.applyColorMap(large, cv2.COLORMAP_VIRIDIS)[:, :, ::-1]
    return sheet


def overlay(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay a heat map over the picture as the network sees it, padded to a square.

    uint8 (height, width, 3) and float (size, size) -> uint8 (HEAT_SIDE, HEAT_SIDE, 3).
    """
    square = np.asarray(tile(picture, HEAT_SIDE), dtype=np.float32) / 255
    enlarged = cv2.resize(heat, (HEAT_SIDE, HEAT_SIDE), interpolation=cv2.INTER_CUBIC)
    return show_cam_on_image(square, np.clip(enlarged, 0, 1), use_rgb=True)


def heat_alone(heat: np.ndarray) -> np.ndarray:
    """Return a heat map as grey values: float (size, size) -> uint8 (HEAT_SIDE, HEAT_SIDE, 3)."""
    grey = Image.fromarray(np.uint8(np.clip(heat, 0, 1) * 255))
    return np.asarray(grey.resize((HEAT_SIDE, HEAT_SIDE), Image.Resampling.BICUBIC).convert("RGB"))

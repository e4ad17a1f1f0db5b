"""Grad-CAM: which place in the picture speaks for a class."""

import cv2
import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from celestial.cards import tile
from celestial.inference import Predictor

SHOWN = 256  # pixels, side of a picture with its heat map
AT_ONCE = 8  # pictures; gradients take much more memory than predictions


def grad_cam(predictor: Predictor, squares: torch.Tensor, classes: list[int]) -> np.ndarray:
    """Return how much each place speaks for a class.

    Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks", 2017; of the ensemble
    the mean over its backbones.

    Args:
        predictor: its network is looked into; float32, because gradients are small.
        squares: uint8 (N, 3, size, size).
        classes: index of the class in question for each picture.

    Returns:
        float32 (N, size, size), 0..1 in each picture.
    """
    maps = []
    with GradCAM(predictor.model, predictor.model.cam_layers()) as cam:
        for start in range(0, len(squares), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            inputs = predictor.preprocessing.normalise(squares[part].to(predictor.device))
            maps.append(cam(inputs, targets=[ClassifierOutputTarget(index)
                                             for index in classes[part]]))
    return np.concatenate(maps)


def overlay(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay a heat map over the picture as the network sees it, padded to a square.

    uint8 (height, width, 3) and float (size, size) -> uint8 (SHOWN, SHOWN, 3).
    """
    square = np.asarray(tile(picture, SHOWN), dtype=np.float32) / 255
    enlarged = cv2.resize(heat, (SHOWN, SHOWN), interpolation=cv2.INTER_CUBIC)
    return show_cam_on_image(square, np.clip(enlarged, 0, 1), use_rgb=True)


def heat_alone(heat: np.ndarray) -> np.ndarray:
    """Return a heat map as grey values: float (size, size) -> uint8 (SHOWN, SHOWN, 3)."""
    grey = Image.fromarray(np.uint8(np.clip(heat, 0, 1) * 255))
    return np.asarray(grey.resize((SHOWN, SHOWN), Image.Resampling.BICUBIC).convert("RGB"))

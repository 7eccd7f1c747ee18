"""What the encoder is compared with: a colour histogram, an untrained ResNet34, and the ImageNet teachers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from Model.training.cache import letterbox
from Model.training.resnet import build_encoder
from Model.training.stage import normalise
from Model.training.teachers import load_teacher

Vectors = npt.NDArray[np.float32]

SIZE = 224


def unit_rows(vectors: npt.NDArray[np.floating]) -> Vectors:
    """Scale every row to unit length; a zero row stays zero."""
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def colour_histogram(images: Sequence[Image.Image]) -> Vectors:
    """Return the root of an 8 x 4 x 4 histogram of hue, saturation and value. Shape: (n, 128), unit length."""
    rows = []
    for image in images:
        pixels = np.asarray(image.convert("HSV").resize((96, 96))).reshape(-1, 3)
        bins = (pixels[:, 0] >> 5).astype(np.int64) * 16 + (pixels[:, 1] >> 6) * 4 + (pixels[:, 2] >> 6)
        rows.append(np.sqrt(np.bincount(bins, minlength=128)))
    return unit_rows(np.array(rows))


def _batch(images: Sequence[Image.Image]) -> torch.Tensor:
    pixels = np.stack([letterbox(image, SIZE) for image in images])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)


class UntrainedResNet34:
    """ResNet34 with random weights: what the shape of the network alone is worth."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self._trunk = build_encoder().trunk.eval()
        for module in self._trunk.modules():
            # Zero-initialised residual branches would leave only the first convolution.
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.ones_(module.weight)

    @torch.no_grad()
    def __call__(self, images: Sequence[Image.Image]) -> Vectors:
        """Return pooled features. Shape: (n, 512)."""
        with torch.autocast("cpu", torch.bfloat16):
            features: Vectors = self._trunk(normalise(_batch(images), "resnet34")).float().numpy()
        return features


class ImageNetTeacher:
    """A MobileNetV2 teacher as it came, without any tuning."""

    def __init__(self, path: Path) -> None:
        self._trunk = load_teacher(path).eval()

    @torch.no_grad()
    def __call__(self, images: Sequence[Image.Image]) -> Vectors:
        """Return pooled features. Shape: (n, 1280)."""
        with torch.autocast("cpu", torch.bfloat16):
            features: Vectors = self._trunk(normalise(_batch(images), "teacher")).float().numpy()
        return features

"""What the encoder is compared with that needs torch: an untrained ResNet34, and the ImageNet teachers as they came."""

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

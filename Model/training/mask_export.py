"""From a checkpoint to the served folder: ONNX, int8 where the masks stay as good, and the card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationMethod

from Model.training.export import export_onnx, quantise
from Model.training.mask_data import Pixels
from Model.training.mask_net import GarmentMaskNet, ServedMask, read_checkpoint

SIDE = 320
INPUT_NAME = "image"
OPERATORS = ("Conv", "MaxPool", "Concat", "Resize", "Add", "Relu")
"""What int8 rounds."""
EDGES = "net.edges"
"""Its variances are differences of nearly equal numbers."""
MEAN = np.array((0.485, 0.456, 0.406), np.float32)
STD = np.array((0.229, 0.224, 0.225), np.float32)


def as_input(pictures: Pixels) -> npt.NDArray[np.float32]:
    """Return pictures (n, 320, 320, 3) as rembg would feed them. Shape: (n, 3, 320, 320)."""
    peak = pictures.reshape(len(pictures), -1).max(axis=1).clip(1).astype(np.float32)
    scaled = (pictures.astype(np.float32) / peak[:, None, None, None] - MEAN) / STD
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def averaged_net(checkpoint: Path) -> GarmentMaskNet:
    """Return the network with the averaged weights of a checkpoint, ready to predict."""
    net = GarmentMaskNet()
    net.load_state_dict(read_checkpoint(checkpoint)["average"])
    return net.eval()


def export_fp32(net: GarmentMaskNet, file: Path, side: int = SIDE) -> Path:
    """Write the served network as one fp32 ONNX file with a dynamic batch axis; return its path."""
    return export_onnx(ServedMask(net), torch.randn(2, 3, side, side), file, INPUT_NAME, "mask")


def export_int8(fp32: Path, file: Path, pictures: Pixels, keep_fp32: Sequence[str] = ()) -> Path:
    """Quantise to U8S8 QDQ per channel, calibrated on real pictures; return the path. The guided filter stays fp32.

    Args:
        fp32: what export_fp32 wrote.
        pictures: (n, 320, 320, 3), a few dozen.
        keep_fp32: names of modules whose nodes stay fp32.
    """
    return quantise(fp32, file, as_input(pictures), CalibrationMethod.MinMax, OPERATORS, (EDGES, *keep_fp32))


def run_session(session: onnxruntime.InferenceSession, pictures: Pixels) -> npt.NDArray[np.float32]:
    """Return probabilities (n, 320, 320) of pictures (n, 320, 320, 3)."""
    return np.asarray(session.run(None, {INPUT_NAME: as_input(pictures)})[0][:, 0], dtype=np.float32)

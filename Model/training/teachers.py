"""ImageNet teachers: int8 TFLite MobileNetV2 files turned back into float torch networks that can be tuned.

A TFLite file holds every convolution as integers with scales and a folded batch normalisation. MobileNetV2's shape is
fixed, so the constants in the order of the operators are enough to rebuild it. The teachers are read from the data
folder, used in training only, and never shipped.

Source: Sandler et al. 2018, https://arxiv.org/abs/1801.04381
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.torch_compat import channels_last

WIDTH = 1280
# Stride of each inverted residual block; the first has no expansion.
STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)


class _Conv(nn.Module):
    """A convolution with TensorFlow's "same" padding, and optionally ReLU6.

    Where it is `centred`, it is padded alike on both sides, as in a ResNet.
    """

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32], *, stride: int, groups: int, relu: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(weight))
        self.bias = nn.Parameter(torch.from_numpy(bias))
        self.stride, self.groups, self.relu = stride, groups, relu
        self.centred = False

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[-1]
        aside = kernel == 3 and self.stride == 2 and not self.centred
        if aside:
            x = F.pad(x, (0, 1, 0, 1))
        padding = 1 if kernel == 3 and not aside else 0
        y = F.conv2d(x, self.weight, self.bias, stride=self.stride, padding=padding, groups=self.groups)
        return F.relu6(y) if self.relu else y


class MobileNetV2(nn.Module):
    """MobileNetV2 up to its pooled 1280 features, from its 52 convolutions in order.

    Args:
        convolutions: (weight (out, in, k, k), bias (out,)) of each, float32.
    """

    def __init__(self, convolutions: list[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> None:
        super().__init__()
        queue = iter(convolutions)

        def take(stride: int, relu: bool) -> _Conv:
            weight, bias = next(queue)
            groups = weight.shape[0] if weight.shape[1] == 1 else 1
            return _Conv(weight, bias, stride=stride, groups=groups, relu=relu)

        self.stem = take(2, True)
        self.blocks = nn.ModuleList()
        for index, stride in enumerate(STRIDES):
            expand = [] if index == 0 else [take(1, True)]
            self.blocks.append(nn.Sequential(*expand, take(stride, True), take(1, False)))
        self.last = take(1, True)

    def forward(self, images: Tensor) -> Tensor:
        """Return pooled features of pictures normalised to [-1, 1]. Shape: (n, 3, h, w) -> (n, 1280)."""
        return self.with_maps(images, ())[0]

    def centre(self) -> None:
        """Look, at every stride, at the places that a ResNet looks at, so that maps of both show the same ones.

        TensorFlow pads pictures of even sides on the right and below alone, so that every convolution of stride 2 looks
        one place further to the right and below. Nearly the same features come out of the picture moved by so much.
        """
        for module in self.modules():
            if isinstance(module, _Conv):
                module.centred = True

    def with_maps(self, images: Tensor, blocks: tuple[int, ...]) -> tuple[Tensor, list[Tensor]]:
        """Return the pooled features, and what came out of the blocks of these numbers."""
        last, maps = self.places(images, blocks)
        return last.mean(dim=(2, 3)), maps

    def places(self, images: Tensor, blocks: tuple[int, ...]) -> tuple[Tensor, list[Tensor]]:
        """Return the features of each place, before they are pooled, and what came out of the blocks of these numbers.

        Shape: (n, 3, h, w) to (n, 1280, h / 32, w / 32), [(n, c, h / stride, w / stride), ...].
        """
        x = self.stem(images)
        maps = []
        for at, (stride, block) in enumerate(zip(STRIDES, self.blocks, strict=True)):
            y = block(x)
            x = x + y if stride == 1 and x.shape == y.shape else y
            if at in blocks:
                maps.append(x)
        last: Tensor = self.last(x)
        return last, maps


def _float_constant(interpreter: Any, detail: dict[str, Any]) -> NDArray[np.float32]:
    """Return a constant tensor as floats, undoing its per-tensor or per-channel quantisation."""
    values = interpreter.get_tensor(detail["index"]).astype(np.float64)
    parameters = detail["quantization_parameters"]
    scales, zeros, axis = parameters["scales"], parameters["zero_points"], parameters["quantized_dimension"]
    if len(scales) > 1:
        shape = [1] * values.ndim
        shape[axis] = -1
        scales, zeros = scales.reshape(shape), zeros.reshape(shape)
    return np.ascontiguousarray((values - zeros) * scales, dtype=np.float32)


def load_teacher(path: Path) -> MobileNetV2:
    """Return a MobileNetV2 TFLite file as a float torch network.

    Args:
        path: tf2_mobilenet_v2_1.0_224_ptq.tflite or mobilenet_v2_1.0_224_quant.tflite.
    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is not a MobileNetV2.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: give the folder of the ImageNet teachers.")
    from ai_edge_litert.interpreter import Interpreter  # a heavy import that only training with a teacher needs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    convolutions = []
    for operator in interpreter._get_ops_details():
        if operator["op_name"] not in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            continue
        _, weight_at, bias_at = operator["inputs"]
        weight = _float_constant(interpreter, details[weight_at])
        order = (0, 3, 1, 2) if operator["op_name"] == "CONV_2D" else (3, 0, 1, 2)
        bias = _float_constant(interpreter, details[bias_at])
        convolutions.append((np.ascontiguousarray(weight.transpose(order)), bias))
    if len(convolutions) < 52 or convolutions[51][0].shape[0] != WIDTH:
        raise ValueError(f"{path.name} is not a MobileNetV2: {len(convolutions)} convolutions")
    return channels_last(MobileNetV2(convolutions[:52]))

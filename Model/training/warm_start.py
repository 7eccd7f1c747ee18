"""Back from a served int8 encoder to a checkpoint that training can go on from.

    python -m Model.training.warm_start --cache DIR --out FILE [--models DIR]

The served file has its batch normalisations folded into the convolutions, and its weights rounded. Each convolution
gets a normalisation again: its statistics are measured on training pictures, and its scale and shift undo exactly
what it does to them, so the network computes what it computed before and can be trained like any other. Only the
rounding stays, and training moves that away. The ranges of its activations become limits (limits.py). What is fitted
after training, the stretching of the features (emphasis.py) and the colours and names beside them (beside.py), is left
out of the checkpoint. Of the training's heads only the one that names categories is in the served file; a stage that
starts from this checkpoint begins with fresh ones beside it.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from Model.card import Card
from Model.errors import CheckpointInvalid, ModelError
from Model.training.beside import Beside
from Model.training.files import written_whole
from Model.training.limits import Limits
from Model.training.naming import Naming, head_of
from Model.training.palette import Palette
from Model.training.publish_encoder import CATEGORY_HEAD, calibration_inputs, two_looks
from Model.training.resnet import DIM, Encoder, build_encoder
from Model.weights import find_model

log = logging.getLogger(__name__)

BATCH = 16

Constants = dict[str, NDArray[np.float32]]
"""A served file's weights, by name."""


def served_constants(content: bytes) -> Constants:
    """Return the constants of a QDQ or fp32 ONNX file as floats, by the name their user knows them by."""
    graph = onnx.load_model_from_string(content).graph
    raw = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    constants = {name: value.astype(np.float32) for name, value in raw.items() if value.dtype == np.float32}
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in raw:
            continue
        values, scale, zero = (raw[name].astype(np.float64) for name in node.input)
        if scale.ndim:  # one scale for each output channel
            shape = (-1, *[1] * (values.ndim - 1))
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        constants[node.input[0].removesuffix("_quantized")] = ((values - zero) * scale).astype(np.float32)
    return constants


def served_limits(content: bytes) -> Limits:
    """Return the ranges of a QDQ file's activations, by the module of the trunk whose output each is; see limits.py.

    A residual block is named after its second convolution, which its addition takes in. What is not rounded has its
    range in a Clip.
    """
    graph = onnx.load_model_from_string(content).graph
    raw = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    kept_by = {node.input[0]: node for node in graph.node if node.op_type in ("QuantizeLinear", "Clip")}

    def convolution(node: onnx.NodeProto | None) -> str:
        """Return the name of the convolution that a node is, behind what rounds its output; "" for another node."""
        while node is not None and node.op_type in ("DequantizeLinear", "QuantizeLinear", "Clip"):
            node = made_by.get(node.input[0])
        if node is None or node.op_type != "Conv" or node.input[1] not in made_by:  # or one that was not rounded
            return ""
        return str(made_by[node.input[1]].input[0]).removeprefix("trunk.").removesuffix(".weight_quantized")

    limits: Limits = {}
    for node in graph.node:
        if node.op_type == "Conv":
            name = convolution(node).replace("downsample.0", "downsample").replace("conv", "bn")
        elif node.op_type == "Add":
            branches = [convolution(made_by.get(name)) for name in node.input]
            name = next((branch.removesuffix(".conv2") for branch in branches if branch.endswith(".conv2")), "")
        else:
            continue
        keeper = kept_by.get(node.output[0])
        if not name or keeper is None:
            continue
        first, second = (raw[each].astype(np.float64) for each in keeper.input[1:3])
        if keeper.op_type == "Clip":  # of what is not rounded; see exact_sums.py
            limits[name] = (float(first), float(second))
        else:
            limits[name] = (float((0 - second) * first), float((255 - second) * first))
    return limits


def _pairs(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d | None]]:
    """Yield each convolution's name, itself and the normalisation behind it, in the order of their declaration.

    The partner of `conv1` is `bn1`, as torchvision calls them; that of the first module of a Sequential, the second.
    """
    layers = dict(network.named_modules())
    for name, module in layers.items():
        if isinstance(module, nn.Conv2d):
            stem, _, last = name.rpartition(".")
            partner = "1" if last == "0" else last.replace("conv", "bn")
            norm = layers.get(f"{stem}.{partner}" if stem else partner)
            yield name, module, norm if isinstance(norm, nn.BatchNorm2d) else None


@torch.no_grad()
def unfold_into(
    network: nn.Module, constants: dict[str, NDArray[np.float32]], inputs: Tensor, prefix: str = ""
) -> None:
    """Give a network the convolutions of its served file, with batch normalisations again where it has them.

    Each convolution is scaled to the size of fresh weights, so that a learning rate means what it means elsewhere.

    Args:
        network: of the served file's architecture; anything but convolutions and their normalisations is left alone.
        constants: of the file; see `served_constants`.
        inputs: normalised training pictures that the statistics are taken from. Shape: (n, 3, h, w).
        prefix: of the network's modules in the file.
    Raises:
        CheckpointInvalid: a convolution is missing or has another shape.
    """
    network.eval()
    pairs = []
    sums: dict[str, list[Tensor]] = {}
    handles = []
    for name, convolution, norm in _pairs(network):
        bias = "weight_bias" if norm is not None else "bias"
        try:
            convolution.weight.copy_(torch.from_numpy(constants[f"{prefix}{name}.weight"]))
            folded = torch.from_numpy(constants[f"{prefix}{name}.{bias}"])
        except (KeyError, RuntimeError) as error:
            raise CheckpointInvalid(f"The served file has no convolution {name} of this network.") from error
        if norm is None:
            assert convolution.bias is not None
            convolution.bias.copy_(folded)
            continue
        norm.running_mean.zero_()  # type: ignore[union-attr]
        norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
        norm.weight.fill_(1)
        norm.bias.copy_(folded)
        pairs.append((name, convolution, norm))

        def keep(_: nn.Module, __: tuple[Tensor, ...], out: Tensor, name: str = name) -> None:
            moments = torch.stack([out.mean(dim=(0, 2, 3)), out.square().mean(dim=(0, 2, 3))])
            sums.setdefault(name, []).append(moments * len(out))

        handles.append(convolution.register_forward_hook(keep))
    for batch in inputs.split(BATCH):
        network(batch.contiguous(memory_format=torch.channels_last))
    for handle in handles:
        handle.remove()
    for name, convolution, norm in pairs:
        mean, square = torch.stack(sums[name]).sum(dim=0) / len(inputs)
        variance = (square - mean.square()).clamp(min=1e-6)
        fan_out = convolution.out_channels * math.prod(convolution.kernel_size)
        size = math.sqrt(2 / fan_out) / float(convolution.weight.square().mean().sqrt())
        convolution.weight.mul_(size)
        norm.running_mean.copy_(mean * size)  # type: ignore[union-attr]
        norm.running_var.copy_(variance * size**2)  # type: ignore[union-attr]
        scale = (variance * size**2 + norm.eps).sqrt() / size
        norm.weight.copy_(scale)
        norm.bias.add_(mean)


@torch.no_grad()
def unfold(constants: Constants, inputs: Tensor) -> Encoder:
    """Return the encoder that computes what the folded constants compute, with batch normalisations again.

    Args:
        constants: of a served encoder; see `served_constants`.
        inputs: normalised training pictures that the statistics are taken from. Shape: (n, 3, h, w).
    Raises:
        CheckpointInvalid: a convolution is missing or has another shape.
    """
    network = build_encoder()
    unfold_into(network, constants, inputs)
    for key in ("weight", "bias", "running_mean", "running_var"):
        getattr(network.neck, key).copy_(torch.from_numpy(constants[f"neck.{key}"]))
    if "emphasis.weight" in constants:
        network.emphasis = nn.Linear(DIM, len(constants["emphasis.weight"]), bias=False)
        network.emphasis.weight.copy_(torch.from_numpy(constants["emphasis.weight"]))
    if "beside.palette.weight" in constants:
        network.beside = _beside(constants)
    return network


def _beside(constants: Constants) -> Beside:
    bins, colours = (len(constants[f"beside.palette.{name}.bias"]) for name in ("assign", "project"))
    categories, names = (len(constants[f"beside.naming.{name}.bias"]) for name in ("category", "colour"))
    beside = Beside(Palette(bins, colours), Naming(categories, names, bins))
    for key, value in beside.state_dict().items():
        value.copy_(torch.from_numpy(constants[f"beside.{key}"]))
    return beside.eval()


def main() -> None:
    """Write a checkpoint from the shipped encoder, or from another model folder's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder of the training pictures' cache")
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint")
    parser.add_argument("--models", type=Path, default=None, help="folder with the encoder, before the shipped one")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        write_checkpoint(find_model("resnet34", arguments.models), arguments.cache, arguments.out)
    except (ModelError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")


def write_checkpoint(folder: Path, cache: Path, out: Path) -> Path:
    """Write a checkpoint with the served encoder of a model folder, to start a stage from.

    Raises:
        CheckpointInvalid: the folder's model is no ResNet34.
    """
    card = Card.load(folder)
    inputs = torch.from_numpy(calibration_inputs(cache, card))
    if card.background == "alpha":
        inputs, _ = two_looks()(inputs)
    content = card.read_model(folder)
    network = unfold(served_constants(content), inputs)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = network.beside
    heads = head_of(beside.naming).state_dict(prefix=f"{CATEGORY_HEAD}.") if isinstance(beside, Beside) else {}
    network.emphasis, network.beside = nn.Identity(), None
    limits = served_limits(content) or None
    saved = {"average": network.state_dict(), "average_heads": heads, "limits": limits, "stage": {"arch": "resnet34"}}
    with written_whole(out) as part:
        torch.save(saved, part)
    log.info("wrote %s from %s", out, card.file)
    return out


if __name__ == "__main__":
    main()

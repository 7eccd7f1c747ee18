"""Keep what a quantised ResNet adds up as floats.

A QDQ file rounds the output of every residual block to 8 bits, and the next block adds to the rounded one: sixteen
roundings, one after the other, of the very values that become the features. Here only what goes into a convolution is
rounded; the shortcut takes the sum as it is. Nor are the results of the three convolutions on shortcuts rounded, whose
weights stay int8. An addition of floats costs what one of rounded values costs, and those convolutions are 1 x 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from Model.training.export import INTEGERS

ROUNDED = tuple(operator for operator in INTEGERS if operator != "Add")
"""What `quantise` is to round of a network that comes here next."""
SHORTCUT = ".downsample."
"""In the name of a convolution on a shortcut, as torchvision calls it."""


def keep_sums_exact(file: Path) -> Path:
    """Rewrite a QDQ file whose additions were not quantised; return its path.

    Args:
        file: written by `quantise`, with `ROUNDED` for its operators.
    """
    model = onnx.load(file)
    graph = model.graph
    made_by = {node.output[0]: node for node in graph.node}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    raw = {one.name: numpy_helper.to_array(one) for one in graph.initializer}

    def source(name: str) -> str:
        """Return the tensor that a pair of Quantize and Dequantize nodes was given; "" for any other tensor."""
        node = made_by.get(name)
        before = made_by.get(node.input[0]) if node is not None and node.op_type == "DequantizeLinear" else None
        return before.input[0] if before is not None and before.op_type == "QuantizeLinear" else ""

    for addition in [node for node in graph.node if node.op_type == "Add"]:
        for at, name in enumerate(addition.input):
            exact = source(name)
            maker = made_by.get(exact)
            if maker is None:
                continue
            if maker.op_type in ("Clip", "Relu"):  # an earlier sum
                addition.input[at] = exact
            elif maker.op_type == "Conv" and SHORTCUT in maker.name:
                rounding = next(node for node in users[exact] if node.op_type == "QuantizeLinear")
                scale, zero = (raw[each].astype(np.float64) for each in rounding.input[1:3])
                addition.input[at] = _clipped(graph, maker, float((0 - zero) * scale), float((255 - zero) * scale))
    _drop_unused(graph)
    onnx.save(model, file)
    return file


def _clipped(graph: onnx.GraphProto, maker: onnx.NodeProto, low: float, high: float) -> str:
    """Put a Clip behind a node, where the range of 8 bits was the limit; return its output."""
    name = f"{maker.output[0]}_exact"
    for end, value in (("min", low), ("max", high)):
        graph.initializer.append(numpy_helper.from_array(np.array(value, dtype=np.float32), f"{name}_{end}"))
    node = helper.make_node("Clip", [maker.output[0], f"{name}_min", f"{name}_max"], [name], f"{maker.name}_clip")
    graph.node.insert(list(graph.node).index(maker) + 1, node)
    return name


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Leave out nodes and constants whose outputs nobody reads."""
    while True:
        read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        idle = [node for node in graph.node if not any(name in read for name in node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    kept = [one for one in graph.initializer if one.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)

"""Small real models and pictures that Model's tests are run on."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from Model.card import Card, sha256_hex

MakeModel = Callable[..., Path]


def _linear_network(weight: np.ndarray, shape: list[int | str], pooled: bool) -> bytes:
    """Return y = x @ weight, after averaging over height and width where pooled."""
    nodes = [helper.make_node("MatMul", ["flat", "weight"], ["output"])]
    if pooled:
        nodes = [
            helper.make_node("GlobalAveragePool", ["input"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["flat"]),
            *nodes,
        ]
    name = "input" if pooled else "flat"
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", weight.shape[1]])],
        [numpy_helper.from_array(weight.astype(np.float32), "weight")],
    )
    return _bytes(graph)


def _bytes(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _write(folder: Path, data: bytes, **fields: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(data)
    Card(format=1, name=folder.name, sha256=sha256_hex(data), **fields).save(folder)
    return folder


@pytest.fixture
def make_encoder(tmp_path: Path) -> MakeModel:
    """Return a function that writes an encoder: the mean colour of the input, times a fixed matrix."""

    def make(name: str = "tiny", dim: int = 8, seed: int = 0, **fields: Any) -> Path:
        weight = np.random.default_rng(seed).normal(size=(3, dim))
        data = _linear_network(weight, ["n", 3, "h", "w"], pooled=True)
        card_dim = fields.pop("card_dim", dim)
        defaults = {"kind": "encoder", "dim": card_dim, "input_name": "input", "input_size": (32, 32)}
        return _write(tmp_path / "models" / name, data, **{**defaults, **fields})

    return make


@pytest.fixture
def make_classifier(tmp_path: Path) -> MakeModel:
    """Return a function that writes a classifier: logits = embedding @ weight."""

    def make(weight: np.ndarray, labels: tuple[str, ...], folder: Path | None = None, **fields: Any) -> Path:
        data = _linear_network(weight, ["n", weight.shape[0]], pooled=False)
        defaults = {"kind": "classifier", "dim": weight.shape[0], "input_name": "flat", "labels": labels}
        return _write(folder or tmp_path / "models" / "classifier", data, **{**defaults, **fields})

    return make


@pytest.fixture
def make_segmenter(tmp_path: Path) -> MakeModel:
    """Return a function that writes a 320 px segmenter: the input's red channel, scaled and shifted."""

    def make(scale: float, shift: float, name: str = "garment-mask", **fields: Any) -> Path:
        kernel = np.zeros((1, 3, 1, 1), dtype=np.float32)
        kernel[0, 0] = scale
        graph = helper.make_graph(
            [helper.make_node("Conv", ["image", "kernel", "bias"], ["mask"])],
            "tiny-mask",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 320, 320])],
            [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 320, 320])],
            [
                numpy_helper.from_array(kernel, "kernel"),
                numpy_helper.from_array(np.array([shift], dtype=np.float32), "bias"),
            ],
        )
        defaults = {"kind": "segmenter", "input_name": "image", "input_size": (320, 320), "min_coverage": 0.02}
        return _write(tmp_path / "models" / name, _bytes(graph), **{**defaults, **fields})

    return make


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Return a function that writes a picture as a file's bytes."""

    def to_bytes(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return to_bytes


@pytest.fixture
def scene() -> Image.Image:
    """Return a 120 x 80 picture whose four corners differ, so that every turn of it shows."""
    pixels = np.zeros((80, 120, 3), dtype=np.uint8)
    pixels[:40, :60] = (220, 30, 30)
    pixels[:40, 60:] = (30, 200, 30)
    pixels[40:, :60] = (30, 30, 220)
    pixels[40:, 60:] = (240, 220, 40)
    return Image.fromarray(pixels)

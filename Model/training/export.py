"""From torch to the files that are served: ONNX, checked against torch, then int8.

U8S8 QDQ, per channel, calibrated on real pictures: a third of fp32's time and a quarter of its size on processors with
VNNI. The int8 file is what embeds catalogue and query alike, so its own vectors go into the card's probe.
"""

from __future__ import annotations

import ast
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from Model.errors import TrainingError

log = logging.getLogger(__name__)

Array = npt.NDArray[np.float32]

SCOPES = "pkg.torch.onnx.name_scopes"
"""Key under which torch's exporter tells of each node the modules that it is in, outermost first."""

INTEGERS = ("Conv", "MaxPool", "Add", "Relu", "Clip")
"""What int8 rounds of a ResNet."""

OPSET_BATCH = 256
"""Largest batch the exported files take."""


def export_onnx(network: nn.Module, example: torch.Tensor, file: Path, input_name: str, output_name: str) -> Path:
    """Write a network in eval mode as one fp32 ONNX file with a dynamic batch axis, and return its path.

    Args:
        example: an input of at least two rows. Shape: (n, ...).
    """
    for name in ("onnxscript", "onnx_ir"):  # they tell of every node that they leave out
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # torch's exporter warns of its own future; with warnings as errors it would fail half-way.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (example,),
            str(file),
            input_names=[input_name],
            output_names=[output_name],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=OPSET_BATCH)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _tidy(file)
    return file


def _tidy(file: Path) -> None:
    """Call every node after its module, and leave out in which source file it is: folders are nobody's business."""
    model = onnx.load(file)
    graph = model.graph
    for node in graph.node:
        scopes = next((each.value for each in node.metadata_props if each.key == SCOPES), "[]")
        module = max(ast.literal_eval(scopes)[:-1], key=len, default="")  # the last one is the operation's own name
        node.name = f"{module}/{node.name}"
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, file)


def open_session(file: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Return a CPU session of an ONNX file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def run_onnx(session: onnxruntime.InferenceSession, inputs: Array) -> Array:
    """Return the first output for a batch. Shape: (n, ...) -> (n, ...)."""
    result: Array = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    return result


def largest_difference(network: nn.Module, file: Path, inputs: Array) -> float:
    """Return the largest absolute difference between torch and ONNX Runtime in fp32 on the inputs."""
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(inputs)).numpy()
    return float(np.abs(expected - run_onnx(open_session(file), inputs)).max())


def check_same(network: nn.Module, file: Path, inputs: Array, tolerance: float = 1e-4) -> float:
    """Return the largest difference between torch and ONNX.

    Raises:
        TrainingError: it is above the tolerance.
    """
    difference = largest_difference(network, file, inputs)
    if not difference <= tolerance:
        raise TrainingError(f"{file.name} differs from torch by {difference:.1e}, more than {tolerance:.0e}.")
    return difference


class Calibration(CalibrationDataReader):
    """Feeds normalised pictures to the quantiser, one at a time."""

    def __init__(self, inputs: Array, input_name: str) -> None:
        self._rest: Iterator[Array] = iter(inputs)
        self._input_name = input_name

    def get_next(self) -> dict[str, Array] | None:
        """Return the next input, or None after the last."""
        picture = next(self._rest, None)
        return None if picture is None else {self._input_name: picture[None]}


def quantise(
    fp32: Path,
    file: Path,
    inputs: Array,
    method: CalibrationMethod = CalibrationMethod.Percentile,
    operators: Sequence[str] = INTEGERS,
    keep_fp32: Sequence[str] = (),
) -> Path:
    """Write an fp32 ONNX file as int8 (U8S8, QDQ, per channel), and return the path.

    Args:
        inputs: normalised real pictures, a few dozen to a few hundred. Shape: (n, 3, h, w).
        method: how activation ranges are taken from the pictures; percentile leaves out the highest 0.001 %, which
            keeps more of the encoder's neighbours than the largest values do.
        operators: what is rounded. The neck and the unit length stay fp32: they cost nothing and round badly.
        keep_fp32: names of modules whose nodes stay fp32.
    """
    kept = tuple(end for name in keep_fp32 for end in (f"{name}/", f"{name}."))
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(fp32), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        quantize_static(
            str(prepared),
            str(file),
            Calibration(inputs, graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
            op_types_to_quantize=list(operators),
            nodes_to_exclude=[node.name for node in graph.node if node.name.startswith(kept)],
        )
    return file

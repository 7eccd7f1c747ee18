"""Residual sums that are not rounded: nearer to fp32, with the same limits, and with int8 weights still."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from Model.training.exact_sums import ROUNDED, keep_sums_exact  # noqa: E402
from Model.training.export import export_onnx, open_session, quantise, run_onnx  # noqa: E402
from Model.training.limits import bound, measure  # noqa: E402
from Model.training.resnet import Encoder  # noqa: E402
from Model.training.warm_start import served_limits  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("share", [None, 0.97])
def test_the_sums_are_floats_and_the_file_is_nearer_to_fp32(
    share: float | None, network: Encoder, tmp_path: Path
) -> None:
    pictures = torch.randn(8, 3, 64, 64)
    limits = None
    if share is not None:
        limits = measure(network, pictures, share)
        bound(network, limits)
    fp32 = export_onnx(network, pictures[:2], tmp_path / "fp32.onnx", "image", "embedding")
    rounded = quantise(fp32, tmp_path / "rounded.onnx", pictures.numpy())
    exact = quantise(fp32, tmp_path / "exact.onnx", pictures.numpy(), operators=ROUNDED)
    keep_sums_exact(exact)

    wanted, *found = (run_onnx(open_session(file), pictures.numpy()) for file in (fp32, rounded, exact))
    before, after = (float(np.square(each - wanted).sum(axis=1).mean()) for each in found)
    assert after < 0.9 * before

    graph = onnx.load(exact).graph
    made_by = {node.output[0]: node for node in graph.node}
    makers = [[made_by[name].op_type for name in node.input] for node in graph.node if node.op_type == "Add"]
    assert len(makers) == 8
    # A block's second convolution is rounded; the first block's shortcut is the rounded stem.
    assert [sorted(each).count("DequantizeLinear") for each in makers] == [2, *[1] * 7]
    weights = {one.name: one.data_type for one in graph.initializer if ".weight" in one.name}
    floats = [name for name, kind in weights.items() if kind == onnx.TensorProto.FLOAT and "scale" not in name]
    assert not [name for name in floats if "trunk" in name]
    assert exact.stat().st_size < 1.02 * rounded.stat().st_size

    if limits is not None:
        read = served_limits(exact.read_bytes())
        assert set(read) == set(limits)
        for name, (low, high) in limits.items():
            assert read[name][1] <= high * 1.02 + 1e-3 and read[name][0] >= low * 1.02 - 1e-3, name
            if name.endswith("downsample") and low < -0.1:
                assert read[name] == pytest.approx((low, high), rel=0.02), name

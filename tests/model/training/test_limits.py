"""Limits on activations: measured as numpy measures them, kept everywhere, and read back from the int8 file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from Model.training.export import check_same, export_onnx, open_session, quantise, run_onnx  # noqa: E402
from Model.training.limits import bound, measure, points  # noqa: E402
from Model.training.resnet import Encoder  # noqa: E402
from Model.training.warm_start import served_limits  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def pictures() -> torch.Tensor:
    """Return what pictures look like to the network. Shape: (4, 3, 64, 64)."""
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(5))


def outputs(network: Encoder, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what comes out of every point."""
    seen: dict[str, torch.Tensor] = {}
    for name, module, _ in points(network.trunk):
        module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.clone()}))
    with torch.no_grad():
        network(pictures)
    return seen


def test_the_points_are_the_stem_and_three_or_four_of_each_block(network: Encoder) -> None:
    names = [name for name, _, _ in points(network.trunk)]
    assert len(names) == len(set(names)) == 1 + 8 * 3 + 3
    assert {"bn1", "layer1.0.bn1", "layer1.0.bn2", "layer1.0", "layer2.0.downsample"} <= set(names)


def test_limits_are_the_quantiles_of_what_goes_on(network: Encoder, pictures: torch.Tensor) -> None:
    limits = measure(network, pictures, 0.99, batch=3)
    for name, values in outputs(network, pictures).items():
        if values.numel() > 3 * 100_000:
            continue  # sampled
        if not name.endswith(("bn2", "downsample")):
            values = values.clamp(min=0)
        low, high = np.quantile(values.numpy(), (0.01, 0.99))
        assert limits[name] == pytest.approx((min(low, 0), high), abs=0.05)
    whole = measure(network, pictures, 1.0)
    assert whole["layer4.1.bn2"] == pytest.approx(
        (
            float(outputs(network, pictures)["layer4.1.bn2"].min()),
            float(outputs(network, pictures)["layer4.1.bn2"].max()),
        )
    )


def test_wide_limits_change_nothing_and_narrow_ones_hold_everywhere(network: Encoder, pictures: torch.Tensor) -> None:
    narrow = measure(network, pictures, 0.95)
    wide = {name: (10 * low - 10, 10 * high + 10) for name, (low, high) in narrow.items()}
    with torch.no_grad():
        before = network(pictures)
        bound(network, wide)
        assert torch.allclose(network(pictures), before, atol=1e-5)
    bound(network, narrow)
    for name, values in outputs(network, 5 * pictures).items():
        low, high = narrow[name]
        assert float(values.max()) <= high + 1e-6
        if name.endswith(("bn2", "downsample")):
            assert float(values.min()) >= low - 1e-6
    with torch.no_grad():
        assert not torch.allclose(network(pictures), before, atol=1e-3)


def test_the_int8_file_has_the_limits_for_its_ranges(network: Encoder, pictures: torch.Tensor, tmp_path: Path) -> None:
    limits = measure(network, pictures, 0.95)
    bound(network, limits)
    fp32 = export_onnx(network, pictures[:2], tmp_path / "fp32.onnx", "image", "embedding")
    check_same(network, fp32, pictures.numpy())
    int8 = quantise(fp32, tmp_path / "int8.onnx", pictures.numpy())
    left = [node for node in onnx.load(int8).graph.node if node.op_type == "Clip" and node.name != "/node_clamp_min"]
    assert not left  # they are the ranges of the convolutions now, and cost nothing
    read = served_limits(int8.read_bytes())
    assert set(read) == set(limits)
    for name, (low, high) in limits.items():
        # A block may stay below its limit, since what it adds up is bounded already.
        assert read[name][1] <= high * 1.02 + 1e-3, name
        assert read[name][0] >= low * 1.02 - 1e-3, name
        if name.endswith("bn1"):
            assert read[name][1] == pytest.approx(high, rel=0.02), name
    exact, rounded = (run_onnx(open_session(file), pictures.numpy()) for file in (fp32, int8))
    assert float((exact * rounded).sum(axis=1).min()) > 0.98

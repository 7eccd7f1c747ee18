"""A served int8 encoder becomes a network that can be trained on, and that still sees what the served one sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from Model.card import Card  # noqa: E402
from Model.errors import CheckpointInvalid  # noqa: E402
from Model.preprocess import to_batch  # noqa: E402
from Model.probe import probe_picture  # noqa: E402
from Model.training.export import open_session, run_onnx  # noqa: E402
from Model.training.limits import bound, points  # noqa: E402
from Model.training.publish_encoder import two_looks  # noqa: E402
from Model.training.warm_start import served_constants, served_limits, unfold  # noqa: E402
from Model.weights import find_model  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def served() -> tuple[Card, dict[str, npt.NDArray[np.float32]], torch.Tensor]:
    """Return the shipped encoder's card and constants, and pictures to look at."""
    folder = find_model("resnet34")
    card = Card.load(folder)
    pictures = [probe_picture(seed, card.input_size) for seed in range(20, 26)]
    for picture, seed in zip(pictures, range(30, 36), strict=True):
        picture.putalpha(probe_picture(seed, card.input_size).convert("L"))
    return card, served_constants(card.read_model(folder)), torch.from_numpy(to_batch(pictures, card))


def test_the_network_sees_what_the_served_one_saw(served) -> None:  # type: ignore[no-untyped-def]
    card, constants, pictures = served
    folder = find_model("resnet34")
    expected = run_onnx(open_session(card.model_path(folder), 1), pictures.numpy())
    network = unfold(constants, pictures[:, :3])
    bound(network, served_limits(card.read_model(folder)))
    network.looks = two_looks()
    with torch.no_grad():
        seen = network(pictures).numpy()
    assert (seen * expected).sum(axis=1).min() > 0.999  # what is left is the rounding of activations


def test_the_statistics_change_nothing_but_the_scale_of_the_weights(served) -> None:  # type: ignore[no-untyped-def]
    _, constants, pictures = served
    pictures = pictures[:, :3]
    first, second = unfold(constants, pictures[:2]), unfold(constants, pictures[2:])
    with torch.no_grad():
        assert torch.allclose(first(pictures), second(pictures), atol=1e-4)
    assert not torch.equal(first.trunk.bn1.running_mean, second.trunk.bn1.running_mean)


def test_training_mode_normalises_by_about_the_same_statistics(served) -> None:  # type: ignore[no-untyped-def]
    _, constants, pictures = served
    pictures = pictures[:, :3]
    network = unfold(constants, pictures)
    with torch.no_grad():
        steady, moving = network.eval().trunk(pictures), network.train().trunk(pictures)
    assert float(torch.nn.functional.cosine_similarity(steady, moving, dim=1).min()) > 0.999


def test_a_file_without_a_resnet_is_refused(served) -> None:  # type: ignore[no-untyped-def]
    _, constants, pictures = served
    pictures = pictures[:, :3]
    lacking = {name: value for name, value in constants.items() if "layer3.0.conv1" not in name}
    with pytest.raises(CheckpointInvalid, match=r"no convolution trunk\.layer3\.0\.conv1"):
        unfold(lacking, pictures)


def test_a_stage_starts_from_the_served_weights(drawn_data: Path, tmp_path: Path) -> None:
    from Model.training.cache import build_cache
    from Model.training.stage import Stage
    from Model.training.train_encoder import train
    from Model.training.warm_start import write_checkpoint

    torch.set_num_threads(1)
    build_cache(drawn_data, tmp_path / "cache")
    start = write_checkpoint(find_model("resnet34"), tmp_path / "cache", tmp_path / "start.pt")
    stage = Stage(name="on", size=64, steps=2, mix=(4, 2, 2), warmup=1, rate=0.0, start=str(start))
    finished = torch.load(train(stage, tmp_path / "cache", tmp_path), weights_only=False)
    first = torch.load(start, weights_only=False)["average"]
    assert torch.equal(finished["network"]["trunk.conv1.weight"], first["trunk.conv1.weight"])


def test_the_ranges_of_the_served_file_become_limits(served) -> None:  # type: ignore[no-untyped-def]
    card, constants, pictures = served
    limits = served_limits(card.read_model(find_model("resnet34")))
    network = unfold(constants, pictures[:, :3])
    assert set(limits) == {name for name, _, _ in points(network.trunk)}
    assert all(low <= 0 < high for low, high in limits.values())
    assert all(limits[name][0] == 0 for name, _, positive in points(network.trunk) if positive)

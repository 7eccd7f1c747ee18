"""The stretch along what tells categories apart: against the directions that the data were drawn with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from Model.training.cache import build_cache  # noqa: E402
from Model.training.datasets import PictureSet, make_vocabulary  # noqa: E402
from Model.training.emphasis import emphasis_matrix  # noqa: E402

pytestmark = pytest.mark.torch

Matrix = npt.NDArray[np.float32]


def drawn(count: int, seed: int) -> tuple[Matrix, list[str]]:
    """Return 16-d features of three categories that differ in the first two directions alone; the others are louder."""
    random = np.random.default_rng(seed)
    middles = np.zeros((3, 16))
    middles[0, 0], middles[1, 1], middles[2, :2] = 1.5, 1.5, -1.5
    numbers = random.integers(0, 3, count)
    noise = random.standard_normal((count, 16)) * np.array([0.5, 0.5, *[2.0] * 14])
    return (middles[numbers] + noise).astype(np.float32), [f"category {number}" for number in numbers]


def neighbours_right(features: Matrix, labels: list[str]) -> float:
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    right = 0
    for at, one in enumerate(unit):
        scores = unit @ one
        scores[at] = -2
        right += labels[int(scores.argmax())] == labels[at]
    return right / len(labels)


def test_the_directions_between_categories_are_stretched_and_no_others() -> None:
    matrix = emphasis_matrix(*drawn(3000, seed=1), strength=3.0)
    assert np.allclose(matrix, matrix.T, atol=1e-5)
    assert np.allclose(np.sort(np.linalg.eigvalsh(matrix)), [1] * 14 + [4] * 2, atol=1e-4)
    between, within = np.eye(16)[0], np.eye(16)[9]
    assert np.allclose(matrix @ between, 4 * between, atol=0.3)
    assert np.allclose(matrix @ within, within, atol=0.3)


def test_other_pictures_find_their_category_more_often() -> None:
    matrix = emphasis_matrix(*drawn(3000, seed=1), strength=3.0)
    features, labels = drawn(400, seed=2)
    assert neighbours_right(features @ matrix, labels) > neighbours_right(features, labels) + 0.1


def test_pictures_without_a_category_and_rare_categories_do_not_count() -> None:
    features, labels = drawn(300, seed=3)
    stray = np.random.default_rng(4).standard_normal((9, 16)).astype(np.float32) * 50
    more = np.concatenate([features, stray])
    plain = emphasis_matrix(features, labels)
    assert np.allclose(emphasis_matrix(more, [*labels, *[""] * 9]), plain)
    assert np.allclose(emphasis_matrix(more, [*labels, *["rare"] * 9]), plain)


def test_one_category_leaves_the_features_as_they_are() -> None:
    features, _ = drawn(50, seed=5)
    assert np.array_equal(emphasis_matrix(features, ["shirt"] * 50), np.eye(16))


def test_a_part_of_a_set_holds_the_same_pictures(drawn_data: Path, tmp_path: Path) -> None:
    build_cache(drawn_data, tmp_path)
    whole = PictureSet(tmp_path, "shop", make_vocabulary([]))
    part = whole.only(np.array([5, 2]))
    assert len(part) == 2 and part.records == [whole.records[5], whole.records[2]]
    assert torch.equal(part.pictures(np.array([0, 1]), 80), whole.pictures(np.array([5, 2]), 80))
    assert part.labels["category"].tolist() == whole.labels["category"][[5, 2]].tolist()

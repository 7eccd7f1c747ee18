"""Whitening, and the stretch along what tells categories apart: against the directions that data were drawn with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from Model.training.cache import build_cache  # noqa: E402
from Model.training.datasets import PictureSet, make_vocabulary  # noqa: E402
from Model.training.emphasis import emphasis_matrix, two_views, whitening_matrix  # noqa: E402
from Model.training.resnet import build_encoder  # noqa: E402

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


def two_looks(count: int, seed: int) -> tuple[Matrix, Matrix]:
    """Return 8-d features of two views of each garment: the first two directions change from view to view."""
    random = np.random.default_rng(seed)
    garments = random.standard_normal((count, 8))
    noise = np.array([3.0, 1.5, *[0.3] * 6])
    first, second = (garments + random.standard_normal((count, 8)) * noise for _ in range(2))
    return first.astype(np.float32), second.astype(np.float32)


def found_again(queries: Matrix, gallery: Matrix) -> float:
    right = 0
    for at, query in enumerate(queries):
        cosines = [query @ one / (np.linalg.norm(query) * np.linalg.norm(one)) for one in gallery]
        right += int(np.argmax(cosines)) == at
    return right / len(queries)


def test_whitened_views_differ_alike_in_every_direction() -> None:
    first, second = two_looks(20000, seed=6)
    apart = (first - second) @ whitening_matrix(first, second, 1.0)
    spread = np.array([np.std(apart[:, at]) for at in range(8)])
    # A tenth of the mean variance is added to each direction before the roots are taken.
    variances = np.array([9.0, 2.25, *[0.09] * 6])
    expected = np.sqrt(variances / (0.9 * variances + 0.1 * variances.mean()))
    assert np.allclose(spread / spread[0], expected / expected[0], rtol=0.05)


def test_a_garment_is_found_again_more_often_after_whitening() -> None:
    matrix = whitening_matrix(*two_looks(2000, seed=7), 1.0)
    first, second = two_looks(200, seed=8)
    before, after = found_again(first, second), found_again(first @ matrix, second @ matrix)
    assert before < 0.4
    assert after > before + 0.3


def test_whitening_by_nothing_and_by_no_difference_changes_no_angle() -> None:
    first, second = two_looks(50, seed=9)
    assert np.allclose(whitening_matrix(first, second, 0.0), np.eye(8), atol=1e-6)
    assert np.allclose(whitening_matrix(first, first, 1.0), np.eye(8), atol=1e-6)


def test_two_views_of_a_picture_differ_and_are_drawn_again_from_the_seed(drawn_data: Path, tmp_path: Path) -> None:
    build_cache(drawn_data, tmp_path)
    source = PictureSet(tmp_path, "shop", make_vocabulary([]))
    network = build_encoder()
    first, second = two_views(network, source, 32, seed=1)
    assert first.shape == second.shape == (len(source), 512)
    assert np.abs(first - second).max() > 1e-3
    again, _ = two_views(network, source, 32, seed=1)
    assert np.array_equal(first, again)


def test_a_part_of_a_set_holds_the_same_pictures(drawn_data: Path, tmp_path: Path) -> None:
    build_cache(drawn_data, tmp_path)
    whole = PictureSet(tmp_path, "shop", make_vocabulary([]))
    part = whole.only(np.array([5, 2]))
    assert len(part) == 2 and part.records == [whole.records[5], whole.records[2]]
    assert torch.equal(part.pictures(np.array([0, 1]), 80), whole.pictures(np.array([5, 2]), 80))
    assert part.labels["category"].tolist() == whole.labels["category"][[5, 2]].tolist()
